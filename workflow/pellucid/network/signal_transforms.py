"""Transforms of real signals with an exact inverse: Fourier, short-time Fourier, and bands of frequencies.

A signal x, (N, time, channels), becomes coefficients z, complex64. `inverse` is linear in their real and imaginary
parts, so a model f of x is a model f(inverse(z)) of the coefficients, and its gradient follows by the chain rule
(`adjoint`). Gradients with respect to z are written as ∂f/∂Re z + i ∂f/∂Im z.

The bins are those of the real-to-complex DFT, F = time // 2 + 1. Bins that stand for a positive and a negative
frequency are multiplied by √2. So the real and imaginary parts are coordinates in an orthonormal basis of all real
signals: the sum of |z|² equals the sum of x² (Parseval), and the transform of a gradient is the gradient of the
transform.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError


class FourierTransform:
    """The orthonormal DFT of whole signals: (N, time, channels) to (N, F, channels).

    Args:
        length: samples of a signal.
        channels: of a signal.

    Attributes:
        shape: of the coefficients of one signal.
        cells: shape of the map of one signal, which may hold one value for several coefficients.
    """

    def __init__(self, length: int, channels: int) -> None:
        self.length = length
        self.shape: tuple[int, ...] = (length // 2 + 1, channels)
        self.cells = self.shape

    @cached_property
    def frequencies(self) -> NDArray[np.float64]:
        """The frequency of each bin, in cycles per sample: (F,)."""
        return np.asarray(np.fft.rfftfreq(self.length), np.float64)

    def forward(self, x: NDArray[Any]) -> NDArray[np.complex64]:
        """Return the coefficients of signals."""
        return _to_bins(x, 1)

    def inverse(self, z: NDArray[np.complexfloating[Any, Any]]) -> NDArray[np.float32]:
        """Return the signals of coefficients. Imaginary parts at frequency 0 and at half the rate have no effect."""
        return _from_bins(z, 1, self.length)

    def adjoint(self, gradient: NDArray[Any]) -> NDArray[np.complex64]:
        """Return the gradient with respect to the coefficients, from that with respect to the signals."""
        return _to_bins(gradient, 1)

    def spread(self, cells: NDArray[Any]) -> NDArray[Any]:
        """Return values of the cells of a map, (..., *cells) or with one channel, for each coefficient."""
        return cells

    def gather(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the sums of values of coefficients, (N, *shape), over the cells of a map: (N, *cells)."""
        return values


class BandTransform(FourierTransform):
    """The DFT with a map of one value for each band of frequencies.

    Every bin belongs to exactly one band. So the signal is the sum of its band-passed parts, and a band is kept or
    replaced as a whole.

    Args:
        length, channels: as for `FourierTransform`.
        bands: their number; they get as many bins as possible alike.

    Raises:
        InputError: more bands than bins.
    """

    def __init__(self, length: int, channels: int, bands: int) -> None:
        super().__init__(length, channels)
        bins = self.shape[0]
        if bands > bins:
            raise InputError.unexpected("bands", f"{bands} for {length} samples", f"at most the {bins} frequencies")
        self.cells = (bands, channels)
        self.band_of_bin = np.arange(bins) * bands // bins

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """The first frequency of each band, and the end of the last, in cycles per sample: (bands + 1,)."""
        first = np.searchsorted(self.band_of_bin, np.arange(self.cells[0]))
        return np.append(self.frequencies[first], 0.5)

    def spread(self, cells: NDArray[Any]) -> NDArray[Any]:
        return np.take(cells, self.band_of_bin, axis=-2)

    def gather(self, values: NDArray[Any]) -> NDArray[Any]:
        first = np.searchsorted(self.band_of_bin, np.arange(self.cells[0]))
        return np.add.reduceat(values, first, axis=1)


class ShortTimeTransform:
    """The DFT of overlapping frames: (N, time, channels) to (N, frame // 2 + 1, frames, channels).

    The window is Hann's, periodic; frames begin at every half of their length, the first of them half a frame before
    the signal, so that the windows sum to 1 at every sample. The inverse adds the frames up, without another window: it
    is exact for the coefficients of a signal (Griffin and Lim 1984, with no window in the synthesis).

    Args:
        length, channels: of a signal.
        frame: samples of a frame, an even number.

    Raises:
        InputError: an odd number, or a frame longer than the signal.
    """

    def __init__(self, length: int, channels: int, frame: int) -> None:
        if frame % 2 or frame > length:
            raise InputError.unexpected("frame", f"{frame} samples", f"an even number, at most the signal's {length}")
        self.length, self.frame, self.hop = length, frame, frame // 2
        self.frames = -(-length // self.hop) + 1
        self.shape: tuple[int, ...] = (frame // 2 + 1, self.frames, channels)
        self.cells = self.shape
        self._window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)).astype(np.float32)

    @cached_property
    def frequencies(self) -> NDArray[np.float64]:
        """The frequency of each bin, in cycles per sample."""
        return np.asarray(np.fft.rfftfreq(self.frame), np.float64)

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """The sample at the centre of each frame."""
        return np.arange(self.frames, dtype=np.float64) * self.hop

    def forward(self, x: NDArray[Any]) -> NDArray[np.complex64]:
        """Return the coefficients of signals."""
        return _to_bins(self._framed(x) * self._window[:, np.newaxis, np.newaxis], 1)

    def inverse(self, z: NDArray[np.complexfloating[Any, Any]]) -> NDArray[np.float32]:
        """Return the sum of the frames of coefficients."""
        frames = np.moveaxis(_from_bins(z, 1, self.frame), 1, 2)  # (N, frames, frame, channels)
        n, channels = len(z), z.shape[-1]
        whole = np.zeros((n, self.frames + 1, self.hop, channels), np.float32)
        whole[:, :-1] += frames[:, :, : self.hop]
        whole[:, 1:] += frames[:, :, self.hop :]
        flat = whole.reshape(n, -1, channels)
        return np.ascontiguousarray(flat[:, self.hop : self.hop + self.length])

    def adjoint(self, gradient: NDArray[Any]) -> NDArray[np.complex64]:
        """Return the gradient with respect to the coefficients, from that with respect to the signals."""
        return _to_bins(self._framed(gradient), 1)

    def spread(self, cells: NDArray[Any]) -> NDArray[Any]:
        """Return the cells: each coefficient has its own."""
        return cells

    def gather(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values: each coefficient has its own cell."""
        return values

    def _framed(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return overlapping frames, with zeros outside of the signals: (N, frame, frames, channels)."""
        after = (self.frames + 1) * self.hop - self.hop - self.length
        padded = np.pad(x, ((0, 0), (self.hop, after), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.frame, axis=1)[:, :: self.hop]
        return np.moveaxis(windows, -1, 1)


Transform = FourierTransform | ShortTimeTransform


def _to_bins(x: NDArray[Any], axis: int) -> NDArray[np.complex64]:
    """Return the orthonormal DFT of real values along an axis."""
    bins = np.fft.rfft(x, axis=axis, norm="ortho")
    return np.asarray(bins * _weights(x.shape[axis], axis, bins.ndim), np.complex64)


def _from_bins(z: NDArray[Any], axis: int, length: int) -> NDArray[np.float32]:
    """Return the real values of an orthonormal DFT along an axis."""
    values = np.fft.irfft(z / _weights(length, axis, z.ndim), n=length, axis=axis, norm="ortho")
    return np.asarray(values, np.float32)


def _weights(length: int, axis: int, ndim: int) -> NDArray[np.float32]:
    """Return √2 for bins that stand for two frequencies, else 1, along an axis of an array with `ndim` axes."""
    weights = np.full(length // 2 + 1, np.sqrt(2), np.float32)
    weights[0] = 1
    if length % 2 == 0:
        weights[-1] = 1
    return weights.reshape(-1, *(1,) * (ndim - 1 - axis))
