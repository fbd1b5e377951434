"""Confidence intervals of means over examples: 95% intervals, also for few examples and skewed values.

If examples come from groups (recordings, patients), whole groups are drawn. Examples of one group are alike, and an
interval that treats them as independent is too narrow.

`python -m tests.bench coverage` measures the coverage; `docs/statistics.md` has the tables.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
# With fewer groups there is no interval: nobody can tell from a handful of them how unlike groups are.
FEWEST_GROUPS = 5
STUDENTISED, CLOPPER_PEARSON, EQUAL, NONE = "studentised", "Clopper-Pearson", "all equal", "none"
# Over groups, where examples of one group are among the values.
OVER_GROUPS, SHARE_OVER_GROUPS, FEW_GROUPS = "studentised, over groups", "Korn-Graubard, over groups", "too few groups"
CLUSTERED = (OVER_GROUPS, SHARE_OVER_GROUPS, FEW_GROUPS)
_DRAWS = 2**20  # at a time
_ROUNDING = 1e-9  # values whose spread is below this share of the largest are equal


class Interval(NamedTuple):
    """A mean with its interval.

    Attributes:
        mean: of the defined values; NaN if there are none.
        low, high: ends of the 95% interval; NaN if there is none.
        method: "studentised", "Clopper-Pearson", "all equal" (both ends are the mean, since the values have no spread;
            this is not a 95% interval) or "none"; of values in groups "studentised, over groups", "Korn-Graubard, over
            groups", "all equal", or "too few groups", which is no interval.
        examples: number of defined values.
        groups: number of groups that they are from; None where no two of them are known to be from one group.
    """

    mean: float
    low: float
    high: float
    method: str
    examples: int
    groups: int | None = None


def interval(
    values: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    proportion: bool = False,
    low: float | None = None,
    high: float | None = None,
    groups: NDArray[Any] | None = None,
) -> Interval:
    """Return the mean of values (N,) and its 95% interval over examples.

    Each end is the wider one of Student's t, which suits few values, and the studentised bootstrap, which suits skewed
    values. Fewer than 4 values have no interval. A proportion of at least 2 values has that of Clopper and Pearson.
    Values of which two are from one group have the interval of `over_groups`.

    Args:
        values: NaN values are left out.
        rng: draws the resamples.
        proportion: each value is 0 or 1, or between them for ties.
        low, high: range of the values, to which the interval is clipped.
        groups: (N,), the group of each value; None where all values are independent of each other.

    Sources: Efron B, Tibshirani RJ. An Introduction to the Bootstrap (1993), section 12.5; Clopper CJ, Pearson ES. The
    Use of Confidence or Fiducial Limits. Biometrika 26 (1934).
    """
    values = np.asarray(values, np.float64)
    defined = np.isfinite(values)
    values = values[defined]
    count = len(values)
    if not count:
        return Interval(np.nan, np.nan, np.nan, NONE, 0)
    if groups is not None:
        codes = np.unique(np.asarray(groups)[defined], return_inverse=True)[1]
        # A group of one example each says nothing that their number does not.
        if codes.max() + 1 < count:
            return over_groups(values, codes, rng, proportion=proportion, low=low, high=high)
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


def over_groups(
    values: NDArray[np.float64],
    codes: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    proportion: bool = False,
    low: float | None = None,
    high: float | None = None,
) -> Interval:
    """Return the mean of values (N,) over examples, and its 95% interval for other groups of the same kind.

    Each end is the wider one of Student's t with a degree of freedom less than groups, and the studentised bootstrap
    that draws whole groups. The standard error is `group_error`. Fewer than 5 groups have no interval. A proportion has
    the interval of Clopper and Pearson for an effective number of independent examples. This number follows from the
    variance of the proportion, divided by its variance for independent examples; the quantiles of Student's t correct
    it for few groups (Korn EL, Graubard BI. Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data. Survey Methodology 24 (1998), section 2). If all groups have the same mean, it is
    not known how much examples of one group differ: then each group counts as one example.

    Args:
        values: finite.
        codes: (N,), the number of each value's group, from 0.
        rng, proportion, low, high: as of `interval`.

    Source: Cameron AC, Gelbach JB, Miller DL. Bootstrap-based improvements for inference with clustered errors. Rev
    Econ Stat 90 (2008), sections II.B and III.A.
    """
    sizes, count = np.bincount(codes).astype(np.float64), len(values)
    number, mean = len(sizes), float(values.mean())
    if number < FEWEST_GROUPS:
        return Interval(mean, np.nan, np.nan, FEW_GROUPS, count, number)
    residuals = np.bincount(codes, values - mean).astype(np.float64)
    error = float(group_error(residuals, sizes))
    if proportion:
        worth = float(number)
        if error > _ROUNDING:
            worth = mean * (1 - mean) / error**2 * (_student(count) / _student(number)) ** 2
        worth = min(worth, float(count))
        return Interval(mean, *_clopper_pearson(mean * worth, worth), SHARE_OVER_GROUPS, count, number)
    if float(np.ptp(values)) <= _ROUNDING * float(np.abs(values).max()):
        return Interval(mean, mean, mean, EQUAL, count, number)
    if error <= _ROUNDING * float(np.abs(values).max()):
        # All groups have one mean, while their examples differ: that luck is no certainty.
        return interval(values, rng, low=low, high=high)._replace(groups=number)
    quantiles = _studentised_over_groups(residuals, sizes, rng)
    below, above = max(_student(number), quantiles[1]), max(_student(number), -quantiles[0])
    ends = np.clip([mean - below * error, mean + above * error], low, high)
    return Interval(mean, float(ends[0]), float(ends[1]), OVER_GROUPS, count, number)


def group_error(residuals: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard error of a mean over examples of G groups, from the means without each group in turn.

    For groups of equal size it is that of Liang and Zeger (Biometrika 73 (1986)) with the factor G / (G - 1); for
    groups of one example it is the usual one. For groups of unequal size it is larger: a large group draws the mean
    towards itself, so that its residuals look too small (Bell RM, McCaffrey DF. Bias reduction in standard errors for
    linear regression with multi-stage samples. Survey Methodology 28 (2002), section 3).

    Args:
        residuals: (…, G), sum over each group of value - mean.
        sizes: (…, G), examples of each group.
    """
    number, rest = sizes.shape[-1], sizes.sum(-1, keepdims=True) - sizes
    return np.asarray(np.sqrt((number - 1) / number * ((residuals / rest) ** 2).sum(-1)), np.float64)


def _studentised_over_groups(
    residuals: NDArray[np.float64], sizes: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float]:
    """Return quantiles of (mean of a resample - mean) / (its standard error), over resamples of whole groups.

    Args:
        residuals, sizes: (G,), as of `group_error`.
        rng: draws the resamples.
    """
    number = len(sizes)
    size, ratios = max(1, _DRAWS // number), []
    least = _ROUNDING * float(np.abs(residuals / sizes).max())
    for start in range(0, RESAMPLES, size):
        drawn = rng.integers(number, size=(min(size, RESAMPLES - start), number))
        of_drawn, examples = residuals[drawn], sizes[drawn]
        shift = of_drawn.sum(1, keepdims=True) / examples.sum(1, keepdims=True)
        error = group_error(of_drawn - shift * examples, examples)
        # A resample of one group alone has no standard error.
        ratios.append((shift[:, 0] / np.where(error > least, error, np.nan))[error > least])
    level = LEVEL if number >= FEW else LEVEL_OF_FEW
    joined = np.concatenate(ratios)
    ends = np.quantile(joined, [(1 - level) / 2, (1 + level) / 2]) if len(joined) else np.zeros(2)
    return float(ends[0]), float(ends[1])


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


def _clopper_pearson(successes: float, count: float) -> tuple[float, float]:
    """Return the exact interval of a proportion; ties may make the number of successes a fraction."""
    from scipy.stats import beta

    tail = (1 - LEVEL) / 2
    low = 0.0 if successes <= 0 else float(beta.ppf(tail, successes, count - successes + 1))
    high = 1.0 if successes >= count else float(beta.ppf(1 - tail, successes + 1, count - successes))
    return low, high
