"""Inputs masked by their explanation: where the map is strong, the value stays; the rest becomes a baseline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import Explanation, ScoreContext


def mask_of(explanation: Explanation, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return maps of an explanation as shares of their largest value, 0 to 1: evidence against the class is 0.

    Of an unsigned explanation the absolute values count. A map without any evidence stays 0.

    Args:
        explanation: says whether its maps are signed.
        maps: (N, *input_shape).
    """
    strength = np.maximum(maps, 0) if explanation.signed else np.abs(maps)
    largest = strength.max(tuple(range(1, maps.ndim)), keepdims=True)
    return np.asarray(strength / np.where(largest > 0, largest, 1), np.float32)


def masked(
    case: ScoreContext, chosen: NDArray[np.int64], mask: NDArray[np.float32], filling: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return chosen inputs, moved towards a filling by 1 minus the mask; values that were not measured stay.

    Args:
        case: inputs, and where they were measured.
        chosen: (M,), which examples.
        mask, filling: (M, *input_shape).
    """
    inputs = case.inputs[chosen]
    moved = np.asarray(filling + mask * (inputs - filling), np.float32)
    return moved if case.measured is None else np.where(case.measured[chosen], moved, inputs)


def drop_of(whole: NDArray[np.float32], of_masked: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the drop of the probability as a share of that of the whole input, 0 where it rises: (N,), 0 to 1."""
    drop = np.maximum(whole.astype(np.float64) - of_masked, 0)
    return np.asarray(drop / np.where(whole > 0, whole, 1))
