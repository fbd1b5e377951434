"""Figure of what the examples are labelled with: which labels occur together, or how values are distributed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.tasks import MULTI_LABEL

_MOST = 30  # labels in the figure
_WRITTEN = 12  # labels, at most, whose numbers are written into the cells
_LETTERS = 18  # at most, of a name below the cells
_ACROSS = 3  # histograms in a row
_MOST_VALUES = 12
_SPLITS = {"train": "training", "validation": "validation", "test": "test"}


def draw(*, data: Path | str, labels: Path | str, title: str, pictures: list[str]) -> None:
    """Draw the answers of an experiment with several labels or values.

    Args:
        data: `data.json`.
        labels: `labels.npz`.
        title: of the experiment.
        pictures: one path per format.
    """
    data_info, answers = style.data_info(data), files.read_arrays(labels)
    drawing = _together if data_info.get("task") == MULTI_LABEL else _distributions
    style.save(drawing(data_info, answers, title), *pictures)


def _together(data_info: DataInfo, answers: Mapping[str, NDArray[Any]], title: str) -> Any:
    """Return the figure of the labels: how many training examples have each, and what share of those has another."""
    y, names, note = answers["train"].astype(np.int64), list(data_info["classes"]), ""
    if len(names) > _MOST:
        kept = np.sort(np.argsort(-y.sum(0), kind="stable")[:_MOST])
        note = f"\n{_MOST} of {len(names):,} labels: the most frequent ones"
        y, names = y[:, kept], [names[place] for place in kept]
    both = y.T @ y
    share = both / np.maximum(np.diag(both), 1)[:, np.newaxis]
    # An example has itself in common with itself: the diagonal would only be dark.
    np.fill_diagonal(share, np.nan)
    side = max(2.6, 0.42 * len(names) + 0.9)
    figure = style.new(side + 4.4, side + 1.2)
    with style.styled():
        bars, cells = figure.subplots(1, 2, width_ratios=[2.2, side], sharey=True)
        places = np.arange(len(names))
        bars.barh(places, np.diag(both), color="#9ecae1", height=0.7)
        for place, count in enumerate(np.diag(both)):
            bars.text(count, place, f" {count:,}", va="center", fontsize=7.5)
        bars.set_xlim(0, 1.25 * max(int(np.diag(both).max()), 1))
        bars.set_yticks(places, names)
        bars.set_ylim(len(names) - 0.5, -0.5)
        bars.set_xlabel("training examples")
        picture = cells.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        if len(names) <= _WRITTEN:
            for row, column in np.ndindex(*share.shape):
                if row != column:
                    colour = "white" if share[row, column] > 0.55 else style.INK
                    cells.text(
                        column, row, f"{share[row, column]:.0%}", ha="center", va="center", fontsize=7, color=colour
                    )
        cut = [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…" for name in names]
        cells.set_xticks(places, cut, rotation=45, ha="right", rotation_mode="anchor")
        for panel in (bars, cells):
            panel.tick_params(axis="y", length=0)
        cells.tick_params(axis="y", labelleft=False)
        cells.set_xlabel("… also have this label")
        bar = figure.colorbar(picture, ax=cells, shrink=0.7)
        bar.set_label("of the examples with the label of the row", fontsize=8)
        bar.outline.set_visible(False)
        per_example = y.sum(1)
        figure.suptitle(
            f"Labels of {len(y):,} training examples: {per_example.mean():.2f} on average, "
            f"{(per_example == 0).mean():.0%} have none\n{title}{note}",
            x=0.01,
            ha="left",
            fontsize=10,
        )
    return figure


def _distributions(data_info: DataInfo, answers: Mapping[str, NDArray[Any]], title: str) -> Any:
    """Return the figure of the values: a histogram of each, of every split."""
    names = list(data_info["classes"])[:_MOST_VALUES]
    units = [str(unit) for unit in data_info.get("units") or [""] * len(names)]
    across = min(_ACROSS, len(names))
    down = -(-len(names) // across)
    figure = style.new(max(0.6 + 2.9 * across, 5.0), 1.25 + 2.0 * down)
    undivided = "none" in data_info.get("split", {})
    splits = ["test"] if undivided else [split for split in _SPLITS if len(answers.get(split, ()))]
    with style.styled():
        panels = figure.subplots(down, across, squeeze=False)
        for panel in panels.ravel()[len(names) :]:
            panel.set_visible(False)
        for value, (panel, name) in enumerate(zip(panels.ravel(), names, strict=False)):
            of_splits = {split: answers[split][:, value].astype(np.float64) for split in splits}
            together = np.concatenate(list(of_splits.values()))
            edges = np.histogram_bin_edges(together, 30)
            for place, (split, values) in enumerate(of_splits.items()):
                # Shares, since the splits have unequal sizes.
                weights = np.full(len(values), 1 / max(len(values), 1))
                filled = place == 0
                panel.hist(
                    values,
                    edges,
                    weights=weights,
                    histtype="stepfilled" if filled else "step",
                    color="#c6dbef" if filled else style.PALETTE[place],
                    linewidth=1.2,
                    label=f"{_SPLITS[split]} ({len(values):,})",
                )
            panel.set_title(name, loc="left", fontsize=8.5)
            panel.set_xlabel(f"in {units[value]}" if units[value] else "", fontsize=8)
            panel.tick_params(labelsize=7)
        for panel in panels[:, 0]:
            panel.set_ylabel("share of the examples", fontsize=8)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
        left_out = len(data_info["classes"]) - len(names)
        more = f"; {left_out:,} more are not shown" if left_out else ""
        figure.suptitle(f"Distribution of the values{more}\n{title}", x=0.01, ha="left", fontsize=10)
    return figure
