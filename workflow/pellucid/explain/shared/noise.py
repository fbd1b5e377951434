"""Gradients at noisy copies of the inputs: what SmoothGrad and VarGrad share."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import blocks
from pellucid.network.explained_model import ExplainedModel

Samples = Annotated[int, Field(ge=2, le=1_000_000, description="noisy copies of each input")]
Noise = Annotated[
    float,
    Field(
        gt=0,
        le=1_000,
        description="standard deviation of the noise, as a share of the example's range (maximum less minimum)",
    ),
]


def moments(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    samples: int,
    noise: float,
    measured: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and mean square of the gradient over noisy copies: both (N, *input_shape).

    All inputs meet the same noise patterns, each scaled to its own range: an input's map does not depend on which
    others are explained with it. Where nothing was measured there is no noise.
    """
    axes = tuple(range(1, inputs.ndim))
    spread = noise * _reach(inputs, measured, axes).reshape(-1, *(1,) * len(axes)).astype(np.float32)
    if measured is not None:
        spread = np.where(measured, spread, np.float32(0))
    patterns = rng.standard_normal((samples, *inputs.shape[1:]), np.float32)
    first, second = np.zeros(inputs.shape, np.float64), np.zeros(inputs.shape, np.float64)
    for part, some in blocks(len(inputs), samples, model.batch_size(backward=True)):
        x, pattern = inputs[part], patterns[some]
        noisy = x + spread[part] * pattern[:, np.newaxis]
        classes = np.tile(targets[part], len(pattern))
        # Squares are taken in float64: a small variance is the difference of two large ones.
        gradient = model.gradient(noisy.reshape(-1, *x.shape[1:]), classes).reshape(noisy.shape).astype(np.float64)
        first[part] += gradient.sum(0)
        second[part] += np.square(gradient).sum(0)
    return first / samples, second / samples


def _reach(
    inputs: NDArray[np.float32], measured: NDArray[np.bool_] | None, axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Maximum less minimum of what was measured of each input, (N,)."""
    if measured is None:
        return np.asarray(np.ptp(inputs, axis=axes))
    low, high = (np.where(measured, inputs, end) for end in (np.float32(np.inf), np.float32(-np.inf)))
    return np.asarray(high.max(axes) - low.min(axes))
