"""Every gradient that a method uses is the slope that small changes of the input show."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.network.explained_model import ExplainedModel

SETTINGS = settings(
    derandomize=True, deadline=None, max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
STEP = 1e-2


def blocks(keras, axes):
    """Smooth pieces of a network by name; each keeps the number of axes."""
    layers = keras.layers
    conv = getattr(layers, f"Conv{axes}D")
    depthwise = getattr(layers, f"DepthwiseConv{axes}D")
    separable = getattr(layers, f"SeparableConv{axes}D")

    def residual(x):
        return layers.Add()([x, conv(x.shape[-1], 3, padding="same", activation="tanh")(x)])

    def gate(x):
        pooled = getattr(layers, f"GlobalAveragePooling{axes}D")(keepdims=True)(x)
        return layers.Multiply()([x, layers.Dense(x.shape[-1], activation="sigmoid")(pooled)])

    return {
        "residual": residual,
        "gate": gate,
        "depthwise": lambda x: depthwise(3, padding="same", activation="silu")(x),
        "separable": lambda x: separable(3, 2, padding="same")(x),
        "dilated": lambda x: conv(3, 2, dilation_rate=2, padding="same", activation="gelu")(x),
        "causal": lambda x: conv(3, 2, padding="causal" if axes == 1 else "same", activation="tanh")(x),
        "strided": lambda x: conv(4, 3, strides=2, padding="same")(x),
        "batch normalisation": lambda x: layers.BatchNormalization()(x),
        "layer normalisation": lambda x: layers.LayerNormalization()(x),
        "average": lambda x: getattr(layers, f"AveragePooling{axes}D")(2, padding="same")(x),
        "every step": lambda x: layers.TimeDistributed(layers.Dense(3, activation="elu"))(x),
        "operations": lambda x: keras.ops.silu(x) / 2 - 0.1 * x,
    }


NAMES = (
    *("residual", "gate", "depthwise", "separable", "dilated", "causal", "strided", "batch normalisation"),
    *("layer normalisation", "average", "every step", "operations"),
)


def network(keras, names, axes, seed):
    """A random network whose layer "maps" lies before its last part."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    x = start = keras.Input((8, 7)[:axes] + (2,))  # noqa: RUF005
    for name in names:
        x = blocks(keras, axes)[name](x)
    x = getattr(layers, f"Conv{axes}D")(3, 3, padding="same", activation="tanh", name="maps")(x)
    end = layers.Dense(4, activation="softplus")(layers.Flatten()(x))
    model = keras.Model(start, layers.Dense(3, activation="softmax")(end))
    values = np.random.default_rng(seed)
    for weights in model.weights:
        weights.assign(values.uniform(0.5, 1.5, weights.shape) if "variance" in weights.name else weights + 0.1)
    return model


def slope(function, at, direction):
    """The central difference of a function along a direction, for each example."""
    before, after = (function((at + sign * STEP * direction).astype(np.float32)) for sign in (-1, 1))
    return (after.astype(np.float64) - before) / (2 * STEP)


@SETTINGS
@given(
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    axes=st.sampled_from([1, 2]),
    seed=st.integers(0, 99),
)
def test_gradients_are_central_differences(keras, names, axes, seed):
    model = network(keras, names, axes, seed)
    values, explained_model, n = np.random.default_rng(seed), ExplainedModel(model), 5
    inputs = values.normal(size=(n, *explained_model.input_shape)).astype(np.float32)
    direction = values.normal(size=inputs.shape)
    direction /= np.linalg.norm(direction.reshape(n, -1), axis=1).reshape(n, *[1] * (inputs.ndim - 1))
    targets, units = np.arange(n) % 3, np.arange(n) % 3

    def along(gradient):
        return (gradient * direction).reshape(n, -1).sum(1)

    def close(found, expected):
        np.testing.assert_allclose(found, expected, rtol=0.01, atol=2e-3 * max(np.abs(expected).max(), 0.1))

    close(
        along(explained_model.gradient(inputs, targets)),
        slope(lambda x: explained_model.score(x, targets), inputs, direction),
    )
    means = slope(lambda x: explained_model.filter_gradient(x, units, "maps")[0], inputs, direction)
    close(along(explained_model.filter_gradient(inputs, units, "maps")[1]), means)
    # The slope at the maps, taken along the change that a change of the input makes in them, is that at the input.
    maps, at_maps = explained_model.activations_and_gradient(inputs, targets, "maps")
    np.testing.assert_array_equal(maps, explained_model.activations(inputs, "maps"))
    change = slope(lambda x: explained_model.activations(x, "maps"), inputs, direction)
    close((at_maps * change).reshape(n, -1).sum(1), along(explained_model.gradient(inputs, targets)))


def test_the_modified_slope_without_relus_in_the_way_is_the_plain_one(keras):
    """Where every ReLU is active and every gradient positive, the three rules are one: the central difference."""
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((6, 2)), layers.Conv1D(3, 2, activation="relu"), layers.Flatten(), layers.Dense(2)]
    )
    values = np.random.default_rng(0)
    model.set_weights([values.uniform(0.1, 1, weights.shape) for weights in model.get_weights()])
    inputs, targets, explained_model = (
        values.uniform(1, 2, (4, 6, 2)).astype(np.float32),
        np.arange(4) % 2,
        ExplainedModel(model),
    )
    direction = values.normal(size=inputs.shape)
    expected = slope(lambda x: explained_model.score(x, targets), inputs, direction)
    for rule in ("plain", "guided", "deconvnet"):
        found = (explained_model.gradient(inputs, targets, rule) * direction).sum((1, 2))
        np.testing.assert_allclose(found, expected, rtol=5e-3, atol=1e-2)
