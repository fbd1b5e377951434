"""Figure of the agreement of all explanations, as one matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from pellucid import files
from pellucid.draw import style
from pellucid.draw.shared import rank_cells
from pellucid.score.shared.similarity import STRONGEST

_SIDE = 4.5  # inches, at least
_LINE = 0.3  # inches for the second line of the heading, beside which the names of the scales need their length


def draw(*, title: str, arrays: Path | str, pictures: Sequence[Path | str]) -> None:
    """Draw rank correlations above the diagonal and overlaps of the strongest values below it.

    Explanations that agree stand next to each other.

    Args:
        title: of the experiment.
        arrays: what `agreement.run` wrote.
        pictures: one path per format.
    """
    agreement = files.read_arrays(arrays)
    order = agreement["order"]
    labels = agreement["labels"][order]
    correlation, overlap = (agreement[name][0][np.ix_(order, order)] for name in ("spearman", "overlap"))
    size = len(labels)
    upper = np.triu(np.ones((size, size), bool), 1)
    with style.styled():
        # With fewer explanations the names of the scales would be longer than the figure is high.
        side = max(1.9 + 0.26 * size, _SIDE)
        figure = style.new(side + 1.2, side + (_LINE if "over" in agreement else 0))
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
        axes = figure.subplots()
        correlation_scale, overlap_scale = Normalize(-1, 1), Normalize(0, 1)
        axes.imshow(np.where(upper, correlation, np.nan), cmap=style.DIVERGING, norm=correlation_scale)
        axes.imshow(np.where(upper.T, overlap, np.nan), cmap=style.SEQUENTIAL, norm=overlap_scale)
        for row in range(size):
            for column in range(size):
                if row == column:
                    continue
                value = correlation[row, column] if column > row else overlap[row, column]
                strength = abs(value) if column > row else value
                text = rank_cells.tenths(value)
                axes.text(
                    column, row, text, ha="center", va="center", fontsize=6.5,
                    color="white" if strength > 0.6 else style.INK,
                )  # fmt: skip
        axes.set_xticks(range(size), labels, rotation=90, fontsize=7.5)
        axes.set_yticks(range(size), labels, fontsize=7.5)
        rank_cells.without_frame(axes)
        figure.suptitle(f"{title} — agreement of the explanations{_over(agreement)}", x=0.01, ha="left", fontsize=10)
        for colours, scale, label in (
            (style.DIVERGING, correlation_scale, "above the diagonal: Spearman correlation of absolute attributions"),
            (style.SEQUENTIAL, overlap_scale, f"below the diagonal: overlap of the strongest {STRONGEST:.0%}"),
        ):
            bar = figure.colorbar(mpl.cm.ScalarMappable(scale, colours), ax=axes, shrink=0.6, aspect=30, pad=0.015)
            bar.set_label(label, fontsize=7.5)
            bar.outline.set_visible(False)
        style.save(figure, *pictures)


def _over(agreement: Mapping[str, NDArray[Any]]) -> str:
    """Return a line that says over which examples the means are; "" for the shown ones."""
    return f"\nmeans over {int(agreement['examples']):,} {agreement['over']}" if "over" in agreement else ""
