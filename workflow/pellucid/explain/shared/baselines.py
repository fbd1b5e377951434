"""Baselines: reference inputs that stand for the absence of a feature."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

Baseline = Annotated[
    Literal["zero", "mean", "noise", "shuffled"],
    Field(
        description='what stands for "nothing". zero: zeros, as in SignalScreen\'s ECG example. mean: the mean of the '
        "example's channel. noise: noise with the channel's mean and standard deviation. shuffled: the channel's own "
        "values, shuffled so that none stays in its place (occlusion is then feature permutation within the example)"
    ),
]

# The largest error of a mean, as a share of the range of the values.
_ROUNDING = 1e-3


def baseline(
    inputs: NDArray[np.float32], kind: str, rng: np.random.Generator, measured: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return the baseline of each input: (N, *input_shape).

    Args:
        inputs: (N, *axes, channels).
        kind: zero, mean (of the example's channel), noise (with the channel's mean and standard deviation) or shuffled
            (the channel's values, none of them in its place).
        rng: for noise and shuffled.
        measured: of the inputs' shape; means and deviations are over the measured values, and all other values stay as
            they are, since they cannot be removed. None if all values were measured.
    """
    if measured is not None:
        axes = tuple(range(1, inputs.ndim - 1))
        return np.where(measured, _baseline_of_measured(inputs, kind, rng, measured, axes), inputs).astype(np.float32)
    if kind == "zero":
        return np.zeros_like(inputs)
    if kind == "shuffled":
        return _shuffled(inputs, rng, np.ones((1, *inputs.shape[1:]), np.bool_))
    axes = tuple(range(1, inputs.ndim - 1))
    mean, exact = inputs.mean(axes, keepdims=True), inputs.mean(axes, np.float64, keepdims=True)
    # In float32 the mean of a constant, or of small changes on a large offset, may lie beside all values by rounding.
    beside = np.abs(mean - exact) > _ROUNDING * (inputs.max(axes, keepdims=True) - inputs.min(axes, keepdims=True))
    mean = np.where(beside, exact, mean).astype(np.float32)
    if kind == "mean":
        return np.broadcast_to(mean, inputs.shape)
    # One pattern for all examples, so that a map does not depend on the other examples.
    pattern = rng.standard_normal(inputs.shape[1:], np.float32)
    spread = inputs.std(axes, keepdims=True)
    if beside.any():
        spread = np.where(beside, inputs.std(axes, np.float64, keepdims=True), spread).astype(np.float32)
    filled: NDArray[np.float32] = mean + spread * pattern
    return filled


def _baseline_of_measured(
    inputs: NDArray[np.float32],
    kind: str,
    rng: np.random.Generator,
    measured: NDArray[np.bool_],
    axes: tuple[int, ...],
) -> NDArray[Any]:
    """Return the baseline of each input, from its measured values only; it broadcasts to the inputs' shape."""
    if kind == "zero":
        return np.zeros_like(inputs)
    if kind == "shuffled":
        return _shuffled(inputs, rng, measured)
    count = np.maximum(measured.sum(axes, keepdims=True), 1)
    mean = np.where(measured, inputs, 0).sum(axes, np.float64, keepdims=True) / count
    if kind == "mean":
        return np.asarray(mean)
    variance = np.where(measured, np.square(inputs - mean), 0).sum(axes, keepdims=True) / count
    return np.asarray(mean + np.sqrt(variance) * rng.standard_normal(inputs.shape[1:], np.float32))


def _shuffled(
    inputs: NDArray[np.float32], rng: np.random.Generator, measured: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the inputs with the measured values of each channel in a random cycle: each takes the place of another.

    In a cycle no value stays in its place: a value that replaces itself would seem not to count. Only a value that is
    alone in its channel stays. All examples have the same random order, so that a map does not depend on the other
    examples.

    Args:
        inputs: (N, *axes, channels).
        rng: for the order.
        measured: (N, *axes, channels) or, if it is the same for all, (1, *axes, channels).
    """
    flat = inputs.reshape(len(inputs), -1, inputs.shape[-1])
    here = measured.reshape(len(measured), *flat.shape[1:])
    # Positions in random order; those without a measured value come last, and are not in the cycle.
    order = np.argsort(np.where(here, rng.random(flat.shape[1:]), 2), axis=1)
    rank = np.arange(flat.shape[1])[:, np.newaxis]
    count = here.sum(1, keepdims=True)
    after = np.where(rank < count - 1, rank + 1, np.where(rank < count, 0, rank))
    values = np.take_along_axis(flat, np.take_along_axis(order, after, 1), 1)
    filled = np.empty_like(flat)
    np.put_along_axis(filled, order, values, 1)
    return filled.reshape(inputs.shape)


def reference(
    inputs: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    measured: NDArray[np.bool_] | None = None,
    **parameters: Any,
) -> NDArray[np.float32]:
    """Return the inputs from whose logits a method with a parameter `baseline` counts the change (completeness)."""
    return baseline(inputs, parameters["baseline"], rng, measured)
