"""The range of each channel of each example, in which noise and shifts of the inputs are measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ranges(inputs: NDArray[np.float32], measured: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """Return the maximum minus the minimum of each channel of each example: (N, 1, …, channels).

    With `measured`, of the inputs' shape, over the measured values, and in that shape with 0 for all other values.
    """
    if measured is not None:
        axes = tuple(range(1, inputs.ndim - 1))
        low, high = (np.where(measured, inputs, end) for end in (np.float32(np.inf), np.float32(-np.inf)))
        reach = high.max(axes, keepdims=True) - low.min(axes, keepdims=True)
        return np.where(measured, reach, np.float32(0))
    spread: NDArray[np.float32] = np.ptp(inputs, axis=tuple(range(1, inputs.ndim - 1)), keepdims=True)
    return spread
