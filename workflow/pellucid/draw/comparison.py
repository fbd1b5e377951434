"""Figure of the leaderboard over experiments: a table of ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pellucid import tables
from pellucid.compare.experiments import experiments, scored
from pellucid.draw import style
from pellucid.draw.shared import heading, rank_cells
from pellucid.ranks import tied_ranks

_CELL = 0.62  # inches
_AT_CHANCE = "model at chance"
_DIFFERENT = "\nscores of shown and of measured examples are not to be compared as numbers"


def draw(*, table: Path | str, pictures: Sequence[Path | str], chance: Mapping[str, Path | str] | None = None) -> None:
    """Draw the ranks at the left and insertion less deletion at the right, with a column for each experiment.

    Args:
        table: what `compare.experiments.run` wrote.
        pictures: one path per format.
        chance: `chance.json` of each experiment whose model is no better than chance; its name in the figure says so.
    """
    content = tables.read(table, index="explanation")
    names = experiments(list(content.columns))
    score = next(column for column in content.columns if column.startswith("insertion less deletion"))
    failed = content[[f"{name}: failed checks" for name in names]].notna().to_numpy()
    ranks = content[[*(f"{name}: mean rank" for name in names), "relative rank"]].to_numpy(np.float64)
    values = content[[*(f"{name}: {score}" for name in names), score]].to_numpy(np.float64)
    with style.styled():
        at_chance = {name for name, fact in (chance or {}).items() if heading.of_chance(fact)}
        of = scored(content)
        marks = {name: [text for text in (of.get(name), _AT_CHANCE * (name in at_chance)) if text] for name in names}
        columns = [f"{name} ({', '.join(marks[name])})" if marks[name] else name for name in names]
        height = 1.1 + rank_cells.lean([*columns, "relative rank"]) + 0.22 * len(content)
        figure = style.new(max(2.6 + 2 * _CELL * (len(names) + 1), 8.0), height)
        figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
        left, right = figure.subplots(1, 2)
        texts = [
            [_rank(*cell) for cell in zip(row, crosses, strict=False)]
            for row, crosses in zip(ranks, failed, strict=True)
        ]
        texts = [[*row, rank_cells.short(relative)] for row, relative in zip(texts, ranks[:, -1], strict=True)]
        _block(left, -ranks, texts, [*columns, "relative rank"], "mean rank over the judging scores")
        _block(right, values, [[rank_cells.short(value) for value in row] for row in values], [*columns, "mean"], score)
        counts = content["experiments"]
        labels = [f"{label}  ({n} of {len(names)})" if n < len(names) else label for label, n in counts.items()]
        rank_cells.name_rows(left, labels, content["family"])
        right.set_yticks([])
        figure.suptitle(
            f"Leaderboard over {len(names)} experiments; the darker, the better the rank in the column\n"
            "✗: failed a check in this experiment; relative rank: mean over the experiments, 0 is best, 1 is worst"
            f"{_DIFFERENT if len(set(of.values())) > 1 else ''}",
            x=0.01,
            ha="left",
            fontsize=10,
        )
        style.save(figure, *pictures)


def _block(
    axes: Axes, numbers: NDArray[np.float64], texts: Sequence[Sequence[str]], names: Sequence[str], label: str
) -> None:
    """Draw columns of numbers of which higher is better; a gap separates the last column."""
    rank_cells.cells(axes, np.column_stack([_shares(column) for column in numbers.T]), texts)
    rank_cells.name_columns(axes, names)
    axes.axvline(len(names) - 1.5, color="white", linewidth=4)
    axes.set_xlabel(label, fontsize=8.5)


def _rank(value: float, failed: bool) -> str:
    return "–" if not np.isfinite(value) else f"{value:.1f}{' ✗' if failed else ''}"


def _shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of values of which higher is better, scaled to 0 (best) … 1 (worst); NaN stays NaN."""
    ranks = tied_ranks(values, lower=False)
    shares: NDArray[np.float64] = (ranks - 1) / max(np.isfinite(ranks).sum() - 1, 1)
    return shares
