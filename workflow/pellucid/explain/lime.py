"""LIME: a linear model of the class logit, fitted to copies of the example from which random segments are removed."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared import baselines, coalitions, domains
from pellucid.explain.shared.segments import (
    Channels,
    Compactness,
    Partition,
    Segments,
    Window,
    by_number,
    check,
    fits,
    segmentation_in,
)
from pellucid.network.explained_model import ExplainedModel

__all__ = ["SPEC", "check", "explain", "fits"]

SPEC = MethodSpec(
    title="LIME",
    family="perturbation",
    paper="Ribeiro MT, Singh S, Guestrin C. “Why Should I Trust You?”: Explaining the Predictions of Any Classifier. "
    "KDD (2016), equation 2 and algorithm 1, with a ridge on all segments",
    unit="weight of the segment (logit)",
    per_channel=When("channels", "each"),
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
        int,
        Field(
            ge=2,
            le=1_000_000,
            description="number of altered copies of each example; the example itself is one of them",
        ),
    ] = 1000,
    segments: Segments = "auto",
    partition: Partition = "grid",
    compactness: Compactness = 0.1,
    window: Window = 15,
    channels: Channels = "each",
    baseline: baselines.Baseline = "zero",
    domain: domains.Domain = "time",
    frame: domains.Frame = "auto",
    bands: domains.Bands = 8,
    kernel_width: Annotated[
        float,
        Field(
            gt=0, le=1_000_000, description="how far from the example a copy may be and still count, in cosine distance"
        ),
    ] = 0.25,
    ridge: Annotated[
        float,
        Field(
            ge=0,
            le=1_000_000,
            description="penalty on the squared weights of the segments. More makes them steadier and smaller",
        ),
    ] = 1,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the weight of each segment in the linear model, at each of its samples: (N, *input_shape).

    A weight is what the whole segment adds to the logit; it is not divided by the number of samples. Examples with the
    same number of segments get the same random copies.

    Raises:
        InputError: the inputs cannot be cut into the segments.
    """
    space = domains.opened(model, inputs.shape[1:], domain=domain, frame=frame, bands=bands)
    labels = segmentation_in(
        space,
        inputs,
        segments=segments,
        partition=partition,
        compactness=compactness,
        window=window,
        channels=channels,
    )
    values_in, filling = space.enter(inputs), space.enter(baselines.baseline(inputs, baseline, rng, measured))
    seed = int(rng.integers(2**63))
    attributions = np.empty((len(inputs), *space.cells), np.float32)
    for number, rows, row_labels in by_number(labels, len(inputs)):
        keep = copies(samples, number, np.random.default_rng([seed, number]))
        scores = coalitions.scores(
            space.model, values_in[rows], filling[rows], targets[rows], space.spread(row_labels), keep
        )
        weights = fit(keep, scores, kernel_width, ridge)
        shape = (len(rows), *space.cells)
        attributions[rows] = coalitions.values_of_segments(weights, row_labels, shape, shared=False)
    return attributions


def copies(samples: int, number: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which segments each copy keeps, each with probability 0.5; the first keeps all: (samples, number)."""
    keep = rng.random((samples, number)) < 0.5
    keep[0] = True
    return keep


def fit(keep: NDArray[np.bool_], scores: NDArray[np.float64], kernel_width: float, ridge: float) -> NDArray[np.float64]:
    """Return the weights of the segments in a ridge regression with an unpenalised constant: (N, number).

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
    # The solution of smallest norm: without a ridge, segments that always occur together have no unique weights.
    system = weighted.T @ z + ridge * np.eye(keep.shape[1])
    solution: NDArray[np.float64] = np.linalg.lstsq(system, weighted.T @ y, rcond=None)[0].T
    return solution
