"""Loss and accuracy over the epochs, with the epoch that was kept."""

from __future__ import annotations

from pathlib import Path

from pellucid import figures, files


def draw(*, history: Path | str, facts: Path | str, title: str, pictures: list[str]) -> None:
    """Draw the learning curves, or say that there are none.

    Args:
        history: `history.csv`.
        facts: `training.json`.
        title: of the experiment.
        pictures: one path per format.
    """
    import pandas as pd

    table, best = pd.read_csv(history), files.read_json(facts)["best_epoch"]
    if table.empty:
        _draw_none(title, pictures)
        return
    figure = figures.new(7.2, 3.0)
    with figures.styled():
        for axes, score in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
            # Markers show a training of one epoch too.
            axes.plot(table["epoch"], table[score], label="train", marker=".", markersize=4)
            axes.plot(
                table["epoch"], table[f"val_{score}"], label="validation", marker=".", markersize=4, linestyle="--"
            )
            axes.axvline(best, color=figures.QUIET, linewidth=0.8, linestyle=":", label=f"kept: epoch {best}")
            axes.set_xlabel("epoch")
            axes.set_ylabel("cross-entropy (nats)" if score == "loss" else "accuracy")
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="lower right")
        figure.suptitle(f"Training\n{title}", x=0.01, ha="left", fontsize=10)
    figures.save(figure, *pictures)


def _draw_none(title: str, pictures: list[str]) -> None:
    figure = figures.new(7.2, 0.9)
    with figures.styled():
        figure.suptitle(f"Training\n{title}", x=0.01, ha="left", fontsize=10)
        figure.text(0.01, 0.12, "No epochs: the model has the weights that it started from.", ha="left")
    figures.save(figure, *pictures)
