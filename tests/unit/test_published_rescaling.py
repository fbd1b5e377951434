"""The benchmark of temporal saliency rescaling: its processes, and its scores against sums that are done by hand."""

import numpy as np
import pytest

from tests.bench.published_rescaling import PROCESSES, SHAPES, SHARES, Scores, areas, evidence, noise, scores, strongest


def test_as_few_values_as_hold_a_share_are_chosen():
    # 4, 7, 9 and 10 tenths of the sum.
    chosen = strongest(np.array([[[3.0, 4.0], [1.0, 2.0]]]))
    assert chosen.shape == (1, len(SHARES), 2, 2)
    np.testing.assert_array_equal(chosen[0].sum((1, 2)), [1, 1, 1, 1, 2, 2, 2, 3, 3])
    np.testing.assert_array_equal(chosen[0, 0], [[False, True], [False, False]])
    np.testing.assert_array_equal(chosen[0, -1], [[True, True], [False, True]])


def by_hand(size, chosen, truth):
    """Sum what is hit, what is chosen and what is true, value by value; an example without any does not count."""
    precision, recall = [], []
    for place in range(len(SHARES)):
        of_examples = []
        for values, marked in zip(size, chosen[:, place], strict=True):
            hit = false = missed = 0.0
            for value, is_marked, is_true in zip(values, marked, truth, strict=True):
                hit += value * (is_marked and is_true)
                false += value * (is_marked and not is_true)
                missed += value * (is_true and not is_marked)
            of_examples.append(
                (hit / (hit + false) if hit + false else None, hit / (hit + missed) if hit + missed else None)
            )
        for rows, found in zip((precision, recall), zip(*of_examples, strict=True), strict=True):
            rows.append(np.mean([value for value in found if value is not None]))
    trapezoids = [(0.1 * (np.array(rows[1:]) + rows[:-1]) / 2).sum() for rows in (precision, recall)]
    order = np.argsort(recall)
    over, height = np.array(recall)[order], np.array(precision)[order]
    return Scores(*trapezoids, (np.diff(over) * (height[1:] + height[:-1]) / 2).sum())


def test_areas_are_those_of_the_sums():
    rng = np.random.default_rng(0)
    size, truth = rng.random((4, 12)) ** 3, rng.random(12) < 0.4
    size[3] = 0
    chosen = strongest(size)
    assert areas(size, chosen, truth) == pytest.approx(by_hand(size, chosen, truth))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_map_of_the_evidence_has_no_error(shape):
    truth = evidence(shape)
    rng = np.random.default_rng(1)
    maps = (truth * rng.uniform(0.5, 1, (3, *truth.shape))).astype(np.float32)
    found = scores(maps, shape)
    # Precision is 1 at all shares, and of the values recall is the share.
    np.testing.assert_allclose(found[:, 0], 0.8, rtol=1e-6)
    # The share is passed by at most a part of one of 240 values or more.
    assert found[0, 1] == pytest.approx(0.4, abs=5e-3)
    assert found[0, 2] == pytest.approx(0.8, abs=5e-3)
    # A feature that has no evidence, at the steps that have some.
    beside = maps.copy()
    beside[:, :, -1] = truth.any(1) * 0.9
    values, steps, features = scores(beside, shape)
    assert steps[0] == pytest.approx(0.8)
    assert features[0] < 0.79
    assert values[0] < 0.79


def test_processes_are_the_published_ones():
    rng = np.random.default_rng(2)
    assert set(PROCESSES) == {"gaussian", "autoregressive", "continuous autoregressive"}
    assert noise("gaussian", 20, rng).std() == pytest.approx(1, abs=0.01)
    # The variance of step t is 0.25 (1 - 0.81^t) / 0.19, and 0.09 of the noise that is added.
    values = noise("autoregressive", 200, rng)
    of_steps = 0.25 * (1 - 0.81 ** np.arange(1, 51)) / 0.19
    np.testing.assert_allclose(values.var((0, 2)), of_steps + 0.09, rtol=0.08)
    # One step apart, 0.9 of the variance of the earlier step is shared.
    np.testing.assert_allclose((values[:, 1:] * values[:, :-1]).mean((0, 2)), 0.9 * of_steps[:-1], rtol=0.1)
    # Between irregular times little changes: what is seen is the noise that is added.
    assert noise("continuous autoregressive", 200, rng).std() == pytest.approx(0.3, abs=0.003)
