"""Gradient ascent: the regularisers' gradients, the limits, and the smallest cases by hand."""

import itertools

import numpy as np
import pytest

from pellucid.views.shared.ascent import Ascent, Statistics, ascend, roughness, statistics_of


@pytest.mark.parametrize("shape", [(2, 9, 2), (2, 6, 5, 3)])
def test_the_gradient_of_the_roughness_is_that_of_finite_differences(shape, rng):
    z = rng.normal(size=shape).astype(np.float64)
    slope = roughness(z)[1]
    for position in rng.permutation(z[0].size)[:10]:
        index = np.unravel_index(position, shape[1:])
        step = np.zeros(shape)
        step[(slice(None), *index)] = 1e-5
        numeric = (roughness(z + step)[0] - roughness(z - step)[0]) / 2e-5
        np.testing.assert_allclose(slope[(slice(None), *index)], numeric, rtol=1e-4, atol=1e-7)


def test_a_straight_series_and_an_even_image_are_not_rough():
    line = np.arange(10, dtype=np.float32).reshape(1, 10, 1)
    np.testing.assert_allclose(roughness(line)[0], 0, atol=1e-10)
    np.testing.assert_allclose(roughness(np.full((1, 5, 5, 1), 3, np.float32))[0], 0.01, atol=1e-6)


def test_the_total_variation_of_an_edge_is_its_length_times_its_height():
    # An edge of height 2 along 6 rows of 6 columns: 12 in all, over 36 pixels; the rounding adds 0.01 elsewhere.
    image = np.zeros((1, 6, 6, 1), np.float32)
    image[:, :, 3:] = 2
    np.testing.assert_allclose(roughness(image)[0], 12 / 36, atol=0.01)


def climb(slope, steps=200, **weights):
    statistics = Statistics(*(np.array([value], np.float32) for value in (1.0, 2.0, -3.0, 7.0)))
    how = Ascent(steps, 0.1, weights.get("l2", 0), weights.get("smoothness", 0), np.zeros((steps, 1), np.int64))
    seen = []
    start = np.ones(slope.shape, np.float32)
    end = ascend(lambda x: np.broadcast_to(slope, x.shape), start, statistics, how, lambda n, x: seen.append((n, x)))
    return end, seen


def test_a_linear_score_is_highest_at_the_limits():
    slope = np.array([[[1.0], [-0.2], [3.0]]], np.float32)
    end, seen = climb(slope)
    np.testing.assert_array_equal(end, [[[7], [-3], [7]]])
    assert [number for number, _ in seen] == list(range(201))
    scores = [float((slope * x).sum()) for _, x in seen]
    assert all(later >= earlier - 1e-5 for earlier, later in itertools.pairwise(scores))


def test_with_l2_a_linear_score_is_highest_where_the_slopes_balance():
    # In units of the deviation 2 around the mean 1: a · z - l2 · mean(z²) is highest at z = n a / (2 l2).
    slope = np.array([[[0.05], [-0.1], [0.2]]], np.float32)
    end, _ = climb(slope, steps=2000, l2=1.0)
    np.testing.assert_allclose(end, 1 + 2 * (3 * 2 * slope / 2), atol=0.02)


def test_where_nothing_answers_nothing_moves():
    end, seen = climb(np.zeros((1, 3, 1), np.float32), l2=1.0, smoothness=1.0)
    np.testing.assert_array_equal(end, seen[0][1])


def test_padding_does_not_count_in_the_statistics(rng):
    x, chosen = rng.normal(3, 2, size=(40, 9, 3)).astype(np.float32), np.arange(5, 35)
    measured = rng.random(x.shape) < 0.6
    measured[..., 2] = False
    x[~measured] = -99
    found = statistics_of(x, chosen, measured)
    for channel in range(2):
        values = x[chosen][..., channel][measured[chosen][..., channel]]
        expected = values.mean(), values.std(), values.min(), values.max()
        at = (found.mean, found.deviation, found.low, found.high)
        np.testing.assert_allclose([of[channel] for of in at], expected, rtol=1e-5)
    assert [of[2] for of in (found.mean, found.deviation, found.low, found.high)] == [0, 1, 0, 0]
