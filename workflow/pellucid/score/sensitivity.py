"""How much an explanation changes when its input changes a little: max-sensitivity and mean-sensitivity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.near_copies import Copies, Radius, near_copies, uniform
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all

SPEC = ScoreSpec(
    title="Sensitivity to the input",
    family="robustness",
    about="Each example is changed several times by noise and explained again, for the same target. Sensitivity is "
    "the size (Euclidean norm) of the change of the attributions, as a share of the size of the attributions: the "
    "largest over all changes, or the mean. The noise is uniform; it is at most a share of the range (maximum minus "
    "minimum) of the channel in that example, and the same for every method. Not defined for attributions that are "
    "all zero, and very large for those near zero. A map that never changes has the best value: 0 says that an "
    "explanation is stable, not that it is right.",
    paper="Yeh CK, Hsieh CY, Suggala A, Inouye DI, Ravikumar PK. On the (In)fidelity and Sensitivity of Explanations. "
    "NeurIPS (2019), definition 3.1 estimated by Monte Carlo; as a share of the norm",
    metrics={
        "max_sensitivity": Metric("Max-sensitivity", "lower", 0),
        "mean_sensitivity": Metric("Mean-sensitivity", "lower", 0),
    },
    needs_model=True,
    needs_method=True,
    of_numbers=False,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    radius: Radius = 0.02,
    samples: Copies = 10,
    examples: ExampleCount = 2,
) -> ScoreResult:
    """Return both sensitivities of the scored examples; NaN for others, and for attributions that are all 0."""
    scored = first_of_each(case.labels, examples)
    maps = explanation.attributions[scored]
    size, change = _norm(maps), np.empty((samples, len(scored)))
    for near in near_copies(explanation, case, scored, radius, uniform(case, samples, rng)):
        change[near.some, near.part] = _norm(near.maps - maps[near.part], axes=2)
    share = np.where(size > 0, change / np.where(size > 0, size, 1), np.nan)
    values = {"max_sensitivity": share.max(0), "mean_sensitivity": share.mean(0)}
    return ScoreResult({name: scatter_to_all(value, scored, len(case.inputs)) for name, value in values.items()})


def _norm(maps: NDArray[np.float32], axes: int = 1) -> NDArray[np.float64]:
    """Return the Euclidean norm over all but the first `axes` axes."""
    flat = maps.reshape(*maps.shape[:axes], -1).astype(np.float64)
    return np.asarray(np.linalg.norm(flat, axis=-1))
