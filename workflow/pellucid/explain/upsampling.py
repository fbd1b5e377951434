"""Bringing the map of a layer to the size of the input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


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


def _weights(old: int, new: int) -> NDArray[np.float32]:
    """Interpolation as a matrix (old, new), each column of which sums to 1."""
    centre = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    left = np.minimum(centre.astype(int), max(old - 2, 0))
    right = np.minimum(left + 1, old - 1)
    matrix = np.zeros((old, new))
    np.add.at(matrix, (left, np.arange(new)), 1 - (centre - left))
    np.add.at(matrix, (right, np.arange(new)), centre - left)
    return matrix.astype(np.float32)
