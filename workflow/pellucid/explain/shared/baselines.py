"""What stands for "nothing there": the reference inputs that attributions are measured against."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

Baseline = Annotated[
    Literal["zero", "mean", "noise"],
    Field(
        description="what stands for nothing: zeros (as in the ECG article), the mean of the example's channel, or "
        "noise with the channel's mean and standard deviation"
    ),
]


def baseline(
    inputs: NDArray[np.float32], kind: str, rng: np.random.Generator, measured: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """A reference for each input: (N, *input_shape).

    Args:
        inputs: (N, *axes, channels).
        kind: zero, mean (of the example's channel) or noise (with the channel's mean and standard deviation).
        rng: for noise.
        measured: of the inputs' shape: means and deviations are of these values, and all others stay as they are, since
            nothing can be taken away where nothing was measured; None where all were.
    """
    if measured is not None:
        axes = tuple(range(1, inputs.ndim - 1))
        return np.where(measured, _filled(inputs, kind, rng, measured, axes), inputs).astype(np.float32)
    if kind == "zero":
        return np.zeros_like(inputs)
    axes = tuple(range(1, inputs.ndim - 1))
    mean = inputs.mean(axes, keepdims=True)
    if kind == "mean":
        return np.broadcast_to(mean, inputs.shape)
    # One pattern for all examples: an example's map must not depend on which others are explained with it.
    pattern = rng.standard_normal(inputs.shape[1:], np.float32)
    filled: NDArray[np.float32] = mean + inputs.std(axes, keepdims=True) * pattern
    return filled


def _filled(
    inputs: NDArray[np.float32],
    kind: str,
    rng: np.random.Generator,
    measured: NDArray[np.bool_],
    axes: tuple[int, ...],
) -> NDArray[Any]:
    if kind == "zero":
        return np.zeros_like(inputs)
    count = np.maximum(measured.sum(axes, keepdims=True), 1)
    mean = np.where(measured, inputs, 0).sum(axes, np.float64, keepdims=True) / count
    if kind == "mean":
        return np.asarray(mean)
    variance = np.where(measured, np.square(inputs - mean), 0).sum(axes, keepdims=True) / count
    return np.asarray(mean + np.sqrt(variance) * rng.standard_normal(inputs.shape[1:], np.float32))
