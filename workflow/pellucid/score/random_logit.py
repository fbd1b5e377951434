"""Random logit: whether the explanation of one class differs from the explanation of another class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import ALL_DOMAINS, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.similarity import MEASURES
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all
from pellucid.targets import contrast, split

SPEC = ScoreSpec(
    title="Random logit",
    family="sanity",
    about="Each example is explained for another class (label, value), drawn at random. In a contrast, a third class "
    "replaces the explained one; the subtracted one stays. The metric is how similar the absolute attributions are to "
    "those of the first explanation: rank correlation, and structural similarity (SSIM). 1 means that the map does "
    "not depend on the class. The same evidence can speak for one class and against another. This raises the "
    "similarity even for a right explanation. Not defined for a model without another output.",
    paper="Sixt L, Granz M, Landgraf T. When Explanations Lie: Why Many Modified BP Attributions Fail. ICML (2020), "
    "section 5, random logit; by rank correlation beside SSIM",
    metrics={
        "logit_rank_correlation": Metric("Other class: rank corr.", "lower", -1, 1),
        "logit_ssim": Metric("Other class: SSIM", "lower", -1, 1),
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
    examples: ExampleCount = "all",
) -> ScoreResult:
    """Return both similarities of the scored examples; NaN for others."""
    assert case.model is not None
    assert explanation.re_explain is not None
    if case.model.n_classes < needed(case.targets):
        note = f"not defined: the model has {case.model.n_classes} outputs, and no other to explain"
        values = np.full(len(case.inputs), np.nan)
        return ScoreResult({f"logit_{name}": values for name in MEASURES}, note=note)
    others = other_targets(case.targets, case.model.n_classes, rng)
    scored = first_of_each(case.labels, examples)
    original = np.abs(explanation.attributions[scored])
    measured = case.measured_of(scored)
    other = np.abs(explanation.re_explain(case.inputs[scored], others[scored], **case.explained_as(scored)))
    return ScoreResult(
        {
            f"logit_{name}": scatter_to_all(measure(original, other, **measured), scored, len(case.inputs))
            for name, measure in MEASURES.items()
        }
    )


def needed(targets: NDArray[np.int64]) -> int:
    """Return how many outputs a model needs so that each target has another one: three for a contrast, else two."""
    return 3 if (split(targets)[1] >= 0).any() else 2


def other_targets(targets: NDArray[np.int64], n_outputs: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw another output for each target; of a contrast, a third in place of the explained one: (N,)."""
    why, other = split(targets)
    drawn, contrasts = other_classes(why, n_outputs, rng), np.flatnonzero(other >= 0)
    for row in contrasts:
        free = [output for output in range(n_outputs) if output not in (why[row], other[row])]
        drawn[row] = contrast(int(rng.choice(free)), int(other[row]))
    return drawn


def other_classes(targets: NDArray[np.int64], n_classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw for each target one of the other classes, all with the same probability: (N,)."""
    drawn: NDArray[np.int64] = (targets + rng.integers(1, n_classes, size=len(targets))) % n_classes
    return drawn
