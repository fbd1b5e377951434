"""DeepLIFT's multipliers against closed forms: windows by hand, curves by their values, linear layers by the gradient."""

import numpy as np
import pytest

from pellucid.network.explained_model import ExplainedModel

# The curves of Keras that are functions of one value.
CURVES = (
    *("celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu"),
    *("log_sigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softplus", "softsign"),
    *("sparse_plus", "sparse_sigmoid", "squareplus", "tanh", "tanh_shrink"),
)


@pytest.fixture(autouse=True)
def weights(keras):
    """The same random weights in every run."""
    keras.utils.set_random_seed(14)


def summed(keras, shape, *layers_):
    """Layers whose values, all together, are the first of two logits."""
    layers = keras.layers
    model = keras.Sequential([layers.Input(shape), *layers_, layers.Flatten(), layers.Dense(2, use_bias=False)])
    model.layers[-1].set_weights([np.outer(np.ones(model.layers[-1].kernel.shape[0]), [1, 0])])
    return model


def contributions(model, one, reference):
    """Of one input against one reference, for the first logit."""
    one, reference = (np.asarray(values, np.float32)[None] for values in (one, reference))
    return ExplainedModel(model).contributions(one, reference, np.array([0]))[0]


def test_a_window_gives_its_change_to_the_place_of_the_greater_maximum(keras):
    model = summed(keras, (6, 1), keras.layers.MaxPooling1D(2))
    # 3 against 2: to the 3, at the first place. 1 against 4: to the 4, at the last. 5 against 5: nothing.
    one, reference = [3, 1, 1, 0, 5, 2], [0, 2, 1, 4, 1, 5]
    found = contributions(model, np.reshape(one, (6, 1)), np.reshape(reference, (6, 1)))
    np.testing.assert_allclose(found[:, 0], [1, 0, 0, -3, 0, 0], atol=1e-6)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_where_windows_overlap_a_place_gets_the_sum(keras, padding):
    model = summed(keras, (4, 1), keras.layers.MaxPooling1D(2, strides=1, padding=padding))
    # Windows (3, 1), (1, 2), (2, 0) of the input, (0, 2), (2, 1), (1, 7) of the reference; the last alone is (0), (7).
    one, reference = [3, 1, 2, 0], [0, 2, 1, 7]
    found = contributions(model, np.reshape(one, (4, 1)), np.reshape(reference, (4, 1)))
    last = -5 - (7 if padding == "same" else 0)
    np.testing.assert_allclose(found[:, 0], [1, 0, 0, last], atol=1e-6)


def test_windows_of_an_image_by_their_definition(keras, rng):
    model = summed(keras, (7, 6, 2), keras.layers.MaxPooling2D(3, strides=2))
    one, reference = (rng.normal(size=(7, 6, 2)).astype(np.float32) for _ in range(2))
    expected = np.zeros((7, 6, 2))
    for row, column, channel in np.ndindex(3, 2, 2):
        window = np.s_[2 * row : 2 * row + 3, 2 * column : 2 * column + 3, channel]
        at_input, at_reference = one[window], reference[window]
        greater = at_input if at_input.max() > at_reference.max() else at_reference
        expected[window][np.unravel_index(greater.argmax(), (3, 3))] += at_input.max() - at_reference.max()
    np.testing.assert_allclose(contributions(model, one, reference), expected, atol=1e-5)


def test_every_curve_is_rescaled_by_its_values(keras, rng):
    layers = keras.layers
    start = keras.Input((5, 1))
    units = layers.Dense(4, name="units")(layers.Flatten()(start))
    curved = [layers.Activation(name)(units) for name in CURVES]
    curved += [layers.ReLU(max_value=1.0, negative_slope=0.2, threshold=0.1)(units), layers.ELU(0.5)(units)]
    curved += [layers.PReLU("random_normal")(units), layers.LeakyReLU(0.4)(layers.BatchNormalization()(units))]
    model = keras.Model(start, layers.Dense(2)(layers.Concatenate()(curved)))
    inputs, rows = (rng.normal(size=(3, 5, 1)).astype(np.float32) for _ in range(2))
    rows[0] = inputs[0]  # the same: no quotient is defined, and nothing changes
    found = ExplainedModel(model).contributions(inputs, rows, np.zeros(3, int))
    # All curves of a unit together are a function of its one value: the change of their sum, by the weights before it.
    weights, joined = model.get_layer("units").get_weights()[0], model.layers[-1].kernel.numpy()[:, 0]
    explained_model = ExplainedModel(model)
    values = explained_model.activations(np.concatenate([inputs, rows]), model.layers[-2].name) * joined
    values = values.reshape(6, -1, 4).sum(1, dtype=np.float64)
    differences = (inputs[:, None] - rows)[..., 0].astype(np.float64)
    change = differences @ weights
    slope = np.divide(values[:3, None] - values[3:], change, out=np.zeros_like(change), where=change != 0)
    expected = np.mean(differences * (slope @ weights.T), 1)
    np.testing.assert_allclose(found[..., 0], expected, atol=1e-5 * np.abs(expected).max())


LINEAR = {
    "series": ((12, 4), ["ZeroPadding1D", "UpSampling1D", "AveragePooling1D", "Cropping1D", "GlobalAveragePooling1D"]),
    "image": ((8, 8, 2), ["ZeroPadding2D", "UpSampling2D", "AveragePooling2D", "Cropping2D", "GlobalAveragePooling2D"]),
}


@pytest.mark.parametrize("kind", LINEAR)
def test_through_linear_layers_it_is_the_gradient(keras, kind, rng):
    layers, (shape, plain) = keras.layers, LINEAR[kind]
    axes = len(shape) - 1
    conv, depthwise, back = (
        getattr(layers, name) for name in (f"Conv{axes}D", f"DepthwiseConv{axes}D", f"Conv{axes}DTranspose")
    )
    start = keras.Input(shape)
    x = getattr(layers, plain[0])(1)(start)
    x = layers.Rescaling(1.5, -1)(getattr(layers, plain[1])(2)(x))
    both = [conv(5, 3, dilation_rate=2, padding="same")(x), depthwise(3, padding="same", depth_multiplier=1)(x)]
    x = layers.BatchNormalization()(layers.Dense(3)(layers.Concatenate()(both)))
    x = layers.Subtract()([layers.Add()([x, conv(3, 1)(x)]), layers.Average()([x, x])])
    x = getattr(layers, plain[3])(1)(getattr(layers, plain[2])(2)(back(3, 3, strides=2)(x)))
    turned = layers.Permute(tuple(range(axes + 1, 0, -1)))(x)
    ends = [getattr(layers, plain[4])()(x), layers.Flatten()(turned)]
    model = keras.Model(start, layers.Dense(3)(layers.Dropout(0.5)(layers.Concatenate()(ends))))
    inputs, rows = (rng.normal(size=(3, *shape)).astype(np.float32) for _ in range(2))
    explained_model, targets = ExplainedModel(model), np.array([0, 1, 2])
    assert all(operation.fits for operation in explained_model.operations)
    expected = explained_model.gradient(inputs, targets) * (inputs - rows.mean(0))
    found = explained_model.contributions(inputs, rows, targets)
    np.testing.assert_allclose(found, expected, atol=5e-5 * np.abs(expected).max())


def test_a_value_that_goes_two_ways_is_counted_on_both(keras, rng):
    """Residual blocks, one inside the other, one of them nested in a model: against the sum over single references."""
    layers = keras.layers
    inner_start = keras.Input((10, 3))
    inner = keras.Model(inner_start, layers.Add()([inner_start, layers.Conv1D(3, 3, padding="same")(inner_start)]))
    start = keras.Input((10, 3))
    x = inner(layers.Conv1D(3, 3, padding="same", activation="tanh")(start))
    x = layers.ReLU()(layers.Add()([x, layers.Conv1D(3, 1, activation="gelu")(layers.ReLU()(x))]))
    model = keras.Model(start, layers.Dense(2, activation="softmax")(layers.Flatten()(x)))
    inputs, rows = (rng.normal(size=(3, 10, 3)).astype(np.float32) for _ in range(2))
    explained_model, targets = ExplainedModel(model), np.array([0, 1, 1])
    found = explained_model.contributions(inputs, rows, targets)
    change = explained_model.score(inputs, targets) - explained_model.logits(rows)[:, targets].mean(0)
    np.testing.assert_allclose(found.sum((1, 2)), change, atol=1e-5)
    single = np.mean([explained_model.contributions(inputs, row[None], targets) for row in rows], 0)
    np.testing.assert_allclose(found, single, atol=1e-5 * np.abs(found).max())
    # Close to an input there is no difference between a multiplier and a slope.
    near = [one[None] + np.float32(1e-3) * rng.normal(size=(1, 10, 3)).astype(np.float32) for one in inputs]
    for one, row, target in zip(inputs, near, targets, strict=True):
        slope = explained_model.gradient(one[None], target[None]) * (one - row)
        step = explained_model.contributions(one[None], row, target[None])
        np.testing.assert_allclose(step, slope, atol=0.02 * np.abs(slope).max())


def test_it_follows_the_weights(heartbeat, rng):
    """Nothing of the weights is kept from one call to the next."""
    inputs, rows = (rng.random((2, 186, 1), np.float32) for _ in range(2))
    model, targets = ExplainedModel(heartbeat), np.array([0, 1])
    before = model.contributions(inputs, rows, targets)
    last = list(model.weights)[-1]
    with model.altered({last: [2 * values for values in model.weights[last]]}):
        np.testing.assert_allclose(model.contributions(inputs, rows, targets), 2 * before, rtol=1e-6)
    np.testing.assert_array_equal(model.contributions(inputs, rows, targets), before)


def test_operations_are_those_between_input_and_logits(keras):
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((12, 3)),
            layers.Conv1D(6, 3, name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Activation("relu", name="relu"),
            layers.Flatten(name="flat"),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    found = ExplainedModel(model).operations
    assert [one.layer for one in found if one.kind == "Relu"] == ["relu"]
    assert [one.layer for one in found if one.kind == "MatMul"] == ["classes"]
    assert [one.layer for one in found if one.kind == "Conv2D"] == ["first"]
    # The root of the variance and its product with gamma do not depend on the input, nor is there a softmax.
    assert not {"Rsqrt", "Sub", "Softmax"} & {one.kind for one in found}
    assert list(dict.fromkeys(one.layer for one in found))[:5] == ["first", "norm", "relu", "flat", "classes"]
