"""Average the heartbeats of explained ECGs, and their maps, aligned at the R peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.heartbeats import r_peaks

# Seconds of a beat before and after its R peak: from the P wave to the end of the T wave at 75 beats a minute.
BEFORE, AFTER = 0.3, 0.5
BAND = (10.0, 90.0)  # percentiles of the beats between which the band lies


@dataclass(frozen=True)
class AverageBeat:
    """The mean beat of the examples that stand for one output.

    Attributes:
        output: the class, label or value.
        records: the examples that have beats.
        without: the examples in which no whole beat was found.
        beats: of all records together.
        signal: (time, channels), the mean beat, from the median of each record and channel.
        mean: (time, maps), the mean attribution of a beat.
        low, high: (time, maps), the 10th and the 90th percentile of the beats.
    """

    output: int
    records: int
    without: int
    beats: int
    signal: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def times(sampling_rate: float) -> NDArray[np.float64]:
    """Return the seconds of the samples of a beat, 0 at the R peak."""
    before, after = _samples(sampling_rate)
    return np.arange(-before, after) / sampling_rate


def average_beats(
    inputs: NDArray[Any], maps: NDArray[Any], labels: NDArray[np.int64], channels: Sequence[str], sampling_rate: float
) -> list[AverageBeat]:
    """Return the average beat of each output that examples stand for, in the order of the outputs.

    A beat whose window leaves the record is left out. Each beat counts once, so that a record of a fast heart counts
    more than one of a slow heart.

    Args:
        inputs: (N, time, channels), finite.
        maps: (N, time, channels), or (N, time, 1) for a method with one map for all channels.
        labels: (N,) the output that each example stands for.
        channels: names of the leads: R peaks are searched in them (`r_peaks.find_in_leads`).
        sampling_rate: in Hz.

    Raises:
        InputError: R peaks cannot be searched at such a rate or in such a series.
    """
    before, after = _samples(sampling_rate)
    length = inputs.shape[1]
    averages = []
    for output in np.unique(labels).tolist():
        signals, attributions, records = list[NDArray[Any]](), list[NDArray[Any]](), 0
        members = np.flatnonzero(labels == output)
        for index in members:
            peaks = r_peaks.find_in_leads(inputs[index], channels, sampling_rate)
            peaks = peaks[(peaks >= before) & (peaks + after <= length)]
            records += bool(len(peaks))
            centred = inputs[index].astype(np.float64) - np.median(inputs[index], axis=0)
            windows = peaks[:, np.newaxis] + np.arange(-before, after)
            signals.append(centred[windows])
            attributions.append(maps[index].astype(np.float64)[windows])
        beats, values = np.concatenate(signals), np.concatenate(attributions)
        if not len(beats):
            beats, values = np.full((1, *beats.shape[1:]), np.nan), np.full((1, *values.shape[1:]), np.nan)
        low, high = np.percentile(values, BAND, axis=0)
        count = sum(map(len, signals))
        averages.append(
            AverageBeat(output, records, len(members) - records, count, beats.mean(0), values.mean(0), low, high)
        )
    return averages


def _samples(sampling_rate: float) -> tuple[int, int]:
    """Return the samples of a beat before its R peak, and from there on."""
    return round(BEFORE * sampling_rate), round(AFTER * sampling_rate)
