"""Changes of the training examples that leave their class as it is, drawn anew for every example in every epoch.

One function per transformation: a batch (N, *shape), a generator and its strength in; a batch of the same shape and
type out. Each draws from a stream of its own, so that turning one on leaves the draws of the others as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import seeds
from pellucid.config.training import active_augmentations
from pellucid.errors import InputError
from pellucid.messages import format_shape

Array = NDArray[np.float32]

# Places at which the speed of a warped series is drawn: few, so that it changes slowly.
_KNOTS = 6


def time_warp(x: Array, rng: np.random.Generator, strength: float) -> Array:
    """Let the time of series (N, time, channels) run faster and slower by up to `strength`, from the first sample to
    the last: speeds at a few knots, linear between them, and the values interpolated linearly.

    Source: time warping of Um et al. 2017, arXiv:1706.00527, with linear pieces in place of a spline, so that time
    never runs backwards.
    """
    count, time = x.shape[:2]
    if time < 2:
        return x
    speeds = 1 + strength * rng.uniform(-1, 1, (count, _KNOTS))
    knot, part = _below(np.linspace(0, _KNOTS - 1, time - 1), _KNOTS)
    steps = speeds[:, knot] * (1 - part) + speeds[:, knot + 1] * part
    place = np.concatenate([np.zeros((count, 1)), steps.cumsum(1)], axis=1)
    low, part = _below(place * ((time - 1) / place[:, -1:]), time)
    rows, part = np.arange(count)[:, None], part[..., None].astype(x.dtype)
    warped: Array = x[rows, low] * (1 - part) + x[rows, low + 1] * part
    return warped


def rotation(x: Array, rng: np.random.Generator, degrees: float) -> Array:
    """Turn images (N, height, width, channels) about their middle by up to `degrees` either way: bilinear, and the
    values of the edge beyond it."""
    count, height, width = x.shape[:3]
    angle = np.deg2rad(rng.uniform(-degrees, degrees, count))[:, None, None]
    y, z = np.mgrid[:height, :width].astype(np.float64)
    y, z = y - (height - 1) / 2, z - (width - 1) / 2
    # Where each pixel comes from: the turn the other way. LazyRows count downwards, so this turns counter-clockwise.
    row = np.cos(angle) * y + np.sin(angle) * z + (height - 1) / 2
    column = np.cos(angle) * z - np.sin(angle) * y + (width - 1) / 2
    top, down = _below(np.clip(row, 0, height - 1), height)
    left, right = _below(np.clip(column, 0, width - 1), width)
    one, down, right = np.arange(count)[:, None, None], down[..., None], right[..., None]
    upper = x[one, top, left] * (1 - right) + x[one, top, left + 1] * right
    lower = x[one, top + 1, left] * (1 - right) + x[one, top + 1, left + 1] * right
    turned: Array = (upper * (1 - down) + lower * down).astype(x.dtype)
    return turned


def flip(x: Array, rng: np.random.Generator, axes: str) -> Array:
    """Mirror every other image (N, height, width, channels): left and right (horizontal), top and bottom (vertical), or
    each by itself (both)."""
    for name, axis in (("vertical", 1), ("horizontal", 2)):
        if axes in (name, "both"):
            chosen = rng.random(len(x)) < 0.5
            x = np.where(chosen[:, None, None, None], np.flip(x, axis), x)
    return x


def shift(x: Array, rng: np.random.Generator, most: int) -> Array:
    """Move series or images by up to `most` samples (pixels) either way along every axis but the channels'; what comes
    in repeats the value at the edge."""
    for axis in range(1, x.ndim - 1):
        moved = rng.integers(-most, most + 1, (len(x), 1))
        source = np.clip(np.arange(x.shape[axis]) - moved, 0, x.shape[axis] - 1)
        place = [1] * x.ndim
        place[0], place[axis] = source.shape
        x = np.take_along_axis(x, source.reshape(place), axis)
    return x


def scale(x: Array, rng: np.random.Generator, strength: float) -> Array:
    """Multiply each series (N, time, channels) by one factor from 1 - `strength` to 1 + `strength`."""
    factor: Array = rng.uniform(1 - strength, 1 + strength, (len(x), 1, 1)).astype(x.dtype)
    return x * factor


def brightness(x: Array, rng: np.random.Generator, strength: float) -> Array:
    """Add to each image (N, height, width, channels) one number, up to `strength` of its own range either way. Values
    are not cut off: standardised ones have no limits."""
    reach: Array = np.ptp(x, axis=(1, 2, 3), keepdims=True)
    share: Array = rng.uniform(-strength, strength, (len(x), 1, 1, 1)).astype(x.dtype)
    return x + reach * share


def jitter(x: Array, rng: np.random.Generator, strength: float) -> Array:
    """Add Gaussian noise to series or images, its sd `strength` times that of the example's own channel."""
    spread: Array = x.std(axis=tuple(range(1, x.ndim - 1)), keepdims=True)
    noise: Array = rng.standard_normal(x.shape, np.float32)
    return x + np.float32(strength) * spread * noise


def _below(place: NDArray[np.float64], size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The position below each place from 0 to `size` - 1, so that there is one above, and the share of the latter."""
    low = np.clip(np.floor(place).astype(np.int64), 0, size - 2)
    return low, place - low


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
    """A batch as the network sees it in training, a function of the batch, the settings and (seed, epoch, batch) alone.

    Args:
        x: (N, *shape), left as it is.
        settings: the `augmentation` entry, complete.
        seed: of the experiment.
        epoch: from 0.
        batch: its number in the epoch, from 0.
        measured: of the shape of x; padding and gaps stay as they are, and none of them is moved into the signal.
    """
    if measured is not None:
        whole = augment(_continued(x, measured), settings, seed, epoch, batch)
        return np.where(measured, whole, x)
    for name, strength in active_augmentations(settings).items():
        rng = seeds.generator(seed, "train", "augmentation", name, str(epoch), str(batch))
        x = TRANSFORMATIONS[name](x, rng, strength)
    return x


def _continued(x: Array, measured: NDArray[np.bool_]) -> Array:
    """Series (N, time, channels) with the last measured value before what is missing, at the beginning the first."""
    time = np.arange(x.shape[1])[:, np.newaxis]
    before = np.maximum.accumulate(np.where(measured, time, -1), axis=1)
    first = measured.argmax(1)[:, np.newaxis]
    return np.take_along_axis(x, np.where(before < 0, first, before), axis=1)


def check(settings: Mapping[str, Any], shape: tuple[int, ...]) -> None:
    """Refuse a shift that may leave nothing of an example of `shape`.

    Raises:
        InputError: as said.
    """
    if settings["shift"] >= min(shape[:-1]):
        found = f"{settings['shift']} for examples of shape {format_shape(shape)}"
        raise InputError.unexpected("training.augmentation.shift", found, f"less than {min(shape[:-1])}")
