"""Cut examples into segments: slices of a series (equal, of one length, between change points) or parts of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.explain.shared import domains
from pellucid.explain.shared.change_points import change_points
from pellucid.network.signal_transforms import BandTransform

# A slice of a series is about as long as occlusion's window; an image gets RISE's grid of 7 × 7.
_SAMPLES, _FEWEST, _MOST, _SIDE = 15, 7, 20, 7

Segments = Annotated[
    Annotated[int, Field(ge=2, le=100_000)] | Literal["auto"],
    Field(
        description="number of segments of an example, or of each of its channels (for an image: about so many). "
        "auto: slices of about 15 samples (7 to 20 slices), or 7 × 7 parts of an image, each at least two pixels a "
        "side"
    ),
]
Partition = Annotated[
    Literal["grid", "superpixels", "change_points", "windows"],
    Field(
        description="how segments are cut. grid: equal slices or blocks. superpixels (only images): they follow the "
        "content, by SLIC. change_points (only series): slices that end where the level changes, found by ruptures in "
        "each channel or in all together; above 1,000 samples their ends are exact to within a few samples. windows: "
        "slices or squares of the size `window`, as many as cover the example"
    ),
]
Window = Annotated[
    int,
    Field(
        ge=1,
        le=1_000_000,
        description="for windows: their size in samples, or pixels a side; the last one of an axis may be smaller",
    ),
]
Compactness = Annotated[
    float,
    Field(
        gt=0,
        le=1_000_000,
        description="for superpixels: a higher value makes them squarer; a lower value lets them follow the values, "
        "which are scaled to [0, 1]",
    ),
]
Channels = Annotated[
    Literal["each", "together"],
    Field(
        description="each: every channel has segments of its own. together: a segment covers all channels, which "
        "gives one map for all"
    ),
]


def segmentation_in(
    space: domains.Space, inputs: NDArray[np.float32], *, segments: int | str, **options: Any
) -> NDArray[np.int32]:
    """Return the segments of the map of a domain: (N or 1, *cells); in time those of the inputs (`segmentation`).

    With `auto` each band is a segment of its own.

    Args:
        space: of the domain.
        inputs: (N, *input_shape).
        segments, options: as for `segmentation`.
    """
    if space.transform is None:
        return segmentation(inputs, segments=segments, **options)
    if segments == "auto" and isinstance(space.transform, BandTransform):
        segments = space.cells[0]
    # A grid depends on the shape alone.
    return segmentation(np.empty((1, *space.cells), np.float32), segments=segments, **options)


def segmentation(
    inputs: NDArray[np.float32],
    *,
    segments: int | str = "auto",
    partition: str = "grid",
    compactness: float = 0.1,
    window: int = 15,
    channels: str = "each",
) -> NDArray[np.int32]:
    """Return the number of the segment to which each value belongs, from 0 without a gap.

    Superpixels are those of Achanta et al. (2012), computed by scikit-image; images may get different numbers of them.
    Change points are those of `change_points.change_points`.

    Args:
        inputs: (N, *axes, channels).
        segments, partition, compactness, window, channels: see `Segments` and the types below it.

    Returns:
        (N, *input_shape), or (1, *input_shape) if all examples are cut alike.

    Raises:
        InputError: as of `fits`.
    """
    axes, depth = inputs.shape[1:-1], inputs.shape[-1]
    fits(axes, segments=segments, partition=partition, window=window)
    if partition == "superpixels":
        number = int(np.prod(parts(axes))) if segments == "auto" else int(segments)
        flat = np.stack([_superpixels(image, number, compactness) for image in inputs])
    elif partition == "change_points":
        return _between_change_points(inputs, parts(axes)[0] if segments == "auto" else int(segments), channels)
    elif partition == "windows":
        flat = _numbered([np.arange(length) // window for length in axes])[np.newaxis]
    else:
        flat = _blocks(axes, parts(axes) if segments == "auto" else _sides(int(segments), axes))[np.newaxis]
    if channels == "together":
        return np.repeat(flat[..., np.newaxis], depth, axis=-1)
    counts = flat.reshape(len(flat), -1).max(1).astype(np.int32) + 1
    offsets = np.arange(depth, dtype=np.int32) * counts.reshape(-1, *(1,) * (len(axes) + 1))
    labels: NDArray[np.int32] = flat[..., np.newaxis] + offsets
    return labels


def check(*, partition: str, **others: Any) -> None:
    """Refuse superpixels, change points and windows in another domain than time, whose maps are not over samples.

    Raises:
        InputError: they are asked for.
    """
    if partition == "superpixels":
        domains.require_time(others, "partition superpixels", "superpixels are parts of images")
    if partition == "change_points":
        domains.require_time(others, "partition change_points", "they are places in time")
    if partition == "windows":
        domains.require_time(others, "partition windows", "their size is in samples; segments says how many bands")


def fits(axes: Sequence[int], *, segments: int | str, partition: str, window: int, **others: Any) -> None:
    """Refuse segments into which an example with these axes cannot be cut.

    Raises:
        InputError: superpixels of a series, change points of images, more segments than positions, a number of windows,
            or a window that is as large as the example.
    """
    axes = domains.cell_axes(axes, others)
    if partition == "windows":
        if segments != "auto":
            problem = f"{segments} with partition windows, whose number follows from their size"
            raise InputError.unexpected("segments", problem, "auto, or the partition grid")
        if window >= max(axes):
            expected = f"less than the {max(axes)} positions of an axis, so that there are two windows"
            raise InputError.unexpected("window", f"{window}", expected)
    positions = int(np.prod(axes))
    if segments != "auto" and int(segments) > positions:
        raise InputError.unexpected("segments", f"{segments}", f"at most the {positions} positions of an example")
    if partition == "superpixels" and len(axes) != 2:
        found = f'"superpixels" of examples with {len(axes)} axis'
        raise InputError.unexpected("partition", found, "images, or grid")
    if partition == "change_points" and len(axes) != 1:
        raise InputError.unexpected(
            "partition", f'"change_points" of examples with {len(axes)} axes', "series, or grid"
        )


def parts(axes: Sequence[int]) -> tuple[int, ...]:
    """Return the automatic number of parts of each axis; no part is shorter than two values."""
    slices = min(max(round(axes[0] / _SAMPLES), _FEWEST), _MOST)
    wanted = slices if len(axes) == 1 else _SIDE
    return tuple(max(1, min(wanted, length // 2)) for length in axes)


def by_number(labels: NDArray[np.int32], examples: int) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int32]]]:
    """Group examples by their number of segments: (number, indices of the examples, their labels).

    Args:
        labels: from `segmentation`.
        examples: number of examples, N.
    """
    counts = labels.reshape(len(labels), -1).max(1) + 1
    if len(labels) == 1:
        yield int(counts[0]), np.arange(examples), labels
        return
    for number in np.unique(counts):
        rows = np.flatnonzero(counts == number)
        yield int(number), rows, labels[rows]


def _sides(number: int, axes: Sequence[int]) -> tuple[int, ...]:
    """Return the number of parts along each axis, about `number` blocks in all, with sides as equal as possible."""
    sides: list[int] = []
    for index, length in enumerate(axes):
        share = (number / np.prod(sides)) * length ** (len(axes) - index) / np.prod(axes[index:])
        sides.append(int(np.clip(round(share ** (1 / (len(axes) - index))), 1, length)))
    return tuple(sides)


def _blocks(axes: Sequence[int], sides: Sequence[int]) -> NDArray[np.int32]:
    """Return equal blocks, numbered in the order of the axes: (*axes)."""
    return _numbered([np.arange(length) * side // length for length, side in zip(axes, sides, strict=True)])


def _numbered(along: Sequence[NDArray[np.int64]]) -> NDArray[np.int32]:
    """Return the number of the block of each position: (*axes); `along` has the number of its part on each axis."""
    sides = tuple(int(parts_of_axis[-1]) + 1 for parts_of_axis in along)
    return np.asarray(np.ravel_multi_index(np.meshgrid(*along, indexing="ij"), sides), np.int32)


def _between_change_points(inputs: NDArray[np.float32], number: int, channels: str) -> NDArray[np.int32]:
    """Return the segments of series (N, time, channels) between change points of their own: (N, time, channels)."""
    if channels == "together":
        labels = np.stack([change_points(series, number) for series in inputs])
        return np.repeat(labels[..., np.newaxis], inputs.shape[-1], axis=-1)
    of_each = [[change_points(channel[:, np.newaxis], number) for channel in series.T] for series in inputs]
    first = np.arange(inputs.shape[-1], dtype=np.int32) * number
    return np.asarray(of_each, np.int32).swapaxes(1, 2) + first


def _superpixels(image: NDArray[np.float32], number: int, compactness: float) -> NDArray[np.int32]:
    """Return the superpixels of one image (height, width, channels): (height, width)."""
    from skimage.segmentation import slic

    # The channels need not be red, green and blue, so they are not converted.
    superpixels = slic(
        image, n_segments=number, compactness=compactness, convert2lab=False, channel_axis=-1, start_label=0
    )
    # Merging small superpixels can leave gaps in the numbers.
    labels = np.unique(superpixels, return_inverse=True)[1].reshape(superpixels.shape)
    return labels.astype(np.int32)
