"""The strength of attributions, as one row per example."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import Explanation, ScoreContext


def strength(attributions: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the absolute attributions, importance for or against the class: (N, values)."""
    return np.abs(attributions.reshape(len(attributions), -1).astype(np.float64))


def strength_and_truth(
    explanation: Explanation, case: ScoreContext
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.bool_]]]:
    """Yield a suffix, the strengths and the truth, both (N, values), for each kind of value.

    For one channel, and for images, the values are the input values (suffix ""). For several channels they are first
    the cells of time × channel (".cells"), then the time steps, summed over channels (".time"): a method that gives one
    map for all channels can find the time of the evidence, but not its channel.
    """
    assert case.truth is not None
    size, truth = np.abs(explanation.attributions.astype(np.float64)), case.truth
    n = len(size)
    if case.inputs.shape[-1] == 1 or case.data_info["kind"] == "image":
        yield "", size.reshape(n, -1), truth.reshape(n, -1)
    else:
        yield ".cells", size.reshape(n, -1), truth.reshape(n, -1)
        yield ".time", size.sum(-1).reshape(n, -1), truth.any(-1).reshape(n, -1)
