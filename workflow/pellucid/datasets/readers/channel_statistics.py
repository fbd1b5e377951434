"""Statistics of each channel, of measured values alone, in float64: arrays may be larger than memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.base import MEASURED
from pellucid.lazy_array import Array, blocks

Floats = NDArray[np.float64]

# With so many steps of float32 within the deviation of a series, casting before scaling is as exact as after it.
_FINE = 2**18


def limits(x: Array, filling: Array | None = None) -> tuple[Floats, Floats]:
    """Return minimum and maximum of each channel, (channels,); 0 for a channel without measured values."""
    axes = tuple(range(len(x.shape) - 1))
    low, high = np.full(x.shape[-1], np.inf), np.full(x.shape[-1], -np.inf)
    for block, measured in with_measured(x, filling):
        ends = (block, block) if measured is None else (np.where(measured, block, end) for end in (np.inf, -np.inf))
        least, largest = ends
        low, high = np.minimum(low, least.min(axes)), np.maximum(high, largest.max(axes))
    empty = low > high
    return np.where(empty, 0.0, low), np.where(empty, 0.0, high)


def deviation_within_examples(x: Array, filling: Array | None) -> Floats:
    """Return the standard deviation of each channel about the mean of each example, (channels,)."""
    axes = tuple(range(1, len(x.shape) - 1))
    squares, count = np.zeros(x.shape[-1]), np.zeros(x.shape[-1])
    for block, measured in with_measured(x, filling):
        mask = np.ones(block.shape, np.bool_) if measured is None else measured
        number = mask.sum(axes, keepdims=True)
        mean = np.where(mask, block, 0).sum(axes, np.float64, keepdims=True) / np.maximum(number, 1)
        squares = squares + np.where(mask, np.square(block - mean), 0).sum((0, *axes))
        count = count + number.sum((0, *axes))
    return np.asarray(np.sqrt(squares / np.maximum(count, 1)), np.float64)


def fits_float32(x: NDArray[Any], filling: NDArray[np.uint8] | None) -> bool:
    """Return whether casting to float32 before scaling is exact, or rounds by less than any signal."""
    if x.dtype == np.float32:
        return True
    with np.errstate(over="ignore"):
        if all((block.astype(np.float32) == block).all() for block in blocks(x)):
            return True
        low, high = limits(x, filling)
        largest = np.maximum(np.abs(low), np.abs(high))
        if (largest > np.finfo(np.float32).max).any():
            return False
        step = np.spacing(np.maximum(largest, np.finfo(np.float32).tiny).astype(np.float32)).astype(np.float64)
    return bool((deviation_within_examples(x, filling) >= _FINE * step).all())


def with_measured(x: Array, filling: Array | None) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_] | None]]:
    """Iterate over blocks of x and where each was measured; None for everywhere."""
    first = 0
    for block in blocks(x):
        yield block, None if filling is None else filling[first : first + len(block)] == MEASURED
        first += len(block)
