"""Parameter randomisation: whether an explanation changes when the model's weights are randomised."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.network.weight_randomisation import cascading, weighted_layers
from pellucid.score.base import ALL_DOMAINS, Curve, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.similarity import MEASURES
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all

CURVES = {"rank_correlation": "rank correlation", "ssim": "SSIM"}

SPEC = ScoreSpec(
    title="Randomised parameters",
    family="sanity",
    about="The layers of the trained model get new random weights from their own initialisers, one layer after the "
    "other, beginning at the output. After each step the examples are explained again, for the same class and with "
    "the same random numbers. The metric is how similar the absolute attributions are to those of the trained model: "
    "rank correlation, and structural similarity (SSIM). It is given as the mean over the steps, and at the end, when "
    "no trained layer is left. A map that does not change shows nothing that the model has learnt. Low similarity "
    "alone proves little: a noisy map that differs from model to model has it too.",
    paper="Adebayo J, Gilmer J, Muelly M, Goodfellow I, Hardt M, Kim B. Sanity Checks for Saliency Maps. NeurIPS "
    "(2018), section 4.1; limits after Hedström A, Weber L, Lapuschkin S, Höhne MMC. Sanity Checks Revisited. "
    "XAI in Action workshop, NeurIPS (2023)",
    metrics={
        "parameter_rank_correlation": Metric("Randomised: rank corr.", "lower", -1, 1),
        "parameter_ssim": Metric("Randomised: SSIM", "lower", -1, 1),
    },
    requires=("layers",),
    needs_model=True,
    needs_method=True,
    domains=ALL_DOMAINS,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    steps: Annotated[
        Annotated[int, Field(ge=2, le=100_000)] | Literal["all"],
        Field(
            description="steps at which the examples are explained again. all: after every layer. A number: after the "
            "first layer, after the last, and after some between them, evenly spaced"
        ),
    ] = 5,
    draws: Annotated[int, Field(ge=1, le=1_000, description="draws of random weights, whose results are averaged")] = 1,
    examples: ExampleCount = 3,
) -> ScoreResult:
    """Return both similarities, as means over the steps and after the last, of the scored examples; NaN for others."""
    assert case.model is not None
    assert explanation.re_explain is not None
    scored = first_of_each(case.labels, examples)
    inputs, targets, original = case.inputs[scored], case.targets[scored], np.abs(explanation.attributions[scored])
    measured = case.measured_of(scored)
    numbers = stops(len(weighted_layers(case.model)), steps)
    # Each curve starts with the trained model.
    similarities = {name: np.zeros((len(scored), 1 + len(numbers))) for name in MEASURES}
    for name, measure in MEASURES.items():
        similarities[name][:, 0] = measure(original, original, **measured)
    for _ in range(draws):
        with cascading(case.model, rng) as layers:
            for number, _ in enumerate(layers, 1):
                if number in numbers:
                    maps = np.abs(explanation.re_explain(inputs, targets, **case.explained_as(scored)))
                    step = 1 + int(np.flatnonzero(numbers == number)[0])
                    for name, measure in MEASURES.items():
                        similarities[name][:, step] += measure(original, maps, **measured) / draws
    values, curves, x = {}, {}, np.concatenate([[0.0], numbers])
    for name, of_scored in similarities.items():
        similarity = scatter_to_all(of_scored, scored, len(case.inputs))
        values[f"parameter_{name}.mean"] = similarity[:, 1:].mean(1)
        values[f"parameter_{name}.end"] = similarity[:, -1]
        curves[CURVES[name]] = Curve(x, similarity, "layers randomised, from the output", "similarity to the trained")
    return ScoreResult(values, curves)


def stops(layers: int, steps: int | str) -> NDArray[np.int64]:
    """Return the numbers of randomised layers after which the examples are explained, rising from 1 to `layers`."""
    if steps == "all" or int(steps) >= layers:
        return np.arange(1, layers + 1)
    return np.unique(np.linspace(1, layers, int(steps)).round().astype(np.int64))
