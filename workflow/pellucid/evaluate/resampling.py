"""Resample test examples, for the 95% intervals of metrics that are no means: mean AUROC, AUPRC, F1, R², RMSE.

A resample is told by the number of times that it holds each example, so that nothing is sorted again for it. Intervals
are percentiles (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3). Where examples have groups
(patients), whole groups are drawn: examples of one patient are not independent of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import seeds
from pellucid.score.shared.bootstrap import FEWEST_GROUPS

LEVEL = 0.95
RESAMPLES, FEWEST_RESAMPLES = 1000, 200
_WORK = 2 * 10**9  # counts of examples and outputs in all resamples; of large test sets there are fewer resamples
_ROOM = 2**22  # counts in memory at a time
_DEFINED = 0.9  # share of the resamples in which a metric must be defined


def number(examples: int, outputs: int) -> int:
    """Return how many resamples of test examples with so many outputs are drawn."""
    return int(np.clip(_WORK // max(examples * outputs, 1), FEWEST_RESAMPLES, RESAMPLES))


def too_few(groups: NDArray[np.int64] | None) -> bool:
    """Return whether there are groups (N,), as `example_groups.codes_of` gives them, and too few for any interval."""
    return groups is not None and int(groups.max()) + 1 < FEWEST_GROUPS


def resamples(examples: int, outputs: int, groups: NDArray[np.int64] | None = None) -> Iterator[NDArray[np.float64]]:
    """Yield how often each example occurs in each resample, in blocks (resamples, examples).

    The draws depend on nothing but the number of examples, or of groups.

    Args:
        examples, outputs: how many there are.
        groups: (examples,), as `example_groups.codes_of` gives them: all examples of a group occur equally often.
    """
    if groups is not None:
        count, size = int(groups.max()) + 1, max(1, _ROOM // max(examples, 1))
        for of_groups in resamples(count, max(1, outputs * examples // count)):
            for start in range(0, len(of_groups), size):
                yield of_groups[start : start + size, groups]
        return
    rng = seeds.generator(0, "evaluate", "bootstrap")
    total, size = number(examples, outputs), max(1, _ROOM // max(examples, 1))
    for start in range(0, total, size):
        count = min(size, total - start)
        drawn = rng.integers(examples, size=(count, examples)) + examples * np.arange(count)[:, np.newaxis]
        occurrences = np.bincount(drawn.ravel(), minlength=count * examples)
        yield occurrences.reshape(count, examples).astype(np.float64)


def ends(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 95% interval of each metric from its values in the resamples (resamples, …): low and high, (…).

    Both are NaN where the metric is undefined in more than a tenth of the resamples, such as the AUROC of a label that
    only two test examples have, and where it is the same in all of them, such as an AUROC of 1: resamples of examples
    without an error have none, and that is no interval of 95%.
    """
    values = np.asarray(values, np.float64)
    flat = values.reshape(len(values), -1)
    low, high = np.full(flat.shape[1], np.nan), np.full(flat.shape[1], np.nan)
    for place, column in enumerate(flat.T):
        defined = column[np.isfinite(column)]
        if len(defined) >= max(1, _DEFINED * len(column)) and np.ptp(defined) > 0:
            low[place], high[place] = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return low.reshape(values.shape[1:]), high.reshape(values.shape[1:])


def or_none(value: float) -> float | None:
    """Return a number for a JSON file, None for NaN."""
    return float(value) if np.isfinite(value) else None


def with_ends(name: str, value: float, low: float, high: float) -> dict[str, float | None]:
    """Return a metric and its interval by the names that `metrics.json` and MLflow have for them."""
    return {name: or_none(value), f"{name}_low": or_none(low), f"{name}_high": or_none(high)}
