"""Deletion and insertion: the target's score while units are removed or inserted, the strongest evidence first."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.score.base import Curve, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import fills, units
from pellucid.score.shared.areas import area_under
from pellucid.score.shared.removal import Output, RankedRemoval, quantity

SPEC = ScoreSpec(
    title="Deletion and insertion",
    family="faithfulness",
    about="Deletion: units (samples, windows, …) are replaced by a baseline, those with the most evidence for the "
    "class first. Insertion: they are brought back into the baseline in the same order. Each area is the area under "
    "the probability of the class or label, over the share of the units from 0 to 1. A logit, a value of a regression "
    "and a contrast (the difference of two logits or values) have no bounds; their areas are in their own unit. For a "
    "random order, insertion minus deletion is 0 on average, with any model and baseline. The two areas alone cannot "
    "be compared between baselines. Altered inputs are unlike the data: the order that breaks the model soonest need "
    "not be the evidence. So several baselines are shown.",
    paper="Petsiuk V, Das A, Saenko K. RISE: Randomized Input Sampling for Explanation of Black-box Models. BMVC "
    "(2018), section 4.3; Samek W et al. Evaluating the Visualization of What a Deep Neural Network Has Learned. IEEE "
    "TNNLS 28 (2017), after Bach S et al. PLoS ONE 10 (2015); the difference: Blücher S, Vielhaben J, Strodthoff N. "
    "Decoupling Pixel Flipping and Occlusion Strategy for Consistent XAI Benchmarks. TMLR (2024), symmetric relevance "
    "gain",
    metrics={
        "insertion_less_deletion": Metric("Insertion less deletion", "higher"),
        "deletion": Metric("Area under deletion", "lower"),
        "insertion": Metric("Area under insertion", "higher"),
    },
    needs_model=True,
    needs_training=True,
)

# Refuses a window that is too large before any job runs, if the size of the examples is known.
fits = units.fits


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    steps: Annotated[
        int, Field(ge=1, le=100_000, description="intervals of the curves; never more than there are units")
    ] = 50,
    of: Output = "probability",
    unit: units.Unit = "sample",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: fills.Baselines = fills.USUAL,
) -> ScoreResult:
    """Return the areas (trapezoidal rule) and the curves, for each baseline.

    Raises:
        InputError: see `units.units` and `fills.fills`.
    """
    removal = RankedRemoval.of(explanation, case, rng, baselines, unit=unit, window=window, channels=channels)
    x = np.linspace(0, 1, min(steps, int(removal.n_units.max())) + 1)
    removed = np.rint(x[:, np.newaxis] * removal.n_units).astype(np.int64) + np.zeros(len(case.inputs), np.int64)
    share = (removed / removal.n_units).T
    areas: dict[str, dict[str, NDArray[np.float64]]] = {name: {} for name in SPEC.metrics}
    curves = {}
    for name, fill in removal.fills.items():
        deletion = removal.scores(fill, removed, of, strongest=True).T
        between = removal.scores(fill, removed[1:-1], of, strongest=False).T
        # An insertion starts where the deletion ends, and ends where it starts.
        insertion = np.concatenate([deletion[:, -1:], between, deletion[:, :1]], axis=1)
        areas["deletion"][name] = area_under(deletion, share)
        areas["insertion"][name] = area_under(insertion, share)
        areas["insertion_less_deletion"][name] = areas["insertion"][name] - areas["deletion"][name]
        curves[f"deletion.{name}"] = Curve(x, deletion, "share deleted", quantity(case, of))
        curves[f"insertion.{name}"] = Curve(x, insertion, "share inserted", quantity(case, of))
    values = {f"{metric}.{name}": area for metric, by_name in areas.items() for name, area in by_name.items()}
    return ScoreResult(values, curves)
