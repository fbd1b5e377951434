"""Layout of an input of numbers: a row for each class, and for each example a bar for each number with its value."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.draw import style
from pellucid.draw.layouts import base
from pellucid.draw.shared.panel_scales import short

# Inches of the bars' length, of a bar's height, and of what else a panel has in height.
_WIDE, _BAR, _REST = 2.6, 0.2, 0.85
_VALUE = 11  # letters of a value behind a name
_MOST = 30  # numbers in a panel, those of the largest mean absolute attribution in the figure


def draw(sheet: base.Sheet) -> Figure:
    """Return the figure."""
    maps = sheet.maps[..., 0]
    shown = _largest(maps[np.concatenate(sheet.rows)])
    names = [f"{sheet.data_info['channels'][number]}" for number in shown]
    tall = _REST + _BAR * len(shown)
    wide = _WIDE + base.SMALL_LETTER * (max(map(len, names)) + _VALUE)
    figure = style.new(1.2 + wide * sheet.columns, 0.9 + tall * len(sheet.rows))
    axes = figure.subplots(len(sheet.rows), sheet.columns, squeeze=False)
    for line, row in zip(axes, sheet.rows, strict=True):
        for panel, index in zip(line, row, strict=False):
            values = sheet.arrays["inputs"][index, :, 0]
            labels = [f"{name} = {_number(values[number])}" for name, number in zip(names, shown, strict=True)]
            _bars(panel, maps[index, shown], labels, sheet.scales.of(index), signed=sheet.scales.signed)
            panel.set_title(sheet.heading(index, _WIDE), loc="left")
            panel.set_xlabel(base.folded_note(sheet.scales.note(index), _WIDE), **base.NOTE)
        for panel in line[len(row) :]:
            panel.set_visible(False)
    unit = sheet.data_info["unit"]
    note = f" — beside each name: the value{f' ({unit})' if unit else ''} that the model gets"
    if len(shown) < maps.shape[1]:
        note += f"; {len(shown)} of {maps.shape[1]} numbers, those of the largest attributions"
    return sheet.finish(figure, axes, note)


def _largest(maps: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the numbers that are shown, in their order."""
    if maps.shape[1] <= _MOST:
        return np.arange(maps.shape[1])
    strength = np.nan_to_num(np.abs(maps)).mean(0)
    return np.sort(np.argsort(-strength, kind="stable")[:_MOST])


def _bars(
    axes: Axes, attributions: NDArray[np.float32], labels: list[str], scale: style.Scale, *, signed: bool
) -> None:
    """Draw a horizontal bar for each number, from zero, the first at the top."""
    places = np.arange(len(labels))
    colours = scale.colours(scale.norm(attributions))
    lengths = np.nan_to_num(attributions)
    axes.barh(places, lengths, 0.7, color=colours, edgecolor=style.QUIET, linewidth=0.5, zorder=2)
    axes.axvline(0, color=style.INK, linewidth=0.7, zorder=4)
    axes.set_yticks(places, labels=labels, fontsize=7)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    end = float(np.nanmax(np.abs(attributions), initial=0)) or 1.0
    axes.set_xlim(-1.1 * end if signed else 0, 1.1 * end)
    axes.tick_params(axis="x", labelsize=7)
    axes.locator_params(axis="x", nbins=4)


def _number(value: float) -> str:
    """Return a value in at most four digits."""
    return "–" if math.isnan(value) else short(value) if abs(value) < 100 else f"{value:.4g}".replace("-", "−")
