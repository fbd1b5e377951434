"""Which examples a view looks at."""

import numpy as np
import pytest

from pellucid.views.shared.sampling import balanced, parts, proportional, shown

LABELS = np.repeat([0, 1, 2], [80, 15, 5])


def test_balanced_gives_equal_numbers_and_what_a_small_class_leaves_to_the_others(rng):
    counts = np.bincount(LABELS[balanced(LABELS, 35, rng)])
    np.testing.assert_array_equal(counts, [15, 15, 5])


def test_proportional_keeps_the_shares(rng):
    np.testing.assert_array_equal(np.bincount(LABELS[proportional(LABELS, 20, rng)]), [16, 3, 1])


@pytest.mark.parametrize("choose", [balanced, proportional])
def test_chosen_once_each_in_order_by_chance_and_by_seed(choose):
    one, two, other = (choose(LABELS, 20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (np.diff(one) > 0).all()
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    np.testing.assert_array_equal(choose(LABELS, 500, np.random.default_rng(0)), np.arange(100))


def test_parts_are_the_chosen_examples_in_order(monkeypatch, rng):
    x = rng.random((20, 4, 1), np.float32)
    monkeypatch.setattr("pellucid.lazy_array._BYTES", 3 * x[0].nbytes)
    chosen = np.array([1, 4, 5, 7, 11, 13, 19])
    assert [len(part) for part in parts(x, chosen, 4)] == [4, 3]
    found = list(parts(x, chosen))
    assert [len(part) for part in found] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(found), x[chosen])


def test_padding_is_shown_as_nan(rng):
    x, measured = rng.random((9, 5, 2), np.float32), rng.random((9, 5, 2)) < 0.5
    rows = np.array([[7, 2], [2, 0]])
    np.testing.assert_array_equal(shown(x, None, rows), x[rows])
    np.testing.assert_array_equal(shown(x, measured, rows), np.ma.masked_array(x, ~measured)[rows].filled(np.nan))
    np.testing.assert_array_equal(shown(x, measured, 4), np.ma.masked_array(x, ~measured)[4].filled(np.nan))
