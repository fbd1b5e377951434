"""The last layer of a model for each task: of the project's own architectures, and of models from elsewhere."""

import numpy as np
import pytest

import pellucid
from pellucid.errors import InputError
from pellucid.models import base, gap_cnn, keras_file, saved_model
from pellucid.models.imported import head, opaque, task_head

SHAPE = (8, 1)
OWN = {"filters": [4], "kernels": [3], "pool": 1, "batch_norm_momentum": 0.9}


def made(keras, *last, outputs=3):
    """A model that ends in the given layers or operations."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input(SHAPE)
    tensor = keras.layers.Dense(outputs, name="scores")(keras.layers.Flatten()(inputs))
    for step in last:
        tensor = step(tensor)
    return keras.Model(inputs, tensor)


@pytest.fixture
def x(rng):
    return rng.normal(size=(5, *SHAPE)).astype(np.float32)


def test_own_architectures_get_the_activation_of_the_task(keras, x):
    logits = {}
    for task in ("single_label", "multi_label", "regression"):
        keras.utils.set_random_seed(1)
        model = base.for_task(gap_cnn.build(SHAPE, 3, **OWN), task)
        assert [layer.name for layer in model.layers][-1] == "classes"
        logits[task] = np.asarray(model(x))
    np.testing.assert_allclose(logits["multi_label"], 1 / (1 + np.exp(-logits["regression"])), rtol=1e-5)
    exponentials = np.exp(logits["regression"])
    np.testing.assert_allclose(logits["single_label"], exponentials / exponentials.sum(1, keepdims=True), rtol=1e-5)


def test_another_last_layer_is_refused(keras):
    with pytest.raises(InputError, match=r"\(Softmax\) at the end; expected a dense layer with a softmax"):
        base.for_task(made(keras, keras.layers.Softmax()), "multi_label")


def test_sigmoids_stay_and_logits_get_one_each(keras, x):
    layer, operation = made(keras, keras.layers.Activation("sigmoid")), made(keras, keras.ops.sigmoid)
    logits = made(keras)
    expected = np.asarray(layer(x))
    assert task_head.with_head(layer, 3, "multi_label", "mine") is layer
    for model in (operation, logits):
        changed = task_head.with_head(model, 3, "multi_label", "mine")
        np.testing.assert_allclose(np.asarray(changed(x)), expected, rtol=1e-5)
        assert changed.layers[-1].activation is keras.activations.sigmoid


def test_values_stay_as_they_are(keras, x):
    model = made(keras)
    assert task_head.with_head(model, 3, "regression", "mine") is model
    flat = made(keras, lambda scores: keras.ops.squeeze(scores, -1), outputs=1)
    changed = task_head.with_head(flat, 1, "regression", "mine")
    np.testing.assert_array_equal(np.asarray(changed(x)), np.asarray(flat(x))[:, None])


@pytest.mark.parametrize(
    ("activation", "task", "outputs", "message"),
    [
        ("softmax", "multi_label", 3, r"a softmax over 3 outputs.*Such a model fits data of the task single_label"),
        ("log_softmax", "multi_label", 3, "a log-softmax over 3 outputs"),
        ("softmax", "regression", 3, "a softmax over 3 outputs.*fits data of the task single_label"),
        ("sigmoid", "regression", 3, r"3 output\(s\) with a sigmoid.*fits data of the task multi_label"),
        ("sigmoid", "regression", 1, r"1 output\(s\) with a sigmoid.*fits data of the task single_label"),
        ("sigmoid", "single_label", 3, "3 independent sigmoids.*dataset.task: multi_label"),
        ("log_sigmoid", "single_label", 3, "3 independent sigmoids"),
        ("hard_sigmoid", "single_label", 3, "3 independent sigmoids"),
    ],
)
def test_a_head_of_another_task_is_refused_with_the_task_that_fits(keras, activation, task, outputs, message):
    model = made(keras, keras.layers.Activation(activation), outputs=outputs)
    with pytest.raises(InputError, match=message):
        task_head.with_head(model, outputs, task, "mine")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("rectified", "probabilities that are computed before the last layer .scores that are always from 0 to 1"),
        ("smoothed", "scores that arithmetic makes of the probabilities of the Softmax"),
        ("logarithms", "logarithms of probabilities that are computed before the last layer"),
        ("sparse", "a sparsemax at its end"),
    ],
)
def test_probabilities_of_classes_that_operations_compute_are_no_logits(keras, kind, message):
    """A softmax behind them made other probabilities, and maps of what is no logit, without a word."""
    ops = keras.ops

    def rectified(scores):
        above = ops.relu(scores)
        return above / (ops.sum(above, -1, keepdims=True) + 1e-7)

    last = {
        "rectified": rectified,
        "smoothed": lambda scores: 0.9 * ops.softmax(scores) + 0.1 / 3,
        "logarithms": lambda scores: ops.log(ops.softmax(scores) + 1e-9),
        "sparse": keras.layers.Activation("sparsemax"),
    }[kind]
    with pytest.raises(InputError, match=message):
        task_head.with_head(made(keras, last), 3, "single_label", "mine")


def test_scores_of_a_model_whose_weights_are_all_zero_are_logits(keras):
    model = made(keras, keras.layers.Rescaling(2.0))
    model.set_weights([np.zeros_like(weights) for weights in model.get_weights()])
    assert task_head.with_head(model, 3, "single_label", "mine").output_shape == (None, 3)


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_the_task_is_spelled_as_the_caller_spells_it(keras, task):
    model, x = made(keras, keras.layers.Activation("softmax")), np.zeros((1, *made(keras).input_shape[1:]), np.float32)
    with pytest.raises(InputError, match=f"as dataset.task: {task} says"):
        task_head.with_head(model, 3, task, "mine")
    with pytest.raises(InputError, match=f'as task="{task}" says'):
        pellucid.explain(model, x, "saliency", task=task)
    with pytest.raises(InputError, match=f"as dataset.task: {task} says"):  # not for ever after
        task_head.with_head(model, 3, task, "mine")


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_another_number_of_outputs_is_refused(keras, task):
    words = {"multi_label": "labels", "regression": "values"}[task]
    with pytest.raises(InputError, match=f"an output of shape 3; expected 2, one for each of the data's {words}"):
        task_head.with_head(made(keras), 2, task, "mine")


def test_probabilities_that_are_computed_before_the_end_are_refused(keras):
    model = made(keras, keras.layers.Activation("sigmoid"), keras.layers.Rescaling(0.5))
    with pytest.raises(InputError, match="probabilities that are computed before the last layer"):
        task_head.with_head(model, 3, "multi_label", "mine")


@pytest.mark.parametrize("activation", ["log_sigmoid", "tanh", "relu", "softplus"])
def test_scores_of_another_activation_are_no_logits_of_labels(keras, activation):
    model = made(keras, keras.layers.Activation(activation, name="last"))
    with pytest.raises(InputError, match=f'the activation {activation} of all labels ."last".'):
        task_head.with_head(model, 3, "multi_label", "mine")


@pytest.mark.parametrize(
    ("activations", "message"),
    [
        (("sigmoid", None), 'the activation sigmoid of some of the labels ."first".'),
        ((None, "log_sigmoid"), 'the activation log_sigmoid of some of the labels ."second".'),
        ((None, None), None),
    ],
)
def test_two_heads_of_labels_are_both_of_logits(keras, x, activations, message):
    inputs = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(inputs)
    heads = [
        keras.layers.Dense(2, activation=activation, name=name)(flat)
        for activation, name in zip(activations, ("first", "second"), strict=True)
    ]
    model = keras.Model(inputs, keras.layers.Concatenate()(heads))
    if message is None:
        changed = task_head.with_head(model, 4, "multi_label", "mine")
        np.testing.assert_allclose(np.asarray(changed(x)), 1 / (1 + np.exp(-np.asarray(model(x)))), rtol=1e-5)
        return
    with pytest.raises(InputError, match=message):
        task_head.with_head(model, 4, "multi_label", "mine")


def test_a_probability_of_one_label_beside_logits_is_refused(keras):
    inputs = keras.Input(SHAPE)
    scores = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    halved = 0.5 * keras.ops.sigmoid(scores[:, :1])
    model = keras.Model(inputs, keras.ops.add(keras.ops.concatenate([halved, scores[:, 1:]], 1), 0.0))
    with pytest.raises(InputError, match="scores that arithmetic makes of the probabilities of the Sigmoid"):
        task_head.with_head(model, 3, "multi_label", "mine")
    message = "output 0 always between 0 and 1, like a probability, and output 1 beyond, like a logit"
    with pytest.raises(InputError, match=message):
        task_head.opaque_outputs(inputs, model(inputs), "multi_label", "mine")


def test_a_new_head_is_that_of_the_task(keras, tmp_path):
    made(keras, keras.layers.Softmax()).save(tmp_path / "m.keras")
    for task in ("multi_label", "regression"):
        model = keras_file.build(SHAPE, 2, file=tmp_path / "m.keras", new_head=True, task=task)
        assert model.output_shape == (None, 2)
        assert model.layers[-1].activation is keras.activations.get(base.ACTIVATION[task])


def test_a_saved_model_is_called_and_gets_the_head_of_the_task(keras, tmp_path, x):
    expected = {}
    for name, activation in (("logits", "linear"), ("sigmoids", "sigmoid"), ("classes", "softmax")):
        model = made(keras, keras.layers.Activation(activation))
        model.export(str(tmp_path / name), verbose=False)
        expected[name] = np.asarray(model(x))
    for name in ("logits", "sigmoids"):
        model = saved_model.build(SHAPE, 3, folder=str(tmp_path / name), allow_code=True, task="multi_label")
        np.testing.assert_allclose(np.asarray(model(x)), expected["sigmoids"], rtol=1e-5)
    model = saved_model.build(SHAPE, 3, folder=str(tmp_path / "logits"), allow_code=True, task="regression")
    np.testing.assert_allclose(np.asarray(model(x)), expected["logits"], rtol=1e-6)
    for task in ("multi_label", "regression"):
        with pytest.raises(InputError, match="3 probabilities that sum to 1.*fits data of the task single_label"):
            saved_model.build(SHAPE, 3, folder=str(tmp_path / "classes"), allow_code=True, task=task)


@pytest.mark.parametrize("end", ["relu", "softplus", "tanh"])
def test_limited_scores_of_classes_are_not_taken_for_logits_without_a_word(keras, x, caplog, end):
    for model in (made(keras, keras.layers.Activation(end)), made(keras, getattr(keras.activations, end))):
        caplog.clear()
        changed = task_head.with_head(model, 3, "single_label", "mine")
        assert np.asarray(changed(x)).sum(1) == pytest.approx(1, abs=1e-5)
        assert f"end in the activation {end}" in caplog.text.lower()
        assert "are not those of its training" in caplog.text
    with caplog.at_level("WARNING"):
        caplog.clear()
        task_head.with_head(made(keras), 3, "single_label", "mine")
        assert not caplog.text
    opaque.logits(model.inputs[0], model.outputs[0], 3, "mine")
    assert "its scores are " in caplog.text
    caplog.clear()
    plain = made(keras)
    opaque.logits(plain.inputs[0], plain.outputs[0], 3, "mine")
    assert "its scores are " not in caplog.text


def test_a_sigmoid_before_its_axis_is_taken_away_is_found(keras, x):
    """Outputs (N,) instead of (N, 1): two classes, and no values of a regression."""

    def ending():
        return made(keras, keras.layers.Activation("sigmoid"), keras.layers.Reshape(()), outputs=1)

    found = pellucid.explain(ending(), x, "saliency", target=1)
    np.testing.assert_allclose(found.probabilities[:, 1], np.asarray(ending()(x)), rtol=1e-5)
    with pytest.raises(InputError, match="with a sigmoid, which are probabilities"):
        pellucid.explain(ending(), x, "saliency", task="regression", target=0)


def test_an_activation_before_leading_axes_of_one_are_taken_away_is_found(keras, x):
    """Scores (N, 1, 3) instead of (N, 3): the last axis is that of the classes or labels before and after."""

    def ending(activation):
        keras.utils.set_random_seed(1)
        inputs = keras.Input(SHAPE)
        scores = keras.layers.Conv1D(3, SHAPE[0], activation=activation, name="scores")(inputs)
        return keras.Model(inputs, keras.layers.Flatten()(scores))

    expected = np.asarray(ending("softmax")(x))
    found = pellucid.explain(ending("softmax"), x, "saliency", target=1)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-5)
    for activation, told in (("softmax", "a softmax over 3 outputs"), ("sigmoid", "a sigmoid, which are prob")):
        with pytest.raises(InputError, match=told):
            task_head.with_head(ending(activation), 3, "regression", "mine")
    with pytest.raises(InputError, match="a sigmoid before the end"):
        task_head.with_head(ending("sigmoid"), 3, "multi_label", "mine")


def test_a_softmax_over_another_axis_than_the_classes_is_not_taken_for_theirs(keras):
    """Of scores (N, 3, 1) that are flattened, a softmax over the last axis makes only ones."""
    inputs = keras.Input(SHAPE)
    scores = keras.layers.Reshape((3, 1))(keras.layers.Dense(3)(keras.layers.Flatten()(inputs)))
    model = keras.Model(inputs, keras.layers.Flatten()(keras.layers.Activation("softmax")(scores)))
    assert head.final_activation(model) is None
