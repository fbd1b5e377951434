"""LIME: a linear model of the class logit, fitted to the example with random segments taken away."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import baselines, coalitions
from pellucid.explain.shared.segments import (
    Channels,
    Compactness,
    Partition,
    Segments,
    by_number,
    fits,
    segmentation,
)
from pellucid.network.explained_model import ExplainedModel

__all__ = ["SPEC", "explain", "fits"]

SPEC = MethodSpec(
    title="LIME",
    family="perturbation",
    paper="Ribeiro MT, Singh S, Guestrin C. “Why Should I Trust You?”: Explaining the Predictions of Any Classifier. "
    "KDD (2016), equation 2 and algorithm 1, with a ridge on all segments",
    unit="weight of the segment (logit)",
    per_channel="channels=each",
    signed=True,
    checks=("coverage",),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    samples: Annotated[
        int, Field(ge=2, le=1_000_000, description="altered copies of each example, the example itself among them")
    ] = 1000,
    segments: Segments = "auto",
    partition: Partition = "grid",
    compactness: Compactness = 0.1,
    channels: Channels = "each",
    baseline: baselines.Baseline = "zero",
    kernel_width: Annotated[
        float, Field(gt=0, le=1_000_000, description="how far from the example a copy still counts, in cosine distance")
    ] = 0.25,
    ridge: Annotated[
        float,
        Field(
            ge=0,
            le=1_000_000,
            description="penalty on the squared weights of the segments; more steadies and shrinks them",
        ),
    ] = 1,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """The weight of each segment in the linear model, on each of its samples: (N, *input_shape).

    A weight is what the segment as a whole adds to the logit, whatever its size; it is not divided among the samples.
    Examples with equally many segments meet the same copies.

    Raises:
        InputError: segments that the inputs cannot be cut into.
    """
    filling = baselines.baseline(inputs, baseline, rng, measured)
    labels = segmentation(inputs, segments=segments, partition=partition, compactness=compactness, channels=channels)
    seed = int(rng.integers(2**63))
    found = np.empty(inputs.shape, np.float32)
    for number, rows, cut in by_number(labels, len(inputs)):
        keep = copies(samples, number, np.random.default_rng([seed, number]))
        scores = coalitions.scores(model, inputs[rows], filling[rows], targets[rows], cut, keep)
        weights = fit(keep, scores, kernel_width, ridge)
        found[rows] = coalitions.painted(weights, cut, (len(rows), *inputs.shape[1:]), shared=False)
    return found


def copies(samples: int, number: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which segments each copy keeps, each with probability one half; the first keeps all: (samples, number)."""
    keep = rng.random((samples, number)) < 0.5
    keep[0] = True
    return keep


def fit(keep: NDArray[np.bool_], scores: NDArray[np.float64], kernel_width: float, ridge: float) -> NDArray[np.float64]:
    """Weights of the segments in a ridge regression with an unpenalised constant: (N, number).

    Args:
        keep: (samples, number).
        scores: logit of each copy of each example, (samples, N).
        kernel_width: of exp(-d² / (2 width²)), d being the cosine distance of a copy's segments to all of them.
        ridge: penalty.
    """
    # The cosine of a vector of k ones out of n with n ones is k / sqrt(k n).
    distance = 1 - np.sqrt(keep.mean(1))
    weight = np.exp(-(distance**2) / (2 * kernel_width**2))
    # Regression through the weighted means leaves the constant without a penalty.
    share = weight / weight.sum()
    z, y = keep - share @ keep, scores - share @ scores
    weighted = weight[:, np.newaxis] * z
    # Least squares of the smallest norm: without a ridge, segments that always come together cannot be told apart.
    system = weighted.T @ z + ridge * np.eye(keep.shape[1])
    solution: NDArray[np.float64] = np.linalg.lstsq(system, weighted.T @ y, rcond=None)[0].T
    return solution
