"""One function, however it is spelled: the same probabilities and the same maps through all that is done to a model."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid import plugins
from pellucid.errors import InputError
from pellucid.explain import deep_shap, grad_cam, gradient_input, integrated_gradients, occlusion, saliency
from pellucid.models import keras_file
from pellucid.network import dtype_policy, same_function
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.weight_randomisation import fresh_weights

FEW = settings(
    derandomize=True, deadline=None, max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CLASSES = 3
BLOCKS = ("conv", "depthwise", "norm", "relu", "pool", "residual", "noise")
networks = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 999),
        "axes": st.sampled_from([1, 2]),
        "centre": st.sampled_from([None, 0.0, 5.0, 100.0]),
        "blocks": st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=4),
    }
)
SPELLINGS = ("mixed_float16", "mixed_bfloat16", "float64", "fixed batch", "nested", "one name")


def network(keras, recipe, spelling="plain"):
    """A network and its inputs: the same weights, and the same function, in every spelling."""
    layers, rng = keras.layers, np.random.default_rng(recipe["seed"])
    axes, centre = recipe["axes"], recipe["centre"]
    shape = (9, 2) if axes == 1 else (6, 6, 2)
    spread = 1.0 if centre is None else 1.0 + abs(centre) / 20
    x = rng.normal(centre or 0, spread, (24, *shape)).astype(np.float32)
    batch = 5 if spelling == "fixed batch" else None
    keras.config.set_dtype_policy(spelling if "float" in spelling else "float32")
    try:
        image = keras.Input(shape, batch_size=batch, name="image")
        hidden = image
        if centre is not None:
            first = layers.Normalization(name="scale")
            first.adapt(x)
            hidden = first(hidden)
        body_input = keras.Input(hidden.shape[1:], batch_size=batch) if spelling in ("nested", "one name") else hidden
        body = body_input
        for number, block in enumerate(recipe["blocks"]):
            name = f"conv {number}" if spelling == "one name" else f"block_{number}"
            body = added(layers, axes, block, body, name)
        if body_input is not hidden:
            inner = keras.Model(body_input, body, name="scale" if spelling == "one name" else "body")
            body = inner(hidden)
        end = layers.Dense(CLASSES, name="scores", dtype="float32")(layers.Flatten()(body))
        model = keras.Model(image, layers.Activation("softmax", dtype="float32")(end))
    finally:
        keras.config.set_dtype_policy("float32")
    for layer in model._flatten_layers():
        if layer.weights and not layer._layers and type(layer).__name__ != "Normalization":
            layer.set_weights([drawn(weight, rng) for weight in layer.weights])
    return model, x


def added(layers, axes, block, x, name):
    """A block behind a tensor."""
    kind = f"{axes}D"
    if block == "conv":
        return getattr(layers, f"Conv{kind}")(3, 3, padding="same", activation="relu", name=name)(x)
    if block == "depthwise":
        return getattr(layers, f"DepthwiseConv{kind}")(3, padding="same", name=name)(x)
    if block == "norm":
        return layers.BatchNormalization(name=name)(x)
    if block == "residual":
        return layers.Add(name=f"{name}_sum")(
            [x, getattr(layers, f"Conv{kind}")(x.shape[-1], 1, activation="tanh", name=name)(x)]
        )
    if block == "pool":
        return getattr(layers, f"AveragePooling{kind}")(2, strides=1, padding="same", name=name)(x)
    return layers.ReLU(name=name)(x) if block == "relu" else layers.GaussianNoise(0.1, name=name)(x)


def drawn(weight, rng):
    """Random weights by the order of the layers, whatever their names."""
    values = rng.normal(0, 0.4, weight.shape)
    return np.abs(values) + 0.5 if "variance" in weight.path else values


def taken(model, folder, classes=CLASSES):
    """The model of a model that went the way of a file: saved, built, saved, loaded."""
    model.save(folder / "own.keras")
    made = keras_file.build(tuple(model.inputs[0].shape[1:]), classes, file=folder / "own.keras")
    made.save(folder / "model.keras")
    return made, ExplainedModel.load(folder / "model.keras")


@FEW
@given(networks, st.sampled_from(SPELLINGS))
def test_a_respelled_network_has_the_same_probabilities_and_maps(keras, tmp_path_factory, recipe, spelling):
    check_respelled(keras, tmp_path_factory.mktemp("spelled"), recipe, spelling)


def check_respelled(keras, folder, recipe, spelling):
    plain, x = network(keras, recipe)
    respelled, _ = network(keras, recipe, spelling)
    x, targets = x[:6], np.arange(6) % CLASSES
    expected, own = np.asarray(plain(x, training=False)), ExplainedModel(plain)
    made, model = taken(respelled, folder)
    np.testing.assert_allclose(model.probabilities(x), expected, rtol=1e-4, atol=1e-5)
    gradient = own.gradient(x, targets)
    np.testing.assert_allclose(model.gradient(x, targets), gradient, atol=1e-4 * np.abs(gradient).max())
    back = dtype_policy.recast(dtype_policy.recast(made, "mixed_bfloat16"), "float32")
    np.testing.assert_allclose(ExplainedModel(back).probabilities(x), expected, rtol=1e-4, atol=1e-5)


@FEW
@given(networks)
def test_randomised_layers_act_while_they_are_randomised_and_are_as_before_in_the_end(keras, recipe):
    model, x = network(keras, {**recipe, "centre": 5.0})
    explained_model = ExplainedModel(model)
    before, scores = same_function.answers(model), explained_model.logits(x)
    fresh = {"scale": fresh_weights(explained_model.layers["scale"], 1)}
    with explained_model.altered(fresh):
        # Statistics of a fresh layer: mean 0 and variance 1, which leave the input as it is.
        assert np.abs(explained_model.logits(x) - scores).max() > 1e-3 * np.abs(scores).max()
        unscaled = keras.Model(model.inputs[0], explained_model.layers["scale"].output)
        np.testing.assert_array_equal(unscaled(x), x)
    np.testing.assert_array_equal(explained_model.logits(x), scores)
    np.testing.assert_array_equal(same_function.answers(model).scores, before.scores)


def binary(keras, recipe, end):
    """A network of two classes, by one score or by two units with a softmax that have the same probabilities."""
    model, x = network(keras, recipe)
    features = model.get_layer("scores").input
    layers, rng = keras.layers, np.random.default_rng(recipe["seed"])
    kernel = rng.normal(0, 0.5, (features.shape[-1], 1)).astype(np.float32)
    bias = rng.normal(0, 0.5, 1).astype(np.float32)
    dense = layers.Dense(2 if end == "softmax" else 1, name="end")
    output = dense(features)
    if end == "softmax":
        dense.set_weights([np.hstack([-kernel, kernel]) / 2, np.hstack([-bias, bias]) / 2])
        return keras.Model(model.inputs[0], layers.Softmax()(output)), x
    dense.set_weights([kernel, bias])
    if end == "layer":
        output = layers.Activation("sigmoid")(output)
    elif end == "operation":
        output = keras.ops.sigmoid(output)
    elif end == "behind":
        output = layers.Flatten()(layers.Activation("sigmoid")(output))
    elif end == "nested":
        inside = keras.Input((1,))
        output = keras.Model(inside, layers.Activation("sigmoid")(inside))(output)
    elif end == "flat logit":
        output = keras.ops.squeeze(output, -1)
    return keras.Model(model.inputs[0], output), x


ENDS = ("layer", "operation", "behind", "nested", "logit", "flat logit")


@FEW
@given(networks, st.sampled_from(ENDS))
def test_one_score_explains_both_classes(keras, tmp_path_factory, recipe, end):
    check_one_score(keras, tmp_path_factory.mktemp("one"), recipe, end)


def check_one_score(keras, folder, recipe, end):
    recipe = {**recipe, "blocks": ["conv", *recipe["blocks"]][:3]}
    single, x = binary(keras, recipe, end)
    two, _ = binary(keras, recipe, "softmax")
    _, model = taken(single, folder, 2)
    other, x = ExplainedModel(two), x[:4]
    np.testing.assert_allclose(model.probabilities(x), other.probabilities(x), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.logits(x), other.logits(x), rtol=1e-4, atol=1e-5)
    first, second = np.zeros(4, int), np.ones(4, int)
    np.testing.assert_array_equal(model.score(x, first), -model.score(x, second))
    rng = np.random.default_rng
    methods = {
        "gradient_input": lambda p, t: gradient_input.explain(p, x, t, rng(0)),
        "integrated_gradients": lambda p, t: integrated_gradients.explain(p, x, t, rng(0), steps=8),
        "occlusion": lambda p, t: occlusion.explain(p, x, t, rng(0), window=3, stride=2),
        "saliency": lambda p, t: saliency.explain(p, x, t, rng(0)),
        "grad_cam": lambda p, t: grad_cam.explain(p, x, t, rng(0)),
    }
    if not {"noise", "depthwise"} & set(recipe["blocks"]) and recipe["centre"] is None:
        methods["deep_shap"] = lambda p, t: deep_shap.explain(p, x, t, rng(0), training=x + 1, background=3)
    for name, explain in methods.items():
        low, high, theirs = explain(model, first), explain(model, second), explain(other, second)
        # What explains z of one score, and z/2 of two units.
        size = max(np.abs(theirs).max(), 1e-6)
        np.testing.assert_allclose(high, 2 * theirs, atol=2e-4 * size, err_msg=name)
        if name == "saliency":
            np.testing.assert_array_equal(low, high)
        elif name != "grad_cam":
            np.testing.assert_allclose(low, -high, atol=2e-4 * size, err_msg=name)
        if name != "grad_cam":
            assert low.any()


@pytest.mark.parametrize("end", ["hard_sigmoid", "tanh", "relu"])
def test_one_output_that_is_no_logit_is_refused(keras, tmp_path, end):
    model, _ = binary(keras, {"seed": 0, "axes": 1, "centre": None, "blocks": ["relu"]}, "logit")
    model.get_layer("end").activation = getattr(keras.activations, end)
    with pytest.raises(InputError, match=f'{end}.*"end"'):
        taken(model, tmp_path, 2)


MIXING = {
    "mean": lambda ops, x: x - ops.mean(x, axis=0, keepdims=True),
    "flip": lambda ops, x: ops.flip(x, axis=0),
    "roll": lambda ops, x: x - ops.roll(x, 1, axis=0),
    "reshape": lambda ops, x: ops.reshape(x, (5, 9, 2)),
    "concatenate": lambda ops, x: ops.concatenate([x, ops.ones((5, 9, 1))], axis=-1),
}


@pytest.mark.parametrize("name", MIXING)
def test_a_model_whose_answer_depends_on_the_batch_is_refused_by_the_name_of_its_layer(keras, tmp_path, name):
    image = keras.Input((9, 2), batch_size=5)
    mixed = MIXING[name](keras.ops, image)
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(mixed)))
    with pytest.raises(InputError, match=f'layer "{name}'):
        taken(model, tmp_path, 2)


STATEFUL = {
    "LSTM": lambda layers, x: layers.LSTM(2, stateful=True, name="memory")(x),
    "GRU": lambda layers, x: layers.GRU(2, stateful=True, name="memory")(x),
    "RNN": lambda layers, x: layers.RNN(layers.SimpleRNNCell(2), stateful=True, name="memory")(x),
    "Bidirectional": lambda layers, x: layers.Bidirectional(layers.LSTM(2, stateful=True, name="memory"))(x),
}


@pytest.mark.parametrize("name", STATEFUL)
def test_a_stateful_layer_is_refused_when_the_file_is_read(keras, tmp_path, name):
    image = keras.Input((9, 2), batch_size=5)
    hidden = STATEFUL[name](keras.layers, image)
    keras.Model(image, keras.layers.Dense(2, activation="softmax")(hidden)).save(tmp_path / "own.keras")
    with pytest.raises(InputError, match="memory.*stateful"):
        keras_file.features(**plugins.defaults(keras_file) | {"file": str(tmp_path / "own.keras")})
