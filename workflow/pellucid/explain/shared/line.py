"""The straight line from a baseline to an input, and means along it by the trapezoidal rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.batching import blocks

Array = NDArray[np.float32]


def weights(steps: int) -> NDArray[np.float64]:
    """Return the weights of the trapezoidal rule at steps + 1 points; they sum to 1."""
    values = np.full(steps + 1, 1 / steps)
    values[[0, -1]] /= 2
    return values


def parts(inputs: Array, reference: Array, steps: int, size: int) -> Iterator[tuple[slice, slice, Array]]:
    """Yield the points of the lines in blocks of at most `size`: (points, examples, *input_shape).

    Args:
        inputs, reference: (N, *input_shape), the ends of the lines.
        steps: intervals of a line, which has one more points.
        size: of a block. The points of an example come in order, in one block after the other.

    Yields:
        The slices of the examples and of the points, and the points.
    """
    difference = inputs - reference
    points = np.linspace(0, 1, steps + 1, dtype=np.float32)
    for part, some in blocks(len(inputs), steps + 1, size):
        alpha = points[some].reshape(-1, *(1,) * inputs.ndim)
        yield part, some, reference[part] + alpha * difference[part]


def mean_gradient(
    inputs: Array,
    reference: Array,
    steps: int,
    size: int,
    gradient: Callable[[Array, NDArray[np.int64]], Array],
    precision: type[np.floating[Any]] = np.float64,
) -> NDArray[Any]:
    """Return the mean of a gradient along the lines: (N, *its shape), in double precision; complex if it is complex.

    Args:
        inputs, reference, steps, size: as for `parts`.
        gradient: (points (M, *input_shape), the index of the example of each (M,)) -> (M, *any shape).
        precision: the number type in which the gradients of one block are weighted and added. A copy of a large layer's
            gradients in double precision would take longer than the passes. The sums of the blocks are always added in
            double precision.
    """
    share, total = weights(steps).astype(precision), None
    for part, some, points in parts(inputs, reference, steps, size):
        rows = np.tile(np.arange(len(inputs))[part], len(points))
        found = gradient(points.reshape(-1, *inputs.shape[1:]), rows)
        found = found.reshape(*points.shape[:2], *found.shape[1:])
        if total is None:
            total = np.zeros((len(inputs), *found.shape[2:]), np.result_type(found, np.float64))
        total[part] += np.tensordot(share[some], found, axes=1)
    return np.zeros(inputs.shape) if total is None else total
