"""Layer-CAM against tf-keras-vis, Grad-CAM++ against a closed form."""

import numpy as np
import pytest

from pellucid.explain import grad_cam, grad_cam_plus_plus, layer_cam
from pellucid.explain.shared.cam_layers import combined
from pellucid.network.explained_model import ExplainedModel
from tests.support.tf_keras_vis_peer import class_activation

CASES = [("heartbeat", "conv_3"), ("heartbeat", "conv_1"), ("multivariate", "conv_2"), ("digit", "conv_2")]


def sample(model, rng, n=4):
    return rng.random((n, *model.input_shape[1:]), np.float32), np.arange(n)


@pytest.mark.parametrize(("network", "layer"), CASES)
def test_layer_cam_agrees_with_tf_keras_vis(request, network, layer, rng):
    from tf_keras_vis.layercam import Layercam

    model = request.getfixturevalue(network)
    inputs, targets = sample(model, rng)
    theirs = class_activation(Layercam, model, inputs, targets, layer)
    ours = combined(ExplainedModel(model), inputs, targets, layer, layer_cam.combine)
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
    activation = ExplainedModel(model).activations(inputs, "conv")
    slope = model.layers[-1].kernel.numpy()[:, targets].T / 18
    weights = 18 * np.maximum(slope, 0) / (2 + slope * activation.sum(1))
    expected = np.maximum(np.einsum("ntk,nk->nt", activation, weights), 0)
    found = combined(ExplainedModel(model), inputs, targets, "conv", grad_cam_plus_plus.combine)
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
    activation = ExplainedModel(model).activations(inputs, "conv")
    weights = np.moveaxis(model.layers[-1].kernel.numpy().reshape(18, 5, 3)[..., targets], -1, 0)
    expected = (np.maximum(weights, 0) * activation).sum(-1)
    np.testing.assert_allclose(
        combined(ExplainedModel(model), inputs, targets, "conv", layer_cam.combine), expected, atol=1e-6
    )


@pytest.mark.parametrize("method", [grad_cam, grad_cam_plus_plus, layer_cam])
def test_feature_maps_of_one_batch_are_held_at_a_time(digit, method, rng, monkeypatch):
    inputs, targets = sample(digit, rng, 7)
    whole = combined(ExplainedModel(digit), inputs, targets, "conv_2", method.combine)
    model, held = ExplainedModel(digit, batch_size=3), []
    asked = model.activations_and_gradient
    monkeypatch.setattr(model, "activations_and_gradient", lambda x, *rest: (held.append(len(x)), asked(x, *rest))[1])
    np.testing.assert_allclose(
        combined(model, inputs, targets, "conv_2", method.combine), whole, atol=1e-5 * np.abs(whole).max()
    )
    assert held == [3, 3, 1]


def test_grad_cam_plus_plus_does_not_underflow(gap_series, rng):
    """Weights of maps with small gradients: of 1e-25 times the head, the map is 1e-25 times as large."""
    inputs, targets = sample(gap_series, rng)
    name = ExplainedModel(gap_series).conv_layers[-1]
    head = gap_series.layers[-1].get_weights()
    try:
        found = []
        for scale in (1e-20, 1e-25):
            gap_series.layers[-1].set_weights([head[0] * scale, head[1]])
            found.append(combined(ExplainedModel(gap_series), inputs, targets, name, grad_cam_plus_plus.combine))
    finally:
        gap_series.layers[-1].set_weights(head)
    assert found[0].max() > 0
    np.testing.assert_allclose(found[1] * np.float32(1e5), found[0], rtol=1e-4, atol=1e-4 * found[0].max())
