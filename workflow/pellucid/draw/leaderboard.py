"""Figures of an experiment's leaderboard: a table of ranks; faithfulness against cost, and how the scores agree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pellucid import tables
from pellucid.compare.leaderboard import JUDGING
from pellucid.draw import style
from pellucid.draw.shared import heading, rank_cells
from pellucid.ranks import in_order

_WARNING = 0.4  # inches of the lines that say that a model is no better than chance


def draw(
    *,
    title: str,
    table: Path | str,
    metrics: Path | str,
    ranking: Sequence[Path | str],
    tradeoffs: Sequence[Path | str],
    chance: Path | str | None = None,
    over: str = "",
) -> None:
    """Draw both figures.

    Args:
        title: of the experiment.
        table, metrics: what `leaderboard.run` wrote.
        ranking, tradeoffs: one path per format, of each figure.
        chance: `chance.json` of a model that is no better than chance; the figures then say so.
        over: which examples were scored, in words; "" for those that are shown.
    """
    content, metric_facts = tables.read(table, index="explanation"), tables.read(metrics)
    content["failed checks"] = content["failed checks"].fillna("")
    with style.styled():
        warning = f"\n{at_chance}" if (at_chance := heading.of_chance(chance)) else ""
        of_scores = f"scores over {heading.at_most(metric_facts['examples'], over)}" if over else ""
        if line := "; ".join(filter(None, (of_scores, heading.over_groups(metric_facts)))):
            warning += f"\n{line}"
        style.save(ranking_figure(content, metric_facts, title, warning), *ranking)
        style.save(_tradeoffs(content, metric_facts, title, warning), *tradeoffs)


def shown_metrics(metric_facts: pd.DataFrame) -> pd.DataFrame:
    """Return the metrics that are shown: the first one of each score, if one direction is better."""
    shown = metric_facts[metric_facts["first"] & (metric_facts["better"] != "neither")]
    families = {family: place for place, family in enumerate((*JUDGING, "cost"))}
    return shown.assign(place=shown["family"].map(families)).sort_values("place", kind="stable")


def ranking_figure(content: pd.DataFrame, metric_facts: pd.DataFrame, title: str, warning: str = "") -> Figure:
    """Return the leaderboard as a table of ranks; see `draw`. `warning` is what stands below the title."""
    shown = shown_metrics(metric_facts)
    rows, columns = len(content), len(shown)
    # Inches for the names of the failed checks.
    room = 0.3 + 0.062 * int(content["failed checks"].str.len().max())
    names = [_title(row) for row in shown.itertuples()]
    height = 1.25 + rank_cells.lean(names) + 0.22 * rows + (_WARNING if warning else 0)
    figure = style.new(max(2.6 + 0.52 * columns + room, 8.0), height)
    # Leaning names are drawn a little longer than the layout expects: the padding keeps them off the title.
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.16)
    axes = figure.subplots()
    ranks = content[[f"{metric} rank" for metric in shown["metric"]]].to_numpy()
    # Not every explanation has a rank in every column.
    share = (ranks - 1) / np.maximum(np.isfinite(ranks).sum(0) - 1, 1)
    values = content[[f"{metric} mean" for metric in shown["metric"]]].to_numpy()
    rank_cells.cells(axes, share, [[rank_cells.short(value) for value in row] for row in values])
    labels = [f"{name}  ✗" if failed else name for name, failed in content["failed checks"].items()]
    rank_cells.name_rows(axes, labels, content["family"])
    rank_cells.name_columns(axes, names)
    for column in np.flatnonzero(shown["family"].to_numpy()[1:] != shown["family"].to_numpy()[:-1]):
        axes.axvline(column + 0.5, color="white", linewidth=3)
    for family in dict.fromkeys(shown["family"]):
        places = np.flatnonzero(shown["family"] == family)
        axes.text(places.mean(), rows - 0.3, family, ha="center", va="top", fontsize=8.5, color=style.INK)
    for row, failed in enumerate(content["failed checks"]):
        axes.text(columns - 0.4, row, failed, va="center", fontsize=6.8, color=style.PALETTE[1])
    axes.set_xlim(-0.5, columns + room / 0.52 - 0.5)
    axes.set_ylim(rows + 0.6, -0.5)
    title_lines = f"{title} — leaderboard of this trained model{warning}\nThe darker, the better the rank in the column"
    figure.suptitle(title_lines, x=0.01, ha="left", fontsize=10)
    return figure


def _tradeoffs(content: pd.DataFrame, metric_facts: pd.DataFrame, title: str, warning: str) -> Figure:
    shown = shown_metrics(metric_facts)
    judging = shown[shown["family"].isin(JUDGING)]
    side = 1.8 + 0.36 * len(judging)
    height = max(side, 1.4 + 0.21 * len(content)) + (_WARNING if warning else 0)
    figure = style.new(5.4 + side + 1.4, height)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    left, right = figure.subplots(1, 2, width_ratios=[5.4, side + 0.8])
    faithful = judging.loc[judging["family"] == "faithfulness", "metric"]
    if len(faithful) and "cost.seconds mean" in content:
        _pareto(left, content, [f"{metric} rank" for metric in faithful])
    else:
        left.set_visible(False)
    if len(judging):
        _disagreement(figure, right, content, judging)
    else:
        right.set_visible(False)
    figure.suptitle(f"{title} — trade-offs between the scores{warning}", x=0.01, ha="left", fontsize=10)
    return figure


def _pareto(axes: Any, content: pd.DataFrame, ranks: Sequence[str]) -> None:
    """Draw faithfulness against cost, and a line through the explanations that no other beats in both."""
    seconds, rank = content["cost.seconds mean"].to_numpy(), content[list(ranks)].mean(axis=1).to_numpy()
    content = content[np.isfinite(rank) & np.isfinite(seconds)]
    seconds, rank = (values[np.isfinite(rank) & np.isfinite(seconds)] for values in (seconds, rank))
    if not len(content):
        axes.set_visible(False)
        return
    controls = (content["family"] == "control").to_numpy()
    order = [place for place in in_order(seconds, list(content.index)) if not controls[place]]
    best = np.minimum.accumulate(rank[order])
    # Two means of the same ranks may differ in their last bit.
    front = [place for place, least in zip(order, best, strict=True) if np.isclose(rank[place], least, rtol=1e-9)]
    axes.plot(seconds[front], rank[front], color=style.PALETTE[0], linewidth=1, alpha=0.5, zorder=1)
    colours = np.where(controls, style.QUIET, style.PALETTE[0])
    axes.scatter(seconds, rank, c=colours, s=20, zorder=3)
    axes.set_xscale("log")
    axes.set_xlim(seconds.min() / 1.5, seconds.max() * 1.5)
    axes.invert_yaxis()
    # The names stand in a column at the right, in the order of their points, so that no name covers another.
    low, high = axes.get_ylim()
    places = np.linspace(high, low, len(content) + 2)[1:-1]
    for place, which in zip(places, in_order(rank, list(content.index)), strict=True):
        colour = style.QUIET if controls[which] else (style.PALETTE[0] if which in front else style.INK)
        axes.annotate(
            content.index[which],
            (seconds[which], rank[which]),
            xytext=(1.03, place),
            textcoords=("axes fraction", "data"),
            fontsize=7,
            va="center",
            color=colour,
            # The line begins at the left end of the name: from its middle it would cross the letters.
            arrowprops={
                "arrowstyle": "-",
                "color": "#d5dbe1",
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 2,
                "relpos": (0, 0.5),
            },
            annotation_clip=False,
        )
    axes.set_xlabel("seconds per example")
    axes.set_ylabel("mean rank in faithfulness (best on top)")
    axes.set_title("Faithfulness against cost; line: no other is better in both", loc="left")


def _disagreement(figure: Figure, axes: Any, content: pd.DataFrame, judging: pd.DataFrame) -> None:
    """Draw the rank correlation of the scores over the explanations."""
    ranks = content[[f"{metric} rank" for metric in judging["metric"]]]
    with np.errstate(invalid="ignore"):
        matrix = ranks.corr("spearman").to_numpy()
    size, norm = len(judging), Normalize(-1, 1)
    axes.imshow(matrix, cmap=style.DIVERGING, norm=norm)
    for row in range(size):
        for column in range(size):
            if row != column and np.isfinite(matrix[row, column]):
                text = rank_cells.tenths(matrix[row, column])
                ink = "white" if abs(matrix[row, column]) > 0.6 else style.INK
                axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=ink)
    names = [_title(row) for row in judging.itertuples()]
    axes.set_xticks(range(size), names, rotation=90, fontsize=7)
    axes.set_yticks(range(size), names, fontsize=7)
    rank_cells.without_frame(axes)
    axes.set_title("Rank correlation of the scores\nover all explanations", loc="left")
    # Placed relative to the square: few scores make a small square, and a bar of the figure's height would stick out.
    beside = axes.inset_axes((1.03, 0.2, 0.035, 0.6))
    style.Scale(style.DIVERGING, norm, "neither").bar_in(figure, beside, "")


def _title(row: Any) -> str:
    """Return the title of a metric, with its variant."""
    return f"{row.title} ({row.variant})" if isinstance(row.variant, str) else str(row.title)
