"""Figure of the data: some training examples of each class, with each label, or along the range of each value."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files
from pellucid.data_info import DataInfo
from pellucid.datasets.base import UNLABELLED
from pellucid.draw import style
from pellucid.draw.shared import pixels, task_heading
from pellucid.messages import MANY_CLASSES
from pellucid.tasks import MULTI_LABEL, REGRESSION

PER_CLASS = 4
_UNLABELLED = 12  # examples, if none has a label
# Characters of a note in the figure, at most; `data.json` holds the whole note.
_LONGEST_NOTE = 220
# Of an input of numbers without an order: bars, at most, and characters of the name of each.
_BARS, _LONGEST_NAME = 24, 24
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
    """Draw the first training examples of each class or with each label, or four along the range of each value.

    Args:
        data: `data.json`.
        x: `x_train.npy`.
        labels: `labels.npz`.
        title: of the experiment.
        pictures: one path per format.
        measured: `measured.npz`; padding and gaps are left empty. None if all values were measured.
    """
    data_info, y, values = style.data_info(data), files.read_arrays(labels)["train"], files.map_array(x)
    unlabelled = y.ndim == 1 and bool((y == UNLABELLED).all())
    rows, headings, total = _rows(data_info, y)
    drawn = np.unique(np.concatenate(rows))
    mask = files.map_arrays(measured).get("train") if measured else None
    with_gaps = style.unmeasured_as_nan(values[drawn], None if mask is None else mask[drawn])
    examples = {int(index): example for index, example in zip(drawn, with_gaps, strict=True)}
    image, regression = data_info["kind"] == "image", bool(headings) and task_heading.task_of(data_info) == REGRESSION
    # Images: a column for each class, or a row if the classes are few, since the figure would be narrow and high.
    # Series: a row for each class, so that time runs along the page.
    columns, numbers = image and len(rows) > PER_CLASS, values.ndim == 2
    side, tall = _panel_size(data_info, columns, numbers)
    shape = (PER_CLASS, len(rows)) if columns else (len(rows), PER_CLASS)
    figure = style.new(0.8 + side * shape[1], 0.9 + tall * shape[0])
    with style.styled():
        axes = figure.subplots(*shape, squeeze=False, sharex=True, sharey=numbers or len(data_info["channels"]) == 1)
        time, unit = style.time_axis(values.shape[1], data_info["sampling_rate_hz"])
        spread = style.largest_range(np.stack(list(examples.values())))
        for position, row in enumerate(rows):
            line = axes[:, position] if columns else axes[position]
            for panel in line[len(row) :]:
                panel.set_visible(False)
            for panel, index in zip(line, row, strict=False):
                _example(panel, data_info, time, examples[int(index)], spread)
            if headings:
                line[0].set_title(headings[position], loc="center" if columns else "left")
            if regression:
                _write_values(line, data_info, y[row, position], position)
        if numbers:
            figure.supxlabel(data_info["unit"], fontsize=7)
        elif not image:
            style.label_time(axes, unit)
            if len(data_info["channels"]) == 1:
                for panel in axes[:, 0]:
                    panel.set_ylabel(data_info["unit"], fontsize=7)
        word, words = task_heading.word(data_info), task_heading.word(data_info, plural=True)
        left_out = f"; {len(rows)} of {total:,} {words}" if len(rows) < total else ""
        left_out += _about_input(data_info, numbers)
        whose = "Examples" if "none" in data_info.get("split", {}) else "Training examples"
        told = "from low to high" if regression else "number of examples"
        heading = f"{whose}: {word} ({told}){left_out}"
        if unlabelled:
            heading = f"{whose} without labels: the first {len(drawn)} of {len(y):,}"
        figure.suptitle(f"{heading}\n{title}", x=0.01, ha="left", fontsize=10)
        if notes := data_info.get("notes"):
            _write_notes(figure, notes)
    style.save(figure, *pictures)


def _panel_size(data_info: DataInfo, columns: bool, numbers: bool) -> tuple[float, float]:
    """Return width and height of a panel in inches.

    Args:
        data_info: content of `data.json`.
        columns: each class has a column of images.
        numbers: an example is numbers without an order.
    """
    count = len(data_info["channels"])
    if data_info["kind"] == "image":
        side = 1.0 if columns else 1.7
        return side, side + 0.1
    if numbers:
        return 2.6, 0.4 + 0.17 * min(count, _BARS)
    return 2.6, 1.1 if count == 1 else 0.6 + 0.16 * min(count, 12)


def _about_input(data_info: DataInfo, numbers: bool) -> str:
    """Return which of several inputs the figure shows, and how much of it; nothing of data with one."""
    if not (name := data_info.get("explained_input")):
        return ""
    count = len(data_info["channels"])
    part = f", the first {_BARS} of {count:,} numbers" if numbers and count > _BARS else ""
    return f"; input {name}{part}"


def _rows(data_info: DataInfo, y: NDArray[Any]) -> tuple[list[NDArray[np.int64]], list[str], int]:
    """Return the examples of each row, the heading of each (none for examples without labels), and how many rows are.

    The number is that of all classes that occur, labels or values; the figure has the first 20.
    """
    task, names = task_heading.task_of(data_info), data_info["classes"]
    if y.ndim == 1 and (y == UNLABELLED).all():
        shown = min(len(y), _UNLABELLED)
        rows = [np.arange(start, min(start + PER_CLASS, len(y))) for start in range(0, shown, PER_CLASS)]
        return rows, [], len(rows)
    if task == REGRESSION:
        # At the ends and in between: the examples at these quantiles.
        places = np.unique(np.linspace(0, len(y) - 1, PER_CLASS).round().astype(np.int64))
        rows = [np.argsort(y[:, value], kind="stable")[places] for value in range(min(len(names), MANY_CLASSES))]
        return rows, list(names[: len(rows)]), len(names)
    counts = data_info["counts"]["train"]
    if task == MULTI_LABEL:
        occurring = np.flatnonzero(y.any(0))
        members = [np.flatnonzero(y[:, label])[:PER_CLASS] for label in occurring[:MANY_CLASSES]]
    else:
        occurring = np.unique(y)
        members = [np.flatnonzero(y == label)[:PER_CLASS] for label in occurring[:MANY_CLASSES]]
    headings = [f"{names[label]} ({counts[names[label]]:,})" for label in occurring[:MANY_CLASSES]]
    return members, headings, len(occurring)


def _write_values(line: Any, data_info: DataInfo, values: NDArray[Any], value: int) -> None:
    """Write over each panel the value of its example, in the first one behind the name that stands there."""
    units = data_info.get("units") or ()
    unit = f" {units[value]}" if len(units) > value and units[value] else ""
    for place, (panel, number) in enumerate(zip(line, values, strict=False)):
        named = f"{data_info['classes'][value]}: " if place == 0 else ""
        panel.set_title(f"{named}{task_heading.number(float(number))}{unit}", loc="left", fontsize=8.5)


def _example(
    axes: Axes, data_info: DataInfo, time: NDArray[np.float64], example: style.Array, spread: style.Array
) -> None:
    """Draw one example: an image, a line, a line for each channel, or a bar for each of several numbers."""
    if data_info["kind"] == "image":
        pixels.image(axes, example)
    elif example.ndim == 1:
        _bars(axes, data_info["channels"], example)
    elif len(data_info["channels"]) == 1:
        axes.plot(time, example[:, 0], color=style.INK, linewidth=1)
        axes.margins(x=0)
    else:
        style.stacked_series(axes, time, example, data_info["channels"], spread)


def _bars(axes: Axes, names: list[str], numbers: style.Array) -> None:
    """Draw numbers without an order, (numbers,), as bars from the top: of many, the first ones."""
    places = np.arange(min(len(numbers), _BARS))
    axes.barh(places, numbers[places], color=style.INK, height=0.6)
    axes.axvline(0, color=style.INK, linewidth=0.6)
    axes.set_yticks(
        places, [textwrap.shorten(names[place], _LONGEST_NAME, placeholder="…") for place in places], fontsize=7
    )
    axes.set_ylim(len(places) - 0.5, -0.5)


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
