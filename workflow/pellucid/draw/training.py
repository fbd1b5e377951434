"""Figure of a training: loss and accuracy over the epochs, the epoch that was kept, the learning rate if it varies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pellucid import files, tables
from pellucid.draw import style


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
    loss = "focal loss (nats)" if training.get("loss") == "focal" else "cross-entropy (nats)"
    early = f", stopped early after {len(table)} epochs" if training.get("ended_by") == "early_stopping" else ""
    figure = style.new(7.2, 4.0 if varies else 3.0)
    with style.styled():
        grid = figure.add_gridspec(2 if varies else 1, 2, height_ratios=[3, 1] if varies else None)
        for column, score in enumerate(("loss", "accuracy")):
            axes: Any = figure.add_subplot(grid[0, column])
            # A line alone would not show a training of one epoch.
            axes.plot(table["epoch"], table[score], label="train", marker=".", markersize=4)
            axes.plot(
                table["epoch"], table[f"val_{score}"], label="validation", marker=".", markersize=4, linestyle="--"
            )
            axes.axvline(best, color=style.QUIET, linewidth=0.8, linestyle=":", label=f"kept: epoch {best}")
            axes.set_xlabel("epoch")
            axes.set_ylabel(loss if score == "loss" else "accuracy")
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="lower right", frameon=True, edgecolor="none", framealpha=0.9)
        if varies:
            below: Any = figure.add_subplot(grid[1, :])
            below.plot(table["epoch"], rates, color=style.INK, marker=".", markersize=4, linewidth=1)
            below.set_ylim(bottom=0)
            below.set_xlabel("epoch")
            below.set_ylabel("learning rate")
            below.xaxis.get_major_locator().set_params(integer=True)
        figure.suptitle(f"Training{early}\n{title}", x=0.01, ha="left", fontsize=10)
    style.save(figure, *pictures)


def _draw_none(title: str, pictures: list[str]) -> None:
    """Draw the figure of a model that was not trained."""
    figure = style.new(7.2, 0.9)
    with style.styled():
        figure.suptitle(f"Training\n{title}", x=0.01, ha="left", fontsize=10)
        figure.text(0.01, 0.12, "No epochs: the model keeps its initial weights.", ha="left")
    style.save(figure, *pictures)
