"""One example of each class through all methods, side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files, plugins, tables
from pellucid.config.variants import variants
from pellucid.draw import style
from pellucid.draw.shared.canvas import Canvas
from pellucid.draw.shared.families import FAMILIES
from pellucid.explain.base import holds
from pellucid.messages import MANY_CLASSES

_NAMES = 1.75  # inches for the names at the left
_GAP = 0.07
_LETTERS = 12  # of 6 points over an image


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
) -> None:
    """Draw the first example of each class, and below it every explanation of it on a colour scale of its own.

    Args:
        methods: parameters of the methods, by name.
        attributions: `attributions.npz` of each of them.
        title: of the experiment.
        data_info: `data.json`.
        checks: the table of the checks: what failed one is marked.
        pictures: one path per format.
    """
    table = tables.read(checks)
    failed = set(table.loc[~table["passed"], "explanation"])
    rows, arrays = _rows(methods, attributions)
    style.save(figure(title, style.data_info(data_info), rows, arrays, failed), *pictures)


def figure(
    title: str,
    data: Mapping[str, Any],
    rows: Sequence[Row],
    arrays: Mapping[str, NDArray[Any]],
    failed: Collection[str],
) -> Figure:
    """Return the figure.

    Args:
        title: of the experiment.
        data: what `style.data_info` or `style.shown` returned.
        rows: the explanations.
        arrays: what they share: the content of one `attributions.npz`. Without
            `labels`, classes are the predicted ones.
        failed: labels of the explanations that failed a check.
    """
    labels = arrays.get("labels", arrays["predictions"])
    inputs = style.unmeasured_as_nan(arrays["inputs"], arrays.get("measured"))
    present = np.unique(labels)
    shown = [int(np.flatnonzero(labels == label)[0]) for label in present[:MANY_CLASSES]]
    image = data["kind"] == "image"
    width, height = (0.62, 0.62) if image else (1.75, 0.42)
    marks = "; ✗: failed a check" if failed else ""
    if len(present) > MANY_CLASSES:
        marks += f"; {MANY_CLASSES} of {len(present):,} classes"
    canvas = Canvas(
        _NAMES + len(shown) * (width + _GAP),
        0.3 + (1 + len(rows)) * (height + _GAP),
        f"{title} — one example of each class through all methods\n"
        f"each map on its own colour scale; red: for the class, blue: against it{marks}",
        bar=False,
    )
    for column, index in enumerate(shown):
        left = _NAMES + column * (width + _GAP)
        _head(canvas, data, arrays, index, left + width / 2)
        _input(canvas, inputs[index], image, left, 0.25, width, height)
    previous = ""
    for line, (label, family, signed, maps) in enumerate(rows, 1):
        top = 0.25 + line * (height + _GAP)
        if family != previous:
            canvas.axes.plot([0, _NAMES - 0.1], [top - _GAP / 2] * 2, color=style.QUIET, linewidth=0.5)
            previous = family
        colour = style.QUIET if family == "control" else style.INK
        mark = " ✗" if label in failed else ""
        canvas.text(f"{label}{mark}", _NAMES - 0.1, top + height / 2, ha="right", fontsize=8, color=colour)
        for column, index in enumerate(shown):
            left = _NAMES + column * (width + _GAP)
            # A scale for all would leave a class that the model is less sure of without colours.
            scale = style.Scale.of(maps[[index]], signed)
            _cell(canvas, inputs[index], maps[index], image, scale, left, top, width, height)
    return canvas.figure


def _rows(
    methods: Mapping[str, Mapping[str, Any]], attributions: Mapping[str, Path | str]
) -> tuple[list[Row], dict[str, NDArray[Any]]]:
    """Return the rows of every explanation, and the arrays that all methods share."""
    rows = []
    for family in FAMILIES:
        for method in (name for name in methods if plugins.spec("explain", name).family == family):
            spec, arrays = plugins.spec("explain", method), files.read_arrays(attributions[method])
            for label, parameters in variants(method, methods[method]).items():
                maps = arrays["attributions"][list(arrays["variants"]).index(label)]
                measured = arrays.get("measured")
                rows.append(Row(label, family, holds(spec.signed, parameters), style.unmeasured_as_nan(maps, measured)))
    return rows, arrays


def _head(
    canvas: Canvas, data_info: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], index: int, centre: float
) -> None:
    """Write the true class of an example over its column, and the predicted class where it differs."""
    classes = data_info["classes"]
    predicted = classes[arrays["predictions"][index]]
    name = classes[arrays["labels"][index]] if "labels" in arrays else f"taken for {predicted}"
    predicted = predicted if "labels" in arrays else name
    if len(classes) > MANY_CLASSES and data_info["kind"] == "image":
        # Names of a thousand classes are long: two short lines over a narrow column.
        lines = [name] if name == predicted else [name, f"→ {predicted}"]
        heading = "\n".join(line if len(line) <= _LETTERS else f"{line[: _LETTERS - 1]}…" for line in lines)
        canvas.text(heading, centre, 0.1, ha="center", fontsize=6)
    else:
        canvas.text(name if name == predicted else f"{name} → {predicted}", centre, 0.12, ha="center", fontsize=8)


def _input(
    canvas: Canvas, example: NDArray[np.float32], image: bool, left: float, top: float, width: float, height: float
) -> None:
    """The example itself: an image, or lines one over the other."""
    if image:
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
    example: NDArray[np.float32],
    attribution: NDArray[np.float32],
    image: bool,
    scale: style.Scale,
    left: float,
    top: float,
    width: float,
    height: float,
) -> None:
    """An attribution: over the image, along the line, or time × channel."""
    if image:
        colours = scale.colours(scale.norm(attribution[..., 0]))[..., :3]
        paper = 1 - style.ink(example)
        canvas.picture(0.8 * colours + 0.2 * paper[..., np.newaxis], left, top, width, height)
    elif example.shape[1] > 1:
        colours = scale.colours(scale.norm(attribution.T))[..., :3]
        colours[np.isnan(attribution.T)] = to_rgb(style.UNMEASURED)
        canvas.picture(colours, left, top, width, height)
    else:
        signal = example[:, 0]
        x = left + width * np.linspace(0, 1, len(signal))
        y = top + height * (1 - (signal - np.nanmin(signal)) / ((np.nanmax(signal) - np.nanmin(signal)) or 1))
        canvas.axes.add_collection(style.coloured_segments(x, y, attribution[:, 0], scale, 1.7))
