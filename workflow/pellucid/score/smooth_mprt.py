"""Smooth MPRT: whether a denoised explanation changes when all weights of the model are randomised."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.network.weight_randomisation import randomised
from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.near_copies import Copies, near_copies
from pellucid.score.shared.similarity import MEASURES
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all

SPEC = ScoreSpec(
    title="Randomised parameters, smoothed",
    family="sanity",
    about="All layers get new random weights from their own initialisers. Each example is explained in several noisy "
    "copies, with the trained and with the random weights, for the same target. The maps of the copies are averaged, "
    "so the noise of a map does not count as a change. The metric is how similar the two absolute means are: rank "
    "correlation, and structural similarity (SSIM). A map that does not change shows nothing that the model has "
    "learnt.",
    paper="Hedström A, Weber L, Lapuschkin S, Höhne MMC. A Fresh Look at Sanity Checks for Saliency Maps. xAI (2024), "
    "smooth MPRT: denoised explanations of the trained and of the fully random model",
    metrics={
        "smooth_rank_correlation": Metric("Randomised, smoothed: rank corr.", "lower", -1, 1),
        "smooth_ssim": Metric("Randomised, smoothed: SSIM", "lower", -1, 1),
    },
    requires=("layers",),
    needs_model=True,
    needs_method=True,
    of_numbers=False,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    noise: Annotated[
        float,
        Field(
            gt=0,
            le=1_000,
            description="standard deviation of the noise, as a share of the range of the channel in the example",
        ),
    ] = 0.1,
    samples: Copies = 20,
    draws: Annotated[int, Field(ge=1, le=1_000, description="draws of random weights, whose results are averaged")] = 1,
    examples: ExampleCount = 2,
) -> ScoreResult:
    """Return both similarities of the scored examples; NaN for others."""
    assert case.model is not None
    for_noise, for_weights = rng.spawn(2)
    scored = first_of_each(case.labels, examples)
    patterns = for_noise.standard_normal((samples, *case.inputs.shape[1:]), np.float32)
    measured = case.measured_of(scored)
    trained = np.abs(denoised(explanation, case, scored, noise, patterns))
    similarity = {name: np.zeros(len(scored)) for name in MEASURES}
    for _ in range(draws):
        with randomised(case.model, for_weights):
            maps = np.abs(denoised(explanation, case, scored, noise, patterns))
        for name, measure in MEASURES.items():
            similarity[name] += measure(trained, maps, **measured) / draws
    return ScoreResult(
        {f"smooth_{name}": scatter_to_all(value, scored, len(case.inputs)) for name, value in similarity.items()}
    )


def denoised(
    explanation: Explanation,
    case: ScoreContext,
    scored: NDArray[np.int64],
    noise: float,
    patterns: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the mean map over noisy copies of the scored examples: (M, *input_shape).

    Args:
        explanation, case, scored: as for `near_copies`.
        noise: standard deviation, as a share of the range of the channel in the example.
        patterns: (samples, *input_shape), of a standard deviation of 1.
    """
    total = np.zeros((len(scored), *case.inputs.shape[1:]), np.float64)
    for near in near_copies(explanation, case, scored, noise, patterns):
        total[near.part] += near.maps.sum(0, np.float64)
    return (total / len(patterns)).astype(np.float32)
