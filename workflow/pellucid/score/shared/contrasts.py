"""Scores that need a probability, which a contrast does not have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.targets import split


def are_contrasts(targets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which targets are one output minus another: (N,)."""
    return np.asarray(split(targets)[1] >= 0)


def left_out(targets: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values (N,) with NaN for contrasts."""
    return np.where(are_contrasts(targets), np.nan, values)


def note(targets: NDArray[np.int64]) -> str:
    """Return the note of a score that is NaN for contrasts; empty where no target is one."""
    return "not defined for a contrast" if are_contrasts(targets).any() else ""
