"""Score-CAM against the paper's equations done map by map, and against tf-keras-vis."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain.score_cam import explain, maps
from pellucid.explain.shared.upsampling import coverage, lay_on_input
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import conv_layer
from tests.support.tf_keras_vis_peer import class_activation


@pytest.fixture(scope="module")
def same_size(keras):
    """A network whose feature maps are as large as its input, with one map that is dead."""
    keras.utils.set_random_seed(6)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((10, 10, 2)),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(4, activation="softmax", bias_initializer="random_normal"),
        ]
    )
    kernel, bias = model.layers[0].get_weights()
    bias[:] = [0.1, 0.3, -100, 0.2, 0, -0.1]
    model.layers[0].set_weights([kernel, bias])
    return model


def tolerance(model, one, layer):
    """What rounding may make of a sum of activations × differences of logits: float32 has seven digits."""
    return 1e-6 * np.abs(model.logits(one[None])).max() * np.abs(model.activations(one[None], layer)).sum(-1).max()


def by_hand(model, one, target, layer, weights, fill):
    """The paper's equations for one example, one feature map at a time."""
    activation = model.activations(one[None], layer)[0]
    spans = model.receptive_field(layer).spans
    seen = coverage(spans)
    scores, used = [], []
    for k in range(activation.shape[-1]):
        wide = lay_on_input(activation[None, ..., k], spans)[0]
        low, high = wide[seen].min(), wide[seen].max()
        if high == low:
            continue
        mask = np.where(seen, wide - low, 0) / (high - low)
        mixed = mask[..., None] * one + (1 - mask[..., None]) * fill
        scores.append(float(model.logits(mixed[None].astype(np.float32))[0, target]))
        used.append(k)
    alpha = np.array(scores) - model.logits(fill[None])[0, target]
    if weights == "softmax":
        alpha = np.exp(alpha) / np.exp(alpha).sum()
    return activation[..., used] @ alpha


@pytest.mark.parametrize("weights", ["softmax", "increase"])
@pytest.mark.parametrize("network", ["heartbeat", "multivariate", "digit", "same_size"])
def test_is_the_papers_equations_done_map_by_map(request, network, weights, rng):
    model = request.getfixturevalue(network)
    explained_model = ExplainedModel(model, batch_size=50)
    inputs, targets = rng.random((3, *model.input_shape[1:]), np.float32), np.array([0, 3, 1])
    layer = conv_layer(explained_model, "last")
    filling = np.broadcast_to(inputs.mean(axis=tuple(range(1, inputs.ndim - 1)), keepdims=True), inputs.shape)
    found = maps(explained_model, inputs, filling, targets, layer, weights, "all")
    for ours, one, target, fill in zip(found, inputs, targets, filling, strict=True):
        expected = by_hand(explained_model, one, target, layer, weights, fill)
        np.testing.assert_allclose(
            ours, expected, atol=tolerance(explained_model, one, layer) + 1e-4 * np.abs(expected).max()
        )
    whole = explain(explained_model, inputs, targets, rng, weights=weights, baseline="mean")
    np.testing.assert_allclose(
        whole[..., 0], lay_on_input(np.maximum(found, 0), explained_model.receptive_field(layer).spans), atol=1e-5
    )


def test_agrees_with_tf_keras_vis_where_nothing_is_interpolated(same_size, rng):
    from tf_keras_vis.scorecam import Scorecam

    inputs, targets = rng.normal(size=(3, 10, 10, 2)).astype(np.float32), np.array([2, 0, 1])
    theirs = class_activation(Scorecam, same_size, inputs, targets, "conv")
    # It weighs by the probability of the class.
    ours = maps(ExplainedModel(same_size), inputs, np.zeros_like(inputs), targets, "conv", "probability", "all")
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def test_the_map_that_feeds_the_class_is_the_one_that_shows(keras, rng):
    """Two detectors, for ones at the left and minus ones at the right; the class hears of the second alone."""
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((40, 1)),
            layers.Conv1D(2, 3, padding="same", activation="relu", name="conv"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.get_layer("conv").set_weights([np.array([[[1, -1]]] * 3, np.float32), np.zeros(2, np.float32)])
    model.layers[-1].set_weights([np.array([[40, 0], [0, 40]], np.float32), np.zeros(2, np.float32)])
    signal = np.zeros((1, 40, 1), np.float32)
    signal[0, 5:10], signal[0, 25:30] = 1, -1
    for target, place in ((0, slice(5, 10)), (1, slice(25, 30))):
        found = explain(ExplainedModel(model), signal, np.array([target]), rng)[0, :, 0]
        assert found[place].sum() > 0.7 * found.sum()


def test_few_maps_are_those_of_greatest_variance(heartbeat, rng):
    model = ExplainedModel(heartbeat)
    inputs, targets = rng.random((3, 186, 1), np.float32), np.arange(3)
    zero = np.zeros_like(inputs)
    found = maps(model, inputs, zero, targets, "conv_3", "increase", 5)
    activations = model.activations(inputs, "conv_3")
    before = model.forward_passes
    maps(model, inputs, zero, targets, "conv_3", "increase", 5)
    assert model.forward_passes - before == 3 * (1 + 5 + 1)
    for ours, one, target, activation in zip(found, inputs, targets, activations, strict=True):
        chosen = np.argsort(-activation.var(0))[:5]
        expected = np.zeros(len(activation))
        for k in chosen:
            wide = lay_on_input(activation[None, :, k], model.receptive_field("conv_3").spans)[0]
            mask = (wide - wide.min()) / np.ptp(wide)
            expected += activation[:, k] * (
                model.score((one * mask[:, None])[None], [target]) - model.score(0 * one[None], [target])
            )
        np.testing.assert_allclose(ours, expected, atol=tolerance(model, one, "conv_3"))


def test_relu_keeps_what_speaks_for_the_class(multivariate, rng):
    inputs, targets = rng.random((3, 100, 6), np.float32), np.arange(3)
    signed = explain(ExplainedModel(multivariate), inputs, targets, rng, layer="conv_2", relu=False)
    assert signed.min() < 0
    assert explain(ExplainedModel(multivariate), inputs, targets, rng, layer="conv_2").min() >= 0


def test_maps_without_contrast_weigh_nothing(same_size, rng):
    inputs, targets = np.zeros((2, 10, 10, 2), np.float32), np.array([0, 1])
    model = ExplainedModel(same_size)
    activations = model.activations(inputs, "conv")
    assert activations.max() > 0
    assert np.ptp(activations, axis=(1, 2)).max() == 0
    for weights in ("softmax", "increase", "probability"):
        assert (maps(model, inputs, inputs + 1, targets, "conv", weights, "all") == 0).all()


def test_a_layer_without_feature_maps_is_refused(digit, rng):
    with pytest.raises(InputError, match='layer: found "dense_1", whose output \\(128,\\) has no time or space left'):
        explain(ExplainedModel(digit), rng.random((1, 8, 8, 1), np.float32), np.array([0]), rng, layer="dense_1")
