"""Figure of chosen parameters: every variant of each method with a sweep, and what choosing gained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pellucid import plugins, tables
from pellucid.compare.tuned import BETTER, WORSE
from pellucid.draw import style
from pellucid.draw.shared.heading import over_groups

_DEFAULT, _CHOSEN, _OTHER = style.PALETTE[1], style.PALETTE[0], style.QUIET


def draw(*, title: str, score: str, table: Path | str, pictures: Sequence[Path | str]) -> None:
    """Draw the means of all variants, and the gain of the chosen one of each method with its interval.

    Args:
        title: of the experiment.
        score: name of the score by which variants were chosen.
        table: what `compare.tuned` wrote.
        pictures: one path per format.
    """
    rows = tables.read(table)
    methods = list(rows.groupby("method", sort=False))
    name = plugins.spec("score", score).metric(str(rows["metric"].iloc[0])).title
    better = "higher is better →" if rows["better"].iloc[0] == "higher" else "← lower is better"
    with style.styled():
        height = 1.7 + sum(0.19 * len(of_method) + 0.16 for _, of_method in methods)
        figure = style.new(9.6, height)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1), sharey=True)
        place = 0.0
        ticks, labels = [], []
        for _, of_method in methods:
            start = place
            for row in of_method.to_dict("records"):
                _variant(left, row, place)
                ticks.append(place)
                labels.append(str(row["explanation"]))
                place += 1
            _gain(right, of_method.iloc[0], (start + place - 1) / 2)
            place += 0.8
            for axes in (left, right):
                axes.axhline(place - 0.9, color="#eef1f4", linewidth=0.8, zorder=0)
        left.set_yticks(ticks, labels, fontsize=7.5)
        left.set_ylim(place - 1.0, -0.8)
        left.set_xlabel(f"{name}, mean over the scored examples\n{better}", fontsize=8)
        right.set_xlabel("gain over the defaults on the other half\n(positive: the chosen one is better)", fontsize=8)
        right.axvline(0, color=style.INK, linewidth=0.9)
        for axes in (left, right):
            axes.tick_params(axis="y", length=0)
            axes.tick_params(axis="x", labelsize=7)
        for colour, marker, text in ((_DEFAULT, "s", "the method's defaults"), (_CHOSEN, "o", "chosen")):
            left.plot([], [], marker, color=colour, markerfacecolor="none" if marker == "s" else colour, label=text)
        figure.legend(loc="outside lower left", ncols=2, fontsize=8)
        origins = f"; {of_groups}" if (of_groups := over_groups(rows)) else ""
        heading = f"{title}\nparameters chosen by one half of the examples{origins}"
        figure.suptitle(heading, x=0.01, ha="left", fontsize=10)
        style.save(figure, *pictures)


def _variant(axes: Axes, row: Mapping[str, Any], place: float) -> None:
    """Draw the mean of one variant."""
    colour = _CHOSEN if row["is chosen"] else _OTHER
    axes.plot(row["mean"], place, "o", color=colour, markersize=6 if row["is chosen"] else 4)
    if row["is default"]:
        axes.plot(row["mean"], place, "s", color=_DEFAULT, markerfacecolor="none", markersize=9)


def _gain(axes: Axes, row: pd.Series, place: float) -> None:
    """Draw the gain of one method with its interval, and what is shown by it."""
    verdict = str(row["verdict"])
    colour = _CHOSEN if verdict == BETTER else _DEFAULT if verdict == WORSE else style.QUIET
    if np.isfinite(row["low"]):
        axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
    axes.plot(row["gain"], place, "D", color=colour, markersize=5)
    axes.annotate(
        f"{verdict} ({int(row['examples'])} examples)",
        # What was not judged has no gain, and is told all the same.
        (row["gain"] if np.isfinite(row["gain"]) else 0, place),
        (0, 6),
        textcoords="offset points",
        ha="center",
        fontsize=7,
    )
