"""Ranks of values at the precision that they have: values that differ by rounding alone are equal, and share a rank.

Two kinds of values are ranked. A map has thousands of values in float32, whose rounding is that of its largest value,
from which the others were computed by sums and differences: they are brought to a grid, so that no chain of close
neighbours makes far values equal. The means of a table are a few dozen: neighbours closer than their precision are
tied, whatever their order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of the largest value of a map: float32 has 24 bits, and its rounding is in all sums and differences.
MAP_STEP = 2.0**-24
# Of the size of a score. Scores are computed in float64 from logits and attributions in float32.
SCORE_STEP = 1e-6
# Scores near zero are compared as if they had this size, at least.
SCORE_FLOOR = 1e-4


def levels(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return maps (N, values) as whole steps of their precision, by which equal values are equal.

    NaN is refused (ValueError): it has no place in any order. Infinite values lie one step beyond all others.
    """
    values = values.astype(np.float64)
    if np.isnan(values).any():
        raise ValueError("NaN has no rank")
    finite = np.isfinite(values)
    largest = np.abs(np.where(finite, values, 0)).max(1, initial=0, keepdims=True)
    # A power of two: dividing by it is exact, so that a scaled map keeps its ties.
    unit = np.exp2(np.frexp(largest)[1].astype(np.float64)) * MAP_STEP
    unit = np.where((largest > 0) & (unit > 0), unit, 1.0)
    beyond = np.sign(values) * (2.0 / MAP_STEP)
    # The edges between steps lie at thirds: values in float32 are halves, quarters, … of a step, and noise far below
    # their precision would move those that lie on an edge.
    return np.asarray(np.floor(np.where(finite, values / unit, beyond) + 2 / 3), np.int64)


def spearman(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return Spearman's rank correlation (N,) of two batches of maps (N, *shape); ties have their mean rank.

    Values are ranked at the precision that a map in float32 has (`levels`). Sums are taken in whole numbers, so
    that a map agrees with itself by exactly 1. If both maps are constant it is 1; if only one is, 0.

    Source: Spearman C. The Proof and Measurement of Association between Two Things. Am J Psychol 15 (1904).
    """
    ranks, others = _centred_ranks(first), _centred_ranks(second)
    product, *squares = (
        np.einsum("nv,nv->n", *pair).astype(np.float64) for pair in ((ranks, others), (ranks, ranks), (others, others))
    )
    size = np.sqrt(squares[0] * squares[1])
    correlation = np.clip(product / np.where(size > 0, size, 1), -1, 1)
    return np.where((squares[0] == 0) & (squares[1] == 0), 1.0, correlation)


def spearman_of_all(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return Spearman's rank correlation, as `spearman` has it, of every pair of maps (V, values): (V, V)."""
    ranks = _centred_ranks(maps)
    product = (ranks @ ranks.T).astype(np.float64)
    squares = np.diagonal(product)
    size = np.sqrt(squares[:, np.newaxis] * squares)
    correlation = np.clip(product / np.where(size > 0, size, 1), -1, 1)
    constant = squares == 0
    return np.where(constant[:, np.newaxis] & constant, 1.0, correlation)


def _centred_ranks(maps: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return twice each value's rank minus the mean rank, (N, values): whole numbers, since tied ranks are halves."""
    from scipy.stats import rankdata

    ranks = rankdata(levels(maps.reshape(len(maps), -1)), axis=1)
    doubled: NDArray[np.int64] = np.asarray(np.rint(2 * ranks), np.int64) - (ranks.shape[1] + 1)
    return doubled


def equal_neighbours(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Group the scores (n,) that are equal at their precision: 0 for the least of them, NaN for NaN.

    Two scores are compared by the larger of their sizes, and near zero by the median size of all; the groups do not
    depend on the order of the scores.
    """
    groups = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return groups
    order = known[np.argsort(values[known], kind="stable")]
    rising = values[order]
    finite = np.isfinite(rising)
    sizes = np.where(finite, np.abs(rising), 0)
    floor = max(SCORE_FLOOR, float(np.median(sizes[finite]))) if finite.any() else SCORE_FLOOR
    limits = SCORE_STEP * np.maximum(np.maximum(sizes[1:], sizes[:-1]), floor)
    with np.errstate(invalid="ignore"):
        apart = (rising[1:] != rising[:-1]) & ~(np.diff(rising) <= limits)
    groups[order] = np.concatenate([[0], np.cumsum(apart)])
    return groups


def tied_ranks(values: NDArray[np.float64], *, lower: bool = True) -> NDArray[np.float64]:
    """Rank values (n,) from 1, the best; equal ones share their mean rank, and NaN gets none.

    With fewer than two values nothing is compared: all are NaN.

    Args:
        values: in any order.
        lower: whether the lowest is the best.
    """
    from scipy.stats import rankdata

    groups = equal_neighbours(np.asarray(values, np.float64))
    if np.isfinite(groups).sum() < 2:
        return np.full(len(groups), np.nan)
    ranks: NDArray[np.float64] = rankdata(groups if lower else -groups, nan_policy="omit")
    return ranks


def in_order(values: NDArray[np.float64], names: list[str], *, lower: bool = True) -> NDArray[np.int64]:
    """Return the order of values (n,), the best first, equal ones by their names, and NaN last."""
    groups = equal_neighbours(np.asarray(values, np.float64))
    groups = np.where(np.isnan(groups), np.inf, groups if lower else -groups)
    return np.asarray(np.lexsort((np.asarray(names, dtype=str), groups)), np.int64)


def area_under_roc(ranks: NDArray[np.float64], positive: NDArray[np.bool_], axis: int = 0) -> NDArray[np.float64]:
    """Return the area under the ROC curve along an axis: the share of pairs, one of them positive, in this order.

    It is the Mann-Whitney statistic over the number n m of pairs, (sum of the ranks of the n positive ones
    - n (n + 1) / 2) / (n m); NaN where there is no pair.

    Args:
        ranks: of the scores along the axis, from 1, the lowest; equal ones share their mean rank.
        positive: of the same shape.
    """
    inside = positive.sum(axis)
    pairs = inside * (positive.shape[axis] - inside)
    above = (ranks * positive).sum(axis) - inside * (inside + 1) / 2
    return np.asarray(np.where(pairs > 0, above / np.maximum(pairs, 1), np.nan))


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values (n,) corrected for their number, so that those below a level are errors at that rate in all."""
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return corrected
