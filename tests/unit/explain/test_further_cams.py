"""HiRes-, XGrad-, Eigen- and Ablation-CAM against closed forms, and Ablation-CAM against a model without the map."""

import numpy as np
import pytest

from pellucid.explain import ablation_cam, eigen_cam, hires_cam, xgrad_cam
from pellucid.explain.shared.cam_layers import combined
from pellucid.network.explained_model import ExplainedModel


@pytest.fixture(scope="module")
def flat(keras):
    """A convolution and a dense layer on its flattened maps, its weights by position, inputs, targets."""
    layers = keras.layers
    keras.utils.set_random_seed(4)
    model = keras.Sequential(
        [
            layers.Input((20, 2)),
            layers.Conv1D(5, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", bias_initializer="ones"),
        ]
    )
    inputs, targets = np.random.default_rng(0).random((4, 20, 2), np.float32), np.array([0, 1, 2, 1])
    weights = np.moveaxis(model.layers[-1].kernel.numpy().reshape(18, 5, 3)[..., targets], -1, 0)
    return ExplainedModel(model), weights, inputs, targets


def test_hires_cam_of_a_linear_head_sums_to_the_logit_without_its_bias(flat):
    model, weights, inputs, targets = flat
    found = combined(model, inputs, targets, "conv", hires_cam.products)
    np.testing.assert_allclose(found, (weights * model.activations(inputs, "conv")).sum(-1), atol=1e-6)
    np.testing.assert_allclose(found.sum(1), model.score(inputs, targets) - 1, atol=1e-5)
    assert found.min() < 0


def test_xgrad_cam_weighs_the_gradients_by_the_share_of_the_activation(flat):
    model, weights, inputs, targets = flat
    activations = model.activations(inputs, "conv")
    share = activations / np.maximum(activations.sum(1, keepdims=True), 1e-30)
    expected = np.einsum("ntk,nk->nt", activations, (share * weights).sum(1))
    found = combined(model, inputs, targets, "conv", xgrad_cam.weighted)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # Sensitivity, the axiom that the weights are made for: the map sums as gradient × activation does.
    np.testing.assert_allclose(found.sum(1), (weights * activations).sum((1, 2)), atol=1e-5)


def test_xgrad_cam_gives_a_map_that_cancels_out_no_weight(flat):
    activations = np.zeros((1, 4, 2), np.float32)
    activations[0, :, 0] = [1, -1, 2, -2]
    activations[0, :, 1] = 1
    found = xgrad_cam.weighted(activations, np.full((1, 4, 2), 3, np.float32), (1,))
    np.testing.assert_allclose(found, np.full((1, 4), 3))


def test_ablation_cam_of_a_linear_head_weighs_a_map_by_its_part_of_the_logit(flat):
    model, weights, inputs, targets = flat
    activations = model.activations(inputs, "conv")
    expected = np.einsum("ntk,nk->nt", activations, (weights * activations).sum(1))
    np.testing.assert_allclose(ablation_cam.weighted(model, inputs, targets, "conv"), expected, atol=1e-5)


def test_a_map_is_set_to_zero_in_the_middle_of_a_network_with_a_shortcut(keras, rng):
    """Against the same network with the kernel and the bias of that one map set to zero."""
    layers = keras.layers
    series = keras.Input((24, 3))
    first = layers.Conv1D(4, 3, padding="same", activation="relu", name="first")(series)
    second = layers.Conv1D(4, 3, padding="same", activation="relu", name="second")(first)
    hidden = layers.Flatten()(layers.MaxPooling1D(2)(layers.Add()([first, second])))
    model = keras.Model(series, layers.Dense(3, activation="softmax")(hidden))
    inputs, targets = rng.normal(size=(5, 24, 3)).astype(np.float32), np.array([0, 1, 2, 0, 1])
    explained = ExplainedModel(model, batch_size=7)
    forward = explained.forward_passes
    # Not everything passes through the second convolution: what goes past it has to be computed as well.
    for name in ("first", "second"):
        found = explained.scores_without_maps(inputs, targets, name)
        kernel, bias = model.get_layer(name).get_weights()
        for index in range(4):
            zeros = [np.where(np.arange(4) == index, 0, values) for values in (kernel, bias)]
            with explained.altered({name: zeros}):
                np.testing.assert_allclose(found[index], explained.score(inputs, targets), atol=1e-5)
        assert np.ptp(found, axis=0).min() > 0
    assert explained.forward_passes - forward == 2 * (4 * 5 + 4 * 5)


@pytest.mark.parametrize("shape", [(30, 4), (4, 30)], ids=["more positions", "more maps"])
def test_eigen_cam_is_the_first_component_of_a_singular_value_decomposition(shape, rng):
    activations = rng.random((3, *shape), np.float32)
    left, values, _ = np.linalg.svd(activations.astype(np.float64))
    expected = left[:, :, 0] * values[:, :1]
    np.testing.assert_allclose(eigen_cam.projected(activations), np.abs(expected), rtol=1e-4)
    np.testing.assert_allclose(eigen_cam.projected(-activations), np.abs(expected), rtol=1e-4)


def test_eigen_cam_is_of_no_class(flat, rng):
    model, _, inputs, targets = flat
    maps = [eigen_cam.explain(model, inputs, classes, rng) for classes in (targets, (targets + 1) % 3)]
    np.testing.assert_array_equal(*maps)
