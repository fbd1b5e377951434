"""Receptive fields against published numbers, and against the gradients of networks in which nothing cancels out."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel

# Araujo, Norris, Sim, Distill (2019): 212 at the end of VGG16, every layer with 3 × 3 or 2 × 2 windows.
VGG16 = {
    "block1_conv1": (3, 1), "block1_conv2": (5, 1), "block1_pool": (6, 2), "block2_conv1": (10, 2),
    "block2_conv2": (14, 2), "block2_pool": (16, 4), "block3_conv1": (24, 4), "block3_conv2": (32, 4),
    "block3_conv3": (40, 4), "block3_pool": (44, 8), "block4_conv1": (60, 8), "block4_conv2": (76, 8),
    "block4_conv3": (92, 8), "block4_pool": (100, 16), "block5_conv1": (132, 16), "block5_conv2": (164, 16),
    "block5_conv3": (196, 16), "block5_pool": (212, 32),
}  # fmt: skip


@pytest.fixture(scope="module")
def vgg16(keras):
    return keras.applications.VGG16(weights=None, input_shape=(224, 224, 3))


def test_published_numbers_of_vgg16(vgg16):
    model = ExplainedModel(vgg16)
    for name, (size, jump) in VGG16.items():
        found = model.receptive_field(name)
        assert [(span.size, span.jump) for span in found.spans] == [(size, jump)] * 2, name
        assert not found.whole
        assert found.spans[0].units == vgg16.get_layer(name).output.shape[1]
    assert model.receptive_field("fc1").whole
    assert model.receptive_field("fc1").size == (224, 224)


def test_nested_in_another_model_is_the_same(keras):
    inner = keras.applications.VGG16(weights=None, include_top=False, input_shape=(64, 64, 3))
    inputs = keras.Input((64, 64, 3))
    outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D(name="mean")(inner(inputs / 255.0)))
    model = ExplainedModel(keras.Model(inputs, outputs))
    assert model.receptive_field("block4_conv3").size == (92, 92)
    assert model.receptive_field(inner.name).size == (212, 212)
    assert model.receptive_field("mean").whole


def series(keras):
    layers = keras.layers
    inputs = keras.Input((64, 2))
    x = layers.Conv1D(3, 4, padding="same", name="even")(inputs)
    x = layers.AveragePooling1D(3, 2, padding="same", name="pool")(x)
    left = layers.Conv1D(3, 3, padding="causal", dilation_rate=2, name="causal")(x)
    right = layers.SeparableConv1D(3, 5, padding="same", name="separable")(x)
    x = layers.Add(name="add")([left, right])
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Cropping1D((1, 2), name="crop")(layers.ZeroPadding1D((1, 1), name="pad")(x))
    x = layers.Conv1D(2, 2, strides=3, name="strided")(layers.Dense(3, name="mix")(x))
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))


def image(keras):
    layers = keras.layers
    inputs = keras.Input((24, 19, 1))
    x = layers.Conv2D(2, (3, 5), strides=(2, 1), padding="same", name="conv")(inputs)
    branches = [layers.Conv2D(2, 1, name="one")(x), layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)]
    x = layers.Concatenate(name="together")(branches)
    x = layers.AveragePooling2D(2, name="pool")(x)
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))


@pytest.mark.parametrize("make", [series, image])
def test_is_where_the_gradient_of_a_unit_is_not_zero(keras, make):
    """All weights positive, nothing but linear: what a unit sees has a gradient, and nothing else has."""
    import tensorflow as tf

    model = make(keras)
    for layer in model.layers:
        layer.set_weights([np.abs(value) + 0.1 for value in layer.get_weights()])
    explained_model = ExplainedModel(model)
    x = tf.ones((1, *explained_model.input_shape))
    checked = 0
    for layer in model.layers[1:-2]:
        found, part = explained_model.receptive_field(layer.name), keras.Model(model.inputs, layer.output)
        assert not found.whole
        axes = layer.output.shape[1:-1]
        assert tuple(span.units for span in found.spans) == axes
        for unit in [(0,) * len(axes), tuple(size // 2 for size in axes), tuple(size - 1 for size in axes)]:
            with tf.GradientTape() as tape:
                tape.watch(x)
                output = tf.reduce_sum(part(x)[(0, *unit)])
            seen = np.argwhere(tape.gradient(output, x).numpy()[0].sum(-1) != 0)
            for axis, (span, index) in enumerate(zip(found.spans, unit, strict=True)):
                first, end = span.inside(index)
                if len(seen):
                    assert (first, end) == (seen[:, axis].min(), seen[:, axis].max() + 1), (layer.name, unit)
                    checked += 1
                else:
                    assert layer.name == "pad"  # the units that it adds see nothing
    assert checked > 20


def test_layers_that_mix_all_positions_or_are_not_known_see_everything(keras):
    layers = keras.layers

    class Conv1D(keras.layers.Layer):
        def call(self, x):
            return x[:, ::-1]

    inputs = keras.Input((20, 2))
    x = layers.LSTM(3, return_sequences=True, name="lstm")(inputs)
    own = Conv1D(name="own")(inputs)
    x = layers.Concatenate()([x, layers.LayerNormalization(axis=1, name="over_time")(inputs), own])
    model = ExplainedModel(keras.Model(inputs, layers.Dense(2)(layers.Flatten(name="flat")(x))))
    for name in ("lstm", "own", "over_time", "flat"):
        assert model.receptive_field(name).whole, name
        assert model.receptive_field(name).size == (20,)


def test_an_index_that_removes_an_axis_leaves_no_known_place(keras):
    inputs = keras.Input((8, 2))
    maps = keras.layers.Conv1D(3, 3, name="conv")(inputs)
    model = ExplainedModel(keras.Model(inputs, keras.layers.Dense(2, name="scores")(maps[:, 0])))
    assert model.receptive_field("scores").whole
    assert model.receptive_field("conv").size == (3,)


def test_an_unknown_layer_is_refused(digit):
    with pytest.raises(InputError, match='layer: found "conv_9"'):
        ExplainedModel(digit).receptive_field("conv_9")
