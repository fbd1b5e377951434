"""Consistency: whether the model predicts the same class for examples with roughly the same explanation."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.shared import segments
from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.tasks import SINGLE_LABEL

# Parts of a map, in their order, each with a sign.
Cell = tuple[tuple[int, int], ...]

SPEC = ScoreSpec(
    title="Consistency",
    family="faithfulness",
    about="Each map is reduced to its strongest parts and the sign of each part. An example is compared with the "
    "other examples that have the same parts and signs. Consistency: the share of them for which the model predicts "
    "the same class. Gain over chance: this share minus the same share among all other examples. An example without "
    "such partners has no value; the table says how many examples were judged. If the evidence lies in the same place "
    "for all classes, or anywhere, even a right explanation gains little. So compare methods, not data sets.",
    paper="Dasgupta S, Frost N, Moshkovitz M. Framework for Evaluating Faithfulness of Local Explanations. ICML "
    "(2022), consistency; here two explanations are the same if their strongest parts and the signs of these are the "
    "same",
    metrics={
        "consistency_gain": Metric("Consistency: gain over chance", "higher", -1, 1),
        "consistency": Metric("Consistency", "higher", 0, 1),
    },
    needs_model=True,
    tasks=(SINGLE_LABEL,),
    several_inputs=False,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    parts: Annotated[
        int,
        Field(
            ge=2,
            le=100_000,
            description="number of parts of each channel. A map that is the same for all channels is divided as one. "
            "An image has about this many parts; an input of numbers has at most one part for each number",
        ),
    ] = 4,
    top: Annotated[
        int, Field(ge=1, le=1_000, description="number of strongest parts that two examples must have in common")
    ] = 1,
) -> ScoreResult:
    """Return both metrics of each example; NaN where no other one has its strongest parts, and for maps of zeros.

    `consistency` equals that of Quantus 0.6 for the same cells, with three differences. In Quantus, an example that is
    alone in its cell gets 0, which lowers the mean although nothing was judged; maps of zeros are a cell like any
    other, although they say nothing; and examples are compared only within a batch of 64. Quantus makes cells from the
    signs of all values, or from their order; these hardly ever put two maps of measured data into the same cell.
    """
    assert case.model is not None
    predictions = case.model.logits(case.inputs).argmax(1)
    number = min(parts, int(np.prod(case.inputs.shape[1:-1])))
    cells = cells_of(explanation, number, top)
    known: dict[Cell, int] = {}
    numbers = np.array([known.setdefault(cell, len(known)) for cell in cells])
    judged = np.array([cell != () for cell in cells])
    in_cell = np.where(judged, _others(numbers), 0)
    alike = np.where(judged, _others(numbers * (1 + predictions.max()) + predictions), 0)
    others = len(cells) - 1
    with np.errstate(invalid="ignore"):
        consistency = alike / np.where(in_cell, in_cell, np.nan)
        chance = _others(predictions) / np.where(others, others, np.nan)
    return ScoreResult({"consistency_gain": consistency - chance, "consistency": consistency})


def _others(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many other entries have the same value, (N,): counted, since pairs need memory that grows as N²."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] - 1)


def cells_of(explanation: Explanation, parts: int, top: int) -> list[Cell]:
    """Return of each map its strongest parts, in their order, each with the sign of its sum; () for a map of zeros.

    Args:
        explanation: its attributions (N, *axes, channels).
        parts: of each channel.
        top: how many of them.
    """
    maps = explanation.attributions if explanation.per_channel else explanation.attributions[..., :1]
    labels = segments.segmentation(np.empty((1, *maps.shape[1:]), np.float32), segments=parts)[0].ravel()
    sums = np.stack([np.bincount(labels, one.ravel().astype(np.float64)) for one in maps])
    return [_strongest(row, top) for row in sums]


def _strongest(sums: NDArray[np.float64], top: int) -> Cell:
    if not sums.any():
        return ()
    chosen = np.sort(np.argsort(-np.abs(sums), kind="stable")[:top])
    return tuple((int(part), int(np.sign(sums[part]))) for part in chosen)
