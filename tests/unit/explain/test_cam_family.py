"""Layer-CAM against tf-keras-vis, Grad-CAM++ against a closed form."""

import numpy as np
import pytest

from pellucid.explain import grad_cam_plus_plus, layer_cam
from pellucid.probe import Probe

CASES = [("heartbeat", "conv_3"), ("heartbeat", "conv_1"), ("multivariate", "conv_2"), ("digit", "conv_2")]


def sample(model, rng, n=4):
    return rng.random((n, *model.input_shape[1:]), np.float32), np.arange(n)


@pytest.mark.parametrize(("network", "layer"), CASES)
def test_layer_cam_agrees_with_tf_keras_vis(keras, request, network, layer, rng):
    from tf_keras_vis.layercam import Layercam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    model = request.getfixturevalue(network)
    inputs, targets = sample(model, rng)
    peer = Layercam(keras.Model(model.inputs, model.outputs), model_modifier=ReplaceToLinear(), clone=True)
    theirs = peer(
        CategoricalScore(targets.tolist()),
        inputs,
        penultimate_layer=layer,
        seek_penultimate_conv_layer=False,
        normalize_cam=False,
        expand_cam=False,
    )
    ours = layer_cam.maps(Probe(model), inputs, targets, layer)
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def test_grad_cam_plus_plus_of_a_pooled_head_has_its_weights_in_closed_form(keras, rng):
    # With global average pooling over T positions the gradient is w / T everywhere, so that equation 19 gives
    # alpha = 1 / (2 + w / T · sum of A), and equation 5 the weight T · alpha · max(w / T, 0).
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((20, 2)),
            layers.Conv1D(5, 3, activation="relu", name="conv"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    inputs, targets = sample(model, rng, 3)
    activation = Probe(model).activations(inputs, "conv")
    slope = model.layers[-1].kernel.numpy()[:, targets].T / 18
    weights = 18 * np.maximum(slope, 0) / (2 + slope * activation.sum(1))
    expected = np.maximum(np.einsum("ntk,nk->nt", activation, weights), 0)
    found = grad_cam_plus_plus.maps(Probe(model), inputs, targets, "conv")
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
    assert found.max() > 0


def test_layer_cam_of_a_linear_head_is_positive_weight_times_activation(keras, rng):
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((20, 2)),
            layers.Conv1D(5, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    inputs, targets = sample(model, rng, 3)
    activation = Probe(model).activations(inputs, "conv")
    weights = np.moveaxis(model.layers[-1].kernel.numpy().reshape(18, 5, 3)[..., targets], -1, 0)
    expected = (np.maximum(weights, 0) * activation).sum(-1)
    np.testing.assert_allclose(layer_cam.maps(Probe(model), inputs, targets, "conv"), expected, atol=1e-6)
