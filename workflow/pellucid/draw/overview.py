"""Figure of all explanations of one example of each class, below one another."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files, plugins, tables
from pellucid.config.variants import variants_in_time
from pellucid.data_info import DataInfo
from pellucid.datasets.base import UNLABELLED
from pellucid.draw import style
from pellucid.draw.shared import coloured_lines, heading, held_inputs, pixels, task_heading
from pellucid.draw.shared.canvas import Canvas
from pellucid.draw.shared.families import FAMILIES
from pellucid.explain.base import holds
from pellucid.explain.shared.number_inputs import is_numbers
from pellucid.messages import MANY_CLASSES
from pellucid.tasks import REGRESSION, SINGLE_LABEL

_NAMES = 1.75  # inches for the names of the explanations at the left
_LETTERS_OF_NAME = 26  # of 8 points; longer names of variants get smaller letters
_GAP = 0.07
_NAMED = 6  # numbers whose names stand over their cells
_UNLABELLED = 5  # examples, if none has a label
_LETTER = 0.073  # inches of a letter of the caption
_LETTERS = 12  # at most, of 6 points, over an image
_LETTERS_OVER_SERIES = 30  # at most, of 7 points


class Row(NamedTuple):
    """One explanation: its label, the method's family, whether its maps (N, *input_shape) are signed."""

    label: str
    family: str
    signed: bool
    maps: NDArray[np.float32]


def draw(
    *,
    methods: Mapping[str, Mapping[str, Any]],
    attributions: Mapping[str, Path | str],
    title: str,
    data_info: Path | str,
    checks: Path | str,
    pictures: Sequence[Path | str],
    chance: Path | str | None = None,
) -> None:
    """Draw the first example of each class, and below it each of its explanations, every map on its own colour scale.

    Args:
        methods: parameters of the methods, by name.
        attributions: `attributions.npz` of each method.
        title: of the experiment.
        data_info: `data.json`.
        checks: the table of the checks; explanations that failed a check are marked.
        pictures: one path per format.
        chance: `chance.json` of a model that is no better than chance; the figure then says so.
    """
    table = tables.read(checks)
    failed = set(table.loc[~table["passed"], "explanation"])
    rows, arrays = _rows(methods, attributions)
    at_chance = heading.of_chance(chance)
    style.save(figure(title, style.data_info(data_info), rows, arrays, failed, at_chance), *pictures)


def figure(
    title: str,
    data: DataInfo,
    rows: Sequence[Row],
    arrays: Mapping[str, NDArray[Any]],
    failed: Collection[str],
    at_chance: str = "",
) -> Figure:
    """Return the figure of some explanations.

    Args:
        title: of the experiment.
        data: what `style.data_info` or `style.shown` returned.
        rows: the explanations.
        arrays: the content of one `attributions.npz`: examples, labels and predictions are the same for all methods.
        failed: labels of the explanations that failed a check.
        at_chance: the warning about a model that is no better than chance; empty for any other model.
    """
    inputs = style.unmeasured_as_nan(arrays["inputs"], arrays.get("measured"))
    present = np.unique(arrays["labels"])
    shown = [int(np.flatnonzero(arrays["labels"] == label)[0]) for label in present[:MANY_CLASSES]]
    word = task_heading.word(data)
    of_each = f"one example of each {word}"
    if (present == UNLABELLED).all():
        shown, of_each = (
            list(range(min(len(inputs), _UNLABELLED))),
            f"the first examples, each with its predicted {word},",
        )
    image, held = data["kind"] == "image", held_inputs.in_words(data)
    width, height = (0.62, 0.62) if image else (1.75, 0.42)
    marks = "; ✗: failed a check" if failed else ""
    if len(present) > MANY_CLASSES:
        marks += f"; {MANY_CLASSES} of {len(present):,} {task_heading.word(data, plural=True)}"
    across = _NAMES + len(shown) * (width + _GAP)
    warning = "".join(f"\n{line}" for line in textwrap.wrap(at_chance, max(70, int(across / _LETTER))))
    # Where all maps are over frequencies, the examples stand alone.
    marks += "" if rows else "\nno map over time: the figures of the explanations show their maps over frequencies"
    canvas = Canvas(
        across,
        0.3 + (1 + len(rows)) * (height + _GAP),
        f"{title} — {of_each} through all methods{warning}\n"
        f"each map on its own colour scale; {_colours(data, arrays)}{marks}" + (f"\n{held}" if held else ""),
        bar=False,
    )
    for column, index in enumerate(shown):
        left = _NAMES + column * (width + _GAP)
        _head(canvas, data, arrays, index, left + width / 2)
        _input(canvas, data, inputs[index], left, 0.25, width, height)
    previous = ""
    for line, (label, family, signed, maps) in enumerate(rows, 1):
        top = 0.25 + line * (height + _GAP)
        if family != previous:
            canvas.axes.plot([0, _NAMES - 0.1], [top - _GAP / 2] * 2, color=style.QUIET, linewidth=0.5)
            previous = family
        colour = style.QUIET if family == "control" else style.INK
        mark = " ✗" if label in failed else ""
        size = 8 * min(1, _LETTERS_OF_NAME / len(label))
        canvas.text(f"{label}{mark}", _NAMES - 0.1, top + height / 2, ha="right", fontsize=size, color=colour)
        for column, index in enumerate(shown):
            left = _NAMES + column * (width + _GAP)
            # With one scale for all maps, a class with low logits would have no colours.
            scale = style.Scale.of(maps[[index]], signed)
            _cell(canvas, data, inputs[index], maps[index], scale, left, top, width, height)
            if not np.nan_to_num(maps[index]).any():
                canvas.text("all zero", left + width, top + 0.06, ha="right", fontsize=6)
    return canvas.figure


def _colours(data: DataInfo, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return what the colours of signed maps mean."""
    if task_heading.contrasts(arrays):
        return f"red: evidence for the first {task_heading.word(data)}, blue: for the other one"
    if task_heading.task_of(data) == REGRESSION:
        return "red: raises the predicted value, blue: lowers it"
    return f"red: evidence for the {task_heading.word(data)}, blue: against it"


def _rows(
    methods: Mapping[str, Mapping[str, Any]], attributions: Mapping[str, Path | str]
) -> tuple[list[Row], dict[str, NDArray[Any]]]:
    """Return a row for each explanation in time, and the arrays that all methods share.

    Maps over frequencies have other axes than the examples; the figures of their own show them.
    """
    rows = []
    for family in FAMILIES:
        for method in (name for name in methods if plugins.spec("explain", name).family == family):
            spec, arrays = plugins.spec("explain", method), files.read_arrays(attributions[method])
            for label, parameters in variants_in_time(method, methods[method]).items():
                maps = arrays["attributions"][list(arrays["variants"]).index(label)]
                measured = arrays.get("measured")
                rows.append(Row(label, family, holds(spec.signed, parameters), style.unmeasured_as_nan(maps, measured)))
    return rows, arrays


def _head(canvas: Canvas, data_info: DataInfo, arrays: Mapping[str, NDArray[Any]], index: int, centre: float) -> None:
    """Write the true class of an example over its column, and the predicted class if it differs.

    Without labels, write the predicted class alone. Of several labels or values, see `task_heading.short`.
    """
    if task_heading.task_of(data_info) != SINGLE_LABEL:
        lines = task_heading.short(data_info, arrays, index).split("\n")
        image = data_info["kind"] == "image"
        most = _LETTERS if image else _LETTERS_OVER_SERIES
        cut = "\n".join(line if len(line) <= most else f"{line[: most - 1]}…" for line in lines)
        canvas.text(cut, centre, 0.1, ha="center", fontsize=6 if image else 7)
        return
    classes = data_info["classes"]
    label, predicted = int(arrays["labels"][index]), classes[arrays["predictions"][index]]
    name = predicted if label == UNLABELLED else classes[label]
    if len(classes) > MANY_CLASSES and data_info["kind"] == "image":
        # The names of a thousand classes are long, and the column is narrow: two short lines.
        lines = [name] if name == predicted else [name, f"→ {predicted}"]
        cut = "\n".join(line if len(line) <= _LETTERS else f"{line[: _LETTERS - 1]}…" for line in lines)
        canvas.text(cut, centre, 0.1, ha="center", fontsize=6)
    else:
        canvas.text(name if name == predicted else f"{name} → {predicted}", centre, 0.12, ha="center", fontsize=8)


def _input(
    canvas: Canvas, data: DataInfo, example: NDArray[np.float32], left: float, top: float, width: float, height: float
) -> None:
    """Draw the example itself: an image, or the lines of all channels over each other; of numbers write their names."""
    if is_numbers(data.get("shape", ())):
        # The cells below are of the numbers, in their order.
        names = ", ".join([*data["channels"][:_NAMED], *(["…"] if len(data["channels"]) > _NAMED else [])])
        canvas.text(
            textwrap.fill(names, _LETTERS_OVER_SERIES), left + width / 2, top + height / 2, ha="center", fontsize=6
        )
        return
    if data["kind"] == "image":
        canvas.example(example, left, top, width, height)
        return
    low, high = np.nanmin(example), np.nanmax(example)
    x = left + width * np.linspace(0, 1, len(example))
    for channel in range(example.shape[1]):
        y = top + height * (1 - (example[:, channel] - low) / (high - low or 1))
        line = 0.9 if example.shape[1] == 1 else 0.5
        canvas.axes.plot(x, y, color=style.INK, linewidth=line, alpha=1 if example.shape[1] == 1 else 0.7)


def _cell(
    canvas: Canvas,
    data: DataInfo,
    example: NDArray[np.float32],
    attribution: NDArray[np.float32],
    scale: style.Scale,
    left: float,
    top: float,
    width: float,
    height: float,
) -> None:
    """Draw an attribution: over the image, along the line, or as a map of time × channel, or of numbers as cells."""
    if is_numbers(data.get("shape", ())):
        canvas.picture(scale.colours(scale.norm(attribution.T))[..., :3], left, top, width, height)
    elif data["kind"] == "image":
        colours = scale.colours(scale.norm(attribution[..., 0]))[..., :3]
        paper = 1 - pixels.ink(example)
        canvas.picture(0.8 * colours + 0.2 * paper[..., np.newaxis], left, top, width, height)
    elif example.shape[1] > 1:
        colours = scale.colours(scale.norm(attribution.T))[..., :3]
        colours[np.isnan(attribution.T)] = to_rgb(style.UNMEASURED)
        canvas.picture(colours, left, top, width, height)
    else:
        signal = example[:, 0]
        x = left + width * np.linspace(0, 1, len(signal))
        y = top + height * (1 - (signal - np.nanmin(signal)) / ((np.nanmax(signal) - np.nanmin(signal)) or 1))
        canvas.axes.add_collection(coloured_lines.coloured_segments(x, y, attribution[:, 0], scale, 1.7))
