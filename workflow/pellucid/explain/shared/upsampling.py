"""Bring the map of a layer to the size of the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

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
        cells = (np.arange(size) + 0.5) * maps.shape[axis] / size - 0.5
        maps = _along(maps, axis, _Between.of(cells, maps.shape[axis]))
    return np.ascontiguousarray(maps, np.float32)


def lay_on_input(maps: NDArray[np.float32], spans: Sequence[Span]) -> NDArray[np.float32]:
    """Lay maps on the input, each cell at the middle of its receptive field, with linear interpolation between cells.

    Outside the first and the last centre, the outer value is repeated up to the edge of its receptive field. Positions
    outside all receptive fields, such as samples that the model cuts off, get 0.

    Args:
        maps: (N, *units).
        spans: the receptive fields of the cells along each axis.

    Returns:
        float32 (N, *lengths).
    """
    for axis, span in enumerate(spans, start=1):
        maps = _along(maps, axis, _Between.on(span))
    return np.ascontiguousarray(maps, np.float32)


def divide_on_input(maps: NDArray[np.float32], spans: Sequence[Span]) -> NDArray[np.float64]:
    """Divide each cell's value among the positions on which `lay_on_input` lays it, so that the sum stays.

    A cell that lies only in padding is divided among all positions.

    Args:
        maps: (N, *units).
        spans: the receptive fields of the cells along each axis.

    Returns:
        (N, *lengths).
    """
    divided = maps.astype(np.float64)
    for axis, span in enumerate(spans, start=1):
        between = _Between.on(span)
        total = between.of_each(span.units)
        placed = total > 0
        moved = np.moveaxis(divided, axis, 0)
        # The shape of a number for each cell.
        cells = (-1, *(1,) * (moved.ndim - 1))
        shares = np.where(placed.reshape(cells), moved / np.where(placed, total, 1).reshape(cells), 0)
        nowhere = moved[~placed].sum(0) / span.length
        divided = _along(np.moveaxis(shares, 0, axis), axis, between) + np.expand_dims(nowhere, axis)
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


class _Between(NamedTuple):
    """Two neighbouring cells for each position, between which it lies, and the weight of each: all (positions,).

    A matrix of cells and positions would grow with the square of the length.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    of_left: NDArray[np.float32]
    of_right: NDArray[np.float32]

    @classmethod
    def of(cls, cells: NDArray[np.float64], units: int) -> _Between:
        """Return the neighbours of positions at `cells`, counted in cells; beyond the outer cells, only these count."""
        cells = np.clip(cells, 0, units - 1)
        left = np.minimum(cells.astype(np.int64), max(units - 2, 0))
        return cls(
            left,
            np.minimum(left + 1, units - 1),
            (1 - (cells - left)).astype(np.float32),
            (cells - left).astype(np.float32),
        )

    @classmethod
    def on(cls, span: Span) -> _Between:
        """Return the neighbours of each position of the input, by receptive fields; weight 0 outside of all fields."""
        between = cls.of((np.arange(span.length) - span.centre(0)) / (span.jump or 1), span.units)
        seen = _seen(span)
        return between._replace(of_left=between.of_left * seen, of_right=between.of_right * seen)

    def of_each(self, units: int) -> NDArray[np.float64]:
        """Return the sum of the weights of each cell: (units,)."""
        sums = np.bincount(self.left, self.of_left, units) + np.bincount(self.right, self.of_right, units)
        return np.asarray(sums, np.float64)


def _along(maps: NDArray[Any], axis: int, between: _Between) -> NDArray[Any]:
    """Return the values at the positions instead of those of the cells, along one axis."""
    moved = np.moveaxis(maps, axis, -1)
    values = moved[..., between.left] * between.of_left + moved[..., between.right] * between.of_right
    return np.moveaxis(values, -1, axis)
