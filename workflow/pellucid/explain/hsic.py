"""HSIC: how far the logit depends on whether a segment is seen, by the Hilbert-Schmidt independence criterion."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared import baselines, coalitions, low_discrepancy
from pellucid.explain.shared.segments import (
    Channels,
    Compactness,
    Partition,
    Segments,
    Window,
    by_number,
    fits,
    segmentation,
)
from pellucid.network.explained_model import ExplainedModel

__all__ = ["SPEC", "explain", "fits"]

SPEC = MethodSpec(
    title="HSIC",
    family="perturbation",
    paper="Novello P, Fel T, Vigouroux D. Making Sense of Dependence: Efficient Black-box Explanations Using "
    "Dependence Measure. NeurIPS (2022), equation 3 and section 3.2",
    unit="dependence of the logit (HSIC)",
    per_channel=When("channels", "each"),
    signed=False,
    checks=("coverage",),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    samples: Annotated[
        int,
        Field(
            ge=4,
            le=16_384,
            description="number of masks; for a Sobol sequence a power of two. The paper takes some hundreds",
        ),
    ] = 512,
    sequence: Annotated[
        Literal["sobol", "halton"], Field(description="which sequence of points fills the space of masks evenly")
    ] = "sobol",
    segments: Segments = "auto",
    partition: Partition = "grid",
    compactness: Compactness = 0.1,
    window: Window = 15,
    channels: Channels = "together",
    baseline: baselines.Baseline = "zero",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the dependence between the logit and whether each value's segment is seen: (N, *input_shape).

    Every mask keeps each segment, or replaces it by the baseline, with equal chances. If the logit does not depend on
    the segment, the expected dependence is 0, except for a term of order 1 / samples. Examples with the same number of
    segments get the same masks.

    Raises:
        InputError: the inputs cannot be cut into the segments, or there are more than a Sobol sequence can have.
    """
    filling = baselines.baseline(inputs, baseline, rng, measured)
    labels = segmentation(
        inputs, segments=segments, partition=partition, compactness=compactness, window=window, channels=channels
    )
    seed = int(rng.integers(2**63))
    attributions = np.empty(inputs.shape, np.float32)
    for number, rows, row_labels in by_number(labels, len(inputs)):
        cube = low_discrepancy.points(samples, number, sequence, np.random.default_rng([seed, number]), "hsic")
        keep = cube >= 0.5
        scores = coalitions.scores(model, inputs[rows], filling[rows], targets[rows], row_labels, keep)
        values = np.stack([dependence(keep, of_example) for of_example in scores.T])
        shape = (len(rows), *inputs.shape[1:])
        attributions[rows] = coalitions.values_of_segments(values, row_labels, shape, shared=False)
    return attributions


def check(*, samples: int, sequence: str, **others: object) -> None:
    """Refuse a number of points of a Sobol sequence that is no power of two.

    Raises:
        InputError: it is none.
    """
    if sequence == "sobol":
        low_discrepancy.require_power_of_two(samples, "hsic.samples")


def dependence(keep: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return HSIC = trace(K H L H) / K² of each segment and the scores: (segments,).

    The kernel k of a segment is 1 + (1/2 - [one mask keeps it and the other does not]); centred, it is half the
    product of the signs +1 (kept) and -1. The kernel of the scores is exp(-d² / (2 w²)), with d the difference of two
    scores and w the median of all differences that are not zero. Scores that are all equal depend on nothing.

    Args:
        keep: (K, segments), the masks.
        scores: (K,), of one example.
    """
    differences = np.abs(scores[:, np.newaxis] - scores)
    # Each pair once: the median is that of both halves. Float32 logits that differ in their last digits are equal.
    above = differences[np.triu(np.ones(differences.shape, np.bool_), 1)]
    above = above[above > 4 * np.finfo(np.float32).eps * np.abs(scores).max()]
    if not above.size:
        return np.zeros(keep.shape[1])
    # In place: new arrays of K² numbers would take longer than what is computed in them.
    differences /= np.median(above)
    np.square(differences, out=differences)
    differences /= -2
    kernel = np.exp(differences, out=differences)
    kernel -= kernel.mean(0)
    kernel -= kernel.mean(1, keepdims=True)
    signs = np.where(keep, 1.0, -1.0)
    values: NDArray[np.float64] = np.maximum(((kernel @ signs) * signs).sum(0) / 2 / len(keep) ** 2, 0)
    return values
