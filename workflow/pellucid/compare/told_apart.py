"""Which methods can be told apart by their ranks: every pair is tested, at one rate of error for all pairs together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.compare.crossed_means import crossed_means
from pellucid.ranks import holm

ERROR_RATE = 0.05  # the probability of one false claim or more among all pairs
TEST = "moderated paired t test over trainings × examples, Holm's correction for all pairs"
TEST_OVER_GROUPS = TEST.replace("examples", "groups of examples (recordings, patients)")


@dataclass(frozen=True)
class Comparison:
    """All pairs of M methods.

    Attributes:
        difference: (M, M), mean rank of the row less that of the column.
        p: (M, M), corrected; 1 on the diagonal.
    """

    difference: NDArray[np.float64]
    p: NDArray[np.float64]

    @property
    def apart(self) -> NDArray[np.bool_]:
        """Which pairs (M, M) are told apart."""
        return np.asarray(self.p < ERROR_RATE)

    def rank_limits(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the lowest and the highest rank (M,) that each method may have; all hold together at 95%.

        Source: Mogstad M, Romano JP, Shaikh AM, Wilhelm D. Inference for Ranks with Applications to Mobility across
        Neighbourhoods and Academic Achievement across Countries. Rev Econ Stud 91 (2024), section 3.
        """
        before = self.apart & (self.difference > 0)
        behind = self.apart & (self.difference < 0)
        return 1 + before.sum(1), len(before) - behind.sum(1)

    def groups(self, order: NDArray[np.int64]) -> list[list[int]]:
        """Return groups of at least two methods, in this order: two methods share one if they are not told apart."""
        alike, found, joined = ~self.apart, list[list[int]](), set[tuple[int, int]]()
        for place, first in enumerate(order):
            for second in order[:place:-1]:
                if not alike[first, second] or (first, second) in joined:
                    continue
                group = [first, second]
                for other in order[place:]:
                    if other not in group and alike[other, group].all():
                        group.append(other)
                members = [int(method) for method in order if method in group]
                joined |= {(one, two) for one in members for two in members}
                found.append(members)
        return found


def compare(ranks: NDArray[np.float64], groups: NDArray[np.int64] | None = None) -> Comparison:
    """Compare every pair of methods by their ranks (trainings, examples, M), 1 the best.

    The paired differences are tested as `crossed_means` says, and the p-values are corrected by Holm S. A Simple
    Sequentially Rejective Multiple Test Procedure. Scand J Stat 6 (1979). Where examples are in groups, the differences
    of a group are summed before they are squared: the test is over groups (Liang KY, Zeger SL, Biometrika 73 (1986)).

    Args:
        ranks: (trainings, examples, M).
        groups: (examples,), from 0, the number of each example's group; None if examples are independent.
    """
    methods = ranks.shape[-1]
    first, second = np.triu_indices(methods, 1)
    means = crossed_means(ranks[..., first] - ranks[..., second], groups)
    difference, p = np.zeros((methods, methods)), np.ones((methods, methods))
    difference[first, second], difference[second, first] = means.mean, -means.mean
    p[first, second] = p[second, first] = holm(means.p_values())
    return Comparison(difference, p)


def untested(means: NDArray[np.float64]) -> Comparison:
    """Return the differences of mean ranks (M,), with no pair told apart: it is not known how certain they are."""
    return Comparison(means[:, np.newaxis] - means, np.ones((len(means), len(means))))
