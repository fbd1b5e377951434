"""CAM against closed forms and Grad-CAM; what networks say of themselves against their own layers."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain import attention_weights, cam, grad_cam, instance_weights
from pellucid.explain.shared.cam_layers import combined
from pellucid.explain.shared.upsampling import lay_on_input
from pellucid.network.explained_model import ExplainedModel

GAP = ["gap_series", "gap_image"]


def sample(model, rng, n=4):
    return rng.random((n, *model.input_shape[1:]), np.float32), np.arange(n) % model.output_shape[1]


@pytest.mark.parametrize("network", GAP)
def test_the_mean_of_a_cam_is_the_logit_less_its_bias(request, network, rng):
    model = request.getfixturevalue(network)
    inputs, targets = sample(model, rng)
    explained_model, bias = ExplainedModel(model), rng.normal(size=4).astype(np.float32)
    with explained_model.altered({"classes": [explained_model.weights["classes"][0], bias]}):
        found = cam.maps(explained_model, inputs, targets)
        logit = explained_model.score(inputs, targets) - bias[targets]
    np.testing.assert_allclose(found.mean(tuple(range(1, found.ndim))), logit, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", GAP)
def test_grad_cam_of_the_same_maps_is_cam_over_the_number_of_positions(request, network, rng):
    model = request.getfixturevalue(network)
    inputs, targets = sample(model, rng)
    found = cam.maps(ExplainedModel(model), inputs, targets)
    peer = combined(ExplainedModel(model), inputs, targets, "relu_2", grad_cam.weighted)
    np.testing.assert_allclose(found, peer * np.prod(found.shape[1:]), rtol=1e-4, atol=1e-6)
    assert found.min() < 0 < found.max()


def test_cam_is_keras_own_dense_layer_at_every_position(keras, gap_image, rng):
    # Without pooling between the blocks, nothing is interpolated: the head itself is applied to the maps.
    inputs, targets = sample(gap_image, rng)
    maps = keras.Model(gap_image.inputs, gap_image.get_layer("relu_2").output).predict(inputs, verbose=0)
    head = gap_image.get_layer("classes")
    expected = (maps @ head.kernel.numpy())[np.arange(4), ..., targets]
    found = cam.explain(ExplainedModel(gap_image), inputs, targets, rng)
    for channel in range(3):
        np.testing.assert_allclose(found[..., channel], expected, rtol=1e-4, atol=1e-6)


def test_cam_finds_the_maps_of_a_nested_backbone_behind_dropout(keras, rng):
    layers = keras.layers
    backbone = keras.Sequential(
        [layers.Input((20, 2)), layers.Conv1D(5, 3), layers.ReLU(name="inner_relu")], name="backbone"
    )
    inputs = keras.Input((20, 2))
    hidden = layers.Dropout(0.5)(layers.GlobalAveragePooling1D()(backbone(inputs)))
    model = keras.Model(inputs, layers.Softmax()(layers.Dense(3)(hidden)))
    x, targets = rng.normal(size=(3, 20, 2)).astype(np.float32), np.array([2, 0, 1])
    name, kernel = ExplainedModel(model).pooled_head
    assert name == "inner_relu"
    np.testing.assert_array_equal(kernel, model.layers[-2].kernel.numpy())
    found = cam.maps(ExplainedModel(model), x, targets)
    np.testing.assert_allclose(found.mean(1), ExplainedModel(model).score(x, targets), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", ["digit", "attention"])
def test_cam_of_another_kind_of_network_is_refused(request, network, rng):
    model = request.getfixturevalue(network)
    with pytest.raises(InputError, match=f"model {model.name}: found .* at the end; expected global average pooling"):
        cam.explain(ExplainedModel(model), *sample(model, rng), rng)


def test_attention_is_the_softmax_of_the_scores_in_closed_form(keras, attention, rng):
    inputs, targets = sample(attention, rng)
    states = keras.Model(attention.inputs, attention.get_layer("lstm").output).predict(inputs, verbose=0)
    hidden, scores = attention.get_layer("attention_hidden"), attention.get_layer("attention_scores")
    raised = np.exp(np.tanh(states @ hidden.kernel.numpy() + hidden.bias.numpy()) @ scores.kernel.numpy())[..., 0]
    expected = raised / raised.sum(1, keepdims=True)
    found = attention_weights.explain(ExplainedModel(attention), inputs, targets, rng)
    steps = lay_on_input(expected, ExplainedModel(attention).receptive_field("pool_1").spans)
    np.testing.assert_allclose(found[..., 0], steps, rtol=1e-4)


def test_the_context_and_so_the_logits_are_the_weighted_sum_of_the_states(keras, attention, rng):
    inputs, _ = sample(attention, rng)
    model, head = ExplainedModel(attention), attention.get_layer("classes")
    weights, states = model.activations(inputs, "attention_weights"), model.activations(inputs, "lstm")
    logits = np.einsum("nt,ntk->nk", weights, states) @ head.kernel.numpy() + head.bias.numpy()
    np.testing.assert_allclose(model.logits(inputs), logits, rtol=1e-4, atol=1e-6)


def test_instance_weights_are_equation_9_on_each_windows_samples(keras, mil, rng):
    inputs, targets = sample(mil, rng)
    model = ExplainedModel(mil)
    h = model.activations(inputs, "embeddings")
    v, u, w = (mil.get_layer(f"attention_{name}").kernel.numpy() for name in ("tanh", "gate", "scores"))
    raised = np.exp((np.tanh(h @ v) / (1 + np.exp(-h @ u))) @ w)[..., 0]
    expected = raised / raised.sum(1, keepdims=True)
    found = instance_weights.explain(model, inputs, targets, rng)
    assert found.shape == (4, 43, 3)
    for sample_ in range(43):
        for channel in range(3):
            np.testing.assert_allclose(found[:, sample_, channel], expected[:, sample_ // 10], rtol=1e-5)
    head = mil.get_layer("classes")
    logits = np.einsum("nk,nkm->nm", expected, h) @ head.kernel.numpy() + head.bias.numpy()
    np.testing.assert_allclose(model.logits(inputs), logits, rtol=1e-4, atol=1e-6)


def test_an_instances_embedding_depends_on_its_own_window_alone(mil, rng):
    inputs, _ = sample(mil, rng)
    changed = inputs.copy()
    changed[:, 20:30] += 1
    before, after = (ExplainedModel(mil).activations(x, "embeddings") for x in (inputs, changed))
    others = [0, 1, 3, 4]
    np.testing.assert_allclose(after[:, others], before[:, others], rtol=1e-6)
    assert not np.allclose(after[:, 2], before[:, 2])
