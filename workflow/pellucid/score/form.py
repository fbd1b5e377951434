"""Sparseness and complexity of an explanation, which describe it but do not judge it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import ALL_DOMAINS, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.strength import strength

SPEC = ScoreSpec(
    title="Form",
    family="form",
    about="Sparseness: the Gini index of the strengths. It is 0 if all values are equal, and near 1 if one value has "
    "all of the strength. Complexity: the entropy of the strengths as shares of their sum, divided by the entropy of "
    "equal shares. Neither says whether an explanation is right: they describe how a map looks.",
    paper="Chalasani P et al. Concise Explanations of Neural Networks using Adversarial Training. ICML (2020), section "
    "2.4; Bhatt U, Weller A, Moura JMF. Evaluating and Aggregating Feature-based Model Explanations. IJCAI (2020), "
    "section 4.3",
    metrics={
        "sparseness": Metric("Sparseness (Gini index)", "neither", 0, 1),
        "complexity": Metric("Complexity (entropy, share of the highest)", "neither", 0, 1),
    },
    domains=ALL_DOMAINS,
)


def score(explanation: Explanation, case: ScoreContext, rng: np.random.Generator) -> ScoreResult:
    """Return sparseness and complexity of each example; a map of zeros counts as a map of equal values."""
    if case.measured is not None:
        rows = zip(explanation.attributions, case.measured, strict=True)
        forms = [_form(row[measured][np.newaxis]) for row, measured in rows]
        return ScoreResult({name: np.concatenate([form[name] for form in forms]) for name in SPEC.metrics})
    return ScoreResult(_form(explanation.attributions))


def _form(maps: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    size = np.sort(strength(maps), axis=1)
    size[size.sum(1) == 0] = 1.0
    count = size.shape[1]
    shares = size / size.sum(1, keepdims=True)
    gini = 1 - 2 * (shares * (count - np.arange(1, count + 1) + 0.5) / count).sum(1)
    logarithms = np.log(np.where(shares > 0, shares, 1.0))
    # A single value has the entropy of equal shares.
    complexity = -(shares * logarithms).sum(1) / np.log(count) if count > 1 else np.ones(len(size))
    return {"sparseness": gini, "complexity": complexity}
