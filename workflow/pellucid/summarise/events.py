"""Find the event of each example at which class maps are aligned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.datasets.heartbeats import r_peaks
from pellucid.errors import InputError
from pellucid.targets import evidence

PLANTED, R_PEAK = "planted", "r_peak"


def positions(
    align: str,
    x: NDArray[Any],
    truth: Mapping[str, NDArray[Any]],
    indices: NDArray[np.int64],
    targets: NDArray[np.int64],
    data: DataInfo,
) -> NDArray[np.float32]:
    """Return the sample at which the event of each example lies, NaN where it has none: (N,).

    Args:
        align: "planted": the middle of the samples with planted evidence in any channel. "r_peak": of the R peaks that
            are found in the example's leads, the one nearest to its middle.
        x: (M, time, channels) all test examples.
        truth: content of `truth.npz`.
        indices: (N,) the chosen test examples.
        targets: (N,) what is explained of each: where each label or value has evidence of its own, its event counts.
        data: content of `data.json`.

    Raises:
        InputError: the examples are no series, nothing is planted in them, they have no sampling rate, or R peaks
            cannot be searched in series so short or so slowly sampled.
    """
    if x.ndim != 3:
        raise InputError.unexpected("examples.align", f'"{align}" and images', "none, or series")
    if align == R_PEAK:
        rate = data["sampling_rate_hz"]
        if not rate:
            raise InputError.unexpected("examples.align", '"r_peak" and series without a sampling rate', "none, or one")
        return nearest_r_peaks(x, indices, data["channels"], float(rate))
    if "test" not in truth:
        raise InputError.unexpected(
            "examples.align", f'"{align}" and a data source that plants no evidence', "none, or a source that does"
        )
    return middles(truth["test"], indices, targets, x.ndim)


def nearest_r_peaks(
    x: NDArray[Any], indices: NDArray[np.int64], channels: Sequence[str], rate: float
) -> NDArray[np.float32]:
    """Return the R peak nearest to the middle of each example (M, time, channels): (N,), NaN where none is found."""
    found = np.full(len(indices), np.nan, np.float32)
    known: dict[int, float] = {}
    for place, index in enumerate(indices.tolist()):
        # An example that stands for several labels is searched once.
        if index not in known:
            peaks = r_peaks.find_in_leads(np.asarray(x[index]), channels, rate)
            nearest = np.abs(peaks - (x.shape[1] - 1) / 2)
            known[index] = float(peaks[nearest.argmin()]) if len(peaks) else np.nan
        found[place] = known[index]
    return found


def middles(
    truth: NDArray[np.bool_], indices: NDArray[np.int64], targets: NDArray[np.int64], depth: int
) -> NDArray[np.float32]:
    """Return the mean sample of each example's evidence: (N,), NaN where there is none.

    Args:
        truth: (M, time, channels), or (M, time, channels, outputs).
        indices, targets, depth: see `positions` and `targets.evidence`.
    """
    found = np.full(len(indices), np.nan, np.float32)
    for place, index in enumerate(indices):
        of_target = evidence(np.asarray(truth[index])[np.newaxis], targets[place : place + 1], depth)
        samples = np.flatnonzero(of_target[0].any(-1))
        if len(samples):
            found[place] = samples.mean()
    return found
