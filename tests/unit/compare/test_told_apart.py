"""Which methods are told apart: known pairs, and the rate of false claims where nothing differs."""

import numpy as np
import pytest

from pellucid.compare.told_apart import Comparison, compare
from pellucid.ranks import holm


def simulated(rng, truth, trainings=4, examples=12, spread=0.0):
    """Return ranks with luck of the trainings, of the examples and of both."""
    methods = len(truth)
    luck = rng.normal(size=(trainings, 1, methods)) + rng.normal(size=(1, examples, methods))
    luck = luck + 2 * rng.normal(size=(trainings, examples, methods))
    return truth + np.exp(rng.normal(0, spread, methods)) * luck


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.9, 0.5])), [1, 1])


@pytest.mark.parametrize(("methods", "spread"), [(4, 0.0), (12, 0.5)])
def test_where_nothing_differs_a_claim_is_rare(methods, spread):
    rng = np.random.default_rng(5)
    false = [compare(simulated(rng, np.zeros(methods), spread=spread)).apart.any() for _ in range(150)]
    # 5% are allowed; with 150 studies 8.6% are two standard deviations more.
    assert np.mean(false) < 0.086


def test_large_differences_are_found_with_their_direction():
    rng = np.random.default_rng(6)
    found = compare(simulated(rng, np.array([9.0, 1.0, 1.0, 17.0])))
    expected = np.ones((4, 4), bool) & ~np.eye(4, dtype=bool)
    expected[1, 2] = expected[2, 1] = False
    assert found.apart.tolist() == expected.tolist()
    lowest, highest = found.rank_limits()
    assert (lowest.tolist(), highest.tolist()) == ([3, 1, 1, 4], [3, 2, 2, 4])
    assert (found.difference[3, 0] > 0) and found.difference[0, 3] == -found.difference[3, 0]


def test_true_ranks_lie_within_their_limits_together():
    rng = np.random.default_rng(8)
    truth = np.arange(6.0) * 2
    held = []
    for _ in range(80):
        lowest, highest = compare(simulated(rng, truth, spread=0.3)).rank_limits()
        held.append(((lowest <= np.arange(1, 7)) & (np.arange(1, 7) <= highest)).all())
    assert np.mean(held) > 0.93


def test_methods_share_a_group_if_and_only_if_they_are_not_told_apart():
    rng = np.random.default_rng(9)
    for count in (2, 3, 7, 12):
        upper = np.triu(rng.random((count, count)) < 0.5, 1)
        p = np.where(upper | upper.T, 0.01, 0.5)
        np.fill_diagonal(p, 1)
        order = rng.permutation(count)
        groups = Comparison(np.zeros((count, count)), p).groups(order)
        places = {int(method): place for place, method in enumerate(order)}
        for group in groups:
            assert len(group) > 1
            assert group == sorted(group, key=places.__getitem__)
        for one in range(count):
            for two in range(one):
                assert any({one, two} <= set(group) for group in groups) == (p[one, two] >= 0.05)
        assert len({frozenset(group) for group in groups}) == len(groups)
