"""The 95% interval of an AUROC, also where few test examples have the label.

This is a score interval, like Wilson's for a proportion: it holds all areas that the measured area does not contradict.
Their variance is that of Newcombe (Confidence intervals for an effect size measure based on the Mann-Whitney statistic,
part 2, Stat Med 25:559-573, 2006, method 5), which depends only on the area. It is multiplied by a ratio: DeLong's
variance (Biometrics 44:837-845, 1988) at the measured area, divided by Newcombe's. A few examples estimate this ratio
badly, so it is drawn towards 1 with the weight of `PRIOR` degrees of freedom, and the quantile is that of Student's t
(as in moderated tests: Smyth, Stat Appl Genet Mol Biol 3, 2004). The combination is this project's own:
`docs/statistics.md` has how often it holds the true area.

Examples of one group (a patient) are one observation: DeLong's variance is that of Obuchowski (Biometrics 53:567-578,
1997) for clustered data, and groups are counted in place of examples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
# Examples (groups) that have the label, and that lack it, below which there is no interval.
FEWEST = 5
PRIOR = 6.0


def interval(
    has: NDArray[np.bool_], scores: NDArray[np.float64], groups: NDArray[np.int64] | None = None
) -> tuple[float, float]:
    """Return the interval's ends; NaN where fewer than five examples (groups) have the label, or lack it.

    Args:
        has: (N,), whether the example has the label.
        scores: (N,), higher where the label is more likely.
        groups: (N,), the number of each example's group; None if examples are independent of each other.
    """
    from scipy.stats import t

    with_label, without = (int(mask.sum()) if groups is None else len(np.unique(groups[mask])) for mask in (has, ~has))
    if min(with_label, without) < FEWEST:
        return float("nan"), float("nan")
    area, of_positives, of_negatives = influences(has, scores)
    sums = [of_positives, of_negatives]
    if groups is not None:
        size = int(groups.max()) + 1
        sums = [
            np.bincount(groups[mask], values, size).astype(np.float64)
            for mask, values in zip((has, ~has), sums, strict=True)
        ]
    parts = [
        float((values**2).sum()) * count / (count - 1)
        for values, count in zip(sums, (with_label, without), strict=True)
    ]
    both = 0.0 if groups is None else 2 * float((sums[0] * sums[1]).sum())
    model, freedom, ratio = _variance(area, with_label, without), 0.0, 1.0
    if model > 0 and sum(parts) > 0:
        freedom = sum(parts) ** 2 / sum(
            part**2 / (count - 1) for part, count in zip(parts, (with_label, without), strict=True)
        )
        ratio = max(sum(parts) + both, 0.0) / model
    ratio = (PRIOR + freedom * ratio) / (PRIOR + freedom)
    quantile = float(t.ppf((1 + LEVEL) / 2, PRIOR + freedom))
    return _ends(area, quantile * np.sqrt(ratio), with_label, without)


def influences(
    has: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the AUROC, and what each example with and without the label adds to its error: (positives,), (negatives,).

    Ties count half. DeLong's variance is the sum of the squares of what examples add.
    """
    from scipy.stats import rankdata

    count, other = int(has.sum()), int((~has).sum())
    ranks = rankdata(scores)
    # The share of the negatives below a positive, and of the positives above a negative.
    below = (ranks[has] - rankdata(scores[has])) / other
    above = 1 - (ranks[~has] - rankdata(scores[~has])) / count
    area = float(below.mean())
    return area, (below - area) / count, (above - area) / other


def _variance(area: float, positives: int, negatives: int) -> float:
    """Return Newcombe's variance of an estimate of this area."""
    mean = (positives + negatives) / 2 - 1
    spread = 1 + mean * (1 - area) / (2 - area) + mean * area / (1 + area)
    return area * (1 - area) * spread / (positives * negatives)


def _ends(area: float, width: float, positives: int, negatives: int) -> tuple[float, float]:
    """Return the lowest and the highest area that are at most `width` standard deviations from the measured one."""
    from scipy.optimize import brentq

    def beyond(other: float) -> float:
        return abs(other - area) - width * float(np.sqrt(_variance(other, positives, negatives)))

    low = float(brentq(beyond, 0, area)) if area > 0 else 0.0
    high = float(brentq(beyond, area, 1)) if area < 1 else 1.0
    return low, high
