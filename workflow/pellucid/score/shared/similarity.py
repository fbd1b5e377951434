"""Similarity of two batches of maps, example by example: of their ranks, their structure, their strongest values.

The functions do not take absolute values. Scores pass absolute maps, since a method may change its sign from one model
to another and still mark the same places (Adebayo et al. 2018, section 4.1). Two constant maps agree fully; a constant
map does not agree with any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pellucid import ranks
from pellucid.ranks import levels
from pellucid.shares import ceil_of

STRONGEST = 0.1  # share of the values that count as the strongest
WINDOW = 7  # of SSIM, samples or pixels along each axis, as in the usual implementation
_C1, _C2 = 0.01**2, 0.03**2  # for a range of 1


def spearman(
    first: NDArray[np.float32], second: NDArray[np.float32], measured: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Return Spearman's rank correlation (`ranks.spearman`) of the measured values of two batches of maps: (N,)."""
    return ranks.spearman(first, second) if measured is None else _each(ranks.spearman, first, second, measured)


def ssim(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    window: int = WINDOW,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return the structural similarity (SSIM) of two batches of maps (N, *axes, channels): (N,), from -1 to 1.

    Each map is divided by its largest absolute value, so that the range is 1 and only the pattern counts. Means,
    variances and covariances are over windows along every axis (of a series: along time), for each channel separately.
    The result is the mean over all windows inside the map and over the channels. Windows in which both maps are flat
    count as similar, so that two sparse maps are similar even if their strong values differ.

    Args:
        first, second: the maps.
        window: odd size along each axis; for smaller maps the largest odd number that fits.
        measured: of the maps' shape; windows with a value that was not measured are left out, unless all have one.

    Source: Wang Z, Bovik AC, Sheikh HR, Simoncelli EP. Image Quality Assessment: From Error Visibility to Structural
    Similarity. IEEE Trans Image Process 13 (2004), equation 13, with uniform windows.
    """
    if measured is not None:
        rows = zip(first, second, measured, strict=True)
        return np.array([_ssim_of_measured(one, two, inside, window) for one, two, inside in rows], np.float64)
    sizes = [min(window, length - (length + 1) % 2) for length in first.shape[1:-1]]
    # One example at a time, since a dozen arrays of the maps' size are needed.
    pairs = zip(first, second, strict=True)
    return np.array([_ssim(_scaled(one), _scaled(two), sizes) for one, two in pairs], np.float64)


def _ssim_of_measured(
    one: NDArray[np.float32], two: NDArray[np.float32], measured: NDArray[np.bool_], window: int
) -> float:
    """Return the SSIM of two maps (*axes, channels), over windows in which all values were measured."""
    axes = range(measured.ndim - 1)
    lines = [np.flatnonzero(measured.any(tuple(set(range(measured.ndim)) - {axis}))) for axis in axes]
    inside = tuple(slice(along[0], along[-1] + 1) if along.size else slice(None) for along in lines)
    sizes = [min(window, length - (length + 1) % 2) for length in measured[inside].shape[:-1]]
    return _ssim(_scaled(one[inside]), _scaled(two[inside]), sizes, measured[inside])


def _ssim(
    one: NDArray[np.float64],
    two: NDArray[np.float64],
    sizes: Sequence[int],
    measured: NDArray[np.bool_] | None = None,
) -> float:
    """Return the SSIM of two maps (*axes, channels) of range 1, over windows of these sizes."""
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
    """Return the share of the strongest values that two batches of maps (N, *shape) have in common: (N,), 0 to 1.

    The strongest values are a share of all values, rounded up, and all values tied with the last of them. The number in
    common is divided by the size of the larger set, so that a constant map agrees with others by chance alone.
    """
    if measured is not None:
        return _each(partial(overlap, share=share), first, second, measured)
    one, two = (_strongest(maps.reshape(len(maps), -1), share) for maps in (first, second))
    number: NDArray[np.float64] = (one & two).sum(1) / np.maximum(one.sum(1), two.sum(1))
    return number


def overlap_of_all(maps: NDArray[np.float32], share: float) -> NDArray[np.float64]:
    """Return the `overlap` of every pair of maps (V, values) of one example: (V, V)."""
    strongest = _strongest(maps, share).astype(np.int64)
    sizes = strongest.sum(1)
    return np.asarray((strongest @ strongest.T) / np.maximum(sizes[:, np.newaxis], sizes), np.float64)


def _each(
    measure: Callable[..., NDArray[np.float64]],
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    measured: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Apply a measure to the measured values of each example: (N,)."""
    rows = zip(first, second, measured, strict=True)
    return np.array(
        [measure(one[np.newaxis, inside], two[np.newaxis, inside])[0] for one, two, inside in rows], np.float64
    )


def _strongest(values: NDArray[np.float32], share: float) -> NDArray[np.bool_]:
    number = max(1, ceil_of(share, values.shape[1]))
    steps = levels(values)
    edge = np.partition(steps, -number, axis=1)[:, -number]
    strongest: NDArray[np.bool_] = steps >= edge[:, np.newaxis]
    return strongest


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Divide a map by its largest absolute value; a map of zeros stays as it is."""
    largest = float(np.abs(values).max())
    return values.astype(np.float64) / (largest if largest > 0 else 1)


# How alike two batches of maps are, by the name of the metric.
MEASURES: dict[str, Callable[..., NDArray[np.float64]]] = {"rank_correlation": spearman, "ssim": ssim}
