"""Units, which are removed as a whole: values, samples, windows or superpixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.explain.shared.segments import segmentation

Unit = Annotated[
    Literal["value", "sample", "window", "superpixel"],
    Field(
        description="what is removed at a time. value: one number (a time step of one channel, or one colour of a "
        "pixel). sample: a time step or pixel with all its channels. window: a slice of a series, or a block of an "
        "image. superpixel: for images only. With one channel, sample and value are the same"
    ),
]
Window = Annotated[
    Annotated[int, Field(ge=1, le=1_000_000)] | Literal["auto"],
    Field(
        description="length of a window in samples, or side of a block in pixels. auto: about 15 samples (7 to 20 "
        "windows), or 7 × 7 blocks. The last one may be smaller"
    ),
]
Channels = Annotated[
    Literal["together", "each"],
    Field(description="whether a window or superpixel takes all channels together, or each channel by itself"),
]


def units(
    inputs: NDArray[np.float32],
    *,
    unit: str,
    window: int | str,
    channels: str,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """Return the number of the unit to which each value belongs, from 0 without a gap.

    Args:
        inputs: (N, *axes, channels).
        unit, window, channels: see `Unit`, `Window` and `Channels`.
        measured: of the inputs' shape; None if all values were measured.

    Returns:
        (N, *axes, channels); the first axis is 1 if all examples are cut alike, the last axis is 1 if units run through
        all channels. With `measured`, units without any measured value are -1.

    Raises:
        InputError: superpixels of examples that are not images, or a window larger than the input.
    """
    labels = _cut(inputs, unit, window, channels)
    return labels if measured is None else _measured(labels, measured)


def _measured(labels: NDArray[np.int32], measured: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Renumber the units of each example that hold a measured value, without a gap; all others get -1."""
    any_measured = np.asarray(measured.any(-1, keepdims=True) if labels.shape[-1] == 1 else measured)
    renumbered = np.full(any_measured.shape, -1, np.int32)
    for row, inside in enumerate(any_measured):
        row_labels = labels[row if len(labels) > 1 else 0]
        kept = np.unique(row_labels[inside])
        new_number = np.full(int(row_labels.max()) + 1, -1, np.int32)
        new_number[kept] = np.arange(len(kept))
        renumbered[row] = new_number[row_labels]
    return renumbered


def fits(axes: Sequence[int], *, unit: str, window: int | str, **others: object) -> None:
    """Refuse units that examples with these axes cannot be cut into.

    Raises:
        InputError: superpixels of examples that are not images, or a window larger than the input.
    """
    if unit == "superpixel" and len(axes) != 2:
        raise InputError.unexpected(
            "unit", f'"superpixel" for examples with {len(axes)} axis', "value, sample or window"
        )
    if unit == "window" and window != "auto" and int(window) > min(axes):
        raise InputError.unexpected("window", f"{window}", f"at most the input's {min(axes)}")


def _cut(inputs: NDArray[np.float32], unit: str, window: int | str, channels: str) -> NDArray[np.int32]:
    """Return the unit of each value, as if all values were measured."""
    axes, depth = inputs.shape[1:-1], inputs.shape[-1]
    fits(axes, unit=unit, window=window)
    if unit == "value":
        return np.arange(int(np.prod(inputs.shape[1:])), dtype=np.int32).reshape(1, *inputs.shape[1:])
    if unit == "sample":
        return np.arange(int(np.prod(axes)), dtype=np.int32).reshape(1, *axes, 1)
    if unit == "superpixel" or window == "auto":
        partition = "superpixels" if unit == "superpixel" else "grid"
        labels = segmentation(inputs, partition=partition, channels=channels)
        return labels if channels == "each" else labels[..., :1]
    size = int(window)
    along = np.meshgrid(*(np.arange(length) // size for length in axes), indexing="ij")
    flat = np.asarray(np.ravel_multi_index(along, tuple(-(-length // size) for length in axes)), np.int32)
    flat = flat[np.newaxis, ..., np.newaxis]
    return flat if channels == "together" else flat + np.arange(depth, dtype=np.int32) * (flat.max() + 1)


def count(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the number of units of each example, (N,), or (1,) if all are cut alike."""
    return np.asarray(labels.reshape(len(labels), -1).max(1) + 1, np.int64)


def sums(values: NDArray[Any], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the sum of the values of each unit: (N, units), with zeros for units that an example does not have.

    Args:
        values: (N, *axes, channels).
        labels: from `units`.
    """
    values = values.astype(np.float64)
    if labels.shape[-1] == 1:
        values = values.sum(-1, keepdims=True)
    if labels.min() < 0:
        values, labels = np.where(labels < 0, 0, values), np.maximum(labels, 0)
    number = int(count(labels).max())
    rows = np.arange(len(values)).reshape(-1, *(1,) * (values.ndim - 1)) * number
    flat = np.bincount((labels + rows).ravel(), values.ravel(), number * len(values))
    return np.asarray(flat.reshape(len(values), number), np.float64)
