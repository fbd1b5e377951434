"""Means over trainings × examples: against textbook cases, and with simulated luck of both."""

import numpy as np
import pytest
from scipy import stats

from pellucid.compare.crossed_means import MOST_BORROWED, crossed_means
from pellucid.compare.told_apart import compare


def test_without_luck_of_the_examples_it_is_student_over_trainings(rng):
    of_trainings = rng.normal(1, 2, 5)
    means = crossed_means(np.tile(of_trainings[:, np.newaxis, np.newaxis], (1, 7, 1)))
    peer = stats.ttest_1samp(of_trainings, 0)
    assert means.freedom == pytest.approx(4)
    assert means.p_values()[0] == pytest.approx(peer.pvalue)
    low, high = peer.confidence_interval(0.95)
    half = means.half_width(0.95)[0]
    assert (means.mean[0] - half, means.mean[0] + half) == pytest.approx((low, high))


def test_the_variance_is_that_of_the_mean_squares_of_a_two_way_table(rng):
    table = rng.normal(size=(4, 6)) + 3 * rng.normal(size=(4, 1)) + 2 * rng.normal(size=(1, 6))
    grand = table.mean()
    rows = 6 * sum((row.mean() - grand) ** 2 for row in table) / 3
    columns = 4 * sum((column.mean() - grand) ** 2 for column in table.T) / 5
    rest = (
        sum((table[r, c] - table[r].mean() - table[:, c].mean() + grand) ** 2 for r in range(4) for c in range(6)) / 15
    )
    found = crossed_means(table[..., np.newaxis])
    assert found.error[0] ** 2 == pytest.approx((rows + columns - rest) / 24)
    assert found.freedom == pytest.approx((rows + columns - rest) ** 2 / (rows**2 / 3 + columns**2 / 5 + rest**2 / 15))
    # Trainings and examples are the same kind of thing.
    assert crossed_means(table.T[..., np.newaxis]).error[0] == pytest.approx(found.error[0])


def test_equal_variances_are_drawn_together_and_unlike_ones_are_not(rng):
    alike = crossed_means(rng.normal(size=(3, 20, 40)))
    alone = crossed_means(rng.normal(size=(3, 20, 1)))
    assert alike.freedom == pytest.approx(alone.freedom + MOST_BORROWED, abs=3)
    unlike = crossed_means(rng.normal(size=(5, 20, 40)) * np.exp(rng.normal(0, 3, 40)))
    assert unlike.freedom < alike.freedom - 5
    assert unlike.error.max() > 100 * np.median(unlike.error)


def test_what_never_varies_is_not_sure():
    still = crossed_means(np.ones((3, 4, 5)))
    assert still.p_values().tolist() == [1.0] * 5
    assert np.isnan(still.half_width(0.95)).all()
    # Beside others that vary, no spread in the sample is no certainty either.
    values = np.random.default_rng(0).normal(size=(3, 4, 5))
    values[..., 0] = 1
    errors = crossed_means(values).error
    assert errors[0] > 0.25 * np.median(errors[1:])


@pytest.mark.parametrize("trainings", [3, 5])
def test_the_interval_covers_the_mean_that_all_trainings_and_examples_have(trainings):
    rng = np.random.default_rng(7)
    truth, sizes = np.arange(8), np.exp(np.random.default_rng(3).normal(0, 0.4, 8))
    covered = []
    for _ in range(120):
        luck = 2 * rng.normal(size=(trainings, 1, 8)) + 0.5 * rng.normal(size=(1, 30, 8))
        means = crossed_means(truth + sizes * (luck + rng.normal(size=(trainings, 30, 8))))
        covered.append(np.abs(means.mean - truth) <= means.half_width(0.95))
    # Resampling trainings and examples covers 0.75 and 0.84 of such means: too few trainings to draw from.
    assert 0.92 < np.mean(covered) < 0.98


def test_of_many_trainings_the_error_is_that_of_liang_and_zeger(rng):
    groups = np.repeat(np.arange(6), 4)
    of_examples = rng.normal(size=24)
    # All trainings are alike: the examples are the only luck.
    found = crossed_means(np.tile(of_examples[np.newaxis, :, np.newaxis], (3, 1, 1)), groups)
    sums = np.bincount(groups, of_examples - of_examples.mean())
    assert found.mean[0] == pytest.approx(of_examples.mean())
    assert found.error[0] == pytest.approx(np.sqrt(6 / 5 * (sums**2).sum()) / 24)
    assert found.freedom == pytest.approx(5)


def test_groups_of_one_example_are_examples(rng):
    values = rng.normal(size=(3, 12, 4))
    found, expected = crossed_means(values, rng.permutation(12)), crossed_means(values)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-12)
    np.testing.assert_allclose(found.error, expected.error, rtol=1e-9)


def test_a_false_claim_is_rare_where_recordings_differ():
    claims = {"over examples": 0, "over recordings": 0}
    for trial in range(60):
        rng = np.random.default_rng([7, trial])
        groups = np.repeat(np.arange(10), rng.integers(1, 12, 10))
        luck = rng.normal(size=(1, 10, 5))[:, groups] + rng.normal(size=(3, len(groups), 5))
        claims["over examples"] += compare(luck).apart.any()
        claims["over recordings"] += compare(luck, groups).apart.any()
    print(claims)
    assert claims["over examples"] > 15
    assert claims["over recordings"] <= 6
