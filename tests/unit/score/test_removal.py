"""The order in which units go, and the random sets that all explanations share."""

import numpy as np
import pytest

from pellucid.score.shared.removal import memoised, removal_rank, subsets, unit_to_values, weighted_sums
from pellucid.score.shared.units import count, units
from tests.support.score_evidence import explanation, linear_case, patchwork


def ranks(maps, labels, seed=0, inputs=None, **declared):
    inputs = np.zeros((len(maps), 1), np.float32) if inputs is None else inputs
    return removal_rank(explanation(maps, **declared), inputs, labels, np.random.default_rng(seed))


def labels_of(shape, unit, number=3, **options):
    inputs = patchwork(number, *shape[:2]) if len(shape) == 3 else np.ones((number, *shape), np.float32)
    return units(inputs, unit=unit, **{"window": "auto", "channels": "together", **options})


def test_evidence_for_the_class_goes_first_and_against_it_last():
    maps = np.array([[[3.0], [-5.0], [1.0], [2.0]]])
    labels = labels_of((4, 1), "sample", 1)
    assert ranks(maps, labels)[0, :, 0].tolist() == [0, 3, 2, 1]
    assert ranks(maps, labels, signed=False)[0, :, 0].tolist() == [1, 0, 3, 2]


def test_a_unit_counts_by_its_sum():
    maps = np.array([[[1.0, 1.0], [3.0, -2.5], [0.5, 0.1]]])
    labels = labels_of((3, 2), "sample", 1)
    assert ranks(maps, labels)[0, :, 0].tolist() == [0, 2, 1]


def test_ties_are_broken_at_random_by_the_seed_and_the_example():
    labels, maps = labels_of((60, 2), "sample"), np.ones((3, 60, 2))
    inputs = np.random.default_rng(4).random((3, 60, 2), np.float32)
    one, again, other = (ranks(maps, labels, seed, inputs) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    orders = [*one[..., 0], *other[..., 0]]
    assert len({tuple(order) for order in orders}) == 6
    # Not by position: the correlation of the rank with the time is that of chance (standard deviation 0.13).
    for order in orders:
        assert abs(np.corrcoef(order, np.arange(60))[0, 1]) < 0.45
    # An example's order is its own.
    np.testing.assert_array_equal(ranks(maps[1:2], labels, 1, inputs[1:2]), one[1:2])


def test_examples_with_different_numbers_of_superpixels():
    labels = labels_of((40, 36, 3), "superpixel", 4)
    numbers = count(labels)
    assert len(set(numbers)) > 1
    maps = np.random.default_rng(1).normal(size=(4, 40, 36, 3))
    place = ranks(maps, labels)
    for row, number in enumerate(numbers):
        sums = [maps[row][labels[row, ..., 0] == label].sum() for label in range(number)]
        expected = np.argsort(np.argsort(-np.array(sums)))
        np.testing.assert_array_equal(place[row, ..., 0], expected[labels[row, ..., 0]])


def test_sets_have_their_size_and_units_are_equally_likely():
    (chosen,) = subsets(labels_of((50, 2), "sample"), 4000, 0.2, np.random.default_rng(0))
    assert (chosen.sum(1) == 10).all()
    # Five standard deviations of a share of 0.2 in 4000 draws.
    assert np.abs(chosen.mean(0) - 0.2).max() < 5 * np.sqrt(0.2 * 0.8 / 4000)


@pytest.mark.parametrize("unit", ["window", "superpixel"])
def test_sets_painted_on_the_values_weigh_what_they_should(unit):
    labels = labels_of((40, 36, 3), unit, 4)
    chosen = subsets(labels, 7, 0.3, np.random.default_rng(0))
    numbers = np.broadcast_to(count(labels), 4)
    evidence = np.random.default_rng(1).normal(size=(4, int(numbers.max())))
    covered = np.broadcast_to(unit_to_values(chosen, labels, slice(1, 3), slice(2, 5)), (3, 2, 40, 36, 1))
    expected = weighted_sums(chosen, evidence)
    assert expected.shape == (7, 4)
    for run, row in np.ndindex(3, 2):
        label = np.broadcast_to(labels, (4, 40, 36, 1))[1 + row]
        inside = np.unique(label[covered[run, row]])
        assert len(inside) == max(1, round(0.3 * numbers[1 + row]))
        assert evidence[1 + row, inside].sum() == pytest.approx(expected[2 + run, 1 + row])


def test_sets_of_an_example_do_not_depend_on_the_others():
    labels = labels_of((40, 36, 3), "superpixel", 4)
    row = int(count(labels).argmin())
    alone = subsets(labels[row : row + 1], 5, 0.2, np.random.default_rng(3))
    whole = subsets(labels, 5, 0.2, np.random.default_rng(3))
    for run in range(5):
        assert len(set(np.flatnonzero(alone[0, run]))) == alone[0, run].sum()
    np.testing.assert_array_equal(whole[row, :, : alone.shape[-1]], alone[0])


def test_once_computes_for_the_same_seed_inputs_and_key_only_once(linear):
    case, _ = linear_case(linear)
    calls = []

    def ask(seed, key):
        return memoised(case, np.random.default_rng(seed), key, lambda: calls.append((seed, key)) or len(calls))

    assert [ask(1, "a"), ask(1, "a"), ask(2, "a"), ask(1, "b"), ask(1, "a")] == [1, 1, 2, 3, 1]
