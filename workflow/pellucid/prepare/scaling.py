"""Scale channel by channel, with statistics of the measured values of the training examples, in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.base import BLANK
from pellucid.datasets.readers.channel_statistics import Floats, deviation_within_examples, limits, with_measured
from pellucid.errors import InputError
from pellucid.lazy_array import Array, LazyRows
from pellucid.messages import abbreviate, comma_list

# Beyond these limits, squares and differences leave the range of float64.
_LARGEST, _LEAST_RANGE = 1e150, 1e-150
# Float32 steps within the standard deviation of a series: with fewer, the steps are visible in the signal.
_STEPS = 100
_MOST_NAMED = 100  # channels: of so many, no constant one is named


class Side(Protocol):
    """The fields of a split that scaling uses."""

    x: LazyRows
    filling: LazyRows | None


def rescale(
    splits: Mapping[str, Any], scale: str, channels: Sequence[str] = ()
) -> tuple[dict[str, list[float]], list[str]]:
    """Scale all splits with the statistics of train, and cast them to float32; values are computed when read.

    Args:
        splits: "train" and others, each with `x` and `filling` (`Side`); `x` is replaced by the scaled values.
        scale: none, standard or minmax.
        channels: names, for messages.

    Returns:
        The offset and the divisor of each channel, empty for `none`; and sentences that warn of lost digits.

    Raises:
        InputError: values are too large, or too close to each other, for any computation.
    """
    train = splits["train"]
    names = list(channels) or [f"channel {number + 1}" for number in range(train.x.shape[-1])]
    if scale == "none" and train.x.dtype == np.float32:
        return {}, []
    low, high = limits(train.x, train.filling)
    _require_range(low, high, names)
    notes = []
    offset, divisor = np.zeros(len(names)), np.ones(len(names))
    if scale != "none":
        offset, divisor = (standard if scale == "standard" else minmax)(train.x, train.filling)
        # The deviation of equal values is 0 or rounding: divided by 1, the channel becomes 0, not noise or infinite.
        constant = high == low
        divisor = np.where(constant, 1.0, divisor)
        offset = np.where(constant, low, offset)
        if constant.any() and len(names) < _MOST_NAMED:
            notes += _about_constant(splits, low, constant, names)
    if train.x.dtype != np.float32:
        notes += _lost(train, low, high, offset, divisor, names, scale)
    for part in splits.values():
        blank = None if part.filling is None else part.filling.equal(BLANK)
        part.x = part.x.scaled(offset, divisor, blank)
    return ({} if scale == "none" else {"offset": offset.tolist(), "divisor": divisor.tolist()}), notes


def standard(x: Array, filling: Array | None = None) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each channel, (channels,), in two passes in float64."""
    axes = tuple(range(len(x.shape) - 1))
    total, count = np.zeros(x.shape[-1]), np.zeros(x.shape[-1])
    for block, measured in with_measured(x, filling):
        total = total + (block if measured is None else np.where(measured, block, 0)).sum(axes, np.float64)
        count = count + (np.prod(block.shape[:-1]) if measured is None else measured.sum(axes))
    mean = total / np.maximum(count, 1)
    squares = np.zeros(x.shape[-1])
    for block, measured in with_measured(x, filling):
        deviation = np.square(block - mean)
        squares = squares + (deviation if measured is None else np.where(measured, deviation, 0)).sum(axes)
    return mean, np.sqrt(squares / np.maximum(count, 1))


def minmax(x: Array, filling: Array | None = None) -> tuple[Floats, Floats]:
    """Return minimum and range of each channel, (channels,)."""
    low, high = limits(x, filling)
    return low, high - low


def _about_constant(
    splits: Mapping[str, Any], low: Floats, constant: NDArray[np.bool_], names: Sequence[str]
) -> list[str]:
    """Return a sentence on the channels that are constant in train, and one on those that vary in another split."""
    notes = [f"Constant in the training examples, and 0 after scaling: {_listed(names, constant)}."]
    for called, part in splits.items():
        if called != "train" and (other := constant & _differs(part, low)).any():
            notes.append(
                f"Some {called} examples have other values than this constant. These values are not scaled, and the "
                f"model has learnt nothing about them: {_listed(names, other)}."
            )
    return notes


def _differs(side: Side, constant: Floats) -> NDArray[np.bool_]:
    """Return the channels (channels,) with a measured value other than the constant."""
    axes, other = tuple(range(len(side.x.shape) - 1)), np.zeros(len(constant), np.bool_)
    for block, measured in with_measured(side.x, side.filling):
        differs = block != constant
        other |= (differs if measured is None else differs & measured).any(axes)
    return other


def _listed(names: Sequence[str], chosen: NDArray[np.bool_]) -> str:
    return comma_list(name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen)


def _require_range(low: Floats, high: Floats, names: Sequence[str]) -> None:
    largest, reach = np.maximum(np.abs(low), np.abs(high)), high - low
    for name, size, width in zip(names, largest, reach, strict=True):
        where = f"channel {abbreviate(name)}"
        if size > _LARGEST:
            raise InputError.unexpected(where, f"values up to {size:g}", f"{_LARGEST:g} at most", "Use another unit.")
        if 0 < width < _LEAST_RANGE:
            expected = f"a range of {_LEAST_RANGE:g} at least, or of 0"
            raise InputError.unexpected(where, f"values within a range of {width:g}", expected, "Use another unit.")


def _lost(
    train: Side, low: Floats, high: Floats, offset: Floats, divisor: Floats, names: Sequence[str], scale: str
) -> list[str]:
    """Return a sentence for each channel where a standard deviation of a series has fewer than 100 float32 steps.

    Models compute in float32. It has no digits left for small changes on a large offset.
    """
    mean, deviation = standard(train.x, train.filling)
    # Numbers (N, channels) vary from example to example alone.
    are_series = len(train.x.shape) > 2
    spread = deviation_within_examples(train.x, train.filling) if are_series else deviation
    called, remedy = ("series", "the mean of each series") if are_series else ("values", "an offset in the file")

    def lost(offset: Floats, divisor: Floats, kind: Any) -> NDArray[np.bool_]:
        largest = np.maximum(np.abs(low - offset), np.abs(high - offset)) / divisor
        with np.errstate(over="ignore"):
            step = np.spacing(np.maximum(largest, np.finfo(np.float32).tiny).astype(kind)).astype(np.float64)
        coarse: NDArray[np.bool_] = (spread > 0) & (spread / divisor < _STEPS * step)
        return coarse

    at_fault = lost(offset, divisor, np.float32)
    if not at_fault.any():
        return []
    best = lost(mean, np.where(deviation > 0, deviation, 1), np.float32)
    notes = []
    for index in np.flatnonzero(at_fault)[:10]:
        largest = max(abs(low[index]), abs(high[index]))
        fault = (
            f"{comma_list([names[index]])}: {called} vary by {spread[index]:.3g} (standard deviation) at values up to "
        )
        fault += f"{largest:.9g}; of this variation "
        if lost(np.zeros_like(offset), np.ones_like(divisor), np.float64)[index]:
            notes.append(f"{fault}float64 keeps little or nothing: subtract an offset before writing the file.")
        elif scale == "none" and not best[index]:
            notes.append(f"{fault}float32 keeps little or nothing: preprocessing.scale: standard keeps it.")
        else:
            notes.append(f"{fault}float32 keeps little or nothing even after scaling: subtract {remedy}.")
    return notes
