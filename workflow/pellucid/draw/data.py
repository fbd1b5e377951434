"""Figure of the data: some training examples of each class."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files
from pellucid.datasets.base import UNLABELLED
from pellucid.draw import style
from pellucid.draw.shared import pixels
from pellucid.messages import MANY_CLASSES

PER_CLASS = 4
_UNLABELLED = 12  # examples, if none has a label
# Characters of a note in the figure, at most; `data.json` holds the whole note.
_LONGEST_NOTE = 220
# Heights in inches: of a line of notes, and of the title above them.
_LINE, _TITLE = 0.15, 0.45
# Characters of the notes in an inch.
_CHARACTERS = 18


def draw(
    *,
    data: Path | str,
    x: Path | str,
    labels: Path | str,
    title: str,
    pictures: list[str],
    measured: Path | str | None = None,
) -> None:
    """Draw the first training examples of each class.

    Args:
        data: `data.json`.
        x: `x_train.npy`.
        labels: `labels.npz`.
        title: of the experiment.
        pictures: one path per format.
        measured: `measured.npz`; padding and gaps are left empty. None if all values were measured.
    """
    data_info, y, values = style.data_info(data), files.read_arrays(labels)["train"], files.map_array(x)
    classes = np.unique(y)
    present = classes[:MANY_CLASSES]
    rows = [np.flatnonzero(y == label)[:PER_CLASS] for label in present]
    if unlabelled := bool((y == UNLABELLED).all()):
        rows = [
            np.arange(start, min(start + PER_CLASS, len(y))) for start in range(0, min(len(y), _UNLABELLED), PER_CLASS)
        ]
        present = np.full(len(rows), UNLABELLED)
    drawn = np.concatenate(rows)
    mask = files.map_arrays(measured).get("train") if measured else None
    with_gaps = style.unmeasured_as_nan(values[drawn], None if mask is None else mask[drawn])
    examples = {int(index): example for index, example in zip(drawn, with_gaps, strict=True)}
    image = data_info["kind"] == "image"
    # Images: a column for each class, or a row if the classes are few, since the figure would be narrow and high.
    # Series: a row for each class, so that time runs along the page.
    columns = image and len(rows) > PER_CLASS
    side = (1.0 if columns else 1.7) if image else 2.6
    tall = 1.1 if len(data_info["channels"]) == 1 else 0.6 + 0.16 * min(len(data_info["channels"]), 12)
    tall = side + 0.1 if image else tall
    shape = (PER_CLASS, len(rows)) if columns else (len(rows), PER_CLASS)
    figure = style.new(0.8 + side * shape[1], 0.9 + tall * shape[0])
    with style.styled():
        axes = figure.subplots(*shape, squeeze=False, sharex=True, sharey=len(data_info["channels"]) == 1)
        time, unit = style.time_axis(values.shape[1], data_info["sampling_rate_hz"])
        spread = style.largest_range(np.stack(list(examples.values())))
        for position, (label, row) in enumerate(zip(present, rows, strict=True)):
            line = axes[:, position] if columns else axes[position]
            for panel in line[len(row) :]:
                panel.set_visible(False)
            for panel, index in zip(line, row, strict=False):
                _example(panel, data_info, time, examples[int(index)], spread)
            if not unlabelled:
                name = data_info["classes"][label]
                heading = f"{name} ({data_info['counts']['train'][name]:,})"
                line[0].set_title(heading, loc="center" if columns else "left")
        if not image:
            style.label_time(axes, unit)
            if len(data_info["channels"]) == 1:
                for panel in axes[:, 0]:
                    panel.set_ylabel(data_info["unit"], fontsize=7)
        left_out = f"; {len(present)} of {len(classes):,} classes" if len(present) < len(classes) else ""
        whose = "Examples" if "none" in data_info.get("split", {}) else "Training examples"
        heading = f"{whose}: class (number of examples){left_out}"
        if unlabelled:
            heading = f"{whose} without labels: the first {len(drawn)} of {len(y):,}"
        figure.suptitle(f"{heading}\n{title}", x=0.01, ha="left", fontsize=10)
        if notes := data_info.get("notes"):
            _write_notes(figure, notes)
    style.save(figure, *pictures)


def _example(
    axes: Axes, data_info: Mapping[str, Any], time: NDArray[np.float64], example: style.Array, spread: style.Array
) -> None:
    """Draw one example: an image, a line, or a line for each channel."""
    if data_info["kind"] == "image":
        pixels.image(axes, example)
    elif len(data_info["channels"]) == 1:
        axes.plot(time, example[:, 0], color=style.INK, linewidth=1)
        axes.margins(x=0)
    else:
        style.stacked_series(axes, time, example, data_info["channels"], spread)


def _write_notes(figure: Figure, notes: list[str]) -> None:
    """Write what a reader must know about the data under the title, and make the figure higher for it."""
    short = [textwrap.shorten(note, _LONGEST_NOTE, placeholder=" … (complete in data.json).") for note in notes]
    lines = textwrap.wrap(" ".join(short), int(figure.get_figwidth() * _CHARACTERS))
    room = _LINE * (len(lines) + 0.5)
    height = figure.get_figheight() + room
    figure.set_figheight(height)
    # The layout fills the lower part of the figure and keeps room for the title at its top. The notes stand above that
    # part, below the title.
    layout = figure.get_layout_engine()
    assert layout is not None
    layout.set(rect=(0, 0, 1, 1 - room / height))  # type: ignore[call-arg]
    figure.text(0.01, 1 - _TITLE / height, "\n".join(lines), va="top", fontsize=7.5, linespacing=1.35)
