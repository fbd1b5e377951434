"""Confidence intervals of means over examples: 95% intervals that cover 95%, few examples and skewed values included.

`python -m tests.bench coverage` measures the coverage; `docs/statistics.md` has the table.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
# Fewer values show too little of their distribution: Student's interval of 3 log-normal values covers 0.85.
FEWEST = 4
FEWEST_OF_SHARE = 2
# The ends of the studentised bootstrap of few values are too near, since resamples repeat the tail that they have: they
# are those of a 98% interval below this number of values (measured: see `docs/statistics.md`).
FEW, LEVEL_OF_FEW = 30, 0.98
STUDENTISED, CLOPPER_PEARSON, EQUAL, NONE = "studentised", "Clopper-Pearson", "all equal", "none"
_DRAWS = 2**20  # at a time
_ROUNDING = 1e-9  # of the mean: a spread below it is that of equal values


class Interval(NamedTuple):
    """A mean with its interval.

    Attributes:
        mean: of the values that are defined; NaN without any.
        low, high: ends of the 95% interval; NaN where there is none.
        method: "studentised", "Clopper-Pearson", "all equal" (both ends are the mean: the values show no
            spread, which is no 95% interval) or "none".
        examples: number of values that are defined.
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
    """The mean of values (N,), and the ends of its 95% interval over examples.

    The interval is the wider one, at each end, of Student's t and of the studentised bootstrap: the first holds for few
    values, the second for skewed ones. Of fewer than 4 values there is none. A proportion has the interval of Clopper
    and Pearson, from 2 values on.

    Args:
        values: those that are NaN are left out.
        rng: draws the resamples.
        proportion: each value is 0 or 1, or between them where ties share a place.
        low, high: range of the values, which the mean cannot leave.

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
    """The quantile of Student's distribution for so many values."""
    from scipy.stats import t

    return float(t.ppf((1 + LEVEL) / 2, count - 1))


def _studentised(values: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    """Quantiles of (mean of a resample - mean) / (its own standard error), over resamples of the values (N,)."""
    count = len(values)
    # About their own mean: squares of large values would lose the digits that differ.
    centred = values - values.mean()
    # In turns: of a large test set, all resamples at once would be thousands of times the values.
    turn = max(1, _DRAWS // count)
    ratios = []
    for start in range(0, RESAMPLES, turn):
        drawn = centred[rng.integers(count, size=(min(turn, RESAMPLES - start), count))]
        ratios.append(np.stack([drawn.mean(1), drawn.std(1, ddof=1)]))
    means, spreads = np.concatenate(ratios, axis=1)
    # A resample of one value again and again has no standard error.
    varied = spreads > _ROUNDING * np.abs(centred).max()
    level = LEVEL if count >= FEW else LEVEL_OF_FEW
    found = np.quantile(means[varied] / spreads[varied] * np.sqrt(count), [(1 - level) / 2, (1 + level) / 2])
    return float(found[0]), float(found[1])


def _clopper_pearson(successes: float, count: int) -> tuple[float, float]:
    """The exact interval of a proportion; shared places may make the number of successes a broken one."""
    from scipy.stats import beta

    tail = (1 - LEVEL) / 2
    low = 0.0 if successes <= 0 else float(beta.ppf(tail, successes, count - successes + 1))
    high = 1.0 if successes >= count else float(beta.ppf(1 - tail, successes + 1, count - successes))
    return low, high
