"""Models of one's own, from a file or a function: what the rest of the project works with is the model that was given."""

import json
import sys

import numpy as np
import pytest

from pellucid import files, plugins
from pellucid.config import resolution
from pellucid.config.variants import variants
from pellucid.errors import InputError
from pellucid.evaluate.run import evaluate
from pellucid.explain import deep_shap
from pellucid.models import function, keras_file, saved_model
from pellucid.models.imported import archive, compatibility, head
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.run import run as view
from tests.support import own_models, prepared

SHAPE, CLASSES = own_models.SHAPE, own_models.CLASSES


@pytest.fixture(scope="module")
def saved(keras, tmp_path_factory):
    """Every model as it was made, and the file that it was saved to, by name."""
    folder, found = tmp_path_factory.mktemp("own"), {}
    for name, make in own_models.ALL.items():
        model = own_models.with_random_weights(make(keras))
        model.save(folder / f"{name}.keras")
        found[name] = model, folder / f"{name}.keras"
    return found


def fit(data, folder, file, epochs=0, **model):
    """Train a file as the workflow does; what it says in the end."""
    entry = {"architecture": "keras_file", "file": str(file), "file_sha256": "none", **model}
    recipe = {**prepared.BRIEF, "epochs": epochs}
    return prepared.fit(data, folder, entry, recipe, paths={"file": str(file)})


# The same model ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", own_models.ALL)
def test_scores_and_gradients_are_those_of_the_model_that_was_saved(keras, saved, tmp_path, rng, name):
    import tensorflow as tf

    model, path = saved[name]
    x, target = rng.random((3, *SHAPE), np.float32), np.array([0, 4, 9])
    keras_file.build(SHAPE, CLASSES, file=path).save(tmp_path / "model.keras")
    explained_model = ExplainedModel.load(tmp_path / "model.keras")
    batch = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(batch)
        answer = model(batch, training=False)
        scores = tf.nn.log_softmax(answer) if name == "sequential" else tf.math.log(answer)
        # Logarithms of probabilities are logits but for a constant: less their mean, they are equal.
        own = tf.gather(scores, target, batch_dims=1) - tf.reduce_mean(scores, 1)
    slope = tape.gradient(own, batch).numpy()
    every = np.mean([explained_model.gradient(x, np.full(3, unit)) for unit in range(CLASSES)], axis=0)
    np.testing.assert_allclose(explained_model.gradient(x, target) - every, slope, atol=2e-5 * np.abs(slope).max())
    logits = explained_model.logits(x)
    np.testing.assert_allclose(logits[np.arange(3), target] - logits.mean(1), own, rtol=1e-4, atol=1e-4)
    if name == "sequential":
        np.testing.assert_allclose(logits, answer, rtol=1e-5, atol=1e-6)


def test_it_is_taken_as_it_is_and_the_record_says_so(saved, digits, tmp_path):
    model, path = saved["functional"]
    training_info = fit(digits, tmp_path, path)
    assert training_info["origin"] == "as they are in the file"
    assert training_info["files"]["file"] == {"path": str(path), "sha256": files.sha256(path)}
    assert training_info["weights_digest"] == files.digest([np.asarray(weight) for weight in model.get_weights()])
    assert training_info["epochs"] == 0


@pytest.mark.parametrize("freeze", ["all_but_last", pytest.param(["conv", "pool"], marks=pytest.mark.slow)])
def test_fine_tuning_leaves_frozen_layers_alone(saved, digits, tmp_path, freeze):
    model, path = saved["nested"]
    training_info = fit(digits, tmp_path, path, epochs=1, freeze=freeze)
    assert training_info["origin"] == "fine-tuned"
    before, after = model.get_weights(), ExplainedModel.load(tmp_path / "model" / "model.keras")._model.get_weights()
    kept = [np.array_equal(old, new) for old, new in zip(before, after, strict=True)]
    assert kept == [True, True, True, True, False, False]  # two convolutions, both called "conv", and the dense layer


def test_a_new_head_keeps_the_body(keras, saved, rng):
    model, path = saved["nested"]
    with pytest.raises(InputError, match="found an output of shape 10; expected 3 scores.*new_head: true"):
        keras_file.build(SHAPE, 3, file=path)
    made, x = keras_file.build(SHAPE, 3, file=path, new_head=True), rng.random((2, *SHAPE), np.float32)
    assert made.output_shape == (None, 3)
    for old, new in zip(model.get_weights()[:4], made.get_weights()[:4], strict=True):
        np.testing.assert_array_equal(old, new)
    dense = made.layers[-1]
    body = keras.Model(model.layers[-1].inputs, model.layers[-1].get_layer("drop").output)
    features = body(model.get_layer("backbone")(x))
    np.testing.assert_allclose(made(x), keras.activations.softmax(features @ dense.kernel + dense.bias), rtol=1e-5)


# Its end -------------------------------------------------------------------------------------------------------------


def ended(keras, *end, units=1):
    image = keras.Input(SHAPE)
    scores = keras.layers.Dense(units, name="scores")(keras.layers.Flatten()(image))
    for one in end:
        scores = one(scores)
    return own_models.with_random_weights(keras.Model(image, scores))


@pytest.mark.parametrize("way", ["Activation", "activation", "operation"])
def test_one_sigmoid_becomes_two_classes_exactly(keras, rng, tmp_path, way):
    if way == "activation":
        model = ended(keras, units=1)
        model.get_layer("scores").activation = keras.activations.sigmoid
    else:
        model = ended(keras, keras.layers.Activation("sigmoid") if way == "Activation" else keras.ops.sigmoid)
    model.save(tmp_path / "one.keras")
    x = rng.random((5, *SHAPE), np.float32)
    one = np.asarray(model(x))[:, 0]
    keras_file.build(SHAPE, 2, file=tmp_path / "one.keras").save(tmp_path / "two.keras")
    explained_model = ExplainedModel.load(tmp_path / "two.keras")
    logits = explained_model.logits(x)
    np.testing.assert_array_equal(logits[:, 0], -logits[:, 1])
    np.testing.assert_allclose(2 * logits[:, 1], np.log(one / (1 - one)), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(explained_model.scores(x), 2 * logits)
    np.testing.assert_allclose(explained_model.probabilities(x), np.stack([1 - one, one], axis=1), rtol=1e-5, atol=1e-6)
    slope = model.get_layer("scores").kernel.numpy().reshape(SHAPE)
    np.testing.assert_allclose(explained_model.gradient(x, np.ones(5, int)), np.broadcast_to(slope, x.shape), rtol=1e-5)
    np.testing.assert_array_equal(
        explained_model.gradient(x, np.zeros(5, int)), -explained_model.gradient(x, np.ones(5, int))
    )
    assert archive.features(archive.read(tmp_path / "one.keras"), "") == ("rescale_rule",)
    deep_shap._check_operations(explained_model)


@pytest.mark.parametrize("end", ["linear", "log_softmax", "softmax", "operation"])
def test_every_end_becomes_one_softmax_over_the_same_logits(keras, rng, end):
    layers = {"linear": [], "operation": [keras.ops.softmax]}.get(end) or [keras.layers.Activation(end)]
    model = ended(keras, *(layers if end != "linear" else []), units=4)
    x = rng.random((5, *SHAPE), np.float32)
    dense = model.get_layer("scores")
    expected = x.reshape(5, -1) @ dense.kernel.numpy() + dense.bias.numpy()
    made = head.with_softmax(model, 4, "model")
    np.testing.assert_allclose(ExplainedModel(made).logits(x), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.asarray(made(x)).sum(1), 1, rtol=1e-5)
    assert (made is model) == (end in ("softmax", "log_softmax"))


# 32-bit numbers, open batches, plain names ---------------------------------------------------------------------------


def test_a_model_of_16_bit_numbers_and_fixed_batches_is_the_same_in_32_bits(keras, rng, tmp_path):
    def make():
        layers = keras.layers
        image = keras.Input(batch_shape=(4, *SHAPE))
        hidden = layers.Flatten()(layers.Conv2D(3, 3, activation="relu")(image))
        return keras.Model(image, layers.Dense(3, activation="softmax")(hidden))

    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = own_models.with_random_weights(make())
    finally:
        keras.config.set_dtype_policy("float32")
    half.save(tmp_path / "half.keras")
    full = make()
    full.set_weights(half.get_weights())
    made, x = keras_file.build(SHAPE, 3, file=tmp_path / "half.keras"), rng.random((4, *SHAPE), np.float32)
    assert made.compute_dtype == "float32"
    np.testing.assert_array_equal(made(x), full(x))
    assert ExplainedModel(made).logits(x[:3]).shape == (3, 3)


def test_every_layer_has_a_name_of_its_own_that_can_be_compiled(keras, saved):
    nested = ExplainedModel(keras_file.build(SHAPE, CLASSES, file=saved["nested"][1]))
    assert nested.conv_layers == ["conv", "backbone_inner_conv"]
    assert nested.pooled_head[0] == "backbone_inner_conv"
    spaced = ExplainedModel(keras_file.build(SHAPE, CLASSES, file=saved["sequential"][1]))
    assert list(spaced.layers)[1:5] == ["Conv_Nr._1_edges", "max_pool", "to_a_vector", "hidden.units"]


def test_a_plain_model_is_left_as_it_is(digit):
    assert compatibility.make_compatible(digit) is digit


# What methods find in it ---------------------------------------------------------------------------------------------


FEATURES = {
    "sequential": {"conv", "relu", "rescale_rule"},
    "functional": {"conv", "relu", "rescale_rule", "gap"},
    "nested": {"conv", "relu", "rescale_rule", "gap"},
    "branches": {"conv", "relu", "rescale_rule"},
}


@pytest.mark.parametrize("name", own_models.ALL)
def test_the_file_says_what_the_probe_finds(keras, saved, name):
    found = keras_file.features(**{**plugins.defaults(keras_file), "file": str(saved[name][1])})
    assert set(found) == FEATURES[name]
    model, one = (
        ExplainedModel(keras_file.build(SHAPE, CLASSES, file=saved[name][1])),
        np.zeros((1, *SHAPE), np.float32),
    )
    asked = {
        "conv": lambda: model.activations(one, model.conv_layers[-1]),
        "relu": lambda: model.gradient(one, np.array([0]), "guided"),
        "gap": lambda: model.pooled_head,
        "rescale_rule": lambda: deep_shap._check_operations(model),
    }
    for feature, ask in asked.items():
        if feature in found:
            ask()
        elif feature == "gap":
            with pytest.raises(InputError):
                ask()


@pytest.mark.parametrize(
    ("name", "shape", "parameters"),
    [
        ("heartbeat_cnn", (20, 1), {}),
        ("multivariate_cnn", (80, 2), {}),
        ("digit_cnn", (8, 8, 1), {}),
        ("gap_cnn", (8, 8, 1), {"filters": [2], "kernels": [3]}),
        ("attention_lstm", (24, 2), {"filters": 2, "pool": 3, "units": 2}),
        ("mil_cnn", (26, 2), {"window": 6, "filters": 2, "units": 2}),
    ],
)
def test_it_says_of_the_projects_own_networks_what_they_declare(keras, name, shape, parameters):
    module = plugins.load("models")[name]
    described = json.loads(module.build(shape, 3, **parameters).to_json())
    archive.check(described, name)
    assert set(archive.features(described, name)) == set(module.SPEC.features) - {"attention", "instances"}
    assert archive.input_shape(described, name) == shape


@pytest.mark.parametrize("convolution", [True, False])
def test_a_relu_inside_of_a_recurrent_layer_is_reached(keras, convolution):
    layers = keras.layers
    front = [layers.Conv1D(2, 3, activation="relu")] if convolution else []
    ending = [layers.LSTM(2, activation="relu"), layers.Dense(3, activation="softmax")]
    model = keras.Sequential([layers.Input((6, 2)), *front, *ending])
    found = archive.features(json.loads(model.to_json()), "")
    assert found == (("conv", "relu", "relevance_rule") if convolution else ("relu", "relevance_rule"))
    assert ExplainedModel(model).gradient(np.ones((1, 6, 2), np.float32), np.array([0]), "guided").shape == (1, 6, 2)


def test_a_convolution_that_is_used_twice_has_a_name_for_each_use(keras, saved):
    residual = ExplainedModel(keras_file.build(SHAPE, CLASSES, file=saved["functional"][1]))
    assert residual.conv_layers == ["stem", "shared_conv:1", "shared_conv:2"]
    one = np.ones((1, *SHAPE), np.float32)
    assert np.abs(residual.activations(one, "shared_conv:1") - residual.activations(one, "shared_conv:2")).max() > 0
    with pytest.raises(InputError, match="one of its uses: shared_conv:1, shared_conv:2"):
        residual.activations(one, "shared_conv")
    branches = ExplainedModel(keras_file.build(SHAPE, CLASSES, file=saved["branches"][1]))
    assert set(branches.conv_layers) == {"left", "right_1", "right_2", "mix"}
    assert branches.conv_layers[-1] == "mix"
    # By hand: 5 wide; 3 + (3 - 1) wide; both begin 1 or 2 before the first pixel, and step by two.
    assert branches.receptive_field("left").size == branches.receptive_field("right_2").size == (5, 5)


@pytest.mark.slow
@pytest.mark.parametrize("name", own_models.ALL)
def test_every_method_and_view_that_applies_explains_it(keras, saved, digits, tmp_path, name):
    few = {
        "occlusion": {"window": 3},
        "augmented_occlusion": {"background": 2, "window": 3},
        "rise": {"masks": 30},
        "lime": {"samples": 60},
        "kernel_shap": {"samples": 60},
        "smoothgrad": {"samples": 5, "noise": 0.15, "mode": "absolute"},
        "vargrad": {"samples": 5},
        "deep_shap": {"background": 5},
        "gradient_shap": {"background": 5, "samples": 10},
        "extremal_perturbation": {"iterations": 10},
        "extremal_mask": {"iterations": 10},
    }
    path = saved[name][1]
    experiment = {"dataset": {"source": "digits"}, "model": {"architecture": "keras_file", "file": str(path)}}
    methods = {**dict.fromkeys(plugins.load("explain"), True), **few}
    defaults = {"methods": methods, "views": dict.fromkeys(plugins.load("views"), True)}
    whole = resolution.resolve({"run": ["own"], "defaults": defaults, "experiments": {"own": experiment}})
    settings = whole.experiments["own"]
    assert not {"grad_cam", "guided_backpropagation"} & set(whole.skipped["own"])
    fit(digits, tmp_path, path)
    model, work = tmp_path / "model" / "model.keras", {"threads": 1, "memory_mb": 128}
    evaluation = tmp_path / "evaluation"
    evaluate(model=model, **prepared.tested(digits), folder=evaluation, **work)
    predictions = evaluation / "predictions.npz"
    examples = prepared.choose(tmp_path / "examples.npz", digits, predictions)
    places = {
        "examples": examples,
        "x_train": digits / "x_train.npy",
        "x_test": digits / "x_test.npy",
        **{name: digits / f"{name}.npz" for name in ("labels", "truth", "groups", "measured")},
        "predictions": predictions,
    }
    for method, parameters in settings["methods"].items():
        given = {"model": model, "examples": examples, "training": digits / "x_train.npy", **work}
        prepared.explain(tmp_path / method, method, parameters, **given)
        found = files.read_arrays(tmp_path / method / "attributions.npz")["attributions"]
        assert found.shape == (1, 10, *SHAPE)
    for one, parameters in settings["views"].items():
        for variant in variants(one, parameters):
            view(
                view=one,
                variant=variant,
                parameters=parameters,
                model=model,
                data_info=digits / "data.json",
                sources={key: places[key] for key in plugins.spec("views", one).sources()},
                arrays=tmp_path / one / "view.npz",
                cost=tmp_path / one / "view.json",
                texts={suffix: tmp_path / one / f"view.{suffix}" for suffix in plugins.spec("views", one).texts},
                seed=1,
                **work,
            )
            assert files.read_arrays(tmp_path / one / "view.npz")


# A function ----------------------------------------------------------------------------------------------------------

MODULE = """
from {helper} import width

def make(input_shape, n_classes):
    import keras
    return keras.Sequential([
        keras.layers.Input(input_shape),
        keras.layers.Conv2D(width, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(n_classes),
    ])
"""


@pytest.fixture
def module(tmp_path):
    """A module that imports another of its folder, under names that no other test uses."""
    name = f"own_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}_width.py").write_text("width = 3\n")
    (tmp_path / f"{name}.py").write_text(MODULE.format(helper=f"{name}_width"))
    yield name
    for one in (name, f"{name}_width"):
        sys.modules.pop(one, None)


def test_a_function_is_built_with_a_softmax_and_its_modules_are_files_of_the_model(keras, tmp_path, module):
    given = {**plugins.defaults(function), "build": f"{module}:make", "folder": str(tmp_path)}
    function.check(**given)
    model = function.build(SHAPE, CLASSES, **given)
    assert [type(layer).__name__ for layer in model.layers][-2:] == ["Dense", "Softmax"]
    assert sorted(function.addresses(**given).values()) == [
        str(tmp_path / f"{module}.py"),
        str(tmp_path / f"{module}_width.py"),
    ]
    assert function.features(**given) == ("conv", "relu")
    assert str(tmp_path) not in sys.path
    with pytest.raises(InputError, match="features: found gap, which the model lacks; expected conv, relu"):
        function.build(SHAPE, CLASSES, **given | {"features": ["gap"]})


# A SavedModel --------------------------------------------------------------------------------------------------------


def compilable(keras, model):
    """The same model with names that TensorFlow can compile, which saving needs."""
    made = compatibility.make_compatible(keras.models.clone_model(model))
    made.set_weights(model.get_weights())
    return made


@pytest.fixture
def safe_again(keras):
    """Keras as careful as before: what a config allows holds for the rest of a process, which is one job."""
    from keras.src.backend.common import global_state

    yield
    global_state.set_global_attribute("safe_mode_saving", None)


@pytest.mark.parametrize("way", ["export", pytest.param("signature", marks=pytest.mark.slow)])
def test_a_saved_model_answers_as_the_model_that_it_was_made_of(keras, saved, tmp_path, rng, way):
    import tensorflow as tf

    # One ends in probabilities, the other in logits.
    model, _ = saved["functional" if way == "export" else "sequential"]
    folder = tmp_path / "saved"
    plain = compilable(keras, model)
    if way == "export":
        plain.export(folder, verbose=False)
    else:
        call = tf.function(lambda x: {"scores": plain(x)}, input_signature=[tf.TensorSpec((None, *SHAPE))])
        module = tf.Module()
        module.inner, module.call = plain, call
        tf.saved_model.save(module, str(folder), signatures={"serving_default": call})
    given = {"folder": str(folder), "allow_code": True}
    training_info = tmp_path / "training.json"
    made = saved_model.build(SHAPE, CLASSES, **given)
    made.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match="cannot be loaded"):
        ExplainedModel.load(tmp_path / "model.keras")
    training_info.write_text('{"allow_code": true}')
    explained_model, x, target = (
        ExplainedModel.load(tmp_path / "model.keras"),
        rng.random((3, *SHAPE), np.float32),
        np.array([1, 2, 3]),
    )
    answer = np.asarray(model(x, training=False))
    if way == "export":
        np.testing.assert_allclose(explained_model.probabilities(x), answer, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(explained_model.logits(x), np.log(answer), rtol=1e-4, atol=1e-5)
    else:
        np.testing.assert_allclose(explained_model.logits(x), answer, rtol=1e-5, atol=1e-5)
    batch = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(batch)
        own = model(batch, training=False)
        own = tf.gather(tf.math.log(own) if way == "export" else own, target, batch_dims=1)
    slope = tape.gradient(own, batch).numpy()
    np.testing.assert_allclose(explained_model.gradient(x, target), slope, atol=2e-5 * np.abs(slope).max())
    assert len(saved_model.addresses(**given)) >= 3


@pytest.mark.parametrize("end", ["sigmoid", "linear"])
def test_one_score_of_a_saved_model_explains_both_classes(keras, tmp_path, rng, end):
    model = ended(keras, keras.layers.Activation(end))
    model.export(tmp_path / "saved", verbose=False)
    explained_model = ExplainedModel(saved_model.build(SHAPE, 2, folder=str(tmp_path / "saved"), allow_code=True))
    x = rng.random((4, *SHAPE), np.float32)
    dense = model.get_layer("scores")
    z = x.reshape(4, -1) @ dense.kernel.numpy() + dense.bias.numpy()
    np.testing.assert_allclose(explained_model.scores(x), np.hstack([-z, z]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(explained_model.probabilities(x)[:, 1:], 1 / (1 + np.exp(-z)), rtol=1e-4)
    slope = np.broadcast_to(dense.kernel.numpy().reshape(SHAPE), x.shape)
    np.testing.assert_allclose(explained_model.gradient(x, np.zeros(4, int)), -slope, rtol=1e-3, atol=1e-5)


def test_a_saved_model_has_none_of_the_methods_and_views_that_need_layers(keras, saved, tmp_path):
    compilable(keras, saved["functional"][0]).export(tmp_path / "saved", verbose=False)
    entry = {"architecture": "saved_model", "folder": str(tmp_path / "saved"), "allow_code": True}
    methods = dict.fromkeys(plugins.load("explain"), True)
    defaults = {"methods": methods, "views": dict.fromkeys(plugins.load("views"), True)}
    whole = resolution.resolve(
        {
            "run": ["own"],
            "defaults": defaults,
            "experiments": {"own": {"dataset": {"source": "digits"}, "model": entry}},
        }
    )
    assert {"grad_cam", "guided_backpropagation", "deep_shap", "pruning", "embedding"} <= set(whole.skipped["own"])
    assert {"saliency", "occlusion", "rise", "kernel_shap"} <= set(whole.experiments["own"]["methods"])
    assert set(whole.experiments["own"]["views"]) == {"architecture"}


def test_a_model_without_gradients_says_so(keras, rng):
    image = keras.Input(SHAPE)
    scores = keras.layers.Dense(3)(keras.layers.Flatten()(keras.ops.stop_gradient(image)))
    model, x = ExplainedModel(keras.Model(image, scores)), rng.random((2, *SHAPE), np.float32)
    with pytest.raises(InputError, match="found class scores without a gradient.*occlusion, rise, lime or kernel_shap"):
        model.gradient(x, np.zeros(2, int))


def test_a_lambda_that_is_allowed_runs_in_every_stage(keras, digits, tmp_path, safe_again):
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input(SHAPE),
            layers.Lambda(lambda x: 2 * x, output_shape=SHAPE, name="twice as much"),
            layers.Flatten(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.save(tmp_path / "own.keras")
    with pytest.raises(InputError, match='found code: layer "twice as much"'):
        fit(digits, tmp_path, tmp_path / "own.keras")
    training_info = fit(digits, tmp_path, tmp_path / "own.keras", epochs=1, allow_code=True)
    assert training_info["allow_code"]
    trained = ExplainedModel.load(tmp_path / "model" / "model.keras")
    x = np.ones((1, *SHAPE), np.float32)
    ((kernel, bias),) = trained.weights.values()
    np.testing.assert_allclose(trained.logits(x), 2 * x.reshape(1, -1) @ kernel + bias, rtol=1e-5, atol=1e-6)
