"""Models of every kind that a user may have: each is explained as what it is, or refused in one sentence."""

import logging

import numpy as np
import pytest

import pellucid

TIME, CHANNELS = 32, 2


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).standard_normal((5, TIME, CHANNELS)).astype(np.float32)


@pytest.fixture(scope="module")
def body(keras):
    """What makes a small convolutional network with the given last layers."""

    def make(*last, shape=(TIME, CHANNELS), order="channels_last"):
        keras.utils.set_random_seed(1)
        layers = keras.layers
        convolution = layers.Conv1D(4, 5, activation="relu", data_format=order, name="conv")
        pool = layers.GlobalAveragePooling1D(data_format=order, name="pool")
        return keras.Sequential([layers.Input(shape), convolution, pool, *last], name="small")

    return make


def gradient(keras, model, x, output):
    """The gradient of one output of a model at x, by TensorFlow itself."""
    import tensorflow as tf

    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        scores = output(model(inputs, training=False))
    return tape.gradient(scores, inputs).numpy()


def test_one_sigmoid_unit_is_two_classes(keras, body, x):
    import tensorflow as tf

    model = body(keras.layers.Dense(1, activation="sigmoid"))
    explanation = pellucid.explain(model, x, "saliency", mode="signed")
    p = model.predict(x, verbose=0)[:, 0]
    np.testing.assert_allclose(explanation.probabilities, np.stack([1 - p, p], 1), atol=1e-6)
    assert explanation.predictions.tolist() == (p > 0.5).astype(int).tolist()
    of_logit = gradient(keras, model, x, lambda p: tf.math.log(p) - tf.math.log(1 - p))
    sign = np.where(p > 0.5, 1, -1)[:, np.newaxis, np.newaxis]
    np.testing.assert_allclose(explanation.attributions, sign * of_logit, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("end", ["logits", "softmax", "softmax layer", "softmax activation"])
def test_the_score_is_the_logit_whatever_the_model_ends_in(keras, body, x, end):
    layers = keras.layers
    logits = body(layers.Dense(3, name="dense"))
    last = {
        "logits": [layers.Dense(3)],
        "softmax": [layers.Dense(3, activation="softmax")],
        "softmax layer": [layers.Dense(3), layers.Softmax()],
        "softmax activation": [layers.Dense(3), layers.Activation("softmax")],
    }[end]
    model = body(*last)
    model.set_weights(logits.get_weights())
    explanation = pellucid.explain(model, x, "saliency", target=2, mode="signed")
    expected = gradient(keras, logits, x, lambda scores: scores[:, 2])
    np.testing.assert_allclose(explanation.attributions, expected, rtol=1e-4, atol=1e-7)


def test_one_output_without_a_sigmoid_is_a_logit_only_if_the_caller_names_two_classes(keras, body, x):
    model = body(keras.layers.Dense(1))
    with pytest.raises(pellucid.InputError, match="small: found one output without a sigmoid; expected one score"):
        pellucid.explain(model, x, "saliency")
    explanation = pellucid.explain(model, x, "saliency", class_names=("no", "yes"))
    assert explanation.predictions.tolist() == (model.predict(x, verbose=0)[:, 0] > 0).astype(int).tolist()


@pytest.mark.parametrize("single", [False, True])
def test_open_axes_take_the_length_of_the_data(keras, x, single, tmp_path):
    layers = keras.layers
    keras.utils.set_random_seed(2)
    inputs = keras.Input((None, CHANNELS))
    pooled = layers.GlobalAveragePooling1D()(layers.Conv1D(4, 5, activation="relu")(inputs))
    model = keras.Model(inputs, layers.Dense(3)(pooled))
    explanation = pellucid.explain(model, x[0] if single else x, "saliency", target=1, mode="signed")
    expected = gradient(keras, model, x, lambda scores: scores[:, 1])
    np.testing.assert_allclose(explanation.attributions, expected[0] if single else expected, rtol=1e-4, atol=1e-7)
    maps = pellucid.explain(model, x, "grad_cam").attributions
    assert maps.any()
    model.save(tmp_path / "open.keras")
    np.testing.assert_array_equal(pellucid.explain(tmp_path / "open.keras", x, "grad_cam").attributions, maps)


@pytest.mark.parametrize("method", ["grad_cam", "saliency", "occlusion", "cam", "kernel_shap", "deep_shap"])
def test_channels_first_gives_the_attributions_of_channels_last(keras, body, x, method, tmp_path):
    last = body(keras.layers.Dense(3))
    first = body(keras.layers.Dense(3), shape=(CHANNELS, TIME), order="channels_first")
    first.set_weights(last.get_weights())
    expected = pellucid.explain(last, x, method, training=x)
    turned = np.moveaxis(x, -1, 1)
    explanation = pellucid.explain(first, turned, method, training=turned)
    np.testing.assert_allclose(np.moveaxis(explanation.attributions, 1, -1), expected.attributions, rtol=1e-5)
    assert explanation.data_info["channels"] == ["channel 1", "channel 2"]
    # The workflow's file has the channels last.
    assert explanation.arrays["attributions"].shape == (1, *x.shape)


def test_channels_first_with_a_mask_from_a_file_and_with_one_example(keras, body, x, tmp_path):
    model = body(keras.layers.Dense(3), shape=(CHANNELS, TIME), order="channels_first")
    model.save(tmp_path / "model.keras")
    turned = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    measured = np.ones(turned.shape, bool)
    measured[:, 0, :7] = False
    explanation = pellucid.explain(tmp_path / "model.keras", turned, "occlusion", measured=measured)
    assert explanation.attributions.shape == turned.shape
    assert not explanation.attributions[:, 0, :7].any()
    assert explanation.attributions[:, 1, :7].all()
    assert pellucid.explain(model, turned[0], "saliency").attributions.shape == (CHANNELS, TIME)


def test_a_model_that_is_built_by_its_first_call_and_one_that_is_not(keras, x):
    layers = keras.layers
    model = keras.Sequential([layers.Flatten(), layers.Dense(3)], name="late")
    with pytest.raises(pellucid.InputError, match="model late: found a model that is not built: it has no weights yet"):
        pellucid.explain(model, x, "saliency")
    model(x)
    explanation = pellucid.explain(model, x, "saliency", target=0, mode="signed")
    weights = model.layers[-1].get_weights()[0][:, 0].reshape(TIME, CHANNELS)
    np.testing.assert_allclose(explanation.attributions, np.broadcast_to(weights, x.shape), rtol=1e-5)


def test_names_that_cannot_be_compiled_and_16_bit_layers_are_repaired_as_in_the_workflow(keras, x, caplog):
    caplog.set_level(logging.INFO, "pellucid")
    layers = keras.layers
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            layers.Input((TIME, CHANNELS)),
            layers.Conv1D(4, 5, activation="relu", name="Conv Nr. 1 (edges)", dtype="float16"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, name="class scores"),
        ],
        name="my model",
    )
    explanation = pellucid.explain(model, x, "grad_cam")
    assert explanation.attributions.any()
    assert 'layer "Conv Nr. 1 (edges)" is called "Conv_Nr._1_edges" here' in caplog.text
    assert "32-bit numbers" in caplog.text


@pytest.mark.parametrize(("policy", "floatx"), [("mixed_float16", "float32"), ("float32", "float64")])
def test_the_precision_of_the_session_changes_nothing(keras, body, x, policy, floatx):
    model = body(keras.layers.Dense(1, activation="sigmoid"))
    expected = pellucid.explain(model, x, "integrated_gradients").attributions
    try:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
        attributions = pellucid.explain(model, x, "integrated_gradients").attributions
        assert (keras.config.dtype_policy().name, keras.config.floatx()) == (policy, floatx)
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(attributions, expected)


def refused(keras, x, kind, body):
    """A model of a kind that is refused."""
    layers = keras.layers
    inputs = keras.Input((TIME, CHANNELS))
    pooled = layers.GlobalAveragePooling1D()(layers.Conv1D(4, 5)(inputs))
    other = keras.Input((3,))
    return {
        "two outputs": lambda: keras.Model(inputs, [layers.Dense(3)(pooled), layers.Dense(2)(pooled)]),
        "two inputs": lambda: keras.Model([inputs, other], layers.Dense(3)(layers.Concatenate()([pooled, other]))),
        "sigmoids": lambda: body(layers.Dense(3, activation="sigmoid")),
        "code": lambda: body(layers.Lambda(lambda values: 2 * values), layers.Dense(3)),
        "output over time": lambda: keras.Model(inputs, layers.Conv1D(3, 5)(inputs)),
        "flat inputs": lambda: keras.Sequential([layers.Input((5,)), layers.Dense(3)]),
        "random": lambda: body(layers.Dense(3), layers.GaussianNoise(0.1), layers.Dense(2)),
        "class": lambda: keras.Sequential,
        "nothing": lambda: None,
        "a missing file": lambda: "missing.keras",
        "no file of Keras": lambda: __file__,
    }[kind]()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("two outputs", "found 2 outputs; expected one"),
        ("two inputs", "x: found one array; expected an array for each of the 2 inputs of model"),
        ("sigmoids", "model small: found 3 independent sigmoids"),
        ("code", r'model small: found code: layer "lambda.*\(Lambda\).* lambda x: model\(x, training=False\)'),
        ("output over time", "scores at each of 28 time steps; expected at_steps, which says at which step"),
        ("flat inputs", r"x: found examples of shape 5; expected \(examples, time, channels\) or"),
        ("class", "model: found the class Sequential; expected a Keras model, a path"),
        ("nothing", "model: found a NoneType; expected a Keras model, a path"),
        ("a missing file", "model: found missing.keras, which does not exist; expected a .keras file"),
        ("no file of Keras", "test_models.py: found a file that cannot be read"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_one_sentence(keras, body, x, kind, message):
    with pytest.raises(pellucid.InputError, match=message):
        pellucid.explain(refused(keras, x, kind, body), x, "occlusion")


def test_a_method_that_the_model_lacks_something_for_is_refused_by_name(keras, x):
    layers = keras.layers
    model = keras.Sequential([layers.Input((TIME, CHANNELS)), layers.Flatten(), layers.Dense(3)], name="flat")
    for method, lacking in {
        "grad_cam": "a convolution",
        "guided_backpropagation": "ReLUs",
        "cam": "global average",
    }.items():
        with pytest.raises(pellucid.InputError, match=f"^{method}: it needs {lacking}.*model flat, which has none"):
            pellucid.explain(model, x, method)
    with pytest.raises(pellucid.InputError, match="gradient_shap: it needs training examples"):
        pellucid.explain(model, x, "gradient_shap")


def test_the_attention_of_the_workflows_own_architecture_is_known(attention):
    x = np.random.default_rng(0).random((3, 42, 3)).astype(np.float32)
    assert pellucid.explain(attention, x, "attention_weights").attributions.any()


OUTPUTS_ONLY = {"occlusion": {}, "rise": {"masks": 20}, "lime": {"samples": 40}, "kernel_shap": {"samples": 40}}


@pytest.mark.parametrize("method", OUTPUTS_ONLY)
def test_a_function_of_logits_is_explained_as_the_model_that_it_calls(keras, body, x, method):
    model = body(keras.layers.Dense(3))
    parameters = OUTPUTS_ONLY[method]
    expected = pellucid.explain(model, x, method, **parameters).attributions
    explanation = pellucid.explain(lambda batch: model(batch, training=False), x, method, **parameters)
    np.testing.assert_allclose(explanation.attributions, expected, rtol=1e-3, atol=1e-5)
    assert explanation.checks["passed"].all()


def test_a_function_needs_no_keras_and_its_probabilities_become_logits(x):
    weights = np.random.default_rng(1).normal(size=(TIME * CHANNELS, 3)) / 8

    def probabilities(batch):
        scores = np.exp(batch.reshape(len(batch), -1) @ weights)
        return scores / scores.sum(1, keepdims=True)

    explanation = pellucid.explain(probabilities, x, "occlusion", window=1, target=1)
    np.testing.assert_allclose(explanation.probabilities, probabilities(x), rtol=1e-5)
    covered = x.copy()
    covered[0, 3, 1] = 0
    drop = np.log(probabilities(x)[0, 1]) - np.log(probabilities(covered)[0, 1])
    assert explanation.attributions[0, 3, 1] == pytest.approx(drop, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "smoothgrad"])
def test_a_function_is_refused_by_methods_that_need_gradients(x, method):
    with pytest.raises(pellucid.InputError, match=f"^{method}, function logits: .*without a gradient.*occlusion, rise"):
        pellucid.explain(logits, x, method)


@pytest.mark.parametrize("method", ["grad_cam", "deep_shap", "guided_backpropagation", "attention_weights"])
def test_a_function_is_refused_by_methods_that_need_layers(x, method):
    with pytest.raises(pellucid.InputError, match=f"^{method}: it needs .* function logits, of which only the outputs"):
        pellucid.explain(logits, x, method, training=x)


def logits(batch):
    return batch[:, :3, 0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda batch: batch, "scores at each of 32 time steps; expected at_steps, which says"),
        (lambda batch: batch[:1, :3, 0], "found scores of shape 1 × 3 for a batch of shape 2 × 32 × 2"),
        (lambda batch: batch.mean((1, 2)), "found one output without a sigmoid"),
        (lambda batch: batch.missing, "found a failure for a batch of shape 2 × 32 × 2 .AttributeError"),
        (lambda batch: batch[:, :3, 0] if len(batch) < 5 else 1 / 0, "batch of shape 7 × 32 × 2 .ZeroDivisionError"),
        (lambda batch: np.random.default_rng().random((len(batch), 3)), "changes when it is asked again"),
        (lambda batch: (batch - batch.mean(0))[:, :3, 0], "depends on the other examples of a batch"),
        (lambda batch: np.tanh(batch[:, :3, 0]) / 2 + 0.5, "found 3 independent numbers from 0 to 1"),
        (lambda batch: np.full((len(batch), 3), np.nan), "NaN"),
    ],
)
def test_a_function_that_cannot_be_explained_is_refused_in_one_sentence(x, function, message):
    with pytest.raises(pellucid.InputError, match=message):
        pellucid.explain(function, x, "occlusion")


def test_a_model_with_a_call_of_its_own_is_a_function(keras, x):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = keras.layers.Dense(3)

        def call(self, batch, training=False):
            return self.dense(keras.ops.reshape(batch, (-1, TIME * CHANNELS)))

    model = Own()
    with pytest.raises(pellucid.InputError, match="model own: found a model that is not built"):
        pellucid.explain(model, x, "occlusion")
    model(x)
    assert pellucid.explain(model, x, "occlusion").attributions.any()
    with pytest.raises(pellucid.InputError, match="grad_cam: .* model own, of which only the outputs are known"):
        pellucid.explain(model, x, "grad_cam")


def test_a_saved_model_folder_needs_trust_and_names(keras, body, x, tmp_path):
    model = body(keras.layers.Dense(3))
    model.export(tmp_path / "saved", verbose=False)
    names = ["a", "b", "c"]
    with pytest.raises(pellucid.InputError, match="a SavedModel does not say how many classes"):
        pellucid.explain(tmp_path / "saved", x, "occlusion")
    with pytest.raises(pellucid.InputError, match="allow_code: found false, and a SavedModel, which is a program"):
        pellucid.explain(tmp_path / "saved", x, "occlusion", class_names=names)
    explanation = pellucid.explain(tmp_path / "saved", x, "occlusion", class_names=names, allow_code=True)
    expected = pellucid.explain(model, x, "occlusion").attributions
    np.testing.assert_allclose(explanation.attributions, expected, rtol=1e-3, atol=1e-5)
    with pytest.raises(pellucid.InputError, match="a folder without saved_model.pb"):
        pellucid.explain(tmp_path, x, "occlusion")
