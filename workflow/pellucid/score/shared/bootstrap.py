"""Confidence intervals of means over examples: 95% intervals, also for few examples and skewed values.

`python -m tests.bench coverage` measures the coverage; `docs/statistics.md` has the table.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
# Fewer values give no interval: Student's interval of 3 log-normal values covers 0.85.
FEWEST = 4
FEWEST_OF_SHARE = 2
# The studentised bootstrap of few values is too narrow, since resamples repeat the observed tail: below this number of
# values its ends are those of a 98% interval (measured: see `docs/statistics.md`).
FEW, LEVEL_OF_FEW = 30, 0.98
STUDENTISED, CLOPPER_PEARSON, EQUAL, NONE = "studentised", "Clopper-Pearson", "all equal", "none"
_DRAWS = 2**20  # at a time
_ROUNDING = 1e-9  # values whose spread is below this share of the largest are equal


class Interval(NamedTuple):
    """A mean with its interval.

    Attributes:
        mean: of the defined values; NaN if there are none.
        low, high: ends of the 95% interval; NaN if there is none.
        method: "studentised", "Clopper-Pearson", "all equal" (both ends are the mean, since the values have no spread;
            this is not a 95% interval) or "none".
        examples: number of defined values.
    """

    mean: float
    low: float
    high: float
    method: str
    examples: int


def interval(
    values: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    proportion: bool = False,
    low: float | None = None,
    high: float | None = None,
) -> Interval:
    """Return the mean of values (N,) and its 95% interval over examples.

    Each end is the wider one of Student's t, which suits few values, and the studentised bootstrap, which suits skewed
    values. Fewer than 4 values have no interval. A proportion of at least 2 values has that of Clopper and Pearson.

    Args:
        values: NaN values are left out.
        rng: draws the resamples.
        proportion: each value is 0 or 1, or between them for ties.
        low, high: range of the values, to which the interval is clipped.

    Sources: Efron B, Tibshirani RJ. An Introduction to the Bootstrap (1993), section 12.5; Clopper CJ, Pearson ES. The
    Use of Confidence or Fiducial Limits. Biometrika 26 (1934).
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    count = len(values)
    if not count:
        return Interval(np.nan, np.nan, np.nan, NONE, 0)
    mean = float(values.mean())
    if proportion and count >= FEWEST_OF_SHARE:
        return Interval(mean, *_clopper_pearson(float(values.sum()), count), CLOPPER_PEARSON, count)
    if count < FEWEST:
        return Interval(mean, np.nan, np.nan, NONE, count)
    spread = float(values.std(ddof=1))
    if spread <= _ROUNDING * float(np.abs(values).max()):
        return Interval(mean, mean, mean, EQUAL, count)
    error = spread / np.sqrt(count)
    below, above = _student(count), _student(count)
    quantiles = _studentised(values, rng)
    below, above = max(below, quantiles[1]), max(above, -quantiles[0])
    ends = np.clip([mean - below * error, mean + above * error], low, high)
    return Interval(mean, float(ends[0]), float(ends[1]), STUDENTISED, count)


def _student(count: int) -> float:
    """Return the quantile of Student's distribution for `count` values."""
    from scipy.stats import t

    return float(t.ppf((1 + LEVEL) / 2, count - 1))


def _studentised(values: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    """Return quantiles of (mean of a resample - mean) / (its standard error), over resamples of the values (N,)."""
    count = len(values)
    # Centred, since squares of large values would lose the digits that differ.
    centred = values - values.mean()
    # In rounds: all resamples of a large test set would need thousands of times its memory.
    size = max(1, _DRAWS // count)
    ratios = []
    for start in range(0, RESAMPLES, size):
        drawn = centred[rng.integers(count, size=(min(size, RESAMPLES - start), count))]
        ratios.append(np.stack([drawn.mean(1), drawn.std(1, ddof=1)]))
    means, spreads = np.concatenate(ratios, axis=1)
    # A resample of equal values has no standard error.
    varied = spreads > _ROUNDING * np.abs(centred).max()
    level = LEVEL if count >= FEW else LEVEL_OF_FEW
    ends = np.quantile(means[varied] / spreads[varied] * np.sqrt(count), [(1 - level) / 2, (1 + level) / 2])
    return float(ends[0]), float(ends[1])


def _clopper_pearson(successes: float, count: int) -> tuple[float, float]:
    """Return the exact interval of a proportion; ties may make the number of successes a fraction."""
    from scipy.stats import beta

    tail = (1 - LEVEL) / 2
    low = 0.0 if successes <= 0 else float(beta.ppf(tail, successes, count - successes + 1))
    high = 1.0 if successes >= count else float(beta.ppf(1 - tail, successes + 1, count - successes))
    return low, high
