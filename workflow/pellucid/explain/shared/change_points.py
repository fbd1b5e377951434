"""Segments of a series that end where its level changes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# The search is quadratic in the length: longer series are averaged over neighbours first.
_LONGEST = 1000


def change_points(series: NDArray[np.float32], number: int) -> NDArray[np.int32]:
    """Return the segment of each sample, from 0; its borders bring the samples nearest to the mean of their segment.

    The sum of squares within the segments is the smallest that `number` segments can have (dynamic programming, Truong
    C, Oudre L, Vayatis N. Selective review of offline change point detection methods. Signal Process 167:107299 (2020),
    section 5.1.1, by ruptures). Every channel counts alike, whatever its unit. Above 1,000 samples, neighbours are
    averaged in groups first, and borders lie between the groups.

    Args:
        series: (time, channels).
        number: of segments, at most `time`.

    Returns:
        (time,), 0 to `number` − 1, never falling.
    """
    from ruptures import KernelCPD

    length = len(series)
    if number == 1:
        return np.zeros(length, np.int32)
    together = max(1, min(math.ceil(length / _LONGEST), length // number))
    starts = np.arange(0, length, together)
    spread = series.std(0, dtype=np.float64)
    scaled = (series - series.mean(0, dtype=np.float64)) / np.where(spread > 0, spread, 1)
    sizes = np.diff(np.append(starts, length))
    means = np.add.reduceat(scaled, starts, axis=0) / sizes[:, np.newaxis]
    ends = KernelCPD(kernel="linear", min_size=1).fit(means).predict(n_bkps=number - 1)
    borders = starts[np.asarray(ends[:-1], np.int64)]
    return np.searchsorted(borders, np.arange(length), side="right").astype(np.int32)
