"""Efficient MPRT: the rise of an explanation's complexity when all weights of the model are randomised."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.network.weight_randomisation import randomised
from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all

SPEC = ScoreSpec(
    title="Randomised parameters, complexity",
    family="sanity",
    about="All layers get new random weights from their own initialisers. Each example is explained again, for the "
    "same target and with the same random numbers. The complexity of a map is the entropy of a histogram of its "
    "values. The metric is the rise of this complexity, as a share of it. A random model has nothing to explain, so "
    "its map should be more complex: above 0 is better; 0 means that the map does not depend on the weights. The two "
    "maps are not compared value by value, so noise does not count as a change.",
    paper="Hedström A, Weber L, Lapuschkin S, Höhne MMC. A Fresh Look at Sanity Checks for Saliency Maps. xAI (2024), "
    "efficient MPRT: relative rise of the histogram's entropy",
    metrics={"complexity_rise": Metric("Randomised: rise of complexity", "higher", -1)},
    requires=("layers",),
    needs_model=True,
    needs_method=True,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    bins: Annotated[
        int,
        Field(
            ge=2, le=100_000, description="bins of the histogram, equally wide, from the smallest value to the largest"
        ),
    ] = 100,
    draws: Annotated[int, Field(ge=1, le=1_000, description="draws of random weights, whose results are averaged")] = 3,
    examples: ExampleCount = "all",
) -> ScoreResult:
    """Return the rise for the scored examples; NaN for others, and for a constant map that does not stay constant."""
    assert case.model is not None
    assert explanation.re_explain is not None
    scored = first_of_each(case.labels, examples)
    inputs, targets, measured = case.inputs[scored], case.targets[scored], case.measured_of(scored)
    before = entropies(explanation.attributions[scored], bins, **measured)
    after = np.zeros(len(scored))
    for _ in range(draws):
        with randomised(case.model, rng):
            maps = explanation.re_explain(inputs, targets, **case.explained_as(scored))
            after += entropies(maps, bins, **measured) / draws
    rise = (after - before) / np.where(before > 0, before, 1)
    rise = np.where((before == 0) & (after > 0), np.nan, rise)
    return ScoreResult({"complexity_rise": scatter_to_all(rise, scored, len(case.inputs))})


def entropies(maps: NDArray[np.float32], bins: int, measured: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Return the entropy, in nats, of the histogram of the measured values of each map (N, *shape): (N,)."""
    rows = [row.ravel() if measured is None else row[measured[at]] for at, row in enumerate(maps)]
    return np.array([_entropy(row.astype(np.float64), bins) for row in rows], np.float64)


def _entropy(values: NDArray[np.float64], bins: int) -> float:
    counts = np.histogram(values, bins)[0] if np.ptp(values) > 0 else np.array([len(values)])
    shares = counts[counts > 0] / len(values)
    return float(-(shares * np.log(shares)).sum())
