"""LIME against a linear model's own weights and against the lime package given the same copies."""

import numpy as np
import pytest

from pellucid.explain.lime import copies, explain, fit
from pellucid.explain.shared.segments import segmentation
from pellucid.network.explained_model import ExplainedModel


def segment_sums(inputs, weights, targets, labels):
    """What each segment adds to a linear model's logit: (N, segments)."""
    product = (inputs * np.moveaxis(weights[..., targets], -1, 0)).reshape(len(inputs), -1)
    return np.stack([np.bincount(labels.ravel(), one) for one in product])


@pytest.mark.parametrize("channels", ["each", "together"])
def test_without_a_penalty_it_finds_what_each_segment_adds_to_a_linear_model(linear, rng, channels):
    model, weights, _ = linear
    inputs, targets = rng.normal(size=(4, 12, 3)).astype(np.float32), np.arange(4)
    labels = segmentation(inputs, segments=4, channels=channels)[0]
    sums = segment_sums(inputs, weights, targets, labels)
    found = explain(ExplainedModel(model), inputs, targets, rng, samples=60, segments=4, channels=channels, ridge=0)
    np.testing.assert_allclose(found, sums[:, labels], atol=2e-5)


def test_the_baseline_is_what_takes_a_segments_place(linear, rng):
    model, weights, _ = linear
    inputs, targets = rng.normal(size=(3, 12, 3)).astype(np.float32), np.arange(3)
    labels = segmentation(inputs, segments=4)[0]
    sums = segment_sums(inputs - inputs.mean(1, keepdims=True), weights, targets, labels)
    found = explain(ExplainedModel(model), inputs, targets, rng, samples=60, segments=4, baseline="mean", ridge=0)
    np.testing.assert_allclose(found, sums[:, labels], atol=2e-5)


@pytest.mark.slow
def test_weights_are_those_of_the_lime_package_for_the_same_copies(rng):
    pytest.importorskip("lime", reason="make peers installs it")
    from lime.lime_base import LimeBase
    from sklearn.metrics import pairwise_distances

    keep = copies(300, 9, rng)
    keep[7] = False  # a copy without any segment has no cosine: the package puts it at distance 1
    scores = rng.normal(size=(300, 2)) + keep @ rng.normal(size=(9, 2))
    data = keep.astype(float)
    distances = pairwise_distances(data, data[:1], metric="cosine").ravel()
    peer = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 0.25**2)), random_state=0)
    for index, ours in enumerate(fit(keep, scores, 0.25, 1)):
        _, pairs, _, _ = peer.explain_instance_with_data(data, scores, distances, index, 9, feature_selection="none")
        theirs = np.array([weight for _, weight in sorted(pairs)])
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.slow
def test_maps_are_those_of_the_lime_package_from_end_to_end(digit, rng):
    pytest.importorskip("lime", reason="make peers installs it")
    from lime.lime_image import LimeImageExplainer

    model = ExplainedModel(digit)
    inputs, targets = rng.random((2, 8, 8, 1), np.float32), np.array([3, 8])
    ours = explain(model, inputs, targets, np.random.default_rng(5), samples=200)
    # The method's own draws, handed to the package through the generator that it asks for integers.
    ahead = np.random.default_rng(5)
    drawn = copies(200, 16, np.random.default_rng([int(ahead.integers(2**63)), 16]))

    class Same:
        def randint(self, low, high, size):
            return drawn.astype(int).ravel()

    labels = segmentation(inputs)[0, ..., 0]
    for image, target, found in zip(inputs[..., 0], targets, ours, strict=True):
        peer = LimeImageExplainer(random_state=0)
        peer.random_state = Same()
        theirs = peer.explain_instance(
            image.astype(float),
            lambda colour: model.logits(colour[..., :1].astype(np.float32)).astype(float),
            labels=(target,),
            top_labels=None,
            hide_color=0,
            num_samples=200,
            random_seed=0,
            segmentation_fn=lambda image: labels,
        ).local_exp[target]
        weights = np.array([weight for _, weight in sorted(theirs)])
        np.testing.assert_allclose(found[..., 0], weights[labels], atol=1e-4 * np.abs(weights).max())


def test_superpixels_with_different_numbers_of_segments_go_together(digit, rng):
    inputs = np.concatenate([rng.random((2, 8, 8, 1), np.float32), np.zeros((1, 8, 8, 1), np.float32)])
    inputs[2, :4] = 1
    targets = np.array([1, 2, 3])
    settings = {"samples": 100, "partition": "superpixels", "segments": 12}
    labels = segmentation(inputs, partition="superpixels", segments=12)
    assert len({one.max() for one in labels}) > 1
    found = explain(ExplainedModel(digit), inputs, targets, np.random.default_rng(1), **settings)
    for index in range(3):
        alone = explain(ExplainedModel(digit), inputs[[index]], targets[[index]], np.random.default_rng(1), **settings)
        np.testing.assert_allclose(alone[0], found[index], atol=1e-4 * np.abs(found).max())
        # One value on all of a segment.
        for label in range(labels[index].max() + 1):
            assert np.ptp(found[index][labels[index] == label]) == 0


def test_segments_that_always_come_together_share_their_weight():
    keep = np.array([[1, 1, 1], [0, 0, 1], [1, 1, 0], [0, 0, 0]], bool)
    scores = keep[:, :1] * 4.0 + keep[:, 2:] * 1.0
    np.testing.assert_allclose(fit(keep, scores, 10, 0), [[2, 2, 1]], atol=1e-9)


def test_one_pass_per_copy(heartbeat, rng):
    model = ExplainedModel(heartbeat)
    explain(model, rng.random((3, 186, 1), np.float32), np.arange(3), rng, samples=70)
    assert model.forward_passes == 3 * 70
