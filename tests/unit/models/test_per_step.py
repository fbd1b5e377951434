"""Models with scores at every time step, (N, T, C): explained at a step, or at the mean over a window."""

import numpy as np
import pytest

import pellucid
from pellucid.errors import InputError
from pellucid.models import function, keras_file, saved_model
from pellucid.models.imported import per_step
from pellucid.network.explained_model import ExplainedModel

T, CHANNELS, OUTPUTS, KERNEL = 8, 2, 3, 3
SHAPE = (T, CHANNELS)
ACTIVATION = {"single_label": "softmax", "multi_label": "sigmoid", "regression": "linear"}
STEPS = {"last": (7, 8), 2: (2, 3), (3, 6): (3, 6), (0, T): (0, T)}
LINEAR = [
    ("conv", "single_label", "last"),
    ("conv", "single_label", (0, T)),
    ("dense", "single_label", 2),
    ("conv", "multi_label", (3, 6)),
    ("causal", "regression", (3, 6)),
]


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(4).normal(size=(2, *SHAPE)).astype(np.float32)


def per_step_model(keras, kind, activation, shape=SHAPE):
    """A model (N, T, CHANNELS) to (N, T, OUTPUTS) without a bias, linear but for its activation."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    inputs = keras.Input(shape)
    layer = {
        "dense": lambda: layers.Dense(OUTPUTS, activation=activation),
        "distributed": lambda: layers.TimeDistributed(layers.Dense(OUTPUTS, activation=activation)),
        "conv": lambda: layers.Conv1D(OUTPUTS, KERNEL, padding="same", activation=activation),
        "causal": lambda: layers.Conv1D(OUTPUTS, KERNEL, padding="causal", activation=activation),
    }[kind]()
    return keras.Model(inputs, layer(inputs), name=f"{kind}_{activation}")


def coefficients(model, kind, output, first, stop):
    """The weight (T, CHANNELS) of every input value in the mean of the logits of an output over steps, by hand."""
    (kernel, _) = model.get_weights()
    weights = np.zeros(SHAPE)
    before = {"conv": (KERNEL - 1) // 2, "causal": KERNEL - 1}.get(kind, 0)
    taps = kernel[..., output] if kernel.ndim == 3 else kernel[np.newaxis, :, output]
    for step in range(first, stop):
        for tap, values in enumerate(taps):
            if 0 <= step - before + tap < T:
                weights[step - before + tap] += values / (stop - first)
    return weights


@pytest.mark.parametrize(("kind", "task", "steps"), LINEAR, ids=str)
def test_a_linear_model_is_explained_exactly(keras, x, kind, task, steps):
    model, (first, stop) = per_step_model(keras, kind, ACTIVATION[task]), STEPS[steps]
    background = np.random.default_rng(5).normal(size=(3, *SHAPE)).astype(np.float32)
    exact = {
        "gradient_input": {},
        "integrated_gradients": {"steps": 5},  # of the method: not those of the model
        "occlusion": {"window": 1},
        "kernel_shap": {"segments": T, "samples": 2**12},
        "deep_shap": {"training": background, "background": 3},
    }
    for name, parameters in exact.items():
        options = {"task": task, "target": [{"why": 1, "not": 0}, 1][kind == "dense"], "at_steps": steps}
        found = pellucid.explain(model, x, name, **options, **parameters)
        weights = coefficients(model, kind, 1, first, stop)
        if kind != "dense":
            weights = weights - coefficients(model, kind, 0, first, stop)
        reference = background.mean(0) if name == "deep_shap" else 0
        np.testing.assert_allclose(found.attributions, (x - reference) * weights, atol=2e-5, err_msg=name)
        np.testing.assert_array_equal(found.arrays["steps"], [first, stop, T])
    assert model.layers[-1].activation is getattr(keras.activations, ACTIVATION[task])  # a copy was changed


def test_answers_are_those_of_the_unchanged_model(keras, x):
    for kind in ("dense", "distributed", "conv"):
        for task, activation in ACTIVATION.items():
            model = per_step_model(keras, kind, activation)
            expected = np.asarray(model(x), np.float64)
            outputs = keras.Sequential([per_step.picked(model, 5, task, "mine")])(x)
            np.testing.assert_allclose(np.asarray(outputs), expected[:, 5], atol=1e-6)


def test_the_mean_is_of_logits_and_not_of_probabilities(keras, x):
    model = per_step_model(keras, "conv", "softmax")
    p = np.asarray(model(10 * x), np.float64)
    logarithms = np.log(p[:, 2:7]).mean(1)
    expected = np.exp(logarithms) / np.exp(logarithms).sum(1, keepdims=True)
    found = pellucid.explain(model, 10 * x, "saliency", at_steps=[2, 7]).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found - p[:, 2:7].mean(1)).max() > 0.05


@pytest.mark.parametrize("end", ["layer", "activation", "operation", "log_softmax", "inside"])
def test_wherever_the_softmax_is(keras, x, end):
    layers = keras.layers
    inputs = keras.Input(SHAPE)
    scores = layers.Dense(OUTPUTS)(layers.GRU(4, return_sequences=True)(inputs))
    last = {
        "layer": layers.Softmax(),
        "activation": layers.Activation("softmax"),
        "operation": lambda tensor: keras.ops.softmax(tensor, axis=-1),
        "log_softmax": layers.Activation("log_softmax"),
        "inside": layers.TimeDistributed(layers.Softmax()),
    }[end]
    model, logits = keras.Model(inputs, last(scores)), np.asarray(keras.Model(inputs, scores)(x))
    found = ExplainedModel(per_step.picked(model, (2, 4), "single_label", "mine")).logits(x)
    np.testing.assert_allclose(found, logits[:, 2:4].mean(1), atol=1e-6)


@pytest.mark.parametrize("kind", ["gru", "causal"])
def test_a_causal_model_has_no_attribution_after_the_step(keras, x, kind):
    layers = keras.layers
    keras.utils.set_random_seed(2)
    inputs = keras.Input((None, CHANNELS))
    if kind == "gru":
        maps = layers.GRU(5, return_sequences=True)(inputs)
    else:
        maps = layers.Conv1D(5, 3, padding="causal", activation="relu")(inputs)
        maps = layers.Conv1D(5, 3, padding="causal", dilation_rate=2, activation="relu")(maps)
    model = keras.Model(inputs, layers.Dense(2, activation="sigmoid")(maps))
    for name, parameters in (("saliency", {}), ("occlusion", {"window": 1})):
        for steps, stop in ((4, 5), ([2, 6], 6)):
            found = pellucid.explain(model, x, name, task="multi_label", at_steps=steps, target=1, **parameters)
            after = np.abs(found.attributions[:, stop:])
            # Gradients are exactly 0; two equal scores of different batches may differ in their last digit.
            assert after.max() <= (1e-6 if name == "occlusion" else 0)
            assert (np.abs(found.attributions[:, stop - 1]).sum(-1) > 1e-3).any()
    everything = pellucid.explain(model, x, "saliency", task="multi_label", at_steps="last", target=1)
    assert (np.abs(everything.attributions).sum((0, 2)) > 0)[-4:].all()


def test_one_score_per_step_is_of_the_second_of_two_classes(keras, x):
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.Conv1D(1, 3, padding="same", activation="sigmoid")(inputs))
    found = pellucid.explain(model, x, "saliency", at_steps=3, class_names=["no", "yes"])
    np.testing.assert_allclose(found.probabilities[:, 1], np.asarray(model(x))[:, 3, 0], atol=1e-6)


def test_a_file_a_function_and_a_folder_give_the_same(keras, x, tmp_path, monkeypatch):
    model = per_step_model(keras, "causal", "softmax", (None, CHANNELS))
    model.save(tmp_path / "model.keras")
    expected = np.asarray(model(x))[:, 2]
    for steps in (2, [2, 3]):
        of_file = keras_file.build(SHAPE, OUTPUTS, file=tmp_path / "model.keras", steps=steps)
        np.testing.assert_allclose(np.asarray(of_file(x)), expected, atol=1e-6)
    of_file.save(tmp_path / "trained.keras")  # Keras' own layers alone: loaded without any code
    loaded = ExplainedModel.load(tmp_path / "trained.keras")
    np.testing.assert_allclose(loaded.probabilities(x), expected, atol=1e-6)
    assert (loaded.explained_steps.first, loaded.explained_steps.total) == (2, T)

    (tmp_path / "nets.py").write_text(
        "import keras\n\ndef build(shape, n):\n    x = keras.Input(shape)\n"
        "    return keras.Model(x, keras.layers.Dense(n, activation='softmax')(x))\n"
    )
    monkeypatch.chdir(tmp_path)
    of_function = function.build(SHAPE, OUTPUTS, build="nets:build", features=["rescale_rule"], steps=2)
    assert of_function.output_shape == (None, OUTPUTS)

    folder = tmp_path / "folder"
    per_step_model(keras, "causal", "softmax").export(folder, verbose=False)
    of_folder = saved_model.build(SHAPE, OUTPUTS, folder=str(folder), allow_code=True, steps=2)
    np.testing.assert_allclose(
        np.asarray(of_folder(x)), np.asarray(per_step_model(keras, "causal", "softmax")(x))[:, 2], atol=1e-5
    )
    with pytest.raises(InputError, match="found probabilities at each step, and a window of steps"):
        saved_model.build(SHAPE, OUTPUTS, folder=str(folder), allow_code=True, steps=[2, 4])
    with pytest.raises(InputError, match="scores at each of 8 time steps; expected steps"):
        saved_model.build(SHAPE, OUTPUTS, folder=str(folder), allow_code=True)


def test_deep_shap_is_planned_for_a_convolution_with_a_softmax(keras, tmp_path):
    per_step_model(keras, "conv", "softmax").save(tmp_path / "model.keras")
    given = {"file": str(tmp_path / "model.keras"), "features": "auto", "allow_code": False, "new_head": False}
    assert "rescale_rule" in keras_file.features(**given, classes=(), steps=2)
    # A softmax at every step, of which none is chosen, needs no rule: the model is refused.
    with pytest.raises(InputError, match="scores at each of its time steps; expected steps"):
        keras_file.features(**given, classes=())


def test_a_python_function_of_steps(x):
    weights = np.random.default_rng(6).normal(size=(CHANNELS, OUTPUTS))

    def logits(batch):
        return batch @ weights

    def probabilities(batch):
        values = np.exp(logits(batch))
        return values / values.sum(-1, keepdims=True)

    for steps, first, stop in ((3, 3, 4), ([1, 5], 1, 5)):
        found = pellucid.explain(logits, x, "occlusion", window=1, at_steps=steps, target=0)
        expected = np.zeros_like(x)
        expected[:, first:stop] = x[:, first:stop] * weights[:, 0] / (stop - first)
        np.testing.assert_allclose(found.attributions, expected, atol=1e-5)
    np.testing.assert_allclose(
        pellucid.explain(probabilities, x, "occlusion", at_steps=3).probabilities, probabilities(x)[:, 3], atol=1e-5
    )
    with pytest.raises(InputError, match="the mean of probabilities is not what the mean of the logits gives"):
        pellucid.explain(probabilities, x, "occlusion", at_steps=[1, 5])
    with pytest.raises(InputError, match="scores at each of 8 time steps"):
        pellucid.explain(logits, x, "occlusion")


def test_steps_of_a_strided_output_are_counted_in_it(keras, x):
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.Conv1D(2, 2, strides=2, activation="softmax")(inputs))
    found = pellucid.explain(model, x, "saliency", at_steps=1, target=0)
    assert np.flatnonzero(np.abs(found.attributions).sum((0, 2))).tolist() == [2, 3]
    with pytest.raises(
        InputError, match=r"0 to 3: its output has 4\. Steps are counted in the 4 of the output, not in the 8"
    ):
        pellucid.explain(model, x, "saliency", at_steps=5)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (None, r"scores at each of 8 time steps; expected at_steps, which says.* at_steps: last, a"),
        ("12", r"at_steps: found \"?12\"?; expected last, a position"),
        ("first", "at_steps: found .*first.*; expected last, a position"),
        (8, "found at_steps=8; expected steps from 0 to 7: its output has 8"),
        (-1, "found -1; .* last is the last step"),
        ([6, 3], r"the reversed window \[6, 3\]"),
        ([3, 3], r"the empty window \[3, 3\]"),
        ([5, 9], r"found at_steps=\[5, 9\]; expected steps from 0 to 7"),
        ([-2, 3], "a window that starts at 0 or later"),
        ([1, 2, 3], "expected last, a position"),
        (2.0, "found 2.0; expected last, a position"),
        (True, "found True; expected last, a position"),
    ],
)
def test_steps_that_do_not_fit_are_refused(keras, x, steps, message):
    with pytest.raises(InputError, match=message):
        pellucid.explain(per_step_model(keras, "dense", "softmax"), x, "saliency", at_steps=steps)


def test_models_that_do_not_fit_are_refused(keras, x):
    layers = keras.layers
    inputs = keras.Input(SHAPE)
    whole = layers.Dense(3, activation="softmax")(layers.Flatten()(inputs))
    four = layers.Reshape((T, 2, 3))(layers.Dense(6)(inputs))
    over_time = layers.Softmax(axis=1)(layers.Dense(3)(inputs))
    early = layers.Dropout(0.1)(layers.Dense(3, activation="softmax")(inputs))
    for tensor, message in (
        (whole, "an output of shape 3 for one example; .* it has no output per step"),
        (four, "an output of shape 8 × 2 × 3 for one example; .* Only .time, outputs. has steps"),
        (over_time, "a different function after taking off its last activation"),
        (early, "probabilities that are computed before the last layer"),
    ):
        with pytest.raises(InputError, match=message):
            pellucid.explain(keras.Model(inputs, tensor), x, "saliency", at_steps=2)
    hidden = layers.Dropout(0.1)(layers.Dense(3, activation="sigmoid")(inputs))
    with pytest.raises(InputError, match="with a sigmoid, which are probabilities"):
        pellucid.explain(keras.Model(inputs, hidden), x, "saliency", task="regression", target=0, at_steps=[2, 5])
    limited = keras.Model(inputs, layers.Dense(3, activation="log_sigmoid")(inputs))
    for steps in (2, [2, 5]):
        with pytest.raises(InputError, match="the activation log_sigmoid of all labels"):
            pellucid.explain(limited, x, "saliency", task="multi_label", target=0, at_steps=steps)
    logarithms = keras.Model(inputs, keras.ops.log(layers.Dense(3, activation="softmax")(inputs)))
    with pytest.raises(InputError, match="found logarithms of probabilities that are computed before"):
        pellucid.explain(logarithms, x, "saliency", at_steps=[2, 5])
    sigmoids = per_step_model(keras, "dense", "sigmoid")
    with pytest.raises(InputError, match="3 independent sigmoids"):
        pellucid.explain(sigmoids, x, "saliency", at_steps=2)
    with pytest.raises(InputError, match="with a sigmoid, which are probabilities"):
        pellucid.explain(sigmoids, x, "saliency", at_steps=2, task="regression")
