"""Find the R peaks of an ECG: where its heartbeats lie, so that beats can be laid on each other.

The detector is XQRS of the `wfdb` package, which PhysioNet itself maintains: a moving-wave integration of the filtered
signal with thresholds that follow it, as in Pan J, Tompkins WJ. A real-time QRS detection algorithm. IEEE Trans Biomed
Eng 32(3):230-236 (1985).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError

Peaks = NDArray[np.int64]

# Leads in which the QRS complex is upright and large in most people, the best first.
LEADS = ("II", "MLII", "V5", "I", "V4", "V6")
SLOWEST = 50.0  # Hz: below it the filter of 5 to 20 Hz, and an R wave of 40 ms, have too few samples
LEAST_SECONDS = 2.0  # a shorter series has no rhythm that the thresholds could follow
# Hz: XQRS is written for such recordings. At 100 Hz it also counts T waves (in 171 of 400 records of PTB-XL), unless
# the samples are interpolated first.
_SEARCHED_AT = 360.0
_SLOWEST_BEATS = 3.0  # s from beat to beat
_REACH = 0.05  # s to each side of what XQRS finds: an R peak is at most so far from it


def lead_to_search(channels: Sequence[str]) -> int:
    """Return the index of the lead in which R peaks are searched: the first of `LEADS` that is there, else 0."""
    upper = [name.upper() for name in channels]
    return next((upper.index(lead) for lead in LEADS if lead in upper), 0)


def find_in_leads(x: NDArray[np.floating], channels: Sequence[str], sampling_rate: float) -> Peaks:
    """Return the samples of the R peaks of an ECG, ascending, found in one of its leads.

    The lead is the first with at least one beat for every 3 s (20 beats a minute); `LEADS` are tried first, then the
    others. If there is none, it is the lead with the most beats. A lead whose QRS complex is small may show none.

    Args:
        x: (time, channels), finite.
        channels: their names.
        sampling_rate: in Hz.

    Raises:
        InputError: as `find`.
    """
    upper = [name.upper() for name in channels]
    order = [upper.index(lead) for lead in LEADS if lead in upper]
    best: Peaks = np.zeros(0, np.int64)
    for channel in dict.fromkeys([*order, *range(len(channels))]):
        peaks = find(x[:, channel], sampling_rate)
        if len(peaks) >= len(x) / sampling_rate / _SLOWEST_BEATS:
            return peaks
        best = max(best, peaks, key=len)
    return best


def find(signal: NDArray[np.floating], sampling_rate: float) -> Peaks:
    """Return the samples of the R peaks of one lead, ascending; none where no beat is found.

    A peak is the sample farthest from the median of the signal, within 50 ms of the detected place. So beats are
    aligned to the sample, whether their R wave points up or down.

    Args:
        signal: (time,), in mV; its values must be finite.
        sampling_rate: in Hz.

    Raises:
        InputError: a sampling rate below 50 Hz, a series shorter than 2 s, or values that are not finite.
    """
    where = "R peaks"
    if sampling_rate < SLOWEST:
        raise InputError.unexpected(
            where, f"a sampling rate of {sampling_rate:g} Hz", f"{SLOWEST:g} Hz or more, to see a QRS complex"
        )
    values = np.asarray(signal, np.float64)
    if len(values) < LEAST_SECONDS * sampling_rate:
        found = f"a series of {len(values) / sampling_rate:.2f} s"
        raise InputError.unexpected(where, found, f"{LEAST_SECONDS:g} s or more, for a rhythm")
    if not np.isfinite(values).all():
        raise InputError.unexpected(where, "a series with values that are not finite", "numbers")
    if np.ptp(values) == 0:
        return np.zeros(0, np.int64)
    return _to_peaks(values, _detected(values, sampling_rate), sampling_rate)


def _detected(values: NDArray[np.float64], sampling_rate: float) -> Peaks:
    """Return where XQRS finds QRS complexes, within some 50 ms of their R peaks."""
    from scipy.signal import resample_poly
    from wfdb import processing  # type: ignore[import-untyped]

    factor = math.ceil(_SEARCHED_AT / sampling_rate)
    middle = np.median(values)  # without it, the filter would make a step at both ends
    finer = resample_poly(values - middle, factor, 1) if factor > 1 else values
    detector = processing.XQRS(sig=finer, fs=factor * sampling_rate)
    detector.detect(verbose=False)
    return np.asarray(detector.qrs_inds, np.int64) // factor


def _to_peaks(values: NDArray[np.float64], near: Peaks, sampling_rate: float) -> Peaks:
    """Move each place to the sample farthest from the median within 50 ms of it; two at one sample are one peak."""
    distance = np.abs(values - np.median(values))
    reach = max(1, round(_REACH * sampling_rate))
    peaks = [
        start + int(np.argmax(distance[start : place + reach + 1]))
        for place in near.tolist()
        for start in [max(0, place - reach)]
    ]
    return np.unique(np.array(peaks, np.int64))
