"""Sobol indices: the share of the logit's variance that is lost when only one segment stops varying."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import block_size, blocks
from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared import baselines, low_discrepancy
from pellucid.explain.shared.coalitions import values_of_segments
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
from pellucid.explain.shared.total_indices import total_indices
from pellucid.network.explained_model import ExplainedModel

__all__ = ["SPEC", "explain", "fits"]

SPEC = MethodSpec(
    title="Sobol indices",
    family="perturbation",
    paper="Fel T, Cadene R, Chalvidal M, Cord M, Vigouroux D, Serre T. Look at the Variance! Efficient Black-box "
    "Explanations with Sobol-based Sensitivity Analysis. NeurIPS (2021), equations 2 and 3; estimator: Jansen MJW. "
    "Analysis of variance designs for model output. Comput Phys Commun 117:35-43 (1999)",
    unit="share of the logit's variance",
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
    designs: Annotated[
        int,
        Field(
            ge=2,
            le=65_536,
            description="number of points of the sequence; for a Sobol sequence a power of two. Each point takes one "
            "pass, plus one for each segment. The paper takes 32",
        ),
    ] = 32,
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
    """Return the total Sobol index of each value's segment: (N, *input_shape).

    Each segment is blended with the baseline by a number between 0 and 1 of its own. The total index of a segment is
    the share of the variance of the logit to which its number contributes, alone and together with others. It is
    0 for an example whose logit does not vary. Examples with the same number of segments get the same masks.

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
        cube = low_discrepancy.points(designs, 2 * number, sequence, np.random.default_rng([seed, number]), "sobol")
        first, second = cube[:, :number].astype(np.float32), cube[:, number:].astype(np.float32)
        scores = masked_scores(model, inputs[rows], filling[rows], targets[rows], row_labels, first, second)
        shape = (len(rows), *inputs.shape[1:])
        attributions[rows] = values_of_segments(total_indices(scores), row_labels, shape, shared=False)
    return attributions


def check(*, designs: int, sequence: str, **others: object) -> None:
    """Refuse a number of points of a Sobol sequence that is no power of two.

    Raises:
        InputError: it is none.
    """
    if sequence == "sobol":
        low_discrepancy.require_power_of_two(designs, "sobol.designs")


def masked_scores(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    filling: NDArray[np.float32],
    targets: NDArray[np.int64],
    labels: NDArray[np.int32],
    first: NDArray[np.float32],
    second: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return the logits of the inputs under all masks of the design: (1 + segments, designs, N).

    The masks of row 0 are `first`; those of row 1 + i are `first` with column i of `second`.

    Args:
        model: the trained model.
        inputs: (N, *input_shape).
        filling: (N, *input_shape), the values where a mask is 0.
        targets: (N,).
        labels: segment of each value, (N, *input_shape), or (1, *input_shape) if all examples are cut alike.
        first, second: two independent samples of masks, (designs, segments), from 0 to 1.
    """
    designs, number = first.shape
    scores = np.empty(((1 + number) * designs, len(inputs)))
    for part, some in blocks(len(inputs), len(scores), block_size(model.batch_size(), model.input_shape)):
        changed, point = np.divmod(np.arange(some.start, some.stop), designs)
        masks = first[point]
        altered = np.flatnonzero(changed)
        masks[altered, changed[altered] - 1] = second[point[altered], changed[altered] - 1]
        seen = masks[:, labels if len(labels) == 1 else labels[part]]
        mixed = filling[part] + seen * (inputs[part] - filling[part])
        classes = np.tile(targets[part], len(mixed))
        scores[some, part] = model.score(mixed.reshape(-1, *inputs.shape[1:]), classes).reshape(mixed.shape[:2])
    return scores.reshape(1 + number, designs, len(inputs))
