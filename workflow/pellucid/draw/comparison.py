"""The leaderboard over experiments as a table of ranks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pellucid import figures
from pellucid.compare.leaderboard import experiments
from pellucid.draw import rank_cells

_CELL = 0.62  # inches


def draw(*, table: Path | str, pictures: Sequence[Path | str]) -> None:
    """Draw the ranks at the left and insertion less deletion at the right, an experiment a column.

    Args:
        table: what `compare.leaderboard.run` wrote.
        pictures: one path per format.
    """
    content = pd.read_csv(table, index_col="explanation")
    names = experiments(list(content.columns))
    score = next(column for column in content.columns if column.startswith("insertion less deletion"))
    blocks = {
        "mean rank over the judging scores": ([f"{name}: mean rank" for name in names], "relative rank"),
        score: ([f"{name}: {score}" for name in names], score),
    }
    with figures.styled():
        longest = max(map(len, names))
        width = 2.3 + 2 * _CELL * (len(names) + 1)
        figure = figures.new(max(width, 8.0), 1.5 + 0.05 * longest + 0.22 * len(content))
        figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.06)
        panels = figure.subplots(1, 2)
        for axes, (below, (columns, mean)) in zip(panels, blocks.items(), strict=True):
            numbers = content[columns].to_numpy(np.float64)
            means = content[mean].to_numpy(np.float64)
            ranked = columns[0].endswith("mean rank")
            if ranked:
                share = np.column_stack([content[[f"{name}: relative rank" for name in names]], means])
                failed = content[[f"{name}: failed checks" for name in names]].notna().to_numpy()
                texts = [
                    [_rank(value, cross) for value, cross in zip(line, crosses, strict=True)] + [rank_cells.short(over)]
                    for line, crosses, over in zip(numbers, failed, means, strict=True)
                ]
            else:
                share = np.column_stack([_shares(column) for column in (*numbers.T, means)])
                texts = [
                    [rank_cells.short(value) for value in (*line, over)]
                    for line, over in zip(numbers, means, strict=True)
                ]
            rank_cells.cells(axes, share, texts)
            rank_cells.name_rows(axes, list(content.index) if ranked else [""] * len(content), content["family"])
            rank_cells.name_columns(axes, [*names, "relative rank" if ranked else "mean"])
            axes.axvline(len(names) - 0.5, color="white", linewidth=4)
            axes.set_xlabel(below, fontsize=8.5)
        figure.suptitle(
            f"Leaderboard over {len(names)} experiments; the darker, the better the rank in the column\n"
            "✗: failed a check in this experiment;  relative rank: mean over the experiments, 0 best, 1 worst",
            x=0.01,
            ha="left",
            fontsize=10,
        )
        figures.save(figure, *pictures)


def _rank(value: float, failed: bool) -> str:
    return "–" if not np.isfinite(value) else f"{value:.1f}{' ✗' if failed else ''}"


def _shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ranks of values of which higher is better, from 0 to 1; NaN stays."""
    ranks = pd.Series(values).rank(ascending=False).to_numpy(np.float64)
    shares: NDArray[np.float64] = (ranks - 1) / max(np.isfinite(ranks).sum() - 1, 1)
    return shares
