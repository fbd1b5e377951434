"""Stability over seeds: how much an explanation depends on the random numbers of its method."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated

import numpy as np
from pydantic import Field

from pellucid.score.base import ALL_DOMAINS, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.similarity import overlap, spearman
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all

# Explaining fewer examples at a time may change the last bits: a smaller difference is no randomness.
_ROUNDING = 1e-5

SPEC = ScoreSpec(
    title="Stability over seeds",
    family="robustness",
    about="The examples are explained again with other random numbers. Two runs are compared by their absolute "
    "attributions: the rank correlation, and the share of the strongest values that both have in common. The metric "
    "is the mean over all pairs of runs. A method without randomness scores 1. More samples make a method more "
    "stable; stable does not mean right.",
    paper="rank correlation and top-k intersection as in Ghorbani A, Abid A, Zou J. Interpretation of Neural Networks "
    "is Fragile. AAAI (2019), section 2, here between seeds",
    metrics={
        "seed_rank_correlation": Metric("Seeds: rank corr.", "higher", -1, 1),
        "seed_overlap": Metric("Seeds: strongest in common", "higher", 0, 1),
    },
    needs_model=True,
    needs_method=True,
    domains=ALL_DOMAINS,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    runs: Annotated[
        int,
        Field(
            ge=2, le=100_000, description="runs with different seeds; the first is the explanation that exists already"
        ),
    ] = 3,
    share: Annotated[float, Field(gt=0, le=1, description="share of the values that count as the strongest")] = 0.1,
    examples: ExampleCount = "all",
) -> ScoreResult:
    """Return both similarities of the scored examples; NaN for others."""
    assert explanation.re_explain is not None
    scored = first_of_each(case.labels, examples)
    inputs, targets = case.inputs[scored], case.targets[scored]
    measured = case.measured_of(scored)
    maps = [np.abs(explanation.attributions[scored])]
    for seed in rng.integers(2**31, size=runs - 1):
        maps.append(np.abs(explanation.re_explain(inputs, targets, seed=int(seed), **measured)))
        if np.allclose(maps[-1], maps[0], rtol=0, atol=_ROUNDING * float(maps[0].max(initial=0))):
            # The method is not random: further runs would be equal.
            maps = [maps[0], maps[0]]
            break
    pairs = list(combinations(maps, 2))
    values = {
        "seed_rank_correlation": np.mean([spearman(first, second, **measured) for first, second in pairs], axis=0),
        "seed_overlap": np.mean([overlap(first, second, share, **measured) for first, second in pairs], axis=0),
    }
    return ScoreResult({name: scatter_to_all(value, scored, len(case.inputs)) for name, value in values.items()})
