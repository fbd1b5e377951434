"""Mean ranks over several trainings, and bars that join the methods that cannot be told apart."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pellucid import files, tables
from pellucid.draw import style
from pellucid.draw.shared import rank_cells
from pellucid.messages import counted
from pellucid.score.shared.example_groups import COLUMN

DRAWN = 4  # groups of members, one below the other
_WIDTH = 9.0
_ROW = 0.21  # inches
_LETTERS = 118  # of a line of the heading


def draw(*, title: str, table: Path | str, findings: Path | str, pictures: Sequence[Path | str]) -> None:
    """Draw every group: the mean rank of each method with its interval, its possible ranks, and the joining bars.

    Two methods are not told apart if, and only if, one bar has a mark at both.

    Args:
        title: of the study.
        table, findings: what `compare.study_ranking` wrote.
        pictures: one path per format.
    """
    rows, said = tables.read(table), files.read_json(findings)
    rows["group"] = rows["group"].fillna("")
    shown = said[:DRAWN]
    members = [rows[rows["group"] == finding["group"]] for finding in shown]
    headings = [_heading(finding) for finding in shown]
    heights = [
        0.55 + _ROW * max(len(of_group), 1) + 0.17 * heading.count("\n")
        for of_group, heading in zip(members, headings, strict=True)
    ]
    left = f" (first {DRAWN} of {len(said)} groups)" if len(said) > DRAWN else ""
    with style.styled():
        figure = style.new(_WIDTH, 0.9 + sum(heights) + 0.3 * len(shown))
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.06)
        panels = figure.subplots(len(shown), 2, squeeze=False, width_ratios=[2, 1], height_ratios=heights)
        for (ranks, bars), finding, of_group, heading in zip(panels, shown, members, headings, strict=True):
            ranks.set_title(heading, loc="left", fontsize=8)
            if len(of_group):
                _ranks(ranks, of_group)
                _bars(bars, list(of_group["explanation"]), finding["joined"])
            else:
                ranks.set_axis_off()
                bars.set_axis_off()
        figure.suptitle(f"{title} — ranks that hold for other trainings{left}", x=0.01, ha="left", fontsize=10)
        style.save(figure, *pictures)


def _ranks(axes: Axes, rows: pd.DataFrame) -> None:
    """Mean ranks with their intervals, and at the right the lowest and the highest rank that each may have."""
    for place, row in enumerate(rows.to_dict("records")):
        ink = style.QUIET if row["family"] == "control" else style.PALETTE[0]
        axes.plot([row["low"], row["high"]], [place, place], color=ink, linewidth=1.6, alpha=0.5)
        axes.plot(row["mean rank"], place, "o", color=ink, markersize=4, zorder=3)
        lowest, highest = row["lowest rank"], row["highest rank"]
        text = str(lowest) if lowest == highest else f"{lowest}–{highest}"
        axes.text(1.02, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=7.5, color=ink)
    axes.text(1.02, -1, "rank", transform=axes.get_yaxis_transform(), va="center", fontsize=7.5, color=style.INK)
    axes.set_xlim(1 - 0.02 * len(rows), len(rows) * 1.02)
    unit = "groups of examples" if COLUMN in rows and rows[COLUMN].notna().all() else "examples"
    axes.set_xlabel(f"mean rank, 1 is best (line: 95% interval over trainings and {unit})", fontsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(axis="x", labelsize=7)
    axes.grid(axis="y", color="#eef1f4", linewidth=0.8)
    axes.set_axisbelow(True)
    rank_cells.name_rows(axes, list(rows["explanation"]), rows["family"])
    _rows(axes, len(rows))


def _bars(axes: Axes, labels: Sequence[str], joined: Sequence[Sequence[str]]) -> None:
    """One upright bar for each group of methods that are not told apart, with a mark at each of its methods."""
    for column, names in enumerate(joined):
        places = [labels.index(name) for name in names]
        axes.plot([column] * 2, [min(places), max(places)], color=style.INK, linewidth=1.2, alpha=0.45)
        axes.plot([column] * len(places), places, "s", color=style.INK, markersize=4.5)
    axes.set_xlim(-0.8, max(len(joined), 6) - 0.2)
    axes.set_xticks([])
    axes.set_yticks([])
    text = "marks on one bar: not told apart" if joined else "all methods are told apart"
    axes.set_xlabel(text, fontsize=8)
    _rows(axes, len(labels))
    rank_cells.without_frame(axes)


def _rows(axes: Axes, count: int) -> None:
    axes.set_ylim(count - 0.4, -1.4)
    axes.tick_params(axis="y", length=0)


def _heading(finding: Mapping[str, Any]) -> str:
    """What a group rests on, how much its trainings agree, which test was made, and which differences hold."""
    counts = f"{counted(finding['trainings'], 'training')} × {counted(finding['examples'], 'example')}"
    if finding.get(COLUMN):
        counts += f" of {counted(finding[COLUMN], 'group')} (recordings, patients)"
    lines = [f"{finding['group']}: {counts}" if finding["group"] else counts]
    if "kendall_tau" in finding:
        lines[0] += f"; Kendall's τ between the orders of two trainings {finding['kendall_tau']:.2f}"
    if "test" in finding:
        lines.append(f"Test: {finding['test']}, family-wise error 5%")
    lines.append(finding["sentence"])
    return "\n".join(textwrap.fill(line, _LETTERS) for line in lines)
