"""What the data look like: some training examples of each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pellucid import figures, files
from pellucid.wording import MANY_CLASSES

PER_CLASS = 4


def draw(*, data: Path | str, x: Path | str, labels: Path | str, title: str, pictures: list[str]) -> None:
    """Draw the first training examples of each class.

    Args:
        data: `data.json`.
        x: `x_train.npy`.
        labels: `labels.npz`.
        title: of the experiment.
        pictures: one path per format.
    """
    facts, y, values = files.read_json(data), files.read_arrays(labels)["train"], files.map_array(x)
    found = np.unique(y)
    present = found[:MANY_CLASSES]
    rows = [np.flatnonzero(y == label)[:PER_CLASS] for label in present]
    image = facts["kind"] == "image"
    # Images go into columns, class by class, unless a few classes would leave a strip; series into rows, so that time
    # runs along the page.
    columns = image and len(rows) > PER_CLASS
    side = (1.0 if columns else 1.7) if image else 2.6
    tall = 1.1 if len(facts["channels"]) == 1 else 0.6 + 0.16 * min(len(facts["channels"]), 12)
    tall = side + 0.1 if image else tall
    shape = (PER_CLASS, len(rows)) if columns else (len(rows), PER_CLASS)
    figure = figures.new(0.8 + side * shape[1], 0.9 + tall * shape[0])
    with figures.styled():
        axes = figure.subplots(*shape, squeeze=False, sharex=True, sharey=len(facts["channels"]) == 1)
        time, unit = figures.time_axis(values.shape[1], facts["sampling_rate_hz"])
        spread = np.maximum(np.ptp(values[np.concatenate(rows)], axis=1).max(0), 1e-12)
        for position, (label, row) in enumerate(zip(present, rows, strict=True)):
            line = axes[:, position] if columns else axes[position]
            for one in line[len(row) :]:
                one.set_visible(False)
            for one, index in zip(line, row, strict=False):
                if image:
                    figures.image(one, values[index])
                elif len(facts["channels"]) == 1:
                    one.plot(time, values[index, :, 0], color=figures.INK, linewidth=1)
                    one.margins(x=0)
                else:
                    figures.stacked_series(one, time, values[index], facts["channels"], spread)
            heading = f"{facts['classes'][label]} ({facts['counts']['train'][facts['classes'][label]]:,})"
            line[0].set_title(heading, loc="center" if columns else "left")
        if not image:
            figures.label_time(axes, unit)
            if len(facts["channels"]) == 1:
                for one in axes[:, 0]:
                    one.set_ylabel(facts["unit"], fontsize=7)
        left_out = f"; {len(present)} of {len(found):,} classes" if len(present) < len(found) else ""
        figure.suptitle(f"Training examples: class (number of them){left_out}\n{title}", x=0.01, ha="left", fontsize=10)
    figures.save(figure, *pictures)
