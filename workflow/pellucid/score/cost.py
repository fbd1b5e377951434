"""The cost of an explanation: seconds and passes through the model."""

from __future__ import annotations

import numpy as np

from pellucid.score.base import ALL_DOMAINS, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec

SPEC = ScoreSpec(
    title="Cost",
    family="cost",
    about="The seconds for one example, and how many examples went through the model forwards and backwards for it. "
    "The seconds are those of the job that explained all examples, tracing included. They depend on the machine; the "
    "passes do not.",
    paper="measured while explaining",
    metrics={
        "seconds": Metric("Seconds per example", "lower", 0, once=True),
        "forward_passes": Metric("Forward passes per example", "lower", 0, once=True),
        "backward_passes": Metric("Backward passes per example", "lower", 0, once=True),
    },
    domains=ALL_DOMAINS,
)


def score(explanation: Explanation, case: ScoreContext, rng: np.random.Generator) -> ScoreResult:
    """Return the mean over all examples for each of them, since all were explained together."""
    n = len(case.inputs)
    # Of the measured examples, more may have been explained than are scored.
    together = explanation.cost.get("examples", n)
    return ScoreResult({name: np.full(n, explanation.cost[name] / together) for name in SPEC.metrics})
