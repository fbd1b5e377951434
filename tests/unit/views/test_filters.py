"""The kernels against the convolutions that they make, computed by NumPy and by Keras."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.filters import compute, kernels_of


def single(keras, layer, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(layer(inputs))))


@pytest.mark.parametrize("kind", ["Conv1D", "SeparableConv1D", "DepthwiseConv1D"])
def test_a_filter_times_the_input_is_what_the_layer_puts_out(keras, rng, kind):
    options = {"depth_multiplier": 2} if kind != "Conv1D" else {}
    count = [] if kind == "DepthwiseConv1D" else [5]
    layer = getattr(keras.layers, kind)(*count, 3, use_bias=False, **options)
    single(keras, layer, (9, 4))
    kernels, x = kernels_of(layer), rng.normal(size=(9, 4)).astype(np.float32)
    windows = np.stack([x[start : start + 3] for start in range(7)])
    if kind == "DepthwiseConv1D":
        # Filter by filter: two for each channel, in turn.
        expected = np.stack([windows[:, :, index // 2] @ kernels[index, :, 0] for index in range(8)], -1)
    else:
        expected = np.einsum("tkc,okc->to", windows, kernels)
    np.testing.assert_allclose(layer(x[np.newaxis]).numpy()[0], expected, atol=1e-5)


def test_a_two_dimensional_filter_too(keras, rng):
    layer = keras.layers.SeparableConv2D(4, (2, 3), depth_multiplier=3, use_bias=False)
    single(keras, layer, (2, 3, 5))
    x = rng.normal(size=(2, 3, 5)).astype(np.float32)
    expected = np.einsum("hwc,ohwc->o", x, kernels_of(layer))
    np.testing.assert_allclose(layer(x[np.newaxis]).numpy()[0, 0, 0], expected, atol=1e-5)


def test_norms_and_their_order(multivariate, rng):
    found = compute(ExplainedModel(multivariate), None, rng, layer="conv_2")
    weights = multivariate.get_layer("conv_2").get_weights()[0]
    norms = [np.linalg.norm(weights[..., index].ravel()) for index in range(128)]
    np.testing.assert_allclose(found["norms"], norms, rtol=1e-6)
    np.testing.assert_array_equal(found["order"], np.argsort(-np.array(norms)))
    np.testing.assert_array_equal(found["kernels"][7], weights[..., 7])


@pytest.mark.parametrize(
    ("layer", "name", "step", "on_input"), [("first", "conv_1", 1, True), ("last", "conv_2", 5, False)]
)
def test_where_the_taps_lie_on_the_input(multivariate, rng, layer, name, step, on_input):
    found = compute(ExplainedModel(multivariate), None, rng, layer=layer)
    assert found["layer"] == name
    assert found["step"].tolist() == [step]
    assert found["on_input"] == on_input


def test_dilated_and_strided_taps(keras, rng):
    layer = keras.layers.Conv1D(2, 3, dilation_rate=4, name="dilated")
    found = compute(ExplainedModel(single(keras, layer, (20, 3))), None, rng, layer="dilated")
    assert (found["step"].tolist(), bool(found["on_input"])) == ([4], True)
    layer = keras.layers.Conv2D(2, 3, strides=2, name="strided")
    found = compute(ExplainedModel(single(keras, layer, (9, 9, 3))), None, rng)
    assert (found["step"].tolist(), bool(found["on_input"])) == ([1, 1], True)


def test_a_layer_without_kernels_is_refused(multivariate, linear, rng):
    with pytest.raises(InputError, match="layer dense_1: found a Dense layer; expected a convolution"):
        compute(ExplainedModel(multivariate), None, rng, layer="dense_1")
    with pytest.raises(InputError, match="model: found no convolution layer"):
        compute(ExplainedModel(linear[0]), None, rng)


@pytest.mark.parametrize(
    ("before", "on_input"),
    [("BatchNormalization", True), ("ZeroPadding1D", True), ("Conv1D", False), ("Dense", False), ("reversed", False)],
)
def test_channels_that_were_mixed_before_have_not_the_names_of_the_data(keras, rng, before, on_input):
    layers = keras.layers
    inputs = keras.Input((20, 3))
    if before == "reversed":
        x = inputs[..., ::-1]
    else:
        x = getattr(layers, before)(*{"Conv1D": (3, 1), "Dense": (3,)}.get(before, ()))(inputs)
    maps = layers.Conv1D(4, 5, name="looked_at")(x)
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(maps)))
    found = compute(ExplainedModel(model), None, rng, layer="looked_at")
    # A kernel of one position before it leaves the receptive field as it is.
    assert (found["step"].tolist(), bool(found["on_input"])) == ([1], on_input)


def test_a_kernel_lies_as_the_image_does(keras, rng):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((9, 8, 3)), layers.Permute((2, 1, 3)),
         layers.Conv2D(4, (3, 2), strides=(1, 2), use_bias=False, name="turned"), layers.Flatten(), layers.Dense(2)]
    )  # fmt: skip
    explained = ExplainedModel(model)
    found = compute(explained, None, rng, layer="turned")
    x = rng.normal(size=(1, 9, 8, 3)).astype(np.float32)
    corner = np.einsum("hwc,ohwc->o", x[0, :2, :3], found["kernels"])
    np.testing.assert_allclose(explained.activations(x, "turned")[0, 0, 0], corner, rtol=1e-4, atol=1e-5)
    assert found["kernels"].shape == (4, 2, 3, 3)
    assert (found["step"].tolist(), bool(found["on_input"])) == ([1, 1], True)
