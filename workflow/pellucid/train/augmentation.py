"""Change training examples without changing their class, differently for every example in every epoch.

One function per transformation takes a batch (N, *shape), a generator and a strength, and returns a batch of the same
shape and type. Each transformation has its own stream of random numbers, so that turning one on does not change the
draws of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import seeds
from pellucid.config.training_checks import active_augmentations
from pellucid.errors import InputError
from pellucid.messages import format_shape

Array = NDArray[np.float32]

# Times at which the speed of a warped series is drawn: few, so that it changes slowly.
_KNOTS = 6


def time_warp(x: Array, rng: np.random.Generator, strength: float) -> Array:
    """Let the time of series (N, time, channels) run faster or slower by up to `strength`.

    Speeds are drawn at a few knots and interpolated linearly, and so are the values. The first and the last sample
    stay in place.

    Source: time warping of Um et al. 2017, arXiv:1706.00527, with linear pieces instead of a spline, so that time
    never runs backwards.
    """
    count, time = x.shape[:2]
    if time < 2:
        return x
    speeds = 1 + strength * rng.uniform(-1, 1, (count, _KNOTS))
    knot, weight = _below(np.linspace(0, _KNOTS - 1, time - 1), _KNOTS)
    steps = speeds[:, knot] * (1 - weight) + speeds[:, knot + 1] * weight
    times = np.concatenate([np.zeros((count, 1)), steps.cumsum(1)], axis=1)
    low, weight = _below(times * ((time - 1) / times[:, -1:]), time)
    rows, weight = np.arange(count)[:, None], weight[..., None].astype(x.dtype)
    warped: Array = x[rows, low] * (1 - weight) + x[rows, low + 1] * weight
    return warped


def rotation(x: Array, rng: np.random.Generator, degrees: float) -> Array:
    """Rotate images (N, height, width, channels) about their middle by up to `degrees` in both directions.

    Interpolation is bilinear; outside of the image the values of its edge are repeated.
    """
    count, height, width = x.shape[:3]
    angle = np.deg2rad(rng.uniform(-degrees, degrees, count))[:, None, None]
    y, z = np.mgrid[:height, :width].astype(np.float64)
    y, z = y - (height - 1) / 2, z - (width - 1) / 2
    # Each pixel comes from the inverse rotation. Rows count downwards, so the rotation is counter-clockwise.
    row = np.cos(angle) * y + np.sin(angle) * z + (height - 1) / 2
    column = np.cos(angle) * z - np.sin(angle) * y + (width - 1) / 2
    top, down = _below(np.clip(row, 0, height - 1), height)
    left, right = _below(np.clip(column, 0, width - 1), width)
    image, down, right = np.arange(count)[:, None, None], down[..., None], right[..., None]
    upper = x[image, top, left] * (1 - right) + x[image, top, left + 1] * right
    lower = x[image, top + 1, left] * (1 - right) + x[image, top + 1, left + 1] * right
    rotated: Array = (upper * (1 - down) + lower * down).astype(x.dtype)
    return rotated


def flip(x: Array, rng: np.random.Generator, axes: str) -> Array:
    """Mirror images (N, height, width, channels), each with probability 1/2.

    `axes` is horizontal (left and right are exchanged), vertical (top and bottom) or both (independently).
    """
    for name, axis in (("vertical", 1), ("horizontal", 2)):
        if axes in (name, "both"):
            mirrored = rng.random(len(x)) < 0.5
            x = np.where(mirrored[:, None, None, None], np.flip(x, axis), x)
    return x


def shift(x: Array, rng: np.random.Generator, most: int) -> Array:
    """Shift series or images by up to `most` samples (pixels) in both directions along every axis but the channels'.

    Values that enter at an edge repeat the value there.
    """
    for axis in range(1, x.ndim - 1):
        shifts = rng.integers(-most, most + 1, (len(x), 1))
        source = np.clip(np.arange(x.shape[axis]) - shifts, 0, x.shape[axis] - 1)
        shape = [1] * x.ndim
        shape[0], shape[axis] = source.shape
        x = np.take_along_axis(x, source.reshape(shape), axis)
    return x


def scale(x: Array, rng: np.random.Generator, strength: float) -> Array:
    """Multiply each series (N, time, channels) by a factor from 1 - `strength` to 1 + `strength`."""
    factor: Array = rng.uniform(1 - strength, 1 + strength, (len(x), 1, 1)).astype(x.dtype)
    return x * factor


def brightness(x: Array, rng: np.random.Generator, strength: float) -> Array:
    """Add a number of up to ±`strength` times its range to each image (N, height, width, channels).

    Values are not clipped, because standardised values have no limits.
    """
    width: Array = np.ptp(x, axis=(1, 2, 3), keepdims=True)
    share: Array = rng.uniform(-strength, strength, (len(x), 1, 1, 1)).astype(x.dtype)
    return x + width * share


def jitter(x: Array, rng: np.random.Generator, strength: float) -> Array:
    """Add Gaussian noise to series or images; its sd is `strength` times that of the example's channel."""
    spread: Array = x.std(axis=tuple(range(1, x.ndim - 1)), keepdims=True)
    noise: Array = rng.standard_normal(x.shape, np.float32)
    return x + np.float32(strength) * spread * noise


def _below(positions: NDArray[np.float64], size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the grid point below each position from 0 to `size` - 1, and the weight of the grid point above it."""
    low = np.clip(np.floor(positions).astype(np.int64), 0, size - 2)
    return low, positions - low


TRANSFORMATIONS: dict[str, Callable[[Array, np.random.Generator, Any], Array]] = {
    "time_warp": time_warp,
    "rotation": rotation,
    "flip": flip,
    "shift": shift,
    "scale": scale,
    "brightness": brightness,
    "jitter": jitter,
}


def augment(
    x: Array,
    settings: Mapping[str, Any],
    seed: int,
    epoch: int,
    batch: int,
    measured: NDArray[np.bool_] | None = None,
) -> Array:
    """Return a batch as the network sees it in training; it depends on the arguments alone.

    Args:
        x: (N, *shape), not changed.
        settings: the `augmentation` entry, complete.
        seed: of the experiment.
        epoch: from 0.
        batch: number of the batch in the epoch, from 0.
        measured: of the shape of x; padding and gaps stay unchanged, and are not moved into the signal.
    """
    if measured is not None:
        augmented = augment(_continued(x, measured), settings, seed, epoch, batch)
        return np.where(measured, augmented, x)
    for name, strength in active_augmentations(settings).items():
        rng = seeds.generator(seed, "train", "augmentation", name, str(epoch), str(batch))
        x = TRANSFORMATIONS[name](x, rng, strength)
    return x


def _continued(x: Array, measured: NDArray[np.bool_]) -> Array:
    """Fill missing values of series (N, time, channels) with the last measured value, at the beginning the first."""
    time = np.arange(x.shape[1])[:, np.newaxis]
    before = np.maximum.accumulate(np.where(measured, time, -1), axis=1)
    first = measured.argmax(1)[:, np.newaxis]
    return np.take_along_axis(x, np.where(before < 0, first, before), axis=1)


def check(settings: Mapping[str, Any], shape: tuple[int, ...]) -> None:
    """Refuse a shift that may move all of an example of `shape` out.

    Raises:
        InputError: the shift is not shorter than every axis.
    """
    # Numbers (numbers,), which no augmentation is for, have no axis to shift along.
    if shape[:-1] and settings["shift"] >= min(shape[:-1]):
        found = f"{settings['shift']} for examples of shape {format_shape(shape)}"
        raise InputError.unexpected("training.augmentation.shift", found, f"less than {min(shape[:-1])}")
