"""Intervals of means."""

import numpy as np
import pytest

from pellucid.score.shared import bootstrap
from pellucid.score.shared.bootstrap import interval


def test_covers_the_mean_about_as_often_as_it_says(rng):
    inside = 0
    for trial in range(300):
        mean, low, high, *_ = interval(rng.normal(size=40), np.random.default_rng(trial))
        assert low < mean < high
        inside += low < 0 < high
    assert inside / 300 > 0.92


def test_leaves_out_what_is_not_defined():
    found = interval(np.array([np.nan, 2.0, np.nan]), np.random.default_rng(0))
    assert (found.mean, found.examples, found.method) == (2, 1, "none")
    assert np.isnan([found.low, found.high]).all()
    assert np.isnan(interval(np.array([np.nan]), np.random.default_rng(0)).mean)


def test_values_that_are_all_equal_are_named():
    assert interval(np.full(9, 0.3), np.random.default_rng(0))[1:5] == (
        pytest.approx(0.3),
        pytest.approx(0.3),
        "all equal",
        9,
    )


def test_a_proportion_has_the_interval_of_clopper_and_pearson():
    from scipy.stats import binomtest

    values = np.repeat([0.0, 1.0], [3, 12])
    found = interval(values, np.random.default_rng(0), proportion=True)
    exact = binomtest(12, 15).proportion_ci(method="exact")
    assert found[1:3] == pytest.approx((exact.low, exact.high))
    assert found.method == "Clopper-Pearson"
    assert interval(np.ones(15), np.random.default_rng(0), proportion=True).low == pytest.approx(0.025 ** (1 / 15))


def test_no_end_leaves_the_range():
    found = interval(np.array([0.1, 0.9, 1.0, 1.0, 1.0]), np.random.default_rng(0), low=0, high=1)
    assert 0 <= found.low < found.mean < found.high <= 1


def test_the_interval_of_skewed_values_is_wider_on_the_side_of_their_long_tail():
    from scipy.stats import t

    values = np.random.default_rng(2).lognormal(size=60)
    found = interval(values, np.random.default_rng(0))
    student = t.ppf(0.975, 59) * values.std(ddof=1) / np.sqrt(60)
    assert found.mean - found.low == pytest.approx(student)
    assert found.high - found.mean > 1.15 * student
    mirrored = interval(-values, np.random.default_rng(0))
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_the_same_seed_gives_the_same_interval(rng):
    values = rng.random(20)
    assert interval(values, np.random.default_rng(3)) == interval(values, np.random.default_rng(3))


def test_resamples_drawn_in_turns_are_those_drawn_at_once(rng, monkeypatch):
    values = rng.normal(size=57)
    at_once = interval(values, np.random.default_rng(1))
    for draws in (10, 1000):  # 1 and 17 of the resamples at a time
        monkeypatch.setattr(bootstrap, "_DRAWS", draws)
        assert interval(values, np.random.default_rng(1)) == at_once
