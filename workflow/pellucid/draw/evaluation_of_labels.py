"""Figures of the evaluation of several labels: scores, confusion and reliability of each label."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import files, tables
from pellucid.draw import style
from pellucid.user_text import names_in_figure

MOST = 40  # labels in a figure; the tables have all
_WRITTEN = 28  # letters of a name beside a figure
_FEW = 10  # examples: a dot of fewer is small
_ACROSS = 5  # panels of reliability in a row
# The columns of the figure of scores: the column of the table, its heading.
_SCORES = {"auroc": "AUROC", "auprc": "AUPRC", "f1": "F1 at the threshold"}
_CELLS = {
    "true_positives": "has it,\npredicted",
    "false_negatives": "has it,\nnot predicted",
    "false_positives": "lacks it,\npredicted",
    "true_negatives": "lacks it,\nnot predicted",
}


def draw_labels(*, metrics: Path | str, per_label: Path | str, title: str, pictures: list[str]) -> None:
    """Draw a line for each label: AUROC, AUPRC and F1 as dots with their 95% intervals.

    Args:
        metrics: `metrics.json`.
        per_label: `per_label.csv`.
        title: of the experiment.
        pictures: one path per format.
    """
    scores, table, names, note = _read(metrics, per_label)
    places = np.arange(len(table))
    figure = style.new(8.2, 1.5 + 0.27 * len(table))
    with style.styled():
        panels = figure.subplots(1, len(_SCORES), sharey=True)
        for panel, (column, heading) in zip(panels, _SCORES.items(), strict=True):
            panel.hlines(places, table[f"{column}_low"], table[f"{column}_high"], color=style.PALETTE[0], linewidth=1.4)
            panel.plot(table[column], places, "o", color=style.PALETTE[0], markersize=4.5)
            panel.set_xlim(-0.02, 1.02)
            panel.set_title(heading, loc="left")
            panel.grid(axis="x", color="#e3e6e9", linewidth=0.6)
            panel.set_axisbelow(True)
            panel.tick_params(axis="y", length=0)
        panels[0].axvline(0.5, color=style.QUIET, linewidth=0.8, linestyle="--")
        # A label's share is the AUPRC of a random order.
        panels[1].plot(table["share"], places, "|", color=style.QUIET, markersize=9, markeredgewidth=1.4)
        for place, row in zip(places, table.itertuples(), strict=True):
            if np.isfinite(row.threshold):
                panels[2].text(
                    1.03,
                    place,
                    f"p ≥ {row.threshold:.2f}",
                    fontsize=7,
                    va="center",
                    transform=panels[2].get_yaxis_transform(),
                )
        counted = [f"{name} ({count:,})" for name, count in zip(names, table["positives"], strict=True)]
        panels[0].set_yticks(places, counted)
        panels[0].set_ylim(len(table) - 0.5, -0.5)
        head = [f"{_of(scores, 'macro_auroc', 'macro AUROC')}, {_of(scores, 'macro_auprc', 'AUPRC')}"]
        head.append(f"{_of(scores, 'macro_f1', 'F1')}; all labels right: {scores['subset_accuracy']:.1%}")
        figure.suptitle(
            f"Test: {head[0]},\n{head[1]}\n{title}{note}\n"
            f"label (test examples that have it); lines: 95% intervals; grey: by chance{_notes(scores, 8.2)}",
            x=0.01,
            ha="left",
            fontsize=10,
        )
    style.save(figure, *pictures)


def draw_confusion(
    *, table: Path | str, metrics: Path | str, per_label: Path | str, title: str, pictures: list[str]
) -> None:
    """Draw how many test examples have each label, and are predicted to; colours are shares of those that have it.

    Args:
        table: `confusion_per_label.csv`.
        metrics, per_label, title, pictures: see `draw_labels`.
    """
    scores, of_labels, names, note = _read(metrics, per_label)
    counts = tables.read(table, words=("label",)).set_index("label").loc[of_labels["label"], list(_CELLS)].to_numpy()
    # Shares of the examples that have the label, and of those that lack it.
    totals = np.repeat(np.stack([counts[:, :2].sum(1), counts[:, 2:].sum(1)], 1), 2, axis=1)
    share = counts / np.maximum(totals, 1)
    figure = style.new(6.4, 1.75 + 0.3 * len(names))
    with style.styled():
        axes = figure.subplots()
        picture = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for row, column in np.ndindex(*counts.shape):
            colour = "white" if share[row, column] > 0.55 else style.INK
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=colour, fontsize=8)
        axes.axvline(1.5, color="white", linewidth=3)
        axes.set_xticks(range(len(_CELLS)), list(_CELLS.values()), fontsize=8)
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(length=0)
        bar = figure.colorbar(picture, ax=axes, shrink=min(0.9, 3 / figure.get_figheight() + 0.3))
        bar.set_label("share of those that\nhave (lack) the label", fontsize=8)
        bar.outline.set_visible(False)
        figure.suptitle(
            f"Test: {scores['hamming_loss']:.1%} of all labels wrong at the thresholds\n{title}{note}",
            x=0.01,
            ha="left",
            fontsize=10,
        )
    style.save(figure, *pictures)


def draw_reliability(
    *, table: Path | str, metrics: Path | str, per_label: Path | str, title: str, pictures: list[str]
) -> None:
    """Draw, for each label, how often examples have it against the probability that the model gives it.

    Args:
        table: `reliability_per_label.csv`.
        metrics, per_label, title, pictures: see `draw_labels`.
    """
    scores, of_labels, names, note = _read(metrics, per_label)
    bins = tables.read(table, words=("label",))
    across = min(_ACROSS, len(names))
    down = -(-len(names) // across)
    figure = style.new(max(0.6 + 1.75 * across, 4.4), 0.9 + 1.95 * down)
    with style.styled():
        panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
        for panel in panels.ravel()[len(names) :]:
            panel.set_visible(False)
        for place, (panel, name) in enumerate(zip(panels.ravel(), names, strict=False)):
            row = of_labels.iloc[place]
            used = bins[(bins["label"] == row["label"]) & (bins["examples"] > 0)]
            panel.plot([0, 1], [0, 1], color=style.QUIET, linewidth=0.8, linestyle="--")
            panel.plot(used["probability"], used["frequency"], color=style.PALETTE[0], linewidth=0.8, alpha=0.5)
            size = np.where(used["examples"] < _FEW, 7, 22)
            panel.scatter(used["probability"], used["frequency"], size, color=style.PALETTE[0], linewidth=0)
            panel.set_xlim(-0.03, 1.03)
            panel.set_ylim(-0.03, 1.03)
            panel.set_title(f"{textwrap.fill(name, 24)}\nerror {row['calibration_error']:.3f}", loc="left", fontsize=8)
            panel.tick_params(labelsize=7)
        figure.supxlabel("probability of the label", fontsize=9)
        for panel in panels[:, 0]:
            panel.set_ylabel("share that have it", fontsize=8)
        figure.suptitle(
            f"Calibration of each label: expected error {scores['expected_calibration_error']:.3f} on average\n"
            f"{title}{note}\nsmall dots: fewer than {_FEW} examples",
            x=0.01,
            ha="left",
            fontsize=10,
        )
    style.save(figure, *pictures)


def _read(metrics: Path | str, per_label: Path | str) -> tuple[dict[str, Any], Any, list[str], str]:
    """Return the metrics, the rows of the shown labels, their names in figures, and a line about those left out."""
    scores, table = files.read_json(metrics), tables.read(per_label, words=("label",))
    total = len(table)
    if total > MOST:
        kept = np.sort(np.argsort(-table["positives"].to_numpy(), kind="stable")[:MOST])
        table = table.iloc[kept].reset_index(drop=True)
    note = f"\n{MOST} of {total:,} labels: the most frequent ones" if total > MOST else ""
    return scores, table, names_in_figure(list(table["label"]), _WRITTEN), note


def _of(scores: Mapping[str, Any], name: str, called: str) -> str:
    """Return a metric with its interval in words."""
    if scores[name] is None:
        return f"{called} undefined"
    low, high = scores[f"{name}_low"], scores[f"{name}_high"]
    return f"{called} {scores[name]:.3f}" + (f" ({low:.3f}–{high:.3f})" if low is not None else "")


def _notes(scores: Mapping[str, Any], width: float) -> str:
    """Return the reasons to doubt the model, in lines for a figure of this width in inches."""
    lines = [line for note in scores.get("notes", ()) for line in textwrap.wrap(note, max(40, int(13 * width)))]
    return "".join(f"\n{line}" for line in lines)
