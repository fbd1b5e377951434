"""ADCC: the harmonic mean of coherency, 1 minus complexity and 1 minus drop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import contrasts, fills
from pellucid.score.shared.masks import drop_of, mask_of, masked
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all
from pellucid.tasks import MULTI_LABEL, SINGLE_LABEL

SPEC = ScoreSpec(
    title="ADCC (average drop, coherency, complexity)",
    family="faithfulness",
    about="The input is masked by its map, as for `average_drop`. Three numbers are measured. Coherency: the masked "
    "input is explained again, with other random numbers; its map should be the same (Pearson's correlation, brought "
    "to 0–1; 0.5 is chance). Complexity: the mean of the mask, which should be small. Drop: how much of the "
    "probability is lost, as a share of it. ADCC is the harmonic mean of coherency, 1 minus complexity and 1 minus "
    "drop. It is 0 if any of the three fails; a map of equal values fails by its complexity. A contrast has no "
    "probability, so ADCC is not defined for it.",
    paper="Poppi S, Cornia M, Baraldi L, Cucchiara R. Revisiting the Evaluation of Class Activation Mapping for "
    "Explainability: A Novel Metric and Experimental Analysis. CVPR workshops (2021), section 3; other random numbers "
    "for the second map are this project's own",
    metrics={
        "adcc": Metric("ADCC", "higher", 0, 1),
        "coherency": Metric("Coherency", "higher", 0, 1),
        "mask_complexity": Metric("Complexity of the mask", "lower", 0, 1),
    },
    needs_model=True,
    needs_training=True,
    needs_method=True,
    tasks=(SINGLE_LABEL, MULTI_LABEL),
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    baselines: Annotated[Sequence[str], fills.baselines_field(fills.FIXED)] = ("zero",),
    examples: ExampleCount = "all",
) -> ScoreResult:
    """Return ADCC and coherency for each baseline, and the complexity; NaN for contrasts and examples left out.

    Raises:
        InputError: see `fills.filling`.
    """
    assert case.model is not None
    assert explanation.re_explain is not None
    scored = first_of_each(case.labels, examples)
    targets, known = case.targets[scored], case.measured_of(scored)
    mask = mask_of(explanation, explanation.attributions[scored])
    inside = known.get("measured", np.ones(mask.shape, np.bool_))
    complexity = _mean(mask, inside)
    whole = case.model.output(case.inputs[scored], targets)
    *streams, seeds = rng.spawn(len(fills.FIXED) + 1)
    again = int(seeds.integers(2**31))
    values, coherencies = {}, {}
    for name in baselines:
        filling = fills.filling(case, name, streams[fills.FIXED.index(name)])[scored]
        left = masked(case, scored, mask, filling)
        second = mask_of(explanation, explanation.re_explain(left, targets, seed=again, **known))
        drop = drop_of(whole, case.model.output(left, targets))
        coherencies[f"coherency.{name}"] = (1 + _pearson(mask, second, inside)) / 2
        values[f"adcc.{name}"] = harmonic(coherencies[f"coherency.{name}"], 1 - complexity, 1 - drop)
    values |= {**coherencies, "mask_complexity": complexity}
    of_all = {
        name: scatter_to_all(contrasts.left_out(targets, value), scored, len(case.inputs))
        for name, value in values.items()
    }
    return ScoreResult(of_all, note=contrasts.note(case.targets))


def harmonic(*values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the harmonic mean of values from 0 to 1, all (N,); 0 where one of them is 0."""
    stacked = np.stack(values)
    positive = (stacked > 0).all(0)
    return np.where(positive, len(values) / (1 / np.where(positive, stacked, 1)).sum(0), 0.0)


def _mean(maps: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean over the measured values of each map (N, *shape): (N,)."""
    axes = tuple(range(1, maps.ndim))
    return np.asarray(np.where(inside, maps, 0).sum(axes, np.float64) / np.maximum(inside.sum(axes), 1))


def _pearson(first: NDArray[np.float32], second: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return Pearson's correlation of the measured values of two batches of maps (N, *shape): (N,).

    Two constant maps agree fully; a constant map does not agree with any other (0).
    """
    axes = tuple(range(1, first.ndim))
    one, two = (
        np.where(inside, maps - np.expand_dims(_mean(maps, inside), axes), 0).reshape(len(maps), -1)
        for maps in (first, second)
    )
    squares = (one**2).sum(1), (two**2).sum(1)
    size = np.sqrt(squares[0] * squares[1])
    correlation = np.clip((one * two).sum(1) / np.where(size > 0, size, 1), -1, 1)
    return np.where((squares[0] == 0) & (squares[1] == 0), 1.0, correlation)
