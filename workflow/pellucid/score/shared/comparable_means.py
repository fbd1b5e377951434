"""Comparable means: the means of all explanations over the same examples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# All ranked explanations must have a value for this share of the examples for which any explanation has one.
ENOUGH = 0.25


def comparable(values: Mapping[str, NDArray[np.float64]]) -> tuple[dict[str, float], int]:
    """Return the mean of each explanation over the examples for which all ranked explanations have a value.

    A metric may be undefined for an example and an explanation. As long as the common examples are fewer than a quarter
    of the examples for which any explanation has a value, the explanations with the fewest values are taken out of the
    ranking.

    Args:
        values: (N,) of each explanation, by its label; NaN if the metric is not defined.

    Returns:
        The means, NaN for an explanation that is not ranked; the number of common examples.
    """
    known = {label: np.isfinite(value) for label, value in values.items()}
    numbers = {label: int(is_known.sum()) for label, is_known in known.items()}
    ranked = [label for label, number in numbers.items() if number]
    if not ranked:
        return dict.fromkeys(values, np.nan), 0
    enough = max(1.0, ENOUGH * int(np.any(list(known.values()), axis=0).sum()))
    while (common := np.all([known[label] for label in ranked], axis=0)).sum() < enough:
        fewest = min(numbers[label] for label in ranked)
        kept = [label for label in ranked if numbers[label] > fewest]
        if not kept:
            return dict.fromkeys(values, np.nan), 0
        ranked = kept
    means = {label: float(value[common].mean()) if label in ranked else np.nan for label, value in values.items()}
    return means, int(common.sum())
