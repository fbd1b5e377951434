"""Gradient ascent on inputs: normalised and regularised steps, within the range of real values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from pellucid.views.shared.sampling import parts

Array = NDArray[np.float32]

_VALUES = 2**18  # that are read at a time


@dataclass(frozen=True)
class Statistics:
    """Statistics of the training examples, each (channels,); inputs are changed in units of `deviation` from `mean`."""

    mean: Array
    deviation: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Ascent:
    """Settings of the ascent.

    Attributes:
        steps: number of steps.
        step: root mean square change of one step, in standard deviations of the training values; it shrinks to zero
            over the second half, so that the ascent converges.
        l2: weight of the mean squared distance from the training mean.
        smoothness: weight of the roughness (see `roughness`).
        shifts: (steps, axes) by how many samples or pixels the input is rolled in each step.
    """

    steps: int
    step: float
    l2: float
    smoothness: float
    shifts: NDArray[np.int64]


def statistics_of(x: Array, chosen: NDArray[np.int64], measured: NDArray[np.bool_] | None = None) -> Statistics:
    """Return mean, standard deviation and range of every channel of the chosen examples of a mapped array.

    Args:
        x: (M, *axes, channels).
        chosen: indices of examples.
        measured: of the same shape: other values, such as padding, do not count; None if all were measured. A channel
            without measured values has the mean 0 and the range 0.
    """
    channels, axes = x.shape[-1], tuple(range(x.ndim - 1))
    total, square, count = np.zeros(channels), np.zeros(channels), np.zeros(channels)
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    # Centred on the first example's mean, since the difference of two large sums would lose a small variance.
    middle = np.asarray(x[chosen[0]], np.float64).reshape(-1, channels).mean(0)
    size = max(1, _VALUES // max(1, x[0].size))
    masks: Iterable[NDArray[np.bool_] | None] = repeat(None) if measured is None else parts(measured, chosen, size)
    for batch, mask in zip(parts(x, chosen, size), masks, strict=False):
        counts: NDArray[np.bool_] = np.ones(batch.shape, np.bool_) if mask is None else mask
        centred = np.where(counts, batch - middle, 0)
        total += centred.sum(axes)
        square += np.square(centred).sum(axes)
        count += counts.sum(axes)
        low = np.minimum(low, batch.min(axes, where=counts, initial=np.inf))
        high = np.maximum(high, batch.max(axes, where=counts, initial=-np.inf))
    there = count > 0
    mean = total / np.maximum(count, 1)
    deviation = np.sqrt(np.maximum(square / np.maximum(count, 1) - mean**2, 0))
    # A constant channel stays constant, since its limits are equal: any unit will do.
    nonzero = np.where(deviation > 0, deviation, 1)
    found = np.where(there, middle + mean, 0), nonzero, np.where(there, low, 0), np.where(there, high, 0)
    return Statistics(*(np.asarray(value, np.float32) for value in found))


def ascend(
    gradient: Callable[[Array], Array],
    start: Array,
    statistics: Statistics,
    how: Ascent,
    watch: Callable[[int, Array], None],
) -> Array:
    """Change inputs so that a score rises.

    Args:
        gradient: of the score, (N, *input_shape) to the same shape.
        start: (N, *axes, channels).
        statistics: the unit of change, and the limits of every value.
        how: steps and regularisers.
        watch: is called with the number of finished steps and the inputs, before the first step and after each step.

    Returns:
        (N, *axes, channels); each input is independent of the others.
    """
    axes = tuple(range(1, start.ndim - 1))
    whole = tuple(range(1, start.ndim))
    low, high = (_units(limit, statistics) for limit in (statistics.low, statistics.high))
    z = np.clip(_units(start, statistics), low, high)
    watch(0, _values(z, statistics))
    for number, shift in enumerate(how.shifts):
        # Random shifts suppress noise that only works at one position (Olah et al. 2017).
        rolled = np.roll(z, shift, axes)
        direction = np.roll(gradient(_values(rolled, statistics)) * statistics.deviation, -shift, axes)
        # Without a gradient the regularisers alone would wipe out the start, so such an input does not move.
        silent = ~direction.any(whole, keepdims=True)
        direction = direction - how.l2 * 2 * z / z[0].size - how.smoothness * roughness(z)[1]
        # A value at its limit that is pushed outwards cannot move, and must not count in the length of the step.
        free = ((z > low) | (direction > 0)) & ((z < high) | (direction < 0))
        direction = np.where(free & ~silent, direction, 0)
        length = np.sqrt(np.square(direction, dtype=np.float64).mean(whole, keepdims=True))
        pace = how.step * min(1.0, 2 * (1 - number / how.steps))
        z = np.clip(z + pace * (direction / np.where(length > 0, length, 1)).astype(np.float32), low, high)
        watch(number + 1, _values(z, statistics))
    return _values(z, statistics)


def roughness(z: Array) -> tuple[NDArray[np.float64], Array]:
    """Return the roughness of inputs (N, *axes, channels), (N,), and its gradient.

    Of a series: the mean squared second difference. Of an image: the total variation (Rudin, Osher and Fatemi 1992),
    the mean length of the gradient in space, smoothed near zero so that it has a derivative.
    """
    size = z[0].size
    if z.ndim == 3:
        second = np.diff(z, 2, axis=1)
        slope = np.zeros_like(z)
        slope[:, :-2] += second
        slope[:, 1:-1] -= 2 * second
        slope[:, 2:] += second
        return np.square(second, dtype=np.float64).sum((1, 2)) / size, (2 / size * slope).astype(np.float32)
    down = np.diff(z, axis=1, append=z[:, -1:])
    across = np.diff(z, axis=2, append=z[:, :, -1:])
    length = np.sqrt(down**2 + across**2 + 1e-4)
    down, across = down / length, across / length
    slope = -down - across
    slope[:, 1:] += down[:, :-1]
    slope[:, :, 1:] += across[:, :, :-1]
    return length.sum((1, 2, 3), dtype=np.float64) / size, (slope / size).astype(np.float32)


def _units(x: Array, statistics: Statistics) -> Array:
    return ((x - statistics.mean) / statistics.deviation).astype(np.float32)


def _values(z: Array, statistics: Statistics) -> Array:
    """Return input values from units of the deviation, clipped so that rounding cannot exceed the limits."""
    return np.clip(statistics.mean + statistics.deviation * z, statistics.low, statistics.high).astype(np.float32)
