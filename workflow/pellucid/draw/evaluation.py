"""Figures of the evaluation: confusion matrix and reliability diagram of the test examples."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, tables
from pellucid.draw import style
from pellucid.messages import MOST_PROBABLE
from pellucid.user_text import names_in_figure

_MOST_CLASSES = 40  # in the confusion matrix; the table has all classes


def draw_confusion(*, table: Path | str, metrics: Path | str, title: str, pictures: list[str]) -> None:
    """Draw the confusion matrix: colour is the share of the true class, the number is the count.

    Args:
        table: `confusion_matrix.csv`.
        metrics: `metrics.json`.
        title: of the experiment.
        pictures: one path per format.
    """
    classes, counts = tables.read_square(table)
    scores, values, names = files.read_json(metrics), np.array(counts, np.int64), names_in_figure(classes)
    share = values / np.maximum(values.sum(1, keepdims=True), 1)
    kept, note = _most_frequent(values, scores.get("classes", len(names)))
    share, values, names = share[np.ix_(kept, kept)], values[np.ix_(kept, kept)], [names[place] for place in kept]
    side = max(3.4, 0.45 * len(names) + 1.6)
    figure = style.new(side + 0.9, side + 0.4)
    with style.styled():
        axes = figure.subplots()
        picture = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*values.shape):
            if values[row, column]:
                colour = "white" if share[row, column] > 0.55 else style.INK
                axes.text(column, row, f"{values[row, column]:,}", ha="center", va="center", color=colour, fontsize=8)
        long = max(len(name) for name in names) > 3
        axes.set_xticks(range(len(names)), names, rotation=45 if long else 0, ha="right" if long else "center")
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(length=0)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        bar = figure.colorbar(picture, ax=axes, shrink=0.7)
        bar.set_label("share of the true class")
        bar.outline.set_visible(False)
        figure.suptitle(
            f"Test: accuracy {scores['accuracy']:.3f}, balanced {scores['balanced_accuracy']:.3f}{_top(scores)}\n"
            f"{title}{note}{_notes(scores, side)}",
            x=0.01,
            ha="left",
            fontsize=10,
        )
    style.save(figure, *pictures)


def _notes(scores: Mapping[str, Any], width: float) -> str:
    """Return the reasons to doubt the model, in lines for a figure of this width in inches."""
    lines = [line for note in scores.get("notes", ()) for line in textwrap.wrap(note, max(40, int(13 * width)))]
    return "".join(f"\n{line}" for line in lines)


def _top(scores: Mapping[str, Any]) -> str:
    """Return the share of examples whose class is among the most probable ones; empty with few classes."""
    name = f"top_{MOST_PROBABLE}_accuracy"
    return f", top {MOST_PROBABLE} {scores[name]:.3f}" if name in scores else ""


def _most_frequent(values: NDArray[np.int64], classes: int) -> tuple[NDArray[np.int64], str]:
    """Return the classes that occur most often, true or predicted, and a line that says which are left out."""
    occurrences = values.sum(0) + values.sum(1)
    kept = np.sort(np.argsort(-occurrences, kind="stable")[:_MOST_CLASSES])
    if len(kept) == classes:
        return kept, ""
    which = "those that occur" if len(kept) == len(values) else f"the most frequent of {len(values):,} that occur"
    return kept, f"\n{len(kept)} of {classes:,} classes: {which}"


def draw_reliability(*, table: Path | str, metrics: Path | str, title: str, pictures: list[str]) -> None:
    """Draw accuracy against confidence, and the number of examples in each bin.

    Args:
        table: `reliability.csv`.
        metrics: `metrics.json`.
        title: of the experiment.
        pictures: one path per format.
    """
    bins, error = tables.read(table), files.read_json(metrics)["expected_calibration_error"]
    used = bins[bins["examples"] > 0]
    width = float(bins["to"].iloc[0] - bins["from"].iloc[0])
    figure = style.new(4.4, 4.6)
    with style.styled():
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        above.plot([0, 1], [0, 1], color=style.QUIET, linewidth=0.8, linestyle="--", label="calibrated")
        above.bar(used["from"] + width / 2, used["accuracy"], 0.9 * width, color="#9ecae1", label="accuracy in the bin")
        above.plot(
            used["confidence"], used["accuracy"], "o", color=style.PALETTE[0], markersize=4, label="mean confidence"
        )
        above.set_ylabel("accuracy")
        above.set_ylim(0, 1.02)
        above.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=7, borderaxespad=0.2)
        below.bar(bins["from"] + width / 2, bins["examples"], 0.9 * width, color=style.QUIET)
        below.set_ylabel("examples")
        below.set_xlabel("confidence (probability of the predicted class)")
        below.set_xlim(0, 1)
        figure.suptitle(f"Calibration: expected error {error:.3f}\n{title}", x=0.01, ha="left", fontsize=10)
    style.save(figure, *pictures)
