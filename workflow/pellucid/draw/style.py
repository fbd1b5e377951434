"""What all figures share: style, colours, saving, and attributions on a signal or a series of several channels."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files
from pellucid.data_info import DataInfo
from pellucid.draw.shared import file_size, fonts
from pellucid.user_text import in_figure, names_in_figure, readable

Array = NDArray[np.float32]

# Okabe & Ito's palette: distinct for every common kind of colour vision.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
INK = "#1f2933"
QUIET = "#8a949e"
# The colour where nothing was measured: paler than the colour of any value.
UNMEASURED = "#eef0f2"

# Both begin at a grey that is visible on white and become evenly darker: strong values are darkest, also in grey print.
_LOW = "#d3d8de"
SEQUENTIAL = LinearSegmentedColormap.from_list("pellucid", [_LOW, "#f3a33c", "#cf3a2b", "#3d0f4a"])
DIVERGING = LinearSegmentedColormap.from_list("pellucid_signed", ["#08306b", "#3b86c4", _LOW, "#e0662f", "#67000d"])
# The largest value is a spike if it is more than this many times the 99.5th percentile.
_SPIKE = 1.5

STYLE: dict[str, Any] = {
    # The layout is made at the resolution of the file: at another one, letters are wider and would be cut off.
    "figure.dpi": 150,
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
    # The same figure gives the same bytes.
    "svg.hashsalt": "pellucid",
    "svg.fonttype": "none",
}


def new(width: float, height: float) -> Figure:
    """Return an empty figure in the project's style; sizes are in inches."""
    with mpl.rc_context(STYLE):
        return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, *paths: Path | str) -> None:
    """Write a figure to each path, in the format of its suffix. No text is read as a formula."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        fit(figure)
        # `fit` reports, once, the letters that no font has.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        lay_out(figure)
        many = file_size.as_pixels(figure)
        for path in paths:
            metadata = {"Date": None} if str(path).endswith(".svg") else {}
            files.write(path, partial(_save, figure, metadata, many))


def _save(figure: Figure, metadata: dict[str, Any], many: bool, path: Path) -> None:
    if many and path.suffix == ".png":
        file_size.write_with_palette(figure, path)
        return
    figure.savefig(path, metadata=metadata)
    file_size.shrink(path)


def lay_out(figure: Figure) -> None:
    """Compute the layout of a figure once, without drawing it, and fix it for every format."""
    # A figure of words alone has no axes to lay out, of which matplotlib would warn.
    if figure.axes and (engine := figure.get_layout_engine()):
        engine.execute(figure)
    # With "none" instead of None, `savefig` would draw everything once more before it writes.
    figure.set_layout_engine(None)


def fit(figure: Figure) -> None:
    """Choose fonts that have all letters of a figure, and break lines of its heading that are wider than the figure."""
    fonts.fit(figure)
    width, lines = figure.get_figwidth(), figure.get_suptitle().split("\n")
    # A letter of 10 points is a thirteenth of an inch wide.
    if max(map(len, lines)) > 14 * width:
        folded = "\n".join(textwrap.fill(line, int(12.5 * width)) for line in lines)
        next(text for text in figure.texts if text.get_text() == figure.get_suptitle()).set_text(folded)


def data_info(path: Path | str) -> DataInfo:
    """Return the content of `data.json` as figures show it (`shown`)."""
    return shown(files.read_json(path))


def shown(content: DataInfo) -> DataInfo:
    """Return the content of `data.json`, with its names and its unit as figures show them."""
    classes = names_in_figure(content["classes"])
    new_names = dict(zip(content["classes"], classes, strict=True))
    counts = {
        split: {new_names.get(name, name): count for name, count in numbers.items()}
        for split, numbers in content.get("counts", {}).items()
    }
    changed = {"classes": classes, "counts": counts, "notes": [readable(note) for note in content.get("notes", ())]}
    if "channels" in content:
        changed["channels"] = names_in_figure(content["channels"])
    if "units" in content:
        changed["units"] = [in_figure(str(unit)) for unit in content["units"]]
    if "unit" in content:
        changed["unit"] = in_figure(str(content["unit"]))
    return cast("DataInfo", {**content, **changed})


def styled() -> Any:
    """Return a context in which axes get the project's style."""
    return mpl.rc_context(STYLE)


@dataclass(frozen=True)
class Scale:
    """A colour scale, of one panel or of several."""

    colours: Colormap
    norm: Normalize
    extend: str

    @classmethod
    def of(cls, values: Array, signed: bool, colours: Colormap | None = None) -> Scale:
        """Return a scale up to the largest absolute value; up to the 99.5th percentile if a spike would pale the rest.

        NaN, which stands where nothing was measured, is ignored.
        """
        size = np.abs(values[np.isfinite(values)])
        largest = float(size.max()) if size.size else 0.0
        top = float(np.percentile(size, 99.5)) if size.size else 0.0
        top = (top if largest > _SPIKE * top > 0 else largest) or 1.0
        extend = "neither" if largest <= top else ("both" if signed else "max")
        return cls(colours or (DIVERGING if signed else SEQUENTIAL), Normalize(-top if signed else 0.0, top), extend)

    @property
    def top(self) -> float:
        """The value at which the colours end."""
        return float(self.norm.vmax or 1)

    def bar(self, figure: Figure, axes: Any, label: str) -> None:
        """Draw the colour bar beside `axes`."""
        bar = colour_bar(figure, axes, mpl.cm.ScalarMappable(self.norm, self.colours), self.extend)
        bar.set_label(beside(figure, label))
        bar.outline.set_visible(False)

    def bar_in(self, figure: Figure, axes: Axes, label: str) -> None:
        """Draw the colour bar into axes of its own."""
        bar = figure.colorbar(mpl.cm.ScalarMappable(self.norm, self.colours), cax=axes, extend=self.extend)
        bar.set_label(label, fontsize=8)
        bar.ax.tick_params(labelsize=7)
        bar.outline.set_visible(False)


def colour_bar(figure: Figure, axes: Any, shades: mpl.cm.ScalarMappable, extend: str = "neither") -> Any:
    """Draw a colour bar beside `axes`, at most five inches high."""
    shrink = min(0.6, 5 / figure.get_figheight())
    return figure.colorbar(shades, ax=axes, extend=extend, shrink=shrink, aspect=30, pad=0.015)


def beside(figure: Figure, label: str) -> str:
    """Return the label of a colour bar in as many lines as it needs beside a low figure."""
    # A letter is about a thirteenth of an inch wide, and the bar seldom stands in the middle of the figure.
    return textwrap.fill(label, max(16, int(10 * figure.get_figheight())))


def unmeasured_as_nan(values: Array, measured: NDArray[np.bool_] | None) -> Array:
    """Return values with NaN, which figures leave grey, where nothing was measured (None: all was measured)."""
    return values if measured is None else np.where(measured, values, np.float32(np.nan))


def largest_range(series: Array) -> Array:
    """Return the largest range of each channel of series (N, time, channels), never 0: (channels,)."""
    present = np.isfinite(series)
    low, high = (np.where(present, series, end) for end in (np.float32(np.inf), np.float32(-np.inf)))
    reach: Array = np.maximum((high.max(1) - low.min(1)).max(0), np.float32(1e-12))
    return reach


def span(time: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of a time axis; of a single sample, half a sample before and behind it."""
    return (float(time[0]), float(time[-1])) if len(time) > 1 else (float(time[0]) - 0.5, float(time[0]) + 0.5)


def shade_unmeasured(axes: Axes, time: NDArray[np.float64], absent: NDArray[np.bool_]) -> None:
    """Draw grey over the samples (time,) that are absent."""
    half = (time[1] - time[0]) / 2 if len(time) > 1 else 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[False], absent, [False]]).astype(np.int8)))
    for first, last in zip(edges[::2], edges[1::2] - 1, strict=True):
        axes.axvspan(time[first] - half, time[last] + half, color=UNMEASURED, linewidth=0)


def stacked_series(
    axes: Axes, time: NDArray[np.float64], series: Array, channels: Sequence[str], spread: Array
) -> None:
    """Draw channels (time, channels) as lines below each other, each centred and divided by `spread` (channels,)."""
    for index in range(series.shape[1]):
        # A channel without a measured value has no line.
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
    """Draw an attribution (time, channels) as an image, a row for each channel, the first on top; grey for NaN."""
    axes.set_facecolor(UNMEASURED)
    step = (time[-1] - time[0]) / max(len(time) - 1, 1)
    extent = (time[0] - step / 2, time[-1] + step / 2, attribution.shape[1] - 0.5, -0.5)
    axes.imshow(
        attribution.T, cmap=scale.colours, norm=scale.norm, aspect="auto", extent=extent, interpolation="nearest"
    )
    channel_ticks(axes, channels, list(range(attribution.shape[1])))


def channel_ticks(axes: Axes, channels: Sequence[str], positions: Sequence[float]) -> None:
    """Write channel names on the y axis: all, or every second, third, … of many."""
    step = -(-len(channels) // 12)
    axes.set_yticks(positions[::step], list(channels)[::step], fontsize=7)
    axes.tick_params(axis="y", length=0)


def label_time(axes: Any, label: str) -> None:
    """Label the lowest visible axes of each column: some classes have fewer examples than others."""
    for column in axes.T:
        if visible := [panel for panel in column if panel.get_visible()]:
            visible[-1].set_xlabel(label)
            visible[-1].tick_params(labelbottom=True)


def time_axis(n: int, sampling_rate: float | None) -> tuple[NDArray[np.float64], str]:
    """Return the time of each of `n` samples and the axis label: seconds if the rate is known, else sample numbers."""
    if sampling_rate:
        return np.arange(n) / sampling_rate, "time (s)"
    return np.arange(n, dtype=np.float64), "sample"
