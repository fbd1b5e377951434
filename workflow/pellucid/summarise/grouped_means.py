"""Means over examples, with bands that take into account that examples of one recording are alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
# A position needs this share of the examples: aligned examples reach differently far from the event.
LEAST_COVERED = 0.5
_VALUES = 2**20  # of a block

Read = Callable[[NDArray[np.int64]], NDArray[np.floating]]


class Band(NamedTuple):
    """A mean over examples with its band, each of the shape of one example; NaN where there is none.

    Attributes:
        mean: over the examples that have a value.
        low, high: ends of the pointwise 95% interval.
        present: examples that have a value.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    present: NDArray[np.int64]


def mean_and_band(read: Read, rows: NDArray[np.int64], groups: NDArray[np.generic] | None) -> Band:
    """Return the mean of the examples and its pointwise 95% interval.

    The standard error is the one for clustered samples (Liang KY, Zeger SL. Longitudinal data analysis using
    generalized linear models. Biometrika 73:13-22 (1986)), with the factor G / (G - 1): the residuals of a group are
    summed before they are squared. With a group for each example it is the usual standard error of a mean. The interval
    is Student's, with G - 1 degrees of freedom; a single group has none.

    Args:
        read: returns the values of some rows, (n, *shape); NaN where there is no value. It is called twice for each.
        rows: (N,) the examples.
        groups: (N,) the group of each; None if they are independent of each other.
    """
    from scipy import stats

    codes = np.arange(len(rows)) if groups is None else np.unique(groups, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    rows, codes = rows[order], codes[order]
    total, count = _sums(read, rows)
    mean = total / np.where(count >= LEAST_COVERED * len(rows), np.maximum(count, 1), np.nan)
    squares, present = _group_squares(read, rows, codes, mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(present / (present - 1) * squares) / count
        half = np.where(present > 1, stats.t.ppf((1 + LEVEL) / 2, np.maximum(present - 1, 1)) * error, np.nan)
    return Band(mean, mean - half, mean + half, count)


def _blocks(read: Read, rows: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    step = max(1, _VALUES // max(math.prod(read(rows[:1]).shape[1:]), 1))
    for start in range(0, len(rows), step):
        yield slice(start, start + step), read(rows[start : start + step]).astype(np.float64)


def _sums(read: Read, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the sum of all values at each position, and how many there are."""
    total, count = None, None
    for _, values in _blocks(read, rows):
        there = np.isfinite(values)
        sums, counts = np.where(there, values, 0).sum(0), there.sum(0)
        total, count = (sums, counts) if total is None or count is None else (total + sums, count + counts)
    assert total is not None and count is not None
    return total, count


def _group_squares(
    read: Read, rows: NDArray[np.int64], codes: NDArray[np.int64], mean: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the sum over groups of the squared sum of their residuals, and the number of groups that have a value.

    Rows come group by group; a group may be divided between blocks, so the last sums of a block wait for the next.
    """
    squares, present = np.zeros_like(mean), np.zeros(mean.shape, np.int64)
    waiting, waiting_there, waiting_code = np.zeros_like(mean), np.zeros(mean.shape, np.bool_), -1
    for where, values in _blocks(read, rows):
        there, of_block = np.isfinite(values) & np.isfinite(mean), codes[where]
        starts = np.flatnonzero(np.diff(of_block, prepend=-1))
        sums = np.add.reduceat(np.where(there, values - mean, 0), starts, axis=0)
        any_there = np.logical_or.reduceat(there, starts, axis=0)
        if of_block[0] == waiting_code:
            sums[0] += waiting
            any_there[0] |= waiting_there
        else:
            squares += waiting**2
            present += waiting_there
        squares += (sums[:-1] ** 2).sum(0)
        present += any_there[:-1].sum(0)
        waiting, waiting_there, waiting_code = sums[-1], any_there[-1], int(of_block[-1])
    return squares + waiting**2, present + waiting_there
