"""Bringing the map of a layer to the size of the input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.network.spans import Span


def upsample(maps: NDArray[np.float32], shape: Sequence[int]) -> NDArray[np.float32]:
    """Linear interpolation along each axis, with the centres of the outer cells aligned as areas, not as points.

    Each cell of the map stands for an equal share of the input, so its value belongs to the centre of that share
    (`align_corners=False` in other libraries); beyond the outer centres the outer values go on.

    Args:
        maps: (N, *sizes).
        shape: sizes to reach, one per axis.

    Returns:
        float32 (N, *shape).
    """
    for axis, size in enumerate(shape, start=1):
        maps = np.moveaxis(np.moveaxis(maps, axis, -1) @ _weights(maps.shape[axis], size), -1, axis)
    return np.ascontiguousarray(maps, np.float32)


def lay_on_input(maps: NDArray[np.float32], spans: Sequence[Span]) -> NDArray[np.float32]:
    """Lay maps on the input, each cell at the middle of its receptive field, with linear interpolation between them.

    Beyond the outer cells their values go on, as far as the receptive fields reach. Positions that no cell sees, such
    as samples that the model cuts off, get 0.

    Args:
        maps: (N, *units).
        spans: what the cells see along each axis.

    Returns:
        float32 (N, *lengths).
    """
    for axis, span in enumerate(spans, start=1):
        maps = np.moveaxis(np.moveaxis(maps, axis, -1) @ _places(span), -1, axis)
    return np.ascontiguousarray(maps, np.float32)


def coverage(spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Which positions of the input some cell sees: (*lengths)."""
    seen = np.ones((), bool)
    for span in spans:
        seen = seen[..., np.newaxis] & _seen(span)
    return seen


def _seen(span: Span) -> NDArray[np.bool_]:
    seen = np.zeros(span.length, bool)
    for unit in range(span.units):
        first, end = span.inside(unit)
        seen[first : max(first, end)] = True
    return seen


def _places(span: Span) -> NDArray[np.float32]:
    """Interpolation between the cells' places as a matrix (units, length)."""
    cells = (np.arange(span.length) - span.centre(0)) / (span.jump or 1)
    return (_between(cells, span.units) * _seen(span)).astype(np.float32)


def _weights(old: int, new: int) -> NDArray[np.float32]:
    """Interpolation as a matrix (old, new), each column of which sums to 1."""
    return _between((np.arange(new) + 0.5) * old / new - 0.5, old).astype(np.float32)


def _between(cells: NDArray[np.float64], units: int) -> NDArray[np.float64]:
    """The share of each unit in the value at each of some places between the units: (units, places)."""
    cells = np.clip(cells, 0, units - 1)
    left = np.minimum(cells.astype(int), max(units - 2, 0))
    right = np.minimum(left + 1, units - 1)
    matrix = np.zeros((units, len(cells)))
    np.add.at(matrix, (left, np.arange(len(cells))), 1 - (cells - left))
    np.add.at(matrix, (right, np.arange(len(cells))), cells - left)
    return matrix
