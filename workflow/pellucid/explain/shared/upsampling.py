"""Bring the map of a layer to the size of the input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.network.spans import Span


def upsample(maps: NDArray[np.float32], shape: Sequence[int]) -> NDArray[np.float32]:
    """Upsample masks (RISE) by linear interpolation along each axis, like `align_corners=False` in other libraries.

    Each cell of the map covers an equal share of the input, and its value lies at the centre of its share. Beyond the
    outer centres the outer values are repeated.

    Args:
        maps: (N, *sizes).
        shape: the new size of each axis.

    Returns:
        float32 (N, *shape).
    """
    for axis, size in enumerate(shape, start=1):
        maps = np.moveaxis(np.moveaxis(maps, axis, -1) @ _weights(maps.shape[axis], size), -1, axis)
    return np.ascontiguousarray(maps, np.float32)


def lay_on_input(maps: NDArray[np.float32], spans: Sequence[Span]) -> NDArray[np.float32]:
    """Lay maps on the input, each cell at the middle of its receptive field, with linear interpolation between cells.

    Outside the first and the last centre the outer value continues to the edge of its receptive field. Positions
    outside all receptive fields, such as samples that the model cuts off, get 0.

    Args:
        maps: (N, *units).
        spans: the receptive fields of the cells along each axis.

    Returns:
        float32 (N, *lengths).
    """
    for axis, span in enumerate(spans, start=1):
        maps = np.moveaxis(np.moveaxis(maps, axis, -1) @ _weights_of_span(span), -1, axis)
    return np.ascontiguousarray(maps, np.float32)


def divide_on_input(maps: NDArray[np.float32], spans: Sequence[Span]) -> NDArray[np.float64]:
    """Divide each cell's value among the positions on which `lay_on_input` lays it, so that the sum stays.

    What lies in padding alone is divided among all positions.

    Args:
        maps: (N, *units).
        spans: the receptive fields of the cells along each axis.

    Returns:
        (N, *lengths).
    """
    divided = maps.astype(np.float64)
    for axis, span in enumerate(spans, start=1):
        weights = _weights_of_span(span).astype(np.float64)
        total = weights.sum(1, keepdims=True)
        shares = np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / span.length)
        divided = np.moveaxis(np.moveaxis(divided, axis, -1) @ shares, -1, axis)
    return divided


def coverage(spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Return which positions of the input lie in some cell's receptive field: (*lengths)."""
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


def _weights_of_span(span: Span) -> NDArray[np.float32]:
    """Return the interpolation between the centres of receptive fields as a matrix (units, length)."""
    cells = (np.arange(span.length) - span.centre(0)) / (span.jump or 1)
    return (_between(cells, span.units) * _seen(span)).astype(np.float32)


def _weights(old: int, new: int) -> NDArray[np.float32]:
    """Return the interpolation as a matrix (old, new), of which each column sums to 1."""
    return _between((np.arange(new) + 0.5) * old / new - 0.5, old).astype(np.float32)


def _between(cells: NDArray[np.float64], units: int) -> NDArray[np.float64]:
    """Return the weight of each unit in the interpolated value at each position between units: (units, positions)."""
    cells = np.clip(cells, 0, units - 1)
    left = np.minimum(cells.astype(int), max(units - 2, 0))
    right = np.minimum(left + 1, units - 1)
    matrix = np.zeros((units, len(cells)))
    np.add.at(matrix, (left, np.arange(len(cells))), 1 - (cells - left))
    np.add.at(matrix, (right, np.arange(len(cells))), cells - left)
    return matrix
