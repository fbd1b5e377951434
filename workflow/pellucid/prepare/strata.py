"""What splits are stratified by: classes, labels, or bins of the values of a regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.tasks import REGRESSION, Task

# Bins of the values of a regression: at most so many, each of so many examples or more.
_MOST_BINS, _SMALLEST_BIN = 10, 20


def strata(y: NDArray[Any], task: Task) -> NDArray[Any]:
    """Return what the examples are stratified by: one class of each, int64 (N,), or several labels, uint8 (N, labels).

    single_label and multi_label: y itself. regression: the bin of the value, between quantiles of the examples; of
    several values the bins of each, one label per bin.
    """
    if task != REGRESSION:
        return y
    bins = [_bins(column) for column in y.T]
    if len(bins) == 1:
        return bins[0]
    return np.asarray(np.concatenate([numbers[:, np.newaxis] == np.unique(numbers) for numbers in bins], 1), np.uint8)


def _bins(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the bin of each value (N,), from 0; equal values are in one bin, and small bins join the one below."""
    count = max(1, min(_MOST_BINS, len(values) // _SMALLEST_BIN))
    edges = np.unique(np.quantile(values.astype(np.float64), np.linspace(0, 1, count + 1)[1:-1]))
    numbers = np.searchsorted(edges, values, side="left")
    joined, number, least = np.zeros(count, np.int64), 0, len(values) // (2 * count)
    sizes = np.bincount(numbers, minlength=count)
    filled = 0
    for place, size in enumerate(sizes):
        # The rest of the values must fill another bin, too.
        if filled >= least and sizes[place:].sum() >= least:
            number, filled = number + 1, 0
        joined[place] = number
        filled += size
    return np.asarray(joined[numbers], np.int64)


def divided(
    y: NDArray[np.uint8], share: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide indices into (rest, drawn), with `share` of the examples of every label (N, labels) as nearly as possible.

    A label of two examples or more has one on each side, where its other labels allow.

    Source: Sechidis K, Tsoumakas G, Vlahavas I. On the Stratification of Multi-Label Data. ECML PKDD (2011).
    """
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit  # type: ignore[import-untyped]

    state = int(rng.integers(2**31))
    drawer = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=share, random_state=state)
    (_, indices), *_ = drawer.split(np.zeros(len(y)), y)
    drawn = np.zeros(len(y), bool)
    drawn[indices] = True
    for label in np.argsort(y.sum(0), kind="stable"):
        for side in (True, False):
            if y[:, label].sum() >= 2 and not (y[:, label] & (drawn == side)).any():
                _move_one(y, label, drawn, side, rng)
    return np.flatnonzero(~drawn), np.flatnonzero(drawn)


def _move_one(y: NDArray[np.uint8], label: int, drawn: NDArray[np.bool_], side: bool, rng: np.random.Generator) -> None:
    """Move an example of a label to the side that has none, if no other label loses its last one there."""
    here = drawn != side
    left = y[here].sum(0)
    candidates = np.flatnonzero(here & (y[:, label] == 1))
    spare = [index for index in candidates if (left[y[index] == 1] > 1).all()]
    if spare:
        drawn[rng.choice(spare)] = side


def in_folds(
    y: NDArray[np.uint8], folds: int, rng: np.random.Generator
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return indices (rest, fold) for each fold, over which every label (N, labels) is spread evenly.

    Source: as of `divided`.
    """
    from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

    drawer = MultilabelStratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    return [(rest, fold) for rest, fold in drawer.split(np.zeros(len(y)), y)]
