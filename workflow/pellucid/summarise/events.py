"""Find the event of each example at which class maps are aligned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError

PLANTED = "planted"


def positions(
    align: str, x: NDArray[Any], truth: Mapping[str, NDArray[Any]], indices: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the sample at which the event of each example lies, NaN where it has none: (N,).

    Args:
        align: "planted": the middle of the samples with planted evidence in any channel.
        x: (M, time, channels) all test examples.
        truth: content of `truth.npz`.
        indices: (N,) the chosen test examples.

    Raises:
        InputError: the examples are no series, or nothing is planted in them.
    """
    if x.ndim != 3:
        raise InputError.unexpected("examples.align", f'"{align}" and images', "none, or series")
    if "test" not in truth:
        raise InputError.unexpected(
            "examples.align", f'"{align}" and a data source that plants no evidence', "none, or a source that does"
        )
    return middles(truth["test"], indices)


def middles(truth: NDArray[np.bool_], indices: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the mean sample of the True values of each example (M, time, channels): (N,), NaN where there are none."""
    found = np.full(len(indices), np.nan, np.float32)
    for place, index in enumerate(indices):
        samples = np.flatnonzero(truth[index].any(-1))
        if len(samples):
            found[place] = samples.mean()
    return found
