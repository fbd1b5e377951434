"""Cutting single heartbeats out of a long recording, around R peaks that are known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Why a beat is left out, as the end of "1 beat …".
OUTSIDE = "whose window leaves the record"
MISSING = "whose window holds a missing value"
ALONE = "alone in 10 s, which gives no R-R interval"

# Of Kachuee et al. 2018.
KACHUEE_RATE = 125  # Hz
KACHUEE_SAMPLES = 187
_WINDOW = 10 * KACHUEE_RATE
_PERIODS = 1.2


def resample(
    signal: Array, peaks: NDArray[np.int64], sampling_rate: float, rate: int
) -> tuple[Array, NDArray[np.int64]]:
    """A recording at another rate, by a polyphase filter that keeps out what the new rate cannot hold.

    Args:
        signal: (time, leads).
        peaks: (B,), samples of the R peaks.
        sampling_rate: of the signal, in Hz.
        rate: wanted, in Hz.

    Returns:
        The signal, and the peaks at the nearest new samples: off by half of one at most (4 ms at 125 Hz).
    """
    if rate == sampling_rate:
        return signal, peaks
    from scipy.signal import resample_poly

    ratio = Fraction(rate / sampling_rate).limit_denominator(1000)
    # "edge": outside of the recording its ends go on, where zeros would be a step that rings into it.
    resampled = resample_poly(signal, ratio.numerator, ratio.denominator, axis=0, padtype="edge")
    moved = np.rint(peaks * float(ratio)).astype(np.int64)
    return resampled, np.minimum(moved, len(resampled) - 1)


def fixed(signal: Array, peaks: NDArray[np.int64], before: int, after: int) -> tuple[Array, list[str]]:
    """Cut a window of fixed length around every R peak, which so lies at index `before` of each beat.

    Args:
        signal: (time, leads).
        peaks: (B,), samples of the R peaks.
        before: samples before the peak.
        after: samples from the peak on.

    Returns:
        x: (kept, before + after, leads), the beats that are whole, in the order of the peaks.
        reasons: B texts, why a beat is left out; empty for those that are kept.
    """
    whole = (peaks >= before) & (peaks + after <= len(signal))
    rows = peaks[whole, np.newaxis] + np.arange(-before, after)
    x = signal[rows]
    complete = np.isfinite(x).all((1, 2))
    reasons = np.where(whole, "", OUTSIDE).astype(object)
    reasons[np.flatnonzero(whole)[~complete]] = MISSING
    return x[complete], reasons.tolist()


def scale_each(x: Array, scale: str) -> NDArray[np.float32]:
    """Scale every beat by itself, lead by lead, and cast it.

    Args:
        x: (N, time, leads).
        scale: none; standard, to mean 0 and standard deviation 1; or minmax, to [0, 1].
    """
    if scale == "none":
        return x.astype(np.float32, copy=False)
    if scale == "standard":
        offset, divisor = x.mean(1, np.float64, keepdims=True), x.std(1, np.float64, keepdims=True)
    else:
        offset = x.min(1, keepdims=True).astype(np.float64)
        divisor = x.max(1, keepdims=True) - offset
    # A lead that does not vary over a beat becomes zero, rather than infinite or the rounding of its mean.
    still = np.ptp(x, axis=1, keepdims=True) == 0
    scaled = (x - np.where(still, x[:, :1], offset)) / np.where(still, 1, divisor)
    return np.asarray(scaled, np.float32)


def kachuee(signal: Array, peaks: NDArray[np.int64]) -> tuple[NDArray[np.float32], list[str], NDArray[np.int64]]:
    """Cut beats as Kachuee et al. 2018 (section III-A) do, with R peaks that are given.

    The recording is taken in windows of 10 s. Each is scaled to [0, 1]; the median of its R-R intervals is its period
    T; a beat is what follows an R peak for 1.2 T, with zeros after it up to 187 samples.

    Three things are not as in the paper. It detects the R peaks: here they are the annotated ones, since it is those
    that the labels belong to. What a last beat needs beyond its window is taken from the recording, and scaled with
    its window, where the paper says nothing. A beat of more than 187 samples (T above 1.25 s) is cut there.

    Args:
        signal: (time, leads) at 125 Hz.
        peaks: (B,), samples of the R peaks, ascending.

    Returns:
        As `fixed`, with 187 samples; and how many of them lie before the zeros, (kept,).
    """
    beats, reasons, lengths = [], [], []
    for start in range(0, len(signal), _WINDOW):
        own = peaks[(peaks >= start) & (peaks < start + _WINDOW)]
        if len(own) < 2:
            reasons += [ALONE] * len(own)
            continue
        length = min(round(_PERIODS * float(np.median(np.diff(own)))), KACHUEE_SAMPLES)
        stop = max(start + _WINDOW, int(own[-1]) + length)
        window = signal[start:stop]
        low, high = window.min(0), window.max(0)
        scaled = (window - low) / np.where(high > low, high - low, 1)
        for peak in own - start:
            part = scaled[peak : peak + length]
            reason = OUTSIDE if len(part) < length else "" if np.isfinite(part).all() else MISSING
            reasons.append(reason)
            if not reason:
                lengths.append(length)
                beats.append(np.pad(part, ((0, KACHUEE_SAMPLES - length), (0, 0))))
    shape = (len(beats), KACHUEE_SAMPLES, signal.shape[1])
    return np.array(beats, np.float32).reshape(shape), reasons, np.array(lengths, np.int64)
