"""Confidence intervals of means over examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
_DRAWS = 2**20  # at a time


def interval(values: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float, float]:
    """The mean of values (N,), and the ends of its 95% interval by the percentile bootstrap over examples.

    Values that are NaN are left out; with none left all three are NaN, and with one the interval is that value.
    Source: Efron B, Tibshirani RJ. An Introduction to the Bootstrap (1993), section 13.3.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan, np.nan
    # In turns: of a large test set, all resamples at once would be thousands of times the values.
    turn = max(1, _DRAWS // len(values))
    sizes = [min(turn, RESAMPLES - start) for start in range(0, RESAMPLES, turn)]
    means = np.concatenate([values[rng.integers(len(values), size=(size, len(values)))].mean(1) for size in sizes])
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(values.mean()), float(low), float(high)
