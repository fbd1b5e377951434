"""Maps that have the same value everywhere: such a map tells no part of its example from another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Values that differ by less, as a share of the largest, differ by rounding.
ROUNDING = 1e-6


def are_flat(maps: NDArray[Any], measured: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Return which maps have the same value everywhere, to rounding: (N,).

    A map of a single value is not flat.

    Args:
        maps: (N, ...).
        measured: of a shape that broadcasts to that of the maps; values that were not measured do not count.
    """
    known = np.ones(maps.shape, np.bool_) if measured is None else np.broadcast_to(measured, maps.shape)
    return np.array([_is_flat(values[seen]) for values, seen in zip(maps, known, strict=True)], np.bool_)


def _is_flat(values: NDArray[Any]) -> bool:
    if values.size < 2:
        return False
    low, high = float(values.min()), float(values.max())
    return high - low <= ROUNDING * max(abs(low), abs(high))
