"""Ways of ending a model that hide its last activation: each is refused, or the scores before it are found.

A model of the same weights without the activation says what the scores are.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import InputError
from pellucid.models.imported import opaque, task_head
from pellucid.models.imported.compatibility import make_compatible
from pellucid.network import same_function
from pellucid.network.layers import last_layer
from pellucid.network.tracing import without_softmax
from tests.support.ended_models import ENDINGS, SCALINGS, STARTS, inputs, made

TASKS = ("single_label", "multi_label", "regression")
WAYS = st.tuples(st.sampled_from(list(STARTS)), st.lists(st.sampled_from(list(ENDINGS)), min_size=1, max_size=2))


def scores_of(model, task):
    """What is explained of a model of a task: its outputs without the last activation that is cut off."""
    headed = task_head.with_head(model, 3, task, "mine")
    with without_softmax(last_layer(headed)):
        return same_function.ask(headed, inputs())


def differ(found, scores, task):
    """The largest difference; of classes, a constant for all of an example has no meaning."""
    change = found - scores
    return np.abs(change - (change.mean(1, keepdims=True) if task == "single_label" else 0)).max()


def require_right(keras, way, kind, task):
    """Refused, or explained by the scores before the activation."""
    start, endings = way
    scores = same_function.ask(made(keras, start, None, *endings), inputs())
    model = made(keras, start, kind, *endings)
    fits = kind == {"multi_label": "sigmoid", "single_label": "softmax"}.get(task)
    try:
        found = scores_of(model, task)
    except InputError as error:
        assert kind is not None, f"{way} of {task} is refused: {error}"
        return
    assert kind is None or fits, f"{kind} hidden by {way} is taken for a score of {task}"
    assert differ(found, scores, task) < 1e-3 * np.abs(scores).max(), f"{kind}, {way}, {task}"


@given(WAYS, st.sampled_from([None, "sigmoid"]), st.sampled_from(TASKS))
@settings(max_examples=25, deadline=None)
def test_no_ending_hides_a_sigmoid(keras, way, kind, task):
    require_right(keras, way, kind, task)


@given(
    st.sampled_from(list(STARTS)),
    st.lists(st.sampled_from(list(SCALINGS)), min_size=1, max_size=2),
    st.sampled_from(list(ENDINGS)),
    st.sampled_from([None, "sigmoid"]),
    st.sampled_from(["single_label", "multi_label"]),
)
@settings(max_examples=10, deadline=None)
def test_arithmetic_makes_no_logits_of_probabilities_and_keeps_logits(keras, start, scalings, ending, kind, task):
    """10 * sigmoid(x) and its like were explained as logits; x / T is a logit."""
    model = made(keras, start, kind, *scalings, ending)
    if kind is None:
        found, scores = scores_of(model, task), same_function.ask(model, inputs())
        assert differ(found, scores, task) < 1e-3 * np.abs(scores).max()
        return
    with pytest.raises(InputError, match="probabilities"):
        task_head.with_head(model, 3, task, "mine")


@pytest.mark.parametrize("ending", ["layer", "function"])
def test_per_cent_of_a_function_are_refused_and_other_limits_are_told(keras, caplog, ending):
    """Of a function, or of a layer of the user's own, only the answers tell it."""
    source = keras.Input((4,))
    dense = keras.layers.Dense(3)(source)

    class Limited(keras.layers.Layer):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def call(self, scores):
            return self.function(scores)

    def opened(function):
        model = keras.Model(source, Limited(function)(dense))
        if ending == "layer":
            task_head.with_head(model, 3, "single_label", "mine")
        else:
            opaque.logits(source, model.outputs[0], 3, "mine")

    with pytest.raises(InputError, match="sum to 100 for every input: probabilities in another scale"):
        opened(lambda scores: 100 * keras.ops.softmax(scores))
    opened(lambda scores: scores / 3)
    assert "logits rarely" not in caplog.text
    opened(lambda scores: 10 * keras.ops.sigmoid(scores) - 5)
    assert "its scores are -5 or 5 for nearly all large inputs" in caplog.text


@pytest.mark.parametrize("start", ["wholes", "columns", "repeated", "heads", "ensemble", "nested"])
@pytest.mark.parametrize("ending", ["permute", "mean", "joined"])
def test_a_regression_of_hidden_sigmoids_is_refused(keras, start, ending):
    with pytest.raises(InputError, match=r"3 output\(s\) with a sigmoid, which are probabilities"):
        task_head.with_head(made(keras, start, "sigmoid", ending), 3, "regression", "mine")


@pytest.mark.parametrize("start", ["wholes", "columns", "repeated", "heads"])
def test_labels_of_a_hidden_tanh_are_refused_and_classes_of_it_are_told(keras, start, caplog):
    with pytest.raises(InputError, match="the activation tanh of"):
        task_head.with_head(made(keras, start, "tanh", "permute"), 3, "multi_label", "mine")
    task_head.with_head(made(keras, start, "tanh", "permute"), 3, "single_label", "mine")
    assert "end in the activation tanh" in caplog.text


def test_a_regression_of_two_softmaxes_and_one_of_clipped_sigmoids_are_refused(keras):
    source = keras.Input((4,))
    dense = keras.layers.Dense
    softmaxes = keras.layers.Concatenate()([dense(2, activation="softmax")(source) for _ in range(2)])
    with pytest.raises(InputError, match="outputs that come from a softmax"):
        task_head.with_head(keras.Model(source, softmaxes), 4, "regression", "mine")
    clipped = keras.ops.clip(dense(2, activation="sigmoid")(source), 1e-6, 1 - 1e-6)
    with pytest.raises(InputError, match="with a sigmoid"):
        task_head.with_head(keras.Model(source, clipped), 2, "regression", "mine")
    normalised = keras.layers.SpectralNormalization(dense(2, activation="sigmoid"))(source)
    with pytest.raises(InputError, match="with a sigmoid"):
        task_head.with_head(keras.Model(source, normalised), 2, "regression", "mine")
    # A bounded value beside a free one is no sign of labels.
    mixed = keras.layers.Concatenate()([dense(1)(source), dense(1, activation="sigmoid")(source)])
    model = keras.Model(source, mixed)
    assert task_head.with_head(model, 2, "regression", "mine") is model
    with pytest.raises(InputError, match="independent sigmoids for some of the classes"):
        task_head.with_head(model, 2, "single_label", "mine")


def test_labels_of_the_greatest_score_over_time_are_logits(keras):
    """As in learning from several instances: the greatest of logits is one."""
    source = keras.Input((6, 2))
    greatest = keras.ops.max(keras.layers.Dense(3)(source), 1, keepdims=True)
    model = keras.Model(source, greatest[:, 0])
    changed = task_head.with_head(model, 3, "multi_label", "mine")
    expected = 1 / (1 + np.exp(-same_function.ask(model, inputs())))
    np.testing.assert_allclose(same_function.ask(changed, inputs()), expected, rtol=1e-5)


@pytest.mark.parametrize("pooling", ["GlobalAveragePooling1D", "GlobalMaxPooling1D"])
def test_pooling_hides_no_limit_of_scores(keras, pooling):
    """Its results are within the same limits; a regression may be such a value."""
    source = keras.Input((6, 2))
    over_time = keras.layers.Dense(3, activation="log_sigmoid")(source)
    model = keras.Model(source, getattr(keras.layers, pooling)()(over_time))
    for task, message in (("multi_label", "the activation log_sigmoid"), ("single_label", "3 independent sigmoids")):
        with pytest.raises(InputError, match=message):
            task_head.with_head(model, 3, task, "mine")
    assert task_head.with_head(model, 3, "regression", "mine") is model


def test_a_single_output_with_a_name_is_that_output(keras):
    """Calling such a model gives {"scores": …}, which no comparison could read."""
    model = made(keras, "layer", "softmax", "flatten")
    expected = same_function.ask(model, inputs())
    named = make_compatible(keras.Model(model.inputs, {"scores": model.outputs[0]}))
    changed = task_head.with_head(named, 3, "single_label", "mine")
    np.testing.assert_allclose(np.asarray(changed(inputs())), expected, rtol=1e-5)
