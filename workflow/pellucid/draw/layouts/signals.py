"""Layout of series with one channel: a row for each class, a coloured line for each example."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.draw import style
from pellucid.draw.layouts import base
from pellucid.draw.shared import coloured_lines, explained_steps

_WIDE, _TALL = 3.1, 1.45  # inches of a panel with its heading
_FOR, _AGAINST = "#d1432c", "#2f7cbf"
_LINE = 0.13  # share of a panel's height that a line of text takes


def draw(sheet: base.Sheet) -> Figure:
    """Return the figure."""
    data_info, arrays = sheet.data_info, sheet.arrays
    figure = style.new(1.2 + _WIDE * sheet.columns, 0.9 + _TALL * len(sheet.rows))
    axes = figure.subplots(len(sheet.rows), sheet.columns, squeeze=False, sharex=True)
    time, label = sheet.along
    for line, row in zip(axes, sheet.rows, strict=True):
        for panel, index in zip(line, row, strict=False):
            signal, scale = arrays["inputs"][index, :, 0], sheet.scales.of(index)
            coloured_lines.coloured_line(panel, time, signal, sheet.maps[index, :, 0], scale)
            _tint(panel, time, sheet.maps[index, :, 0], scale)
            if "truth" in arrays:
                _evidence(panel, time, arrays["truth"][index, :, 0])
            _write(panel, base.folded_note(sheet.scales.note(index), _WIDE - 0.4))
            if "steps" in arrays:
                explained_steps.mark(panel, arrays["steps"], len(time), float(time[1] - time[0]))
            panel.set_title(sheet.heading(index, _WIDE), loc="left")
            panel.tick_params(labelsize=7)
        for panel in line[len(row) :]:
            panel.set_visible(False)
        line[0].set_ylabel(data_info["unit"], fontsize=7)
    style.label_time(axes, label)
    planted = "the frequencies of" if sheet.axis else "the samples with"
    note = f" — bar: {planted} the planted evidence" if "truth" in arrays else ""
    return sheet.finish(figure, axes, note)


def _tint(axes: Axes, time: NDArray[np.float64], attribution: style.Array, scale: style.Scale) -> None:
    """Tint the panel behind the line by the attribution, which would be hard to see where the line is steep."""
    strength = np.clip(np.nan_to_num(attribution / scale.top), -1, 1)
    colours = np.where(strength[:, np.newaxis] < 0, to_rgba(_AGAINST), to_rgba(_FOR))
    colours[:, 3] = 0.4 * np.abs(strength)
    half = (time[-1] - time[0]) / max(len(time) - 1, 1) / 2
    low, high = axes.get_ylim()
    axes.imshow(
        colours[np.newaxis],
        extent=(time[0] - half, time[-1] + half, low, high),
        aspect="auto",
        interpolation="nearest",
        zorder=0,
    )
    axes.set_xlim(*style.span(time))
    axes.set_ylim(low, high)


def _write(axes: Axes, note: str) -> None:
    """Write the note on the panel's scale above the line."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + _LINE * (note.count("\n") + 1) * (high - low))
    axes.text(0.995, 0.99, note, transform=axes.transAxes, ha="right", va="top", linespacing=1.1, **base.NOTE)


def _evidence(axes: Any, time: NDArray[np.float64], truth: NDArray[np.bool_]) -> None:
    """Draw a bar under the signal where the evidence was planted."""
    low, high = axes.get_ylim()
    bottom = low - 0.06 * (high - low)
    axes.fill_between(
        time, bottom - 0.05 * (high - low), bottom, where=truth, color=style.PALETTE[2], linewidth=0, step="mid"
    )
    axes.set_ylim(bottom - 0.07 * (high - low), high)
