"""That a step which changes a model's function is told, and rounding is not."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.models.imported import compatibility, head
from pellucid.network import dtype_policy, same_function


@pytest.fixture
def normalised(keras):
    """A model for batches of four that normalises with statistics of its own."""
    image = keras.Input((6, 2), batch_size=4)
    layer = keras.layers.Normalization()
    layer.adapt(np.random.default_rng(0).normal(20, 3, (50, 6, 2)))
    hidden = keras.layers.Flatten()(layer(image))
    return keras.Model(image, keras.layers.Dense(3, activation="softmax")(hidden))


def weights_alone(source, model):
    """What loses what a layer derives from its weights."""
    model.set_weights(source.get_weights())


@pytest.mark.parametrize("step", ["make_compatible", "recast"])
def test_a_step_that_loses_statistics_is_told_by_its_name(normalised, monkeypatch, step):
    for module in (compatibility, dtype_policy):
        monkeypatch.setattr(module, "copy_state", weights_alone)
    with pytest.raises(InputError, match="opening its batch" if step == "make_compatible" else "mixed_bfloat16"):
        if step == "make_compatible":
            compatibility.make_compatible(normalised)
        else:
            dtype_policy.recast(normalised, "mixed_bfloat16")


def test_the_same_steps_keep_the_function(normalised):
    made = compatibility.make_compatible(normalised)
    x = np.random.default_rng(1).normal(20, 3, (4, 6, 2)).astype(np.float32)
    np.testing.assert_allclose(made(x), normalised(x), rtol=1e-5, atol=1e-6)
    half = dtype_policy.recast(made, "mixed_bfloat16")
    np.testing.assert_allclose(half(x), normalised(x), atol=0.03)


def test_a_body_that_changes_under_a_new_head_is_told(keras, normalised, monkeypatch):
    made = compatibility.make_compatible(normalised)
    right = head._headless

    def wrong(model, where):
        body, dense = right(model, where)
        return keras.Model(body.inputs[0], body.outputs[0] * 1.01), dense

    head.with_new_head(made, 5, "model")
    monkeypatch.setattr(head, "_headless", wrong)
    with pytest.raises(InputError, match="last layer"):
        head.with_new_head(made, 5, "model")


def test_a_model_that_keras_loads_as_another_or_not_at_all_is_refused_before_it_is_trained(keras):
    image, inside = keras.Input((6, 2)), keras.Input((6, 2))
    shared = keras.layers.Conv1D(2, 3, padding="same", name="shared")
    inner = keras.Model(inside, shared(inside), name="inner")
    hidden = keras.layers.Flatten()(shared(inner(image)))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(hidden))
    with pytest.raises(InputError, match="shared"):
        same_function.hold_saved(model, "model")


@pytest.mark.parametrize("factor", [1 + 1e-6, 1 + 1e-2])
def test_rounding_is_no_difference(factor):
    scores = np.random.default_rng(0).normal(size=(5, 3))
    assert (same_function.difference(scores, scores * factor) > 1) == (factor > 1 + 1e-3)


def test_what_is_not_finite_is_the_same_only_in_the_same_places():
    scores = np.array([[1.0, np.inf], [2.0, 3.0]])
    assert same_function.difference(scores, scores.copy()) == 0
    assert same_function.difference(scores, np.array([[1.0, 2.0], [2.0, 3.0]])) > 1
