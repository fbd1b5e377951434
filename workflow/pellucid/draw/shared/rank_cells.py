"""A table whose cells hold numbers and take the colour of their rank; rows are explanations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from pellucid.draw import style

# From the best rank, dark, to the worst, pale, in one hue.
RANKS = mpl.colors.LinearSegmentedColormap.from_list("pellucid_ranks", ["#0b4a75", "#5b9fc9", "#e8eef3"])


def cells(axes: Axes, share: NDArray[np.float64], texts: Sequence[Sequence[str]]) -> None:
    """Draw cells (rows, columns) in colours from 0, the best, to 1, the worst, with their texts; NaN stays white."""
    axes.imshow(share, cmap=RANKS, norm=Normalize(0, 1), aspect="auto")
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            ink = "white" if share[row, column] < 0.35 else style.INK
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=ink)
    without_frame(axes)


def without_frame(axes: Axes) -> None:
    """Remove the frame and the ticks around a table."""
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def name_rows(axes: Axes, names: Sequence[str], families: Iterable[str]) -> None:
    """Write the names of the rows at the left; those of controls in grey italics."""
    axes.set_yticks(range(len(names)), names, fontsize=8)
    for tick, family in zip(axes.get_yticklabels(), families, strict=True):
        tick.set_fontstyle("italic" if family == "control" else "normal")
        tick.set_color(style.QUIET if family == "control" else style.INK)


def name_columns(axes: Axes, names: Sequence[str]) -> None:
    """Write the names of the columns above them, at an angle."""
    axes.set_xticks(range(len(names)), names, rotation=60, fontsize=7.5)
    axes.xaxis.tick_top()
    for tick in axes.get_xticklabels():
        tick.set_horizontalalignment("left")
        tick.set_rotation_mode("anchor")
    axes.tick_params(length=0)


def lean(names: Sequence[str]) -> float:
    """Return the height in inches that names above columns need."""
    return 0.056 * max(map(len, names), default=0)


def tenths(value: float) -> str:
    """Return one digit after the point, without the 0 before the point and without "−0"."""
    return f"{value:.1f}".replace("-0.0", "0.0").replace("0.", ".")


def short(value: float) -> str:
    """Return a number in about three characters."""
    if not np.isfinite(value):
        return "–"
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.3g}"
    return text.replace("-0.", "−.").replace("0.", ".", 1) if abs(value) < 1 else text.replace("-", "−")
