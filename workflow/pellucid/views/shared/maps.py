"""Helpers of the views of activations: examples, feature maps and receptive fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import MANY_CLASSES
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.receptive_field import ReceptiveField
from pellucid.tasks import SINGLE_LABEL
from pellucid.views.base import ViewData

Array = NDArray[np.float32]


def per_class(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the indices of the first `count` examples of each class, by class, of at most `MANY_CLASSES` classes."""
    return np.concatenate([np.flatnonzero(labels == label)[:count] for label in np.unique(labels)[:MANY_CLASSES]])


def batches(model: ExplainedModel, x: Array, layer: str) -> Iterator[tuple[slice, Array]]:
    """Yield a layer's maps (n, *axes, filters) batch by batch, since those of all inputs may not fit into memory.

    Raises:
        InputError: the layer has no map per filter on the axes of the input.
    """
    size = model.batch_size()
    for start in range(0, len(x), size):
        part = slice(start, min(start + size, len(x)))
        maps = model.activations(np.asarray(x[part]), layer)
        if maps.ndim != len(model.input_shape) + 1:
            expected = f"a layer whose output has {len(model.input_shape)} axes, the last one for its filters"
            raise InputError.unexpected(f"layer {layer}", f"an output of shape {maps.shape[1:]}", expected)
        yield part, maps


def axes_of(maps: Array) -> tuple[int, ...]:
    """Return the numbers of the axes of time or space of maps (n, *axes, filters)."""
    return tuple(range(1, maps.ndim - 1))


def field_arrays(field: ReceptiveField) -> dict[str, NDArray[Any]]:
    """Return a receptive field as arrays: (axes, 4) with size, jump, start and number of units; and `whole`."""
    spans = [(span.size, span.jump, span.start, span.units) for span in field.spans]
    return {"field": np.array(spans, np.int64), "whole": np.array(field.whole)}


def about_examples(data: ViewData, chosen: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return the arrays of the chosen examples that a figure needs; a regression has no probabilities."""
    names: tuple[str, ...] = ("inputs", "labels", "predictions", "probabilities", "indices", "measured")
    # The headings of labels and values say what is true, and of which output.
    names += () if data.task == SINGLE_LABEL else ("answers", "targets")
    return {name: data.examples[name][chosen] for name in names if name in data.examples}


def small(picture: Array, limit: int) -> Array:
    """Reduce a picture (height, width, channels) to at most `limit` positions along an axis, by means over squares."""
    factor = -(-max(picture.shape[:2]) // limit)
    if factor <= 1:
        return picture
    for axis in (0, 1):
        size = picture.shape[axis]
        starts = np.arange(0, size, factor)
        # The last square may be smaller.
        counts = np.minimum(starts + factor, size) - starts
        sums = np.add.reduceat(picture, starts, axis=axis, dtype=np.float32)
        picture = sums / counts.astype(np.float32).reshape(
            [-1 if other == axis else 1 for other in range(picture.ndim)]
        )
    return picture
