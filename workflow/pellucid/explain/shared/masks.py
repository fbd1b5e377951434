"""What learned masks share: the penalty of their area, rows of several masks for each example, and blurred copies.

A mask is 1 where a value is kept, and 0 where it is perturbed.
"""

from __future__ import annotations

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
    """Return the mean square distance of a mask from one that is 1 on its largest values and 0 elsewhere: (rows,).

    This is the distance of the sorted mask from the reference 0 … 0 1 … 1 (Fong et al. 2019; Crabbé & van der Schaar
    2021). Values that are nearly equal (`_EQUAL`) share what the reference has at their places:
    neither their order nor rounding decides between them.

    Args:
        tf_: TensorFlow.
        mask: (rows, values).
        kept: how many of them the reference keeps, (rows,).
        free: (rows, values), 1 for values that count, 0 for values that always stay.
    """
    # Values that do not count come first in the order.
    values = tf_.stop_gradient(tf_.where(free > 0, mask, -1.0))
    ordered = tf_.sort(values, axis=1)
    first = tf_.cast(tf_.searchsorted(ordered, values - _EQUAL, side="left"), tf_.float32)
    behind = tf_.cast(tf_.searchsorted(ordered, values + _EQUAL, side="right"), tf_.float32)
    start = tf_.cast(tf_.shape(values)[1], tf_.float32) - kept[:, tf_.newaxis]
    reference = tf_.clip_by_value((behind - start) / tf_.maximum(behind - first, 1.0), 0.0, 1.0)
    count = tf_.maximum(tf_.reduce_sum(free, 1), 1.0)
    return tf_.reduce_sum(free * tf_.square(mask - reference), 1) / count


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

    What a mean leaves of a constant is the constant to rounding. Descent in units of the gradient would make a mask of
    this rounding. Small changes on a large offset, as of a raw pressure, are no constant.
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
            "extremal_perturbation and extremal_mask learn masks of images.",
        )
