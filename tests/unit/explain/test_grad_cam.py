"""Grad-CAM against a closed form and against tf-keras-vis."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain.grad_cam import explain, weighted
from pellucid.explain.shared.cam_layers import combined
from pellucid.explain.shared.upsampling import lay_on_input, upsample
from pellucid.network.explained_model import ExplainedModel
from tests.support.tf_keras_vis_peer import class_activation


@pytest.mark.parametrize(
    ("network", "layer"),
    [("heartbeat", "conv_3"), ("heartbeat", "conv_1"), ("multivariate", "conv_2"), ("digit", "conv_2")],
)
def test_agrees_with_tf_keras_vis_at_the_layers_size(request, network, layer, rng):
    from tf_keras_vis.gradcam import Gradcam

    model = request.getfixturevalue(network)
    inputs, targets = rng.random((4, *model.input_shape[1:]), np.float32), np.arange(4)
    theirs = class_activation(Gradcam, model, inputs, targets, layer)
    ours = np.maximum(combined(ExplainedModel(model), inputs, targets, layer, weighted), 0)
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def test_after_global_average_pooling_it_is_the_class_weight_over_the_length(keras, rng):
    # Zhou's CAM: with a GAP head, dy/dA is the dense weight divided by the number of positions, at every position.
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((20, 2)),
            layers.Conv1D(5, 3, activation="relu", name="conv"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    inputs, targets = rng.normal(size=(3, 20, 2)).astype(np.float32), np.array([2, 0, 1])
    activations = ExplainedModel(model).activations(inputs, "conv")
    weights = model.layers[-1].kernel.numpy()[:, targets].T / activations.shape[1]
    expected = np.einsum("ntk,nk->nt", activations, weights)
    np.testing.assert_allclose(combined(ExplainedModel(model), inputs, targets, "conv", weighted), expected, atol=1e-6)


def test_each_example_has_weights_of_its_own(heartbeat, rng):
    # Averaging the weights over the batch, as some libraries do, would make a map depend on its neighbours.
    inputs, targets = rng.random((6, 186, 1), np.float32), np.arange(6) % 5
    together = explain(ExplainedModel(heartbeat), inputs, targets, rng)
    alone = np.concatenate([explain(ExplainedModel(heartbeat), inputs[[i]], targets[[i]], rng) for i in range(6)])
    np.testing.assert_allclose(together, alone, atol=1e-5 * np.abs(alone).max())


def test_relu_keeps_what_speaks_for_the_class(digit, rng):
    inputs, targets = rng.random((4, 8, 8, 1), np.float32), np.arange(4)
    model = ExplainedModel(digit)
    signed = lay_on_input(combined(model, inputs, targets, "conv_2", weighted), model.receptive_field("conv_2").spans)
    np.testing.assert_allclose(
        explain(ExplainedModel(digit), inputs, targets, rng, relu=False)[..., 0], signed, rtol=1e-6
    )
    assert explain(ExplainedModel(digit), inputs, targets, rng).min() >= 0


def test_last_is_the_activation_of_the_last_convolution(multivariate, rng):
    inputs, targets = rng.random((2, 100, 6), np.float32), np.array([0, 1])
    last, named = (
        explain(ExplainedModel(multivariate), inputs, targets, rng, layer=layer) for layer in ("last", "relu_2")
    )
    np.testing.assert_array_equal(last, named)


def test_without_a_convolution_it_says_so(linear, rng):
    with pytest.raises(InputError, match="model: found no convolution layer"):
        explain(ExplainedModel(linear[0]), rng.random((1, 12, 3), np.float32), np.array([0]), rng)


def test_upsampling_is_linear_with_centred_cells():
    # Two cells over eight samples: centres at 1.5 and 5.5, constant beyond them.
    found = upsample(np.array([[0.0, 1.0]], np.float32), (8,))[0]
    np.testing.assert_allclose(found, [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new"), [((5,), (17,)), ((3, 4), (9, 7)), ((4, 4), (4, 4)), ((7,), (3,)), ((1,), (5,))]
)
def test_upsampling_agrees_with_tensorflow(keras, old, new, rng):
    import tensorflow as tf

    maps_ = rng.normal(size=(2, *old)).astype(np.float32)
    images = maps_.reshape(2, *old, 1) if len(old) == 2 else maps_.reshape(2, *old, 1, 1)
    size = new if len(new) == 2 else (*new, 1)
    theirs = tf.image.resize(images, size, method="bilinear").numpy().reshape(2, *new)
    np.testing.assert_allclose(upsample(maps_, new), theirs, atol=1e-5)
