"""Figure of a training: loss and quality over the epochs, the epoch that was kept, the learning rate if it varies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pellucid import files, tables
from pellucid.draw import style

_LOSSES = {
    "focal": "focal loss (nats)",
    "mse": "squared error (standardised)",
    "mae": "absolute error (standardised)",
    "huber": "Huber loss (standardised)",
}
# What the right panel shows: the first of these that the training recorded of the validation examples.
_QUALITY = {"accuracy": "accuracy", "macro_auroc": "macro AUROC", "mae": "mean absolute error"}


def draw(*, history: Path | str, training_info: Path | str, title: str, pictures: list[str]) -> None:
    """Draw the learning curves, or say that there are none.

    Args:
        history: `history.csv`.
        training_info: `training.json`.
        title: of the experiment.
        pictures: one path per format.
    """
    table, training = tables.read(history), files.read_json(training_info)
    if table.empty:
        _draw_none(title, pictures)
        return
    best, rates = training["best_epoch"], table.get("learning_rate")
    varies = rates is not None and bool((rates != rates[0]).any())
    loss = _LOSSES.get(str(training.get("loss")), "cross-entropy (nats)")
    shown = _shown(list(table.columns))
    early = f", stopped early after {len(table)} epochs" if training.get("ended_by") == "early_stopping" else ""
    figure = style.new(7.2, 4.0 if varies else 3.0)
    with style.styled():
        grid = figure.add_gridspec(2 if varies else 1, 2, height_ratios=[3, 1] if varies else None)
        for column, score in enumerate(shown):
            axes: Any = figure.add_subplot(grid[0, column])
            # A line alone would not show a training of one epoch.
            if score in table:
                axes.plot(table["epoch"], table[score], label="train", marker=".", markersize=4)
            look: Any = {"label": "validation", "marker": ".", "markersize": 4, "linestyle": "--"}
            # The colour of the validation, also where the training has no such curve.
            axes.plot(table["epoch"], table[f"val_{score}"], color=style.PALETTE[1], **look)
            axes.axvline(best, color=style.QUIET, linewidth=0.8, linestyle=":", label=f"kept: epoch {best}")
            axes.set_xlabel("epoch")
            axes.set_ylabel(loss if score == "loss" else _QUALITY[score])
            axes.xaxis.get_major_locator().set_params(integer=True)
        # The left panel has all curves: the quality on the training examples is not always measured.
        handles = figure.axes[0].get_legend_handles_labels()
        axes.legend(*handles, loc="lower right", frameon=True, edgecolor="none", framealpha=0.9)
        if varies:
            below: Any = figure.add_subplot(grid[1, :])
            below.plot(table["epoch"], rates, color=style.INK, marker=".", markersize=4, linewidth=1)
            below.set_ylim(bottom=0)
            below.set_xlabel("epoch")
            below.set_ylabel("learning rate")
            below.xaxis.get_major_locator().set_params(integer=True)
        figure.suptitle(f"Training{early}\n{title}", x=0.01, ha="left", fontsize=10)
    style.save(figure, *pictures)


def _shown(columns: list[str]) -> list[str]:
    """Return the curves: the loss, and the quality in the terms of the task where the training recorded one."""
    return ["loss", *[name for name in _QUALITY if f"val_{name}" in columns][:1]]


def _draw_none(title: str, pictures: list[str]) -> None:
    """Draw the figure of a model that was not trained."""
    figure = style.new(7.2, 0.9)
    with style.styled():
        figure.suptitle(f"Training\n{title}", x=0.01, ha="left", fontsize=10)
        figure.text(0.01, 0.12, "No epochs: the model is used as it is.", ha="left")
    style.save(figure, *pictures)
