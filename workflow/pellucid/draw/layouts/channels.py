"""Layout of series with several channels: a row for each class; above the series, below it a map of time × channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.draw import style
from pellucid.draw.layouts import base
from pellucid.draw.shared import explained_steps

_WIDE = 3.6  # inches of a panel
_MOST_LINES = 12  # channels that have a line of their own
_FEW_LINES = 4  # lines if there are more channels
_ROW, _NARROW_ROW = 0.13, 0.085  # inches of a channel in the map
_PAGE = 1.45  # height of a page as a multiple of its width
_NAME_ROW = 0.115  # inches between the names of two channels


@dataclass(frozen=True)
class _Heights:
    """Heights in inches of the panels of an example: the lines, and the map below them."""

    lines: float
    map: float


def draw(sheet: base.Sheet) -> Figure:
    """Return the figure."""
    data_info, inputs = sheet.data_info, sheet.arrays["inputs"]
    channels, spread = data_info["channels"], style.largest_range(inputs)
    heights, width = _heights(sheet), 1.6 + _WIDE * sheet.columns
    figure = style.new(width, 0.9 + (heights.lines + heights.map + 0.55) * len(sheet.rows))
    axes = figure.subplots(
        2 * len(sheet.rows),
        sheet.columns,
        squeeze=False,
        sharex=True,
        height_ratios=[heights.lines, heights.map] * len(sheet.rows),
    )
    # Without this padding, long names at the left edge would be cut off.
    figure.set_layout_engine("constrained", w_pad=0.1)
    time, label = sheet.along
    for line, row in enumerate(sheet.rows):
        above, below = axes[2 * line], axes[2 * line + 1]
        for column, index in enumerate(row):
            lines = _lines(sheet, index, spread)
            names = [channels[channel] for channel in lines]
            style.stacked_series(above[column], time, inputs[index][:, lines], names, spread[lines])
            if "steps" in sheet.arrays:
                explained_steps.mark(above[column], sheet.arrays["steps"], len(time), float(time[1] - time[0]))
            above[column].set_title(sheet.heading(index, _WIDE), loc="left")
            _map(below[column], sheet, index, time, lines, heights.map)
        for panel in (*above[len(row) :], *below[len(row) :]):
            panel.set_visible(False)
    style.label_time(axes, label)
    return sheet.finish(figure, axes, _note(sheet))


def _heights(sheet: base.Sheet) -> _Heights:
    """Return the heights of the panels; maps of many channels are made to fit on one page."""
    count = len(sheet.data_info["channels"])
    lines = 0.45 + _ROW * (count if count <= _MOST_LINES else _FEW_LINES)
    if not sheet.per_channel:
        return _Heights(lines, 0.35)
    if count <= _MOST_LINES:
        return _Heights(lines, lines)
    page = _PAGE * (1.6 + _WIDE * sheet.columns)
    room = (page - 0.9) / len(sheet.rows) - lines - 0.55
    return _Heights(lines, min(max(room, 1.2), _NARROW_ROW * count + 0.2))


def _lines(sheet: base.Sheet, index: int, spread: style.Array) -> NDArray[np.int64]:
    """Return the channels that have a line: all; of many, those with the most attribution or the largest range."""
    count = len(spread)
    if count <= _MOST_LINES:
        return np.arange(count)
    example = sheet.arrays["inputs"][index]
    size = (
        np.nansum(np.abs(sheet.maps[index]), axis=0)
        if sheet.per_channel
        else style.largest_range(example[np.newaxis]) / spread
    )
    return np.sort(np.argsort(-size, kind="stable")[:_FEW_LINES])


def _map(
    axes: Axes,
    sheet: base.Sheet,
    index: int,
    time: NDArray[np.float64],
    lines: NDArray[np.int64],
    height: float,
) -> None:
    """Draw the attribution of every channel, or of all channels together."""
    channels = sheet.data_info["channels"]
    attribution = sheet.maps[index] if sheet.per_channel else sheet.maps[index, :, :1]
    style.channel_map(axes, time, attribution, channels if sheet.per_channel else ["all"], sheet.scales.of(index))
    axes.set_title(base.folded_note(sheet.scales.note(index), _WIDE - 0.5), loc="right", pad=2, **base.NOTE)
    if sheet.per_channel and len(channels) > _MOST_LINES:
        _name_some(axes, channels, lines, height)
    if "truth" in sheet.arrays and sheet.per_channel:
        frame(axes, time, sheet.arrays["truth"][index])


def _name_some(axes: Axes, channels: Sequence[str], lines: NDArray[np.int64], height: float) -> None:
    """Write the names of the channels that have a line, in bold, and of as many others as there is room for."""
    apart = _NAME_ROW * len(channels) / height
    named = list[int]()
    for channel in (*lines, *range(len(channels))):
        if all(abs(channel - other) >= apart for other in named):
            named.append(int(channel))
    named.sort()
    axes.set_yticks(named, [channels[channel] for channel in named], fontsize=6.5)
    for channel, tick in zip(named, axes.get_yticklabels(), strict=True):
        tick.set_fontweight("bold" if channel in lines else "normal")


def _note(sheet: base.Sheet) -> str:
    """Return what the caption says about frames and about the lines of many channels."""
    note, count = "", len(sheet.data_info["channels"])
    if "truth" in sheet.arrays and sheet.per_channel:
        note += " — frame: the cells with the planted evidence"
    if count > _MOST_LINES:
        which = "most attribution" if sheet.per_channel else "the largest range"
        note += f"\nlines: of each example the {_FEW_LINES} of {count} channels with {which}"
        note += "; map: all channels" if sheet.per_channel else ""
    return note


def frame(axes: Any, time: NDArray[np.float64], truth: NDArray[np.bool_]) -> None:
    """Draw a frame around the cells (time, channels) where the evidence was planted."""
    rows = np.repeat(np.pad(truth.T, 1).astype(float), 8, axis=0)
    step = time[1] - time[0]
    across = np.concatenate([[time[0] - step], time, [time[-1] + step]])
    down = np.repeat(np.arange(-1, truth.shape[1] + 1), 8) + np.tile((np.arange(8) + 0.5) / 8 - 0.5, len(rows) // 8)
    limits = axes.get_xlim(), axes.get_ylim()
    drawn = axes.contour(across, down, rows, levels=[0.5], colors=[style.PALETTE[2]], linewidths=1.2)
    # The frame of a cell at the edge lies on the edge: no room is made for it, which would look like padding.
    drawn.set_clip_on(False)
    axes.set(xlim=limits[0], ylim=limits[1])
