"""How strongly each input value is attributed, as one row per example."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import Explanation, ScoreContext


def strength(attributions: NDArray[np.float32]) -> NDArray[np.float64]:
    """Absolute attributions (N, values): importance for or against the class."""
    return np.abs(attributions.reshape(len(attributions), -1).astype(np.float64))


def views(explanation: Explanation, case: ScoreContext) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.bool_]]]:
    """The strengths beside the truth, both (N, values), by what a value is.

    For one channel, and for images, a value is an input value ("" as suffix). For several channels it is a cell of
    time × channel (".cells"), and a time step summed over channels (".time"): a method that gives one map for all
    channels can find the time of the evidence, but not its channel.
    """
    assert case.truth is not None
    size, truth = np.abs(explanation.attributions.astype(np.float64)), case.truth
    n = len(size)
    if case.inputs.shape[-1] == 1 or case.data_info["kind"] == "image":
        yield "", size.reshape(n, -1), truth.reshape(n, -1)
    else:
        yield ".cells", size.reshape(n, -1), truth.reshape(n, -1)
        yield ".time", size.sum(-1).reshape(n, -1), truth.any(-1).reshape(n, -1)
