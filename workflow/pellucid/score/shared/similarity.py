"""How much two batches of maps agree, example by example: by their ranks, their structure, their strongest values.

Maps are compared as they are; scores hand in absolute ones, since a method may turn its sign over from one model to
another and still mark the same places (Adebayo et al. 2018, section 4.1). Two maps that are both the same everywhere
say the same and agree fully; one such map agrees with no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pellucid import ranks
from pellucid.ranks import levels
from pellucid.shares import ceil_of

WINDOW = 7  # of SSIM, samples or pixels along each axis, as in the usual implementation
_C1, _C2 = 0.01**2, 0.03**2  # for a range of 1


def spearman(
    first: NDArray[np.float32], second: NDArray[np.float32], measured: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Spearman's rank correlation of two batches of maps, as `ranks.spearman` has it, of the measured values alone."""
    return ranks.spearman(first, second) if measured is None else _each(ranks.spearman, first, second, measured)


def ssim(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    window: int = WINDOW,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Structural similarity of two batches of maps (N, *axes, channels): (N,), from -1 to 1.

    Each map is divided by its largest absolute value, so that it is the pattern that counts and the range is 1. Means,
    variances and covariances are those of windows along every axis (of a series: along time), each channel for itself;
    the similarity is the mean over all windows that lie in the map, and over the channels. Where both maps are flat
    they are alike: two maps of a few strong values each agree in all the rest, whatever these values are.

    Args:
        first, second: the maps.
        window: along each axis, odd; for maps that are smaller, the largest odd number that fits.
        measured: of the maps' shape: windows that hold anything else are left out, if there are others.

    Source: Wang Z, Bovik AC, Sheikh HR, Simoncelli EP. Image Quality Assessment: From Error Visibility to Structural
    Similarity. IEEE Trans Image Process 13 (2004), equation 13, with uniform windows.
    """
    if measured is not None:
        rows = zip(first, second, measured, strict=True)
        return np.array([_structural_where(one, two, there, window) for one, two, there in rows], np.float64)
    sizes = [min(window, length - (length + 1) % 2) for length in first.shape[1:-1]]
    # One at a time: there are a dozen arrays of the maps' size on the way.
    pairs = zip(first, second, strict=True)
    return np.array([_structural(_scaled(one), _scaled(two), sizes) for one, two in pairs], np.float64)


def _structural_where(
    one: NDArray[np.float32], two: NDArray[np.float32], measured: NDArray[np.bool_], window: int
) -> float:
    """SSIM of two maps (*axes, channels), by the windows in which all was measured."""
    axes = range(measured.ndim - 1)
    lines = [np.flatnonzero(measured.any(tuple(set(range(measured.ndim)) - {axis}))) for axis in axes]
    inside = tuple(slice(along[0], along[-1] + 1) if along.size else slice(None) for along in lines)
    there = measured[inside]
    sizes = [min(window, length - (length + 1) % 2) for length in there.shape[:-1]]
    return _structural(_scaled(one[inside]), _scaled(two[inside]), sizes, there)


def _structural(
    one: NDArray[np.float64],
    two: NDArray[np.float64],
    sizes: Sequence[int],
    measured: NDArray[np.bool_] | None = None,
) -> float:
    """SSIM of two maps (*axes, channels) of range 1, by windows of these sizes."""
    from scipy.ndimage import uniform_filter

    inside = tuple(slice(size // 2, -(size // 2) or None) for size in sizes)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        filtered: NDArray[np.float64] = uniform_filter(values, (*sizes, 1))[inside]
        return filtered

    count = int(np.prod(sizes))
    unbiased = count / max(count - 1, 1)
    first, second = mean(one), mean(two)
    spreads = unbiased * (mean(one**2) + mean(two**2) - first**2 - second**2)
    covariance = unbiased * (mean(one * two) - first * second)
    luminance = (2 * first * second + _C1) / (first**2 + second**2 + _C1)
    similarity = luminance * (2 * covariance + _C2) / (spreads + _C2)
    if measured is not None:
        whole = mean(measured.astype(np.float64)) > 1 - 0.5 / count
        similarity = similarity[whole] if whole.any() else similarity
    return float(similarity.mean())


def overlap(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    share: float,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Of the strongest values of two batches of maps (N, *shape), the share that is among them in both: (N,), 0 to 1.

    The strongest are a share of all values, rounded up. Those that tie with the last of them count too, and the larger
    of the two sets is the whole: a map that is the same everywhere agrees with another by chance alone.
    """
    if measured is not None:
        return _each(partial(overlap, share=share), first, second, measured)
    one, two = (_strongest(maps.reshape(len(maps), -1), share) for maps in (first, second))
    number: NDArray[np.float64] = (one & two).sum(1) / np.maximum(one.sum(1), two.sum(1))
    return number


def _each(
    measure: Callable[..., NDArray[np.float64]],
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    measured: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """A measure of the measured values of each example alone: (N,)."""
    rows = zip(first, second, measured, strict=True)
    return np.array(
        [measure(one[np.newaxis, there], two[np.newaxis, there])[0] for one, two, there in rows], np.float64
    )


def _strongest(values: NDArray[np.float32], share: float) -> NDArray[np.bool_]:
    number = max(1, ceil_of(share, values.shape[1]))
    steps = levels(values)
    edge = np.partition(steps, -number, axis=1)[:, -number]
    chosen: NDArray[np.bool_] = steps >= edge[:, np.newaxis]
    return chosen


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """A map with a largest absolute value of 1; one of zeros stays."""
    largest = float(np.abs(values).max())
    return values.astype(np.float64) / (largest if largest > 0 else 1)
