"""Maps of a layer over time as heat rows, with each unit at the middle of its receptive field."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pellucid.draw import style

Array = NDArray[np.float32]


def units_at(field: NDArray[np.int64], whole: bool, units: int, length: int) -> tuple[float, float]:
    """Return where the first unit lies on an input of `length` samples, and the distance to the next, in samples.

    Args:
        field: (4,) size, jump, start and number of units.
        whole: whether every unit sees the whole input. Such units have no place; they are spread evenly over the input.
        units: number of units.
        length: of the input.
    """
    size, jump, start, _ = (int(value) for value in field)
    if whole:
        return (length / units - 1) / 2, length / units
    return start + (size - 1) / 2, float(jump)


def draw(
    axes: Axes,
    maps: Array,
    place: tuple[float, float],
    step: float,
    scale: style.Scale,
    labels: Sequence[str],
) -> None:
    """Draw maps (rows, units), the first on top.

    Args:
        axes: whose x axis is the input's time.
        maps: one row per filter.
        place: what `units_at` returned.
        step: time from one sample of the input to the next.
        scale: of the colours.
        labels: of the rows.
    """
    first, jump = place
    left, right = first - jump / 2, first + (maps.shape[1] - 0.5) * jump
    limits = axes.get_xlim()
    axes.imshow(
        maps,
        cmap=scale.colours,
        norm=scale.norm,
        aspect="auto",
        interpolation="nearest",
        extent=(left * step, right * step, len(maps) - 0.5, -0.5),
    )
    axes.set_xlim(limits)
    axes.set_yticks(range(len(maps)), list(labels), fontsize=7)
    axes.tick_params(axis="y", length=0, pad=2)


def bracket(axes: Axes, first: float, last: float) -> None:
    """Mark a part of the input: tint it, and draw a bracket above it."""
    low, high = axes.get_ylim()
    at, tick = high + 0.06 * (high - low), 0.05 * (high - low)
    axes.axvspan(first, last, color=style.PALETTE[2], alpha=0.16, linewidth=0)
    axes.plot(
        [first, first, last, last],
        [at - tick, at, at, at - tick],
        color=style.PALETTE[2],
        linewidth=1.6,
        solid_joinstyle="miter",
        clip_on=False,
    )
    axes.set_ylim(low, high + 0.1 * (high - low))
