"""Degradation score: the area between both orders of removal, minus a penalty for differences between the classes."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import UNLABELLED
from pellucid.score.base import Curve, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import fills, units
from pellucid.score.shared.removal import Output, RankedRemoval, probability_ends, quantity
from pellucid.targets import split
from pellucid.tasks import MULTI_LABEL, SINGLE_LABEL

SPEC = ScoreSpec(
    title="Degradation score",
    family="faithfulness",
    about="Units are replaced by a baseline, up to a share of all units: once the least important first, once the "
    "most important first. The degradation score is the mean difference of the two probabilities over the steps. For "
    "a random order it is 0 on average. To the model, a baseline may look like one of the classes. The score is then "
    "high for the other classes and low for this one. The class-adjusted score corrects this: from the mean over all "
    "examples it subtracts half of the mean difference between the classes, times a weight. Its value for a single "
    "example is the degradation score minus this example's part of the penalty. So the mean of these values is the "
    "adjusted score, and their interval holds for it. The score needs examples of two classes. A regression has no "
    "classes: use `region_perturbation`, which has the same area (ABPC).",
    paper="Baer G, Grau I, Zhang C, Van Gorp P. Class-Dependent Perturbation Effects in Evaluating Time Series "
    "Attributions. arXiv:2502.17022 (2025), class-adjusted degradation score; the area: Schulz K, Sixt L, Tombari F, "
    "Landgraf T. Restricting the Flow: Information Bottlenecks for Attribution. ICLR (2020), section 4",
    metrics={
        "degradation_adjusted": Metric("Degradation, class-adjusted", "higher"),
        "degradation": Metric("Degradation score", "higher"),
    },
    needs_model=True,
    needs_training=True,
    tasks=(SINGLE_LABEL, MULTI_LABEL),
    several_inputs=False,
)

# Refuses a window that is too large before any job runs, if the size of the examples is known.
fits = units.fits


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    penalty: Annotated[
        float, Field(ge=0, le=1_000, description="weight of the differences between the classes; 0: no adjustment")
    ] = 1.0,
    share: Annotated[float, Field(gt=0, le=1, description="share of the units that are removed at the end")] = 0.5,
    steps: Annotated[
        int,
        Field(
            ge=1, le=100_000, description="steps in which the units are removed; never more steps than units to remove"
        ),
    ] = 25,
    order: Annotated[
        Literal["strength", "evidence"],
        Field(
            description="what counts as important. strength: the largest absolute values are the most important. "
            "evidence: the most evidence for the class is the most important, and the evidence against it the least"
        ),
    ] = "strength",
    of: Output = "probability",
    unit: units.Unit = "sample",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: fills.Baselines = ("zero", "mean"),
) -> ScoreResult:
    """Return both scores for each baseline; the adjusted one is NaN where one class alone is explained.

    Raises:
        InputError: see `units.units` and `fills.fills`.
    """
    if order == "strength":
        explanation = replace(explanation, signed=False)
    removal = RankedRemoval.of(explanation, case, rng, baselines, unit=unit, window=window, channels=channels)
    x = np.linspace(0, share, min(steps, max(1, round(share * int(removal.n_units.max())))) + 1)
    labelled = not (case.labels == UNLABELLED).any()
    classes = case.labels if labelled else split(case.targets)[0]
    plain, curves = {}, {}
    for name, fill in removal.fills.items():
        most, least = removal.both_orders(fill, x, of)
        plain[name] = (least - most).mean(1)
        curves[f"most first.{name}"] = Curve(x, most, "share removed", quantity(case, of))
        curves[f"least first.{name}"] = Curve(x, least, "share removed", quantity(case, of))
    values = {f"degradation_adjusted.{name}": class_adjusted(one, classes, penalty) for name, one in plain.items()}
    values |= {f"degradation.{name}": one for name, one in plain.items()}
    alone = len(np.unique(classes)) < 2
    note = "not adjusted: the differences between classes need examples of two classes" if alone else ""
    ends = probability_ends(case, of, degradation_adjusted=(-1 - penalty, 1), degradation=(-1, 1))
    return ScoreResult(values, curves, note, ends)


def class_adjusted(scores: NDArray[np.float64], classes: NDArray[np.int64], penalty: float) -> NDArray[np.float64]:
    """Return values (N,) whose mean is the mean of the scores minus the penalty for differences between classes.

    The penalty is the weight times half of the mean absolute difference between the means of two classes, over all
    pairs. Each value is the adjusted score plus the influence of its example on it (the infinitesimal jackknife). So
    the values spread as the adjusted score does. NaN with fewer than two classes.

    Args:
        scores: (N,), of the examples.
        classes: (N,), by which they are grouped.
        penalty: the weight.

    Source of the influence: Efron B, Tibshirani RJ. An Introduction to the Bootstrap (1993), section 21.3.
    """
    names, of_example = np.unique(classes, return_inverse=True)
    if len(names) < 2:
        return np.full(len(scores), np.nan)
    counts = np.bincount(of_example)
    means = np.bincount(of_example, scores) / counts
    pairs = list(combinations(range(len(names)), 2))
    weight = penalty / (2 * len(pairs))
    difference = sum(abs(means[one] - means[other]) for one, other in pairs)
    # How much the sum of the differences rises with the mean of each class.
    slope = np.sign(means[:, np.newaxis] - means).sum(1)
    influence = slope[of_example] * (scores - means[of_example]) * len(scores) / counts[of_example]
    return np.asarray(scores - weight * difference - weight * influence)
