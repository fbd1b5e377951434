"""Intervals of means."""

import numpy as np

from pellucid.score.bootstrap import interval


def test_covers_the_mean_about_as_often_as_it_says(rng):
    inside = 0
    for trial in range(300):
        mean, low, high = interval(rng.normal(size=40), np.random.default_rng(trial))
        assert low < mean < high
        inside += low < 0 < high
    assert 0.90 < inside / 300 < 0.98


def test_leaves_out_what_is_not_defined():
    assert interval(np.array([np.nan, 2.0, np.nan]), np.random.default_rng(0)) == (2.0, 2.0, 2.0)
    assert np.isnan(interval(np.array([np.nan]), np.random.default_rng(0))).all()


def test_the_same_seed_gives_the_same_interval(rng):
    values = rng.random(20)
    assert interval(values, np.random.default_rng(3)) == interval(values, np.random.default_rng(3))


def test_resamples_drawn_in_turns_are_those_drawn_at_once(rng, monkeypatch):
    values = rng.normal(size=57)
    drawn = np.random.default_rng(1).integers(57, size=(2000, 57))
    low, high = np.quantile(values[drawn].mean(1), [(1 - 0.95) / 2, (1 + 0.95) / 2])
    for draws in (10, 1000, 10**7):  # 1, 17 and all of the resamples at a time
        monkeypatch.setattr("pellucid.score.bootstrap._DRAWS", draws)
        assert interval(values, np.random.default_rng(1))[1:] == (low, high)
