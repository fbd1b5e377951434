"""Figure of how much the explanations of each method depend on the seed of the training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from pellucid import tables
from pellucid.compare.study_explanations import METRICS
from pellucid.draw import style
from pellucid.draw.shared import rank_cells
from pellucid.score.shared.example_groups import COLUMN

TITLES = {"rank_correlation": "Rank correlation of two trainings", "overlap": "Strongest tenth in common"}
DRAWN = 6  # groups of members: more colours are hard to tell apart


def draw(*, title: str, table: Path | str, pictures: Sequence[Path | str]) -> None:
    """Draw the mean similarity of each method's explanations after two trainings, with its interval.

    Beside it stands the similarity after one training with two seeds of the method.

    Args:
        title: of the study.
        table: what `compare.study_explanations` wrote.
        pictures: one path per format.
    """
    rows = tables.read(table)
    rows["group"] = rows["group"].fillna("")
    groups = list(dict.fromkeys(rows["group"]))
    shown = groups[:DRAWN]
    first = rows[rows["metric"] == next(iter(METRICS))]
    means = first.groupby("explanation", sort=False)["mean"].mean()
    order = list(means.sort_values(ascending=False, na_position="last", kind="stable").index)
    families = dict(zip(rows["explanation"], rows["family"], strict=True))
    with style.styled():
        figure = style.new(9.0, 1.75 + 0.19 * len(order) * max(1.0, 0.6 * len(shown)))
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.06)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, metric in zip(panels, METRICS, strict=True):
            for place, group in enumerate(shown):
                of_group = rows[(rows["metric"] == metric) & (rows["group"] == group)].set_index("explanation")
                lift = 0.24 * (place - (len(shown) - 1) / 2) if len(shown) > 1 else 0.0
                _dots(axes, of_group, order, lift, style.PALETTE[place], families)
            axes.set_title(TITLES[metric], loc="left")
            axes.set_xlabel("1: the same explanation after another training", fontsize=8)
            axes.set_ylim(len(order) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0)
            axes.tick_params(axis="x", labelsize=7)
            axes.grid(axis="y", color="#eef1f4", linewidth=0.8)
            axes.set_axisbelow(True)
        rank_cells.name_rows(panels[0], order, (families[label] for label in order))
        handles, meanings = _legend(rows, shown)
        figure.legend(handles, meanings, fontsize=8, ncols=3, loc="outside lower left")
        left = f" (first {DRAWN} of {len(groups)} groups)" if len(groups) > DRAWN else ""
        heading = f"{title} — explanations and the seed of the training{left}\n{_counts(rows)}"
        figure.suptitle(heading, x=0.01, ha="left", fontsize=10)
        style.save(figure, *pictures)


def _dots(
    axes: Axes, rows: pd.DataFrame, order: Sequence[str], lift: float, colour: str, families: dict[str, Any]
) -> None:
    """Draw a row for each explanation: a dot with a bar over its interval, and a diamond for another seed."""
    for place, label in enumerate(order):
        if label not in rows.index:
            continue
        ink = style.QUIET if families[label] == "control" else colour
        mean, low, high, same_training = rows.loc[label, ["mean", "low", "high", "own seed"]]
        y = place + lift
        axes.plot([low, high], [y, y], color=ink, linewidth=1.6, alpha=0.5, solid_capstyle="butt")
        axes.plot(mean, y, "o", color=ink, markersize=4, zorder=3)
        if np.isfinite(same_training):
            axes.plot(
                same_training, y, "D", color=ink, markersize=4.5, markerfacecolor="none", markeredgewidth=0.9, zorder=2
            )


def _legend(rows: pd.DataFrame, groups: Sequence[str]) -> tuple[list[Line2D], list[str]]:
    """Return the marks and their meanings, and with several groups a mark for each group's colour."""
    mark: dict[str, Any] = {"linestyle": "none", "markersize": 4.5, "color": style.INK}
    handles = [Line2D([], [], marker="o", **mark)]
    texts = [f"another training (bar: 95% interval over {_units(rows)}examples)"]
    if rows["own seed"].notna().any():
        handles.append(Line2D([], [], marker="D", markerfacecolor="none", **mark))
        texts.append("the same training, another seed of the method")
    if len(groups) > 1:
        for place, group in enumerate(groups):
            handles.append(Line2D([], [], marker="o", **{**mark, "color": style.PALETTE[place]}))
            texts.append(group)
    return handles, texts


def _counts(rows: pd.DataFrame) -> str:
    """Return on how many trainings and examples the figure is based."""
    trainings, examples = _span(rows["trainings"]), _span(rows["examples"])
    origins = f" of {_span(rows[COLUMN])} groups (recordings, patients)" if COLUMN in rows else ""
    which = "shown examples" if "of" in rows else "examples"
    return f"{trainings} trainings, {examples} {which}{origins} that two or more of them explain, for the same class"


def _units(rows: pd.DataFrame) -> str:
    return "groups of " if COLUMN in rows else ""


def _span(numbers: pd.Series) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    return str(low) if low == high else f"{low}–{high}"
