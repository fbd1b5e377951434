"""How much an explanation depends on the random numbers of its method."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated

import numpy as np
from pydantic import Field

from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.similarity import overlap, spearman
from pellucid.score.shared.subset import ExampleCount, first_of_each, placed

# Explaining fewer examples at a time may change the last bits, no more: what differs less has no randomness.
_ROUNDING = 1e-5

SPEC = ScoreSpec(
    title="Stability over seeds",
    family="robustness",
    about="The examples are explained again with other random numbers. Similarity is that of the absolute attributions "
    "of two runs, in the mean over all pairs: their rank correlation, and of the strongest values the share that both "
    "have in common. A method without randomness scores 1. More samples make a method steadier; steady is not right.",
    paper="rank correlation and top-k intersection as in Ghorbani A, Abid A, Zou J. Interpretation of Neural Networks "
    "is Fragile. AAAI (2019), section 2, here between seeds",
    metrics={
        "seed_rank_correlation": Metric("Seeds: rank corr.", "higher", -1, 1),
        "seed_overlap": Metric("Seeds: strongest in common", "higher", 0, 1),
    },
    needs_model=True,
    needs_method=True,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    runs: Annotated[
        int, Field(ge=2, le=100_000, description="with different seeds, the explanation that is there being the first")
    ] = 3,
    share: Annotated[float, Field(gt=0, le=1, description="of the values, those that count as the strongest")] = 0.1,
    examples: ExampleCount = "all",
) -> ScoreResult:
    """Both for each chosen example; NaN for the others."""
    assert explanation.re_explain is not None
    chosen = first_of_each(case.labels, examples)
    inputs, targets = case.inputs[chosen], case.targets[chosen]
    measured = case.measured_of(chosen)
    maps = [np.abs(explanation.attributions[chosen])]
    for seed in rng.integers(2**31, size=runs - 1):
        maps.append(np.abs(explanation.re_explain(inputs, targets, seed=int(seed), **measured)))
        if np.allclose(maps[-1], maps[0], rtol=0, atol=_ROUNDING * float(maps[0].max(initial=0))):
            # No randomness: further runs would find the same.
            maps = [maps[0], maps[0]]
            break
    pairs = list(combinations(maps, 2))
    values = {
        "seed_rank_correlation": np.mean([spearman(one, two, **measured) for one, two in pairs], axis=0),
        "seed_overlap": np.mean([overlap(one, two, share, **measured) for one, two in pairs], axis=0),
    }
    return ScoreResult({name: placed(value, chosen, len(case.inputs)) for name, value in values.items()})
