"""Layout of electrocardiograms with 12 leads: the attribution is the colour behind each trace.

A recording of some 10 s in mV is drawn as the clinical sheet: three rows of four leads, 2.5 s of each, and lead II over
the whole time below them. A map of all leads over the whole time follows, since the sheet alone would hide three
quarters of the attributions. All other recordings are drawn in two columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.layouts import base, channels
from pellucid.draw.shared import coloured_lines
from pellucid.ecg_leads import LEADS

RHYTHM = "II"
_SECONDS = (8.0, 12.5)  # shortest and longest recording that fits a sheet
_MM = 0.6 / 25.4  # inches of a millimetre of ECG paper: the figure is smaller than paper
_MM_PER_SECOND, _MM_PER_MV = 25.0, 10.0
_LABEL = 0.5  # mV above the traces of a row: room for the name of the lead
_LEFT = 0.45  # seconds at the left of the traces: room for the pulse of 1 mV
_GRID = {"minor": "#f8e9e9", "major": "#efcfd0"}
_MOST_MV = 4.0  # above or below a baseline: a larger artefact overlaps the next rows
_MAP = 1.1  # inches of the map of all leads
_WIDE = 6.3  # inches of an example


def is_ecg(data_info: DataInfo) -> bool:
    """Return whether the channels are the 12 leads, in any order."""
    return data_info["kind"] == "series" and sorted(map(lead_name, data_info["channels"])) == sorted(LEADS)


def colours(signed: bool) -> Colormap:
    """Return the colours of all figures, but transparent for weak attributions: the trace itself is black."""
    opaque = style.DIVERGING if signed else style.SEQUENTIAL
    places = np.linspace(0, 1, 65)
    faded = opaque(places)
    faded[:, 3] = np.clip(2.5 * (np.abs(2 * places - 1) if signed else places), 0, 1)
    shades = LinearSegmentedColormap.from_list("pellucid_on_paper", [tuple(colour) for colour in faded])
    return shades.with_extremes(bad=style.UNMEASURED)


@dataclass(frozen=True)
class _Piece:
    """A part of a lead: which seconds of it, and where it lies on the sheet, in rows and in seconds."""

    lead: str
    row: int
    left: float
    begin: float
    end: float


@dataclass(frozen=True)
class _Paper:
    """The sheet of the examples of one class.

    Attributes:
        pieces: the parts of leads.
        seconds: length of a row.
        clinical: whether it is the clinical sheet.
        in_mv: whether the values are millivolts.
        tops, bottoms: height of each row above and below its baseline, in the data's unit.
        label: height of the names of the leads, in the data's unit.
        height: inches of one unit of the data.
    """

    pieces: Sequence[_Piece]
    seconds: float
    clinical: bool
    in_mv: bool
    tops: NDArray[np.float64]
    bottoms: NDArray[np.float64]
    label: float
    height: float

    @property
    def baselines(self) -> NDArray[np.float64]:
        """The height of each row's baseline; the first row begins at 0 and the others lie below."""
        rows = self.tops + self.bottoms + self.label
        places: NDArray[np.float64] = -np.cumsum(rows) + self.bottoms
        return places

    @property
    def depth(self) -> float:
        """The height of all rows, in the data's unit."""
        return float((self.tops + self.bottoms + self.label).sum())


def draw(sheet: base.Sheet) -> Figure:
    """Return the figure."""
    time, label = style.time_axis(sheet.arrays["inputs"].shape[1], sheet.data_info["sampling_rate_hz"])
    papers = [_paper(sheet.data_info, sheet.arrays["inputs"][row], time) for row in sheet.rows]
    below = papers[0].clinical and sheet.per_channel
    heights = [inches for paper in papers for inches in (paper.height * paper.depth, *([_MAP] if below else []))]
    around = (0.95 if below else 0.5) * len(papers)
    figure = style.new(1.3 + _WIDE * sheet.columns, 0.9 + sum(heights) + around)
    axes = figure.subplots(len(heights), sheet.columns, squeeze=False, height_ratios=heights)
    each = len(heights) // len(papers)
    for line, row in enumerate(sheet.rows):
        for column in range(sheet.columns):
            panels = axes[each * line : each * (line + 1), column]
            if column >= len(row):
                for panel in panels:
                    panel.set_visible(False)
                continue
            index = int(row[column])
            _example(panels[0], sheet, index, papers[line], time)
            note = base.folded_note(sheet.scales.note(index), _WIDE - 0.5)
            panels[-1].set_title(note, loc="right", pad=2, **base.NOTE)
            if below:
                _whole(panels[1], sheet, index, time)
    for panel in axes[-1]:
        panel.set_xlabel(label if below or not papers[0].clinical else "", fontsize=8)
    return sheet.finish(figure, axes, _note(papers[0], sheet))


def _paper(data_info: DataInfo, inputs: style.Array, time: NDArray[np.float64]) -> _Paper:
    """Return the sheet for the examples of a class, with rows as high as their traces."""
    rate = data_info["sampling_rate_hz"]
    in_mv = str(data_info["unit"]).strip().casefold() in ("mv", "millivolt", "millivolts")
    length = len(time) / rate if rate else float(len(time))
    clinical = bool(in_mv and rate and _SECONDS[0] <= length <= _SECONDS[1])
    pieces = _clinical(length) if clinical else _two_columns(length)
    leads = [lead_name(name) for name in data_info["channels"]]
    centred = _centred(inputs)
    rows = max(piece.row for piece in pieces) + 1
    tops, bottoms = np.zeros(rows), np.zeros(rows)
    for piece in pieces:
        values = centred[:, (time >= piece.begin) & (time <= piece.end), leads.index(piece.lead)]
        values = values[np.isfinite(values)]
        tops[piece.row] = max(tops[piece.row], values.max(initial=0))
        bottoms[piece.row] = max(bottoms[piece.row], -values.min(initial=0))
    if clinical:
        tops, bottoms = np.clip(tops, 0.6, _MOST_MV), np.clip(bottoms, 0.3, _MOST_MV)
        return _Paper(pieces, length, True, in_mv, tops, bottoms, _LABEL, _MM_PER_MV * _MM)
    unit = float((tops + bottoms).mean()) or 1.0
    seconds = max(piece.left + piece.end - piece.begin for piece in pieces)
    return _Paper(pieces, seconds, False, in_mv, tops, bottoms, 0.35 * unit, 0.4 / unit)


def _centred(inputs: style.Array) -> NDArray[np.float64]:
    """Return the inputs (N, time, leads) less the median of each lead; NaN (nothing measured) stays."""
    measured = np.where(np.isnan(inputs).all(1, keepdims=True), 0, inputs)
    centred: NDArray[np.float64] = inputs - np.nanmedian(measured, axis=1, keepdims=True).astype(np.float64)
    return centred


def _clinical(length: float) -> list[_Piece]:
    """Return the pieces of three rows of four leads, and of the rhythm strip."""
    quarter = length / 4
    pieces = [
        _Piece(lead, place % 3, quarter * (place // 3), quarter * (place // 3), quarter * (place // 3 + 1))
        for place, lead in enumerate(LEADS)
    ]
    return [*pieces, _Piece(RHYTHM, 3, 0.0, 0.0, length)]


def _two_columns(length: float) -> list[_Piece]:
    """Return the pieces of two columns: limb leads at the left, chest leads at the right, each over the whole time."""
    return [_Piece(lead, place % 6, 1.06 * length * (place // 6), 0.0, length) for place, lead in enumerate(LEADS)]


def _example(axes: Axes, sheet: base.Sheet, index: int, paper: _Paper, time: NDArray[np.float64]) -> None:
    """Draw one example: the grid, the traces on their colours, and the names of the leads as the data spell them."""
    left = -_LEFT if paper.clinical else 0.0
    axes.set_xlim(left, paper.seconds)
    axes.set_ylim(-paper.depth, 0)
    if paper.clinical:
        axes.set_aspect(_MM_PER_MV / _MM_PER_SECOND, anchor="SW")
        _grid(axes, paper, left)
    names = sheet.data_info["channels"]
    leads = [lead_name(name) for name in names]
    scale, centred = sheet.scales.of(index), _centred(sheet.arrays["inputs"][[index]])[0]
    for piece in paper.pieces:
        channel = leads.index(piece.lead)
        within = (time >= piece.begin) & (time <= piece.end)
        x = time[within] - piece.begin + piece.left
        baseline = paper.baselines[piece.row]
        y = centred[within, channel] + baseline
        attribution = sheet.maps[index, within, channel if sheet.per_channel else 0]
        inches = _WIDE * (piece.end - piece.begin) / paper.seconds
        axes.add_collection(_highlight(x, y, attribution, scale, inches))
        axes.plot(x, y, color="#111820", linewidth=0.65, zorder=3)
        low, high = baseline - paper.bottoms[piece.row], baseline + paper.tops[piece.row]
        if (absent := np.isnan(y)).any():
            axes.fill_between(x, low, high, where=absent, color=style.UNMEASURED, step="mid", linewidth=0, zorder=1)
        left, top = piece.left + 0.006 * paper.seconds, high + 0.95 * paper.label
        axes.text(left, top, names[channel], fontsize=7, va="top", zorder=4)
    if paper.clinical:
        axes.set_axis_off()
    else:
        axes.set_yticks([])
        _time_ticks(axes, paper)
    axes.set_title(sheet.heading(index, _WIDE), loc="left")


def _highlight(
    x: NDArray[np.float64], y: NDArray[np.float64], attribution: style.Array, scale: style.Scale, inches: float
) -> LineCollection:
    """Return a broad line in the colours of the attribution, which is drawn behind the trace."""
    lines = coloured_lines.coloured_segments(x, y, attribution, scale, 4.0, inches)
    lines.set_zorder(2)
    lines.set_capstyle("butt")
    # Tens of thousands of separate segments would make an SVG of many megabytes.
    lines.set_rasterized(True)
    return lines


def _grid(axes: Axes, paper: _Paper, left: float) -> None:
    """Draw the grid of ECG paper, and the pulse of 1 mV before each row."""
    for which, seconds, mv, width in (("minor", 0.04, 0.1, 0.25), ("major", 0.2, 0.5, 0.5)):
        look: dict[str, Any] = {"color": _GRID[which], "linewidth": width, "zorder": 0}
        axes.vlines(
            np.arange(np.ceil(left / seconds), paper.seconds / seconds + 1e-6) * seconds, -paper.depth, 0, **look
        )
        axes.hlines(-np.arange(0, paper.depth, mv), left, paper.seconds, **look)
    for baseline in paper.baselines:
        pulse = [(-0.35, 0), (-0.3, 0), (-0.3, 1), (-0.1, 1), (-0.1, 0), (-0.05, 0)]
        axes.plot([x for x, _ in pulse], [baseline + y for _, y in pulse], color="#111820", linewidth=0.65)


def _time_ticks(axes: Axes, paper: _Paper) -> None:
    """Draw the ticks of both columns, each from 0."""
    length = paper.pieces[0].end
    steps = np.array(
        [places for places in axes.xaxis.get_major_locator().tick_values(0, length) if 0 <= places <= length]
    )
    places = [start + step for start in sorted({piece.left for piece in paper.pieces}) for step in steps]
    axes.set_xticks(places, [f"{step:g}" for step in steps] * (len(places) // len(steps)), fontsize=7)


def _whole(axes: Axes, sheet: base.Sheet, index: int, time: NDArray[np.float64]) -> None:
    """Draw the attribution of every lead over the whole time, in the clinical order."""
    leads = [lead_name(name) for name in sheet.data_info["channels"]]
    order = [leads.index(lead) for lead in LEADS]
    names = [sheet.data_info["channels"][channel] for channel in order]
    style.channel_map(axes, time, sheet.maps[index][:, order], names, sheet.scales.of(index))
    axes.set_facecolor("white")
    axes.set_yticks(range(len(names)), names, fontsize=5.5)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlim(time[0] - _LEFT, time[-1])
    if "truth" in sheet.arrays:
        channels.frame(axes, time, sheet.arrays["truth"][index][:, order])


def _note(paper: _Paper, sheet: base.Sheet) -> str:
    """Return what the caption says about the sheet."""
    if not paper.clinical:
        return "\nleft: limb leads, right: chest leads, from their medians and on one scale; colour: attribution"
    note = "\n25 mm/s, 10 mm/mV: a large square is 0.2 s and 0.5 mV; each lead from its median; colour: attribution"
    return f"{note}; below: all leads over the whole time" if sheet.per_channel else note


def lead_name(name: str) -> str:
    """Return the usual spelling of a lead's name; a name that is no lead's stays as it is."""
    spellings = {lead.casefold(): lead for lead in LEADS}
    return spellings.get(name.strip().casefold().removeprefix("lead").strip(" _-"), name)
