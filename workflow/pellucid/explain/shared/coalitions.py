"""Scores of examples of which only some segments are kept, for LIME and Kernel SHAP."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.batching import block_size, blocks
from pellucid.network.explained_model import ExplainedModel


def scores(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    filling: NDArray[np.float32],
    targets: NDArray[np.int64],
    labels: NDArray[np.int32],
    keep: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the target's logit of each example under each coalition: (K, N).

    Args:
        model: the trained model.
        inputs: (N, *input_shape).
        filling: (N, *input_shape), the values of segments that are not kept.
        targets: (N,).
        labels: segment of each value, (N, *input_shape), or (1, *input_shape) if all examples are cut alike.
        keep: the segments of each coalition, (K, segments).
    """
    logits = np.empty((len(keep), len(inputs)))
    for part, some in blocks(len(inputs), len(keep), block_size(model.batch_size(), model.input_shape)):
        kept = keep[some][:, labels if len(labels) == 1 else labels[part]]
        mixed = np.where(kept, inputs[part], filling[part])
        classes = np.tile(targets[part], len(mixed))
        logits[some, part] = model.score(mixed.reshape(-1, *inputs.shape[1:]), classes).reshape(mixed.shape[:2])
    return logits


def values_of_segments(
    values: NDArray[np.float64],
    labels: NDArray[np.int32],
    shape: tuple[int, ...],
    *,
    shared: bool,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the value of each input value's segment: (N, *input_shape).

    Args:
        values: (N, segments).
        labels: as in `scores`.
        shape: (N, *input_shape).
        shared: divide a segment's value by the number of its samples, so that the samples sum to it.
        measured: of this shape; true for the samples that share a segment's value. The other samples do not change in
            any coalition, and get 0. None if all were measured.
    """
    flat = np.broadcast_to(labels.reshape(len(labels), -1), (len(values), labels[0].size))
    if shared:
        segments = np.arange(len(flat))[:, np.newaxis] * values.shape[1]
        sharing = np.ones(flat.shape) if measured is None else measured.reshape(flat.shape).astype(np.float64)
        counts = np.bincount((flat + segments).ravel(), sharing.ravel(), values.size).reshape(values.shape)
        values = values / np.maximum(counts, 1)
        return (np.take_along_axis(values, flat, axis=1) * sharing).reshape(shape).astype(np.float32)
    return np.take_along_axis(values, flat, axis=1).reshape(shape).astype(np.float32)
