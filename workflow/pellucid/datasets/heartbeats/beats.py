"""Cut single heartbeats out of a long recording, around known R peaks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Reasons to leave a beat out, each to follow "1 beat ".
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
    """Resample a recording with a polyphase filter that removes the frequencies above the new Nyquist frequency.

    Args:
        signal: (time, leads).
        peaks: (B,), samples of the R peaks.
        sampling_rate: of the signal, in Hz.
        rate: the new sampling rate, in Hz.

    Returns:
        The signal, and the peaks at the nearest new samples: at most half a sample away (4 ms at 125 Hz).
    """
    if rate == sampling_rate:
        return signal, peaks
    from scipy.signal import resample_poly

    ratio = Fraction(rate / sampling_rate).limit_denominator(1000)
    # "edge" continues the recording beyond its ends with its end values: zeros would be a step that rings into it.
    resampled = resample_poly(signal, ratio.numerator, ratio.denominator, axis=0, padtype="edge")
    moved = np.rint(peaks * float(ratio)).astype(np.int64)
    return resampled, np.minimum(moved, len(resampled) - 1)


def fixed(signal: Array, peaks: NDArray[np.int64], before: int, after: int) -> tuple[Array, list[str]]:
    """Cut a window of fixed length around every R peak, so that the peak lies at index `before` of each beat.

    Args:
        signal: (time, leads).
        peaks: (B,), samples of the R peaks.
        before: samples before the peak.
        after: samples from the peak on.

    Returns:
        x: (kept, before + after, leads), the complete beats, in the order of the peaks.
        reasons: B texts, why a beat is left out; empty for a beat that is kept.
    """
    whole = (peaks >= before) & (peaks + after <= len(signal))
    rows = peaks[whole, np.newaxis] + np.arange(-before, after)
    x = signal[rows]
    complete = np.isfinite(x).all((1, 2))
    reasons = np.where(whole, "", OUTSIDE).astype(object)
    reasons[np.flatnonzero(whole)[~complete]] = MISSING
    return x[complete], reasons.tolist()


def scale_each(x: Array, scale: str) -> NDArray[np.float32]:
    """Scale every beat by itself, lead by lead, and cast it to float32.

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
    # A lead that is constant over a beat becomes zero, rather than infinite or the rounding error of its mean.
    constant = np.ptp(x, axis=1, keepdims=True) == 0
    scaled = (x - np.where(constant, x[:, :1], offset)) / np.where(constant, 1, divisor)
    return np.asarray(scaled, np.float32)


def kachuee(signal: Array, peaks: NDArray[np.int64]) -> tuple[NDArray[np.float32], list[str], NDArray[np.int64]]:
    """Cut beats as Kachuee et al. 2018 (section III-A) do, around known R peaks.

    The recording is divided into windows of 10 s. Each window is scaled to [0, 1], and the median of its R-R intervals
    is its period T. A beat is the signal from an R peak on for 1.2 T, padded with zeros to 187 samples.

    Three things differ from the paper. The paper detects the R peaks; here they are the annotated ones, to which the
    labels belong. If the last beat of a window goes beyond the window, it is completed from the recording and scaled
    like its window (the paper does not say how). A beat of more than 187 samples (T above 1.25 s) is cut at 187.

    Args:
        signal: (time, leads) at 125 Hz.
        peaks: (B,), samples of the R peaks, ascending.

    Returns:
        As `fixed`, with 187 samples; and (kept,) the number of samples before the zeros.
    """
    beats, reasons, lengths = [], [], []
    for start in range(0, len(signal), _WINDOW):
        inside = peaks[(peaks >= start) & (peaks < start + _WINDOW)]
        if len(inside) < 2:
            reasons += [ALONE] * len(inside)
            continue
        length = min(round(_PERIODS * float(np.median(np.diff(inside)))), KACHUEE_SAMPLES)
        stop = max(start + _WINDOW, int(inside[-1]) + length)
        window = signal[start:stop]
        low, high = window.min(0), window.max(0)
        scaled = (window - low) / np.where(high > low, high - low, 1)
        for peak in inside - start:
            beat = scaled[peak : peak + length]
            reason = OUTSIDE if len(beat) < length else "" if np.isfinite(beat).all() else MISSING
            reasons.append(reason)
            if not reason:
                lengths.append(length)
                beats.append(np.pad(beat, ((0, KACHUEE_SAMPLES - length), (0, 0))))
    shape = (len(beats), KACHUEE_SAMPLES, signal.shape[1])
    return np.array(beats, np.float32).reshape(shape), reasons, np.array(lengths, np.int64)


def window_samples(before: float, after: float, rate: int) -> tuple[int, int]:
    """Return the samples before and after the R peak, of times in s and a rate in Hz."""
    return round(before * rate), round(after * rate)
