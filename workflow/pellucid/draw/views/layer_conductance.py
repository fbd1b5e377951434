"""Figure of the conductance of a layer: examples side by side, and how much passes through each filter, and where."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import heading, heat_rows, pixels, task_heading
from pellucid.draw.shared.canvas import Canvas, box_of
from pellucid.draw.shared.panel_scales import short
from pellucid.draw.shared.passed_share import NAMES, in_words

Arrays = Mapping[str, NDArray[Any]]

_COLUMNS = 3  # examples of series side by side
_LETTERS = 44  # of a line of the heading of an example
_MOST_LINES = 12  # channels of a series that are drawn


def draw(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str) -> Figure:
    """Draw the filters that count most: a map of each over time or space, and the sum over all its positions.

    Args:
        arrays: what the view computed.
        data_info: `data.json`.
        parameters: of the view.
        caption: the first line of the heading.
    """
    of, filters, total = str(parameters["of"]), arrays["filters"], arrays["totals"].shape[1]
    placed = arrays["maps"].ndim > 2
    what = "filters" if placed else "units"
    caption += f": {arrays['layer']}\n{heading.of_count(len(filters), total, what)}, the largest {NAMES[of]} first"
    caption += "; numbers: the sum over all positions" if placed and data_info["kind"] == "image" else ""
    caption += "; bars: the sum over all positions" if placed and data_info["kind"] != "image" else ""
    caption += in_words(arrays, parameters)
    scale = style.Scale.of(arrays["maps"], signed=True)
    if placed and data_info["kind"] == "image":
        return _images(arrays, data_info, scale, caption, _label(of, data_info, arrays))
    return _panels(arrays, data_info, scale, caption, _label(of, data_info, arrays))


def _label(of: str, data_info: DataInfo, arrays: Arrays) -> str:
    """Return the unit of the numbers."""
    unit = "logit per unit of activation" if of == "influence" else "share of the logit"
    return task_heading.of_unit(f"{NAMES[of]} ({unit})", task_heading.task_of(data_info), arrays)


def _title(arrays: Arrays, data_info: DataInfo, label: str, index: int) -> str:
    """Return the heading of an example: its classes, what is explained, and how much passes through the layer."""
    target = task_heading.of_target(data_info, arrays, index)
    words = heading.of_example(data_info, arrays, index) + (f"; explained: {target}" if target else "")
    if not label.startswith((NAMES["conductance"], NAMES["integrated_gradients"])):
        return words
    whole = arrays["totals"][index].sum()
    return f"{words}\nall units sum to {short(whole)}; score {_signed(float(arrays['change'][index]))}"


def _panels(arrays: Arrays, data_info: DataInfo, scale: style.Scale, caption: str, label: str) -> Figure:
    """Draw a column for each example: the input above; below it heat rows on its time axis, and bars beside them."""
    inputs, maps, filters = arrays["inputs"], arrays["maps"], arrays["filters"]
    inputs = style.unmeasured_as_nan(inputs, arrays.get("measured"))
    placed, image = maps.ndim > 2, data_info["kind"] == "image"
    columns = min(_COLUMNS if placed else 4, len(inputs))
    bands = -(-len(inputs) // columns)
    lines = min(len(data_info["channels"]), _MOST_LINES)
    above = 1.3 if image else 0.9 if lines == 1 else 0.4 + 0.15 * lines
    below = max(0.9, 0.15 * len(filters))
    width = 1.4 + 3.9 * columns if placed else 0.5 + 2.6 * columns
    figure = style.new(max(7.5, width), 1 + bands * (above + below + 0.75))
    grid = figure.add_gridspec(
        2 * bands, columns * (2 if placed else 1), height_ratios=[above, below] * bands,
        width_ratios=[3.2, 1] * columns if placed else None,
    )  # fmt: skip
    end = 1.08 * float(np.abs(arrays["totals"][:, filters]).max() or 1)
    named = [f"#{number}" for number in filters]
    last: list[Axes] = []
    for index, example_maps in enumerate(maps):
        band, column = divmod(index, columns)
        first = 2 * column if placed else column
        signal, rows = (figure.add_subplot(grid[2 * band + line, first]) for line in (0, 1))
        title = "\n".join(
            line
            for words in _title(arrays, data_info, label, index).split("\n")
            for line in textwrap.wrap(words, _LETTERS)
        )
        bars = figure.add_subplot(grid[2 * band + 1, first + 1], sharey=rows) if placed else rows
        _example(signal, data_info, inputs, index)
        signal.set_title(title, loc="left", fontsize=8)
        if placed:
            _heat(rows, signal, arrays, example_maps, data_info, scale, named)
            last.append(rows)
        _bars(bars, arrays["totals"][index, filters], end, scale)
        if placed:
            bars.tick_params(labelleft=False)
        else:
            bars.set_yticks(range(len(filters)), named, fontsize=7)
            bars.set_xlabel("\n".join(textwrap.wrap(label, 36)), fontsize=7)
    figure.suptitle(caption, x=0.01, ha="left", fontsize=10)
    if placed:
        scale.bar(figure, figure.axes, label)
    return figure


def _example(axes: Axes, data_info: DataInfo, inputs: NDArray[np.float32], index: int) -> None:
    """Draw one example: a picture, a line, or a line for each channel."""
    axes.tick_params(labelsize=7)
    if data_info["kind"] == "image":
        pixels.image(axes, inputs[index])
        return
    time, label = style.time_axis(inputs.shape[1], data_info["sampling_rate_hz"])
    if inputs.shape[-1] == 1:
        axes.plot(time, inputs[index, :, 0], color=style.INK, linewidth=1.0)
        axes.set_ylabel(data_info["unit"], fontsize=7)
    else:
        names = data_info["channels"][:_MOST_LINES]
        shown = inputs[..., :_MOST_LINES]
        style.stacked_series(axes, time, shown[index], names, style.largest_range(shown))
    half = float(time[1] - time[0]) / 2 if len(time) > 1 else 0.5
    axes.set_xlim(time[0] - half, time[-1] + half)
    axes.set_xlabel(label, fontsize=7, labelpad=1)


def _heat(
    rows: Axes,
    signal: Axes,
    arrays: Arrays,
    maps: NDArray[np.float32],
    data_info: DataInfo,
    scale: style.Scale,
    names: list[str],
) -> None:
    """Draw heat rows on the time axis of the example above them."""
    length = arrays["inputs"].shape[1]
    time, _ = style.time_axis(length, data_info["sampling_rate_hz"])
    place = heat_rows.units_at(arrays["field"][0], bool(arrays["whole"]), maps.shape[1], length)
    rows.set_xlim(signal.get_xlim())
    heat_rows.draw(rows, maps, place, float(time[1] - time[0]) if length > 1 else 1.0, scale, names)
    rows.tick_params(axis="x", labelbottom=False)


def _bars(axes: Axes, totals: NDArray[np.float64], end: float, scale: style.Scale) -> None:
    """Draw a bar for each filter, the first on top."""
    colours = [scale.colours(1.0 if total > 0 else 0.0) for total in totals]
    axes.barh(np.arange(len(totals)), totals, 0.7, color=colours)
    axes.axvline(0, color=style.INK, linewidth=0.7)
    axes.set_xlim(-end, end)
    axes.set_ylim(len(totals) - 0.5, -0.5)
    # The narrow axis has room for one number beside 0: the largest of one digit that is inside.
    largest = float(f"{0.95 * end:.0e}")
    largest = largest if largest <= end else largest / 2
    axes.set_xticks([0, largest], ["0", short(largest)])
    axes.tick_params(labelsize=7)
    axes.tick_params(axis="y", length=0)


def _images(arrays: Arrays, data_info: DataInfo, scale: style.Scale, caption: str, label: str) -> Figure:
    """Draw a band for each example: the input at the left, the maps of the filters beside it."""
    inputs, maps, filters = arrays["inputs"], arrays["maps"], arrays["filters"]
    lines = 2 if len(filters) > 6 else 1
    columns = -(-len(filters) // lines)
    tile, gap, name, between = 0.78, 0.08, 0.16, 0.16
    height, width = box_of(maps.shape[2:], tile)
    large = box_of(inputs.shape[1:], max(lines * (height + name) - name, 0.9))
    left = large[1] + 0.3
    titles = [_title(arrays, data_info, label, index).split("\n") for index in range(len(inputs))]
    head = 0.08 + 0.15 * max(map(len, titles)) + name
    band = head + max(lines * (height + name) - name, large[0]) + between
    canvas = Canvas(left + columns * (width + gap), len(inputs) * band, caption)
    for index, picture in enumerate(inputs):
        top = index * band
        for line, words in enumerate(titles[index]):
            canvas.text(words, 0, top + 0.1 + 0.15 * line, fontsize=8)
        canvas.example(picture, 0, top + head, large[1], large[0])
        for position, number in enumerate(filters):
            line, column = divmod(position, columns)
            x, y = left + column * (width + gap), top + head + line * (height + name)
            canvas.picture(maps[index, position], x, y, width, height, cmap=scale.colours, norm=scale.norm)
            canvas.text(f"#{number}  {_signed(arrays['totals'][index, number])}", x, y - 0.07)
    canvas.bar(scale, label)
    return canvas.figure


def _signed(value: float) -> str:
    return short(value) if value < 0 else f"+{short(value)}"
