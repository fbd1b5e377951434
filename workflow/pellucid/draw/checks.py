"""Figure of the checks: a row for each explanation, a column for each check, with the number and its limit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pellucid import tables
from pellucid.compare.failed_checks import ABOUT
from pellucid.draw import style
from pellucid.draw.shared import rank_cells
from pellucid.draw.shared.families import FAMILIES, family

FAILED = style.PALETTE[1]
PASSED = "#dbe9f3"


def draw(*, title: str, checks: Path | str, pictures: Sequence[Path | str]) -> None:
    """Draw the table of the checks. A failure has another colour, a cross and bold letters.

    Args:
        title: of the experiment.
        checks: what `compare.checks` wrote.
        pictures: one path per format.
    """
    with style.styled():
        style.save(_figure(tables.read(checks), title), *pictures)


def _figure(table: pd.DataFrame, title: str) -> Figure:
    rows = sorted(dict.fromkeys(table["explanation"]), key=lambda label: FAMILIES.index(family(label)))
    columns = [check for check in ABOUT if check in set(table["check"])]
    results = {(row.explanation, row.check): row for row in table.itertuples()}
    figure = style.new(max(2.4 + 1.15 * len(columns), 8.0), 1.65 + 0.2 * len(rows) + 0.2 * len(columns))
    figure.set_layout_engine("constrained", w_pad=0.12)
    axes = figure.subplots()
    for place, label in enumerate(rows):
        for column, check in enumerate(columns):
            if row := results.get((label, check)):
                _cell(axes, column, place, row)
            else:
                axes.text(column, place, "·", ha="center", va="center", fontsize=8, color=style.QUIET)
    rank_cells.name_rows(axes, rows, map(family, rows))
    limits = {row.check: f"{'≤' if row.sign == '>' else '≥'} {row.limit:g}" for row in table.itertuples()}
    axes.set_xticks(range(len(columns)), [f"{check}\n{limits[check]}" for check in columns], fontsize=8.5)
    axes.xaxis.tick_top()
    rank_cells.without_frame(axes)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    meanings = "\n".join(f"{check}: {ABOUT[check]}" for check in columns)
    axes.text(-0.5, len(rows) - 0.2, meanings, ha="left", va="top", fontsize=7.5, color=style.INK, linespacing=1.4)
    failed = table.loc[~table["passed"], "explanation"].nunique()
    figure.suptitle(
        f"{title} — checks\n{len(rows) - failed} of {len(rows)} explanations pass all their checks; ✗: failed",
        x=0.01, ha="left", fontsize=10,
    )  # fmt: skip
    return figure


def _cell(axes: Any, column: int, place: int, row: Any) -> None:
    """Draw the number of one check on its colour."""
    colour = PASSED if row.passed else FAILED
    axes.add_patch(Rectangle((column - 0.48, place - 0.44), 0.96, 0.88, facecolor=colour, edgecolor="none"))
    text = _short(row.value, row.limit)
    text = text if row.passed else f"✗ {text}"
    ink, weight = (style.INK, "normal") if row.passed else ("white", "bold")
    axes.text(column, place, text, ha="center", va="center", fontsize=7.5, color=ink, fontweight=weight)


def _short(value: float, limit: float) -> str:
    """Return a number with two digits after the point, or four if it is below 0.01 or would look equal to its limit."""
    if abs(value) < 0.001:
        return "< 0.001" if value else "0"
    near = abs(value) < 0.01 or (value != limit and round(value, 2) == round(limit, 2))
    return f"{value:.{4 if near else 2}f}".replace("-", "−")
