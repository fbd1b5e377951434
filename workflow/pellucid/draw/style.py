"""Shared drawing code: style, colours, saving, and attributions on a signal, a multichannel series or an image."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pellucid import files
from pellucid.draw.shared import fonts
from pellucid.user_text import in_figure, names_in_figure, readable

Array = NDArray[np.float32]

# Okabe & Ito's palette: distinct for every common kind of colour vision.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
INK = "#1f2933"
QUIET = "#8a949e"
# Where nothing was measured: paler than any value.
UNMEASURED = "#eef0f2"

# Both begin at a grey that is seen on white, and darken evenly: what matters is darkest, with or without colour.
_LOW = "#d3d8de"
SEQUENTIAL = LinearSegmentedColormap.from_list("pellucid", [_LOW, "#f3a33c", "#cf3a2b", "#3d0f4a"])
DIVERGING = LinearSegmentedColormap.from_list("pellucid_signed", ["#08306b", "#3b86c4", _LOW, "#e0662f", "#67000d"])

STYLE: dict[str, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=PALETTE),
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    # The same picture gives the same bytes.
    "svg.hashsalt": "pellucid",
    "svg.fonttype": "none",
}


def new(width: float, height: float) -> Figure:
    """An empty figure in the project's style; sizes in inches."""
    with mpl.rc_context(STYLE):
        return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, *paths: Path | str) -> None:
    """Write a figure once per path; the suffix chooses the format. All its texts are drawn as they are written."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        fit(figure)
        # Which letters no font has is told by `fit`, once.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        # The layout is most of the work: it is found once, and not again for every format.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for path in paths:
            metadata = {"Date": None} if str(path).endswith(".svg") else {}
            files.write(path, partial(figure.savefig, metadata=metadata))


def fit(figure: Figure) -> None:
    """Choose fonts that have all letters of a figure, and break the lines of its heading that are wider than it."""
    fonts.fit(figure)
    width, lines = figure.get_figwidth(), figure.get_suptitle().split("\n")
    # A letter of 10 points is a thirteenth of an inch wide.
    if max(map(len, lines)) > 14 * width:
        folded = "\n".join(textwrap.fill(line, int(12.5 * width)) for line in lines)
        next(text for text in figure.texts if text.get_text() == figure.get_suptitle()).set_text(folded)


def data_info(path: Path | str) -> dict[str, Any]:
    """What `data.json` says, as `shown`."""
    return shown(files.read_json(path))


def shown(told: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `data.json`, with its names and its unit as a figure shows them."""
    classes = names_in_figure(told["classes"])
    shown = dict(zip(told["classes"], classes, strict=True))
    counts = {
        part: {shown.get(name, name): count for name, count in numbers.items()}
        for part, numbers in told.get("counts", {}).items()
    }
    fit = {"classes": classes, "counts": counts, "notes": [readable(note) for note in told.get("notes", ())]}
    if "channels" in told:
        fit["channels"] = names_in_figure(told["channels"])
    if "unit" in told:
        fit["unit"] = in_figure(str(told["unit"]))
    return {**told, **fit}


def styled() -> Any:
    """A context in which axes get the project's style."""
    return mpl.rc_context(STYLE)


@dataclass(frozen=True)
class Scale:
    """One colour scale for all panels of a figure."""

    colours: Colormap
    norm: Normalize
    extend: str

    @classmethod
    def of(cls, values: Array, signed: bool) -> Scale:
        """A scale up to the 99.5th percentile of the size of `values`, so that one spike does not pale all the rest.

        NaN, where nothing was measured, does not count.
        """
        size = np.abs(values[np.isfinite(values)])
        top = float(np.percentile(size, 99.5)) or float(size.max()) or 1.0
        extend = "neither" if size.max() <= top else ("both" if signed else "max")
        return cls(DIVERGING if signed else SEQUENTIAL, Normalize(-top if signed else 0.0, top), extend)

    def bar(self, figure: Figure, axes: Any, label: str) -> None:
        """Draw the colour bar beside `axes`."""
        mappable = mpl.cm.ScalarMappable(self.norm, self.colours)
        bar = figure.colorbar(mappable, ax=axes, extend=self.extend, shrink=0.6, aspect=30, pad=0.015)
        bar.set_label(label)
        bar.outline.set_visible(False)

    def bar_in(self, figure: Figure, axes: Axes, label: str) -> None:
        """Draw the colour bar into axes of its own."""
        bar = figure.colorbar(mpl.cm.ScalarMappable(self.norm, self.colours), cax=axes, extend=self.extend)
        bar.set_label(label, fontsize=8)
        bar.ax.tick_params(labelsize=7)
        bar.outline.set_visible(False)


def coloured_line(axes: Axes, time: NDArray[np.float64], signal: Array, attribution: Array, scale: Scale) -> None:
    """A signal (time,) drawn as a line that takes the colour of its attribution (time,); grey where that is NaN."""
    axes.add_collection(coloured_segments(time, signal, attribution, scale, 1.9))
    shade_unmeasured(axes, time, np.isnan(attribution))
    axes.set_xlim(*span(time))
    low, high = float(np.nanmin(signal)), float(np.nanmax(signal))
    margin = 0.08 * (high - low or 1.0)
    axes.set_ylim(low - margin, high + margin)


def coloured_segments(
    x: NDArray[np.float64], y: NDArray[Any], attribution: Array, scale: Scale, width: float
) -> LineCollection:
    """A line through points x, y (time,) that takes the colour of their attribution (time,); width in points.

    Where the attribution is NaN there is no line.
    """
    points = np.column_stack([x, y])
    # Each segment runs from one midpoint to the next and so belongs to one sample.
    middles = (points[:-1] + points[1:]) / 2
    begin = np.vstack([points[:1], middles])
    end = np.vstack([middles, points[-1:]])
    segments = np.stack([begin, points, end], axis=1)
    # The strong ones are drawn last, on top of the weak.
    order = np.argsort(np.abs(attribution), kind="stable")
    order = order[np.isfinite(attribution[order])]
    lines = LineCollection(
        list(segments[order]), cmap=scale.colours, norm=scale.norm, linewidths=width, capstyle="round"
    )
    lines.set_array(attribution[order])
    return lines


def unmeasured_as_nan(values: Array, measured: NDArray[np.bool_] | None) -> Array:
    """Values with NaN where nothing was measured, which figures leave grey; as they are where all was."""
    return values if measured is None else np.where(measured, values, np.float32(np.nan))


def largest_range(series: Array) -> Array:
    """The largest range of each channel of series (N, time, channels), above 0: (channels,)."""
    present = np.isfinite(series)
    low, high = (np.where(present, series, end) for end in (np.float32(np.inf), np.float32(-np.inf)))
    reach: Array = np.maximum((high.max(1) - low.min(1)).max(0), np.float32(1e-12))
    return reach


def span(time: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of a time axis; of one sample, around it."""
    return (float(time[0]), float(time[-1])) if len(time) > 1 else (float(time[0]) - 0.5, float(time[0]) + 0.5)


def shade_unmeasured(axes: Axes, time: NDArray[np.float64], absent: NDArray[np.bool_]) -> None:
    """Grey over the samples (time,) that are absent."""
    half = (time[1] - time[0]) / 2 if len(time) > 1 else 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[False], absent, [False]]).astype(np.int8)))
    for first, last in zip(edges[::2], edges[1::2] - 1, strict=True):
        axes.axvspan(time[first] - half, time[last] + half, color=UNMEASURED, linewidth=0)


def stacked_series(
    axes: Axes, time: NDArray[np.float64], series: Array, channels: Sequence[str], spread: Array
) -> None:
    """Channels (time, channels) as lines one under the other, each centred and divided by `spread` (channels,)."""
    for index in range(series.shape[1]):
        # A channel of which nothing was measured has no line.
        if np.isnan(series[:, index]).all():
            continue
        line = (series[:, index] - np.nanmean(series[:, index])) / spread[index]
        axes.plot(time, -index + 0.9 * np.clip(line, -0.6, 0.6), color=INK, linewidth=0.8)
    axes.set_xlim(*span(time))
    axes.set_ylim(-series.shape[1] + 0.3, 0.7)
    channel_ticks(axes, channels, [-index for index in range(series.shape[1])])


def channel_map(
    axes: Axes, time: NDArray[np.float64], attribution: Array, channels: Sequence[str], scale: Scale
) -> None:
    """Attribution (time, channels) as an image with one row per channel, first channel on top; grey where it is NaN."""
    axes.set_facecolor(UNMEASURED)
    step = (time[-1] - time[0]) / max(len(time) - 1, 1)
    extent = (time[0] - step / 2, time[-1] + step / 2, attribution.shape[1] - 0.5, -0.5)
    axes.imshow(
        attribution.T, cmap=scale.colours, norm=scale.norm, aspect="auto", extent=extent, interpolation="nearest"
    )
    channel_ticks(axes, channels, list(range(attribution.shape[1])))


def channel_ticks(axes: Axes, channels: Sequence[str], positions: Sequence[float]) -> None:
    """Channel names on the y axis; every so many where all would not fit."""
    step = -(-len(channels) // 12)
    axes.set_yticks(positions[::step], list(channels)[::step], fontsize=7)
    axes.tick_params(axis="y", length=0)


def image(axes: Axes, pixels: Array) -> None:
    """An image (height, width, 1 or 3) in grey, ink dark on white, or in colour."""
    if pixels.shape[-1] == 3:
        low, high = float(pixels.min()), float(pixels.max())
        axes.imshow((pixels - low) / (high - low or 1.0), interpolation="nearest")
    else:
        axes.imshow(pixels[..., 0], cmap="gray_r", interpolation="nearest")
    bare(axes)


def heat_over_image(axes: Axes, pixels: Array, attribution: Array, scale: Scale) -> None:
    """Attribution (height, width) in colour over an image (height, width, channels) in pale grey."""
    axes.imshow(1 - 0.55 * ink(pixels), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    colours = scale.colours(scale.norm(attribution))
    # Weak attributions let the image through; the image gives place, the colour gives strength.
    strength = np.abs(attribution) / scale.norm.vmax
    colours[..., 3] = np.clip(0.25 + 0.65 * strength, 0, 0.9)
    axes.imshow(colours, interpolation="nearest")
    bare(axes)


def ink(pixels: Array) -> Array:
    """How dark an image (height, width, channels) is at each place, 0 to 1: grey ones are dark where they are high."""
    grey = pixels.mean(-1)
    low, high = float(grey.min()), float(grey.max())
    share: Array = (grey - low) / (high - low or 1.0)
    return share if pixels.shape[-1] == 1 else 1 - share


def bare(axes: Axes) -> None:
    """No ticks, and a thin frame."""
    # Axes without ticks are still measured by the layout; a rectangle is not.
    axes.set_axis_off()
    axes.add_patch(
        Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor=QUIET, linewidth=0.5, clip_on=False)
    )


def label_time(axes: Any, label: str) -> None:
    """Label the lowest axes of each column that are shown: a class may have fewer examples than the others."""
    for column in axes.T:
        if shown := [one for one in column if one.get_visible()]:
            shown[-1].set_xlabel(label)
            shown[-1].tick_params(labelbottom=True)


def time_axis(n: int, sampling_rate: float | None) -> tuple[NDArray[np.float64], str]:
    """The time of each of `n` samples, and the axis label: seconds where the rate is known, else sample numbers."""
    if sampling_rate:
        return np.arange(n) / sampling_rate, "time (s)"
    return np.arange(n, dtype=np.float64), "sample"
