"""Similarity of maps, against SciPy and scikit-image, and on pairs whose similarity is known."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from pellucid.score.shared.similarity import overlap, spearman, ssim


def pairs(shape, number=4):
    rng = np.random.default_rng(0)
    first = rng.normal(size=(number, *shape)).astype(np.float32)
    second = (
        first + rng.normal(size=first.shape) * np.linspace(0.2, 3, number).reshape(-1, *(1,) * len(shape))
    ).astype(np.float32)
    return first, second


@pytest.mark.parametrize("shape", [(40, 3), (9, 8, 2), (187, 1)])
def test_the_rank_correlation_is_scipys(shape):
    first, second = pairs(shape)
    expected = [spearmanr(one.ravel(), two.ravel()).statistic for one, two in zip(first, second, strict=True)]
    np.testing.assert_allclose(spearman(first, second), expected, rtol=1e-12)
    # Half of the values tied, as after the ReLU of a class activation map.
    first, second = np.maximum(first, 0), np.round(second)
    expected = [spearmanr(one.ravel(), two.ravel()).statistic for one, two in zip(first, second, strict=True)]
    np.testing.assert_allclose(spearman(first, second), expected, rtol=1e-12)


def test_the_rank_correlation_knows_order_alone():
    first, _ = pairs((30, 2))
    np.testing.assert_allclose(spearman(first, first**3 + 5), 1, atol=1e-12)
    np.testing.assert_allclose(spearman(first, -first), -1, atol=1e-12)


@pytest.mark.parametrize("shape", [(40, 3), (187, 1), (9, 8, 2), (28, 28, 1)])
@pytest.mark.parametrize("window", [3, 7])
def test_the_structural_similarity_is_scikit_images(shape, window):
    metrics = pytest.importorskip("skimage.metrics")
    first, second = (np.abs(maps) for maps in pairs(shape))
    expected = [
        metrics.structural_similarity(
            (one / one.max()).astype(float),
            (two / two.max()).astype(float),
            win_size=window,
            data_range=1.0,
            channel_axis=-1,
        )
        for one, two in zip(first, second, strict=True)
    ]
    # The library divides in float32, these maps in float64.
    np.testing.assert_allclose(ssim(first, second, window), expected, atol=1e-6)


def test_the_structural_similarity_has_windows_that_fit_small_maps():
    metrics = pytest.importorskip("skimage.metrics")
    first, second = (np.abs(maps) for maps in pairs((6, 1)))
    expected = [
        metrics.structural_similarity(
            one.ravel() / float(one.max()), two.ravel() / float(two.max()), win_size=5, data_range=1.0
        )
        for one, two in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(ssim(first, second), expected, atol=1e-6)
    assert ssim(first[:, :1], second[:, :1]).shape == (4,)


def test_the_structural_similarity_does_not_know_the_unit():
    first, second = pairs((40, 2))
    np.testing.assert_allclose(ssim(first, 1000 * second), ssim(first, second), atol=1e-6)
    np.testing.assert_allclose(ssim(first, 0.01 * first), 1, atol=1e-6)


def test_the_overlap_counts_the_strongest():
    first = np.array([[5, 4, 3, 2, 1, 0, 0, 0, 0, 0]], np.float32)
    second = np.array([[5, 0, 4, 3, 0, 0, 0, 0, 0, 1]], np.float32)
    assert overlap(first, second, 0.1) == 1
    assert overlap(first, second, 0.2) == 0.5  # 0 and 1 against 0 and 2
    assert overlap(first, second, 0.4) == 0.75  # 0 to 3 against 0, 2, 3 and 9
    # A share that is no whole number of values is rounded up.
    assert overlap(first, second, 0.11) == 0.5


def test_the_overlap_of_unrelated_maps_is_chance():
    rng = np.random.default_rng(1)
    first, second = rng.random((2, 200, 500, 1), np.float32)
    # A share of 0.2 of 500 values: the standard error over 200 pairs is 0.0025.
    assert abs(overlap(first, second, 0.2).mean() - 0.2) < 0.01


def test_ties_at_the_edge_all_count():
    first = np.array([[3, 1, 1, 0, 0, 0, 0, 0, 0, 0]], np.float32)
    second = np.array([[3, 1, 0, 0, 0, 0, 0, 0, 0, 0]], np.float32)
    assert overlap(first, first, 0.2) == 1
    assert overlap(first, second, 0.2) == pytest.approx(2 / 3)
    assert overlap(first, second, 0.2) == overlap(second, first, 0.2)
    # All equal: the whole map is the strongest, and agrees with two values of ten by chance.
    assert overlap(np.ones_like(first), second, 0.2) == pytest.approx(0.2)


@pytest.mark.parametrize("measure", [spearman, ssim, lambda one, two: overlap(one, two, 0.1)])
def test_a_map_is_like_itself_and_a_constant_is_like_a_constant(measure):
    first, _ = pairs((20, 2))
    flat = np.zeros_like(first)
    np.testing.assert_allclose(measure(first, first), 1, atol=1e-12)
    np.testing.assert_allclose(measure(flat, flat), 1)
    assert (measure(flat, first) < 0.2).all()
    assert (spearman(first, flat) == 0).all()


def test_each_example_is_compared_for_itself():
    first, second = pairs((20, 2), number=3)
    for measure in (spearman, ssim, lambda one, two: overlap(one, two, 0.1)):
        whole = measure(first, second)
        np.testing.assert_array_equal(whole[1:2], measure(first[1:2], second[1:2]))
