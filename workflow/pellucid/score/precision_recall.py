"""Precision and recall of an explanation against the planted evidence, over all thresholds of its strength."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.strength import strength_and_truth

SPEC = ScoreSpec(
    title="Precision and recall of the planted evidence",
    family="truth",
    about="Strengths are scaled to 0–1 in each example. At a threshold, precision is the share of the values above it "
    "that carry evidence; recall is the share of the evidence that lies above it. AUP and AUR are the means of "
    "precision and recall over all thresholds. The evidence itself scores 1 in both. A map that is high everywhere "
    "has the best AUR, so read AUR together with AUP.",
    paper="Crabbé J, van der Schaar M. Explaining Time Series Predictions with Dynamic Masks. ICML (2021), section "
    "4.1; after Ismail AA et al. Benchmarking Deep Learning Interpretability in Time Series Predictions. NeurIPS "
    "(2020)",
    metrics={
        "aup": Metric("Area under precision (AUP)", "higher", 0, 1),
        "aur": Metric("Area under recall (AUR)", "higher", 0, 1),
    },
    requires=("truth",),
)


def score(explanation: Explanation, case: ScoreContext, rng: np.random.Generator) -> ScoreResult:
    """Return AUP and AUR of each example; NaN for an example without evidence."""
    values = {}
    for suffix, size, truth in strength_and_truth(explanation, case):
        areas = np.array([areas_of(*row) for row in zip(size, truth, strict=True)])
        values[f"aup{suffix}"], values[f"aur{suffix}"] = areas[:, 0], areas[:, 1]
    return ScoreResult(values)


def areas_of(size: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the exact areas under precision and recall: both are constant between two neighbouring strengths.

    Args:
        size: (values,), the strengths, which are scaled to 0–1 here.
        truth: (values,), where the evidence is; NaN for both areas if it is nowhere.
    """
    if not truth.any():
        return np.nan, np.nan
    low, high = size.min(), size.max()
    # In a map of equal values, all values are above every threshold.
    scaled = (size - low) / (high - low) if high > low else np.ones_like(size)
    levels, level = np.unique(scaled, return_inverse=True)
    width = np.diff(levels, prepend=0.0)
    above = np.bincount(level, minlength=len(levels))[::-1].cumsum()[::-1]
    hits = np.bincount(level, truth, len(levels))[::-1].cumsum()[::-1]
    return float((width * hits / above).sum()), float((width * hits).sum() / truth.sum())
