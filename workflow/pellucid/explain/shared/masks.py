"""What learned masks share: the penalty of their area, rows of several masks for each example, and blurred copies.

A mask is 1 where a value is kept, and 0 where it is perturbed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError

Array = NDArray[np.float32]

Iterations = Annotated[int, Field(ge=1, le=100_000, description="steps of the search, each one pass forward and back")]
# Values of a mask that differ by less are taken as equal: nothing but rounding may lie between them.
_EQUAL = 1e-5
_Area = Annotated[float, Field(gt=0, lt=1)]
Areas = Annotated[Sequence[_Area], Field(min_length=1, max_length=20)]


def repeated(values: NDArray[Any], times: int) -> NDArray[Any]:
    """Return each example `times` in a row: (N, ...) to (N · times, ...)."""
    return np.repeat(values, times, axis=0)


def weights(first: float, growth: float, iterations: int) -> NDArray[np.float64]:
    """Return the weight of the penalty in each iteration: it grows evenly on a logarithmic scale, `growth` times."""
    return np.asarray(first * growth ** (np.arange(iterations) / max(iterations - 1, 1)))


def kept_values(areas: Sequence[float], free: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how many values a mask of each area keeps, of those that it may decide on: (N · areas,); at least one.

    Args:
        areas: shares, from 0 to 1.
        free: (N, values), false where a value always stays.
    """
    counts = np.round(free.sum(1)[:, np.newaxis] * np.asarray(areas))
    return np.asarray(np.maximum(counts, 1).reshape(-1), np.float32)


def area_penalty(tf_: Any, mask: Any, kept: Any, free: Any) -> Any:
    """Return the mean squared distance of a mask from one with 1 at its largest values and 0 elsewhere: (rows,).

    This is the distance of the sorted mask from the reference 0 … 0 1 … 1 (Fong et al. 2019; Crabbé & van der Schaar
    2021). Values that are nearly equal (`_EQUAL`) share the reference's values at their places, so that neither their
    order nor rounding decides between them.

    Args:
        tf_: TensorFlow.
        mask: (rows, values).
        kept: how many of them the reference keeps, (rows,).
        free: (rows, values), 1 for values that count, 0 for values that always stay.
    """
    # Values that do not count come first in the order.
    reference = _reference(tf_, tf_.stop_gradient(tf_.where(free > 0, mask, -1.0)), kept)
    count = tf_.maximum(tf_.reduce_sum(free, 1), 1.0)
    return tf_.reduce_sum(free * tf_.square(mask - reference), 1) / count


def _reference(tf_: Any, values: Any, kept: Any) -> Any:
    """Return what the reference of `area_penalty` has at the place of each value: (rows, values), from 0 to 1.

    The place of a value is the number of values that are smaller by more than `_EQUAL`. Nearly all values lie on one
    side of the first kept place: their reference is 0 or 1. The other values are nearly equal, and mostly share one
    number, which two counts for each row give. Only rows where they do not are searched value by value.
    """
    size = tf_.shape(values)[1]
    start = tf_.cast(size, tf_.float32) - kept[:, tf_.newaxis]
    low, high = values - _EQUAL, values + _EQUAL
    ordered = tf_.sort(values, axis=1)
    place = tf_.cast(start, tf_.int32)
    first_kept = tf_.gather(ordered, place, batch_dims=1)
    last_left = tf_.where(place > 0, tf_.gather(ordered, tf_.maximum(place - 1, 0), batch_dims=1), -math.inf)
    is_one = last_left < low
    is_between = ~is_one & (first_kept <= high)

    def share(first: Any, behind: Any, start: Any) -> Any:
        return tf_.clip_by_value((behind - start) / tf_.maximum(behind - first, 1.0), 0.0, 1.0)

    def counted(less: Any) -> Any:
        return tf_.reduce_sum(tf_.cast(less, tf_.float32), 1, keepdims=True)

    # Both counts grow with the value: where they are the same for the least and the largest, they are for all between.
    least = tf_.reduce_min(tf_.where(is_between, values, math.inf), 1, keepdims=True)
    largest = tf_.reduce_max(tf_.where(is_between, values, -math.inf), 1, keepdims=True)
    first, behind = counted(values < least - _EQUAL), counted(values <= least + _EQUAL)
    same = (first == counted(values < largest - _EQUAL)) & (behind == counted(values <= largest + _EQUAL))
    found = tf_.where(is_one, 1.0, tf_.where(is_between, share(first, behind, start), 0.0))
    rows = tf_.where((least <= largest) & ~same)[:, 0]
    ordered, low, high, start = (tf_.gather(part, rows) for part in (ordered, low, high, start))
    first = tf_.cast(tf_.searchsorted(ordered, low, side="left"), tf_.float32)
    behind = tf_.cast(tf_.searchsorted(ordered, high, side="right"), tf_.float32)
    return tf_.tensor_scatter_nd_update(found, rows[:, tf_.newaxis], share(first, behind, start))


def blurred(inputs: Array, sigmas: Sequence[float], measured: NDArray[np.bool_] | None = None) -> Array:
    """Return the inputs, each channel blurred by Gaussians along every axis: (N, sigmas, *input_shape).

    Weights that fall beside the input, or on a value that was not measured, are left out, and the others sum to 1.
    Values that were not measured stay as they are.

    Args:
        inputs: (N, *axes, channels).
        sigmas: standard deviations in samples or pixels; 0 leaves the inputs as they are.
        measured: of the inputs' shape.
    """
    present = np.ones_like(inputs) if measured is None else measured.astype(np.float32)
    copies = []
    for sigma in sigmas:
        weighted, total = _smoothed(inputs * present, sigma), _smoothed(present, sigma)
        copies.append(np.where(present > 0, weighted / np.maximum(total, 1e-12), inputs))
    return np.stack(copies, axis=1).astype(np.float32)


def _smoothed(values: Array, sigma: float) -> NDArray[np.float64]:
    """Return the weighted sums along all axes but the first and the last."""
    smooth = values.astype(np.float64)
    for axis in range(1, values.ndim - 1):
        distance = np.subtract.outer(np.arange(values.shape[axis]), np.arange(values.shape[axis]))
        kernel = np.exp(-np.square(distance) / (2 * sigma**2)) if sigma else (distance == 0).astype(np.float64)
        kernel /= kernel.sum(1, keepdims=True)
        smooth = np.moveaxis(np.tensordot(smooth, kernel, axes=(axis, 1)), -1, axis)
    return smooth


def free_values(inputs: Array, measured: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return which values a mask may decide on: (N, *input_shape)."""
    return np.ones(inputs.shape, np.bool_) if measured is None else measured


def perturbed_values(inputs: Array, measured: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return which values a blur or a mean can change: (N, *input_shape), false in channels that are constant.

    The mean of a constant is the constant, except for rounding. Descent in units of the gradient would learn a mask of
    this rounding. Small changes on a large offset (such as a raw pressure) do not count as constant.
    """
    axes, known = tuple(range(1, inputs.ndim - 1)), free_values(inputs, measured)
    high = np.where(known, inputs, -np.inf).max(axes, keepdims=True)
    low = np.where(known, inputs, np.inf).min(axes, keepdims=True)
    return np.broadcast_to(high > low, inputs.shape)


def require_series(axes: Sequence[int], method: str) -> None:
    """Refuse images.

    Raises:
        InputError: an example has more than one axis beside its channels.
    """
    if len(axes) != 1:
        raise InputError.unexpected(
            method,
            f"examples of {len(axes)} axes",
            "series: the method works along time, which an image does not have",
            "For images, use extremal_perturbation or extremal_mask.",
        )
