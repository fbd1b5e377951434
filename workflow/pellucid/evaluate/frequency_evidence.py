"""Remove frequencies from series, or keep only them: how evidence in frequency is removed.

A removed bin of the Fourier transform gets another coefficient in every channel: 0, or one at the floor of the
example's spectrum, the median amplitude of its bins without evidence, with a random phase, so that no hole shows what
is missing. White noise with the power of the whole signal would not remove anything: it gives power to every bin, and
power may be the evidence. An example of another class would not either: if classes share frequencies, it may have the
removed ones.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from pellucid.score.shared.fills import Fill
from pellucid.seeds import per_example

Mask = NDArray[np.bool_]
Spectrum = NDArray[np.complex128]

SILENCE, FLOOR = "silence", "floor"
FILLS = (SILENCE, FLOOR)


def fills(truth: Mask, inputs: NDArray[np.float32], rng: np.random.Generator) -> dict[str, Fill]:
    """Return the fill of each kind in `FILLS`, for masks of bins (K, N, time // 2 + 1).

    Args:
        truth: (N, time // 2 + 1), the bins with evidence.
        inputs: (N, time, channels).
        rng: draws the phases.
    """
    spectra = _spectra(inputs)
    floor = _floor(truth, spectra, inputs, rng)
    by_kind = {SILENCE: np.zeros_like(spectra), FLOOR: floor}
    return {kind: partial(_replaced, spectra, values, inputs.shape[1]) for kind, values in by_kind.items()}


def strongest_others(truth: Mask, inputs: NDArray[np.float32]) -> Mask:
    """Return the strongest bins without evidence (power over all channels), as many as have it: (N, bins).

    They are a harder control than other bins, because most other bins may hold nothing. Where the evidence has more
    than half of the bins, all others are returned; of equal bins, the lowest ones.
    """
    power = np.square(np.abs(_spectra(inputs))).sum(-1)
    # The mean of a series is no oscillation.
    power[:, 0] = 0
    order = np.argsort(np.where(truth, np.inf, -power), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return np.asarray((rank < truth.sum(1, keepdims=True)) & ~truth)


def _spectra(inputs: NDArray[np.float32]) -> Spectrum:
    """Return the Fourier coefficients of series (N, time, channels): (N, time // 2 + 1, channels)."""
    return np.fft.rfft(inputs.astype(np.float64), axis=1)


def _floor(truth: Mask, spectra: Spectrum, inputs: NDArray[np.float32], rng: np.random.Generator) -> Spectrum:
    """Return coefficients of the median amplitude of each example's and channel's bins without evidence, all alike."""
    drawn = np.empty_like(spectra)
    for row, (evidence, stream) in enumerate(zip(truth, per_example(inputs, rng), strict=True)):
        others = np.abs(spectra[row][~evidence])
        height = np.median(others, axis=0) if len(others) else np.zeros(spectra.shape[-1])
        drawn[row] = height * np.exp(2j * np.pi * stream.random(spectra.shape[1:]))
    return drawn


def _replaced(spectra: Spectrum, values: Spectrum, length: int, part: slice, removed: Mask) -> NDArray[np.float32]:
    """Return the series (K, N, time, channels) whose removed bins have the coefficients of `values`."""
    mixed = np.where(removed[..., np.newaxis], values[part], spectra[part])
    return np.fft.irfft(mixed, n=length, axis=-2).astype(np.float32)
