"""Gradient methods against closed forms, completeness, and tf-keras-vis."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain import (
    deconvnet,
    grad_cam,
    gradient_input,
    guided_backpropagation,
    guided_grad_cam,
    integrated_gradients,
    saliency,
    smoothgrad,
    vargrad,
)
from pellucid.network.explained_model import ExplainedModel

NETWORKS = ["heartbeat", "multivariate", "digit"]


def sample(model, rng, n=4):
    return rng.random((n, *model.input_shape[1:]), np.float32), np.arange(n)


@pytest.fixture
def square(keras):
    """logits = sum of weight × x², so that the gradient is 2 · weight · x."""
    keras.utils.set_random_seed(6)
    inputs = keras.Input((8, 2))
    squared = keras.layers.Multiply()([inputs, inputs])
    dense = keras.layers.Dense(3, use_bias=False)
    model = keras.Model(inputs, dense(keras.layers.Flatten()(squared)))
    return model, dense.kernel.numpy().reshape(8, 2, 3)


# Gradient × input and integrated gradients ------------------------------------------------------------------------------


def test_on_a_linear_model_both_are_weight_times_value(linear, rng):
    model, weights, _ = linear
    inputs, targets = sample(model, rng)
    exact = inputs * np.moveaxis(weights, -1, 0)
    np.testing.assert_allclose(gradient_input.explain(ExplainedModel(model), inputs, targets, rng), exact, atol=1e-6)
    for steps in (1, 7, 50):
        found = integrated_gradients.explain(ExplainedModel(model), inputs, targets, rng, steps=steps)
        np.testing.assert_allclose(found, exact, atol=1e-5)


def test_on_a_quadratic_model_the_trapezoid_is_exact(square, rng):
    model, weights = square
    inputs, targets = sample(model, rng, 3)
    expected = inputs**2 * np.moveaxis(weights, -1, 0)
    # The gradient grows linearly along the line, where the trapezoidal rule is exact at any number of steps.
    for steps in (1, 10):
        found = integrated_gradients.explain(ExplainedModel(model), inputs, targets, rng, steps=steps)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("baseline", ["zero", "mean", "noise", "shuffled"])
@pytest.mark.parametrize("network", NETWORKS)
def test_integrated_gradients_sum_to_the_change_of_the_logit(request, network, baseline):
    model = request.getfixturevalue(network)
    inputs, targets = sample(model, np.random.default_rng(0))
    explained_model = ExplainedModel(model)
    options = {"steps": 300, "baseline": baseline}
    found = integrated_gradients.explain(explained_model, inputs, targets, np.random.default_rng(5), **options)
    start = integrated_gradients.reference(inputs, np.random.default_rng(5), **options)
    change = explained_model.score(inputs, targets) - explained_model.score(start, targets)
    total = found.sum(tuple(range(1, found.ndim)))
    np.testing.assert_allclose(total, change, atol=0.01 * np.abs(change).max())


@pytest.mark.parametrize("size", [1, 3, 17, 256])
def test_integrated_gradients_in_batches_of_any_size(heartbeat, rng, size):
    inputs, targets = sample(heartbeat, rng, 5)
    whole = integrated_gradients.explain(ExplainedModel(heartbeat), inputs, targets, rng, steps=9)
    parts = integrated_gradients.explain(ExplainedModel(heartbeat, batch_size=size), inputs, targets, rng, steps=9)
    np.testing.assert_allclose(parts, whole, atol=1e-5 * np.abs(whole).max())


def test_integrated_gradients_take_one_pass_per_point(heartbeat, rng):
    model = ExplainedModel(heartbeat)
    integrated_gradients.explain(model, *sample(heartbeat, rng, 4), rng, steps=50)
    assert model.backward_passes == 4 * 51


# SmoothGrad and VarGrad -------------------------------------------------------------------------------------------------


def test_on_a_linear_model_noise_changes_nothing(linear, rng):
    model, weights, _ = linear
    inputs, targets = sample(model, rng)
    explained_model = ExplainedModel(model)
    found = smoothgrad.explain(explained_model, inputs, targets, rng, samples=10, mode="signed")
    np.testing.assert_allclose(found, np.moveaxis(weights, -1, 0), atol=1e-6)
    np.testing.assert_allclose(vargrad.explain(explained_model, inputs, targets, rng, samples=10), 0, atol=1e-9)


def test_on_a_quadratic_model_mean_and_variance_are_those_of_the_noise(square, rng):
    # The gradient at x + σn is 2w(x + σn): mean 2wx, variance (2wσ)², with σ the share of the example's range.
    model, weights = square
    inputs, targets = sample(model, rng, 3)
    spread = 0.2 * np.ptp(inputs, axis=(1, 2)).reshape(-1, 1, 1)
    slope = 2 * np.moveaxis(weights, -1, 0)
    options = {"samples": 4000, "noise": 0.2}
    mean = smoothgrad.explain(ExplainedModel(model), inputs, targets, rng, mode="signed", **options)
    error = np.abs(slope) * spread / np.sqrt(4000)
    assert (np.abs(mean - slope * inputs) < 5 * error).all()
    variance = vargrad.explain(ExplainedModel(model), inputs, targets, rng, **options)
    np.testing.assert_allclose(variance, (slope * spread) ** 2, rtol=0.15)


def test_smoothgrad_with_next_to_no_noise_is_saliency(heartbeat, rng):
    inputs, targets = sample(heartbeat, rng)
    found = smoothgrad.explain(ExplainedModel(heartbeat), inputs, targets, rng, samples=3, noise=1e-6)
    expected = saliency.explain(ExplainedModel(heartbeat), inputs, targets, rng)
    np.testing.assert_allclose(found, expected, atol=1e-3 * expected.max())


def test_squared_is_mean_square(digit, rng):
    inputs, targets = sample(digit, rng)
    square_, mean, variance = (
        method.explain(ExplainedModel(digit), inputs, targets, np.random.default_rng(1), samples=20, **options)
        for method, options in ((smoothgrad, {"mode": "squared"}), (smoothgrad, {"mode": "signed"}), (vargrad, {}))
    )
    np.testing.assert_allclose(square_, mean**2 + variance * 19 / 20, rtol=1e-3, atol=1e-7)


# Modified ReLUs ---------------------------------------------------------------------------------------------------------


def test_modified_relus_of_a_network_worked_out_by_hand(keras, rng):
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((5, 1)), layers.Flatten(), layers.Dense(7, activation="relu"), layers.Dense(3)]
    )
    weights, bias = model.layers[1].get_weights()
    head = model.layers[2].kernel.numpy()
    inputs, targets = rng.normal(size=(3, 5, 1)).astype(np.float32), np.arange(3)
    on = (inputs[..., 0] @ weights + bias) > 0
    above = np.maximum(head[:, targets].T, 0)
    found = guided_backpropagation.explain(ExplainedModel(model), inputs, targets, rng)[..., 0]
    np.testing.assert_allclose(found, (above * on) @ weights.T, atol=1e-6)
    np.testing.assert_allclose(
        deconvnet.explain(ExplainedModel(model), inputs, targets, rng)[..., 0], above @ weights.T, atol=1e-6
    )


@pytest.mark.parametrize("network", ["heartbeat", "digit"])
def test_guided_backpropagation_agrees_with_tf_keras_vis(keras, request, network, rng):
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.model_modifiers import GuidedBackpropagation, ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    model = request.getfixturevalue(network)
    inputs, targets = sample(model, rng)
    functional = keras.Model(model.inputs, model.outputs)
    peer = Saliency(functional, model_modifier=[ReplaceToLinear(), GuidedBackpropagation()], clone=True)
    theirs = peer(CategoricalScore(targets.tolist()), inputs, keepdims=True, normalize_map=False)
    ours = guided_backpropagation.explain(ExplainedModel(model), inputs, targets, rng)
    np.testing.assert_allclose(np.abs(ours), theirs, atol=1e-4 * np.abs(theirs).max())


def test_relu_layers_are_modified_as_relu_activations_are(keras, rng):
    layers = keras.layers
    keras.utils.set_random_seed(8)
    as_activation = keras.Sequential(
        [layers.Input((20, 2)), layers.Conv1D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3)]
    )
    as_layer = keras.Sequential(
        [layers.Input((20, 2)), layers.Conv1D(4, 3), layers.ReLU(), layers.Flatten(), layers.Dense(3)]
    )
    as_layer.set_weights(as_activation.get_weights())
    inputs, targets = sample(as_layer, rng, 3)
    for method in (guided_backpropagation, deconvnet):
        one, other = (
            method.explain(ExplainedModel(model), inputs, targets, rng) for model in (as_activation, as_layer)
        )
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_model_answers_as_before_after_its_relus_were_modified(heartbeat, rng):
    model, (inputs, targets) = ExplainedModel(heartbeat), sample(heartbeat, rng)
    before = ExplainedModel(heartbeat).gradient(inputs, targets)
    guided_backpropagation.explain(model, inputs, targets, rng)
    np.testing.assert_array_equal(model.gradient(inputs, targets), before)
    np.testing.assert_array_equal(ExplainedModel(heartbeat).gradient(inputs, targets), before)


def test_without_a_relu_it_says_so(linear, rng):
    with pytest.raises(InputError, match="model: found no ReLU"):
        guided_backpropagation.explain(ExplainedModel(linear[0]), *sample(linear[0], rng), rng)


def test_guided_grad_cam_is_the_product(digit, rng):
    inputs, targets = sample(digit, rng)
    found = guided_grad_cam.explain(ExplainedModel(digit), inputs, targets, rng)
    guided = guided_backpropagation.explain(ExplainedModel(digit), inputs, targets, rng)
    cam = grad_cam.explain(ExplainedModel(digit), inputs, targets, rng)
    np.testing.assert_allclose(found, guided * cam, atol=1e-7)
