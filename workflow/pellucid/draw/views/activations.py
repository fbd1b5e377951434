"""Figure of a layer's activations: examples side by side, the maps of the filters below or beside the input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import heading, heat_rows
from pellucid.draw.shared.canvas import Canvas, box_of

Arrays = Mapping[str, NDArray[Any]]

_COLUMNS = 5  # examples of series side by side
_LEAST_MARK = 0.09  # inches of a mark on an image
_LABEL = "activation"


def draw(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str) -> Figure:
    """Draw the maps of the strongest filters on one colour scale, and mark what the most active unit sees."""
    filters, total = arrays["filters"], int(arrays["n_filters"])
    caption = (
        f"{caption}: {arrays['layer']}\n{heading.of_count(len(filters), total, 'filters')}, the largest mean absolute "
        f"activation first; green: the part that the most active unit sees, {heading.of_field(arrays)}"
    )
    signed = bool(arrays["maps"].min() < 0)
    scale = style.Scale.of(arrays["maps"], signed)
    if data_info["kind"] == "image":
        return _images(arrays, data_info, scale, caption)
    return _series(arrays, data_info, scale, caption)


def _inputs(arrays: Arrays) -> NDArray[np.float32]:
    """Return the inputs, with NaN where nothing was measured."""
    return style.unmeasured_as_nan(arrays["inputs"], arrays.get("measured"))


def _series(arrays: Arrays, data_info: DataInfo, scale: style.Scale, caption: str) -> Figure:
    """Draw a column for each example: the input above, a heat row for each filter below, on one time axis."""
    inputs, maps, channels = _inputs(arrays), arrays["maps"], data_info["channels"]
    columns = min(_COLUMNS, len(inputs))
    bands = -(-len(inputs) // columns)
    above = 1.0 if len(channels) == 1 else 0.4 + 0.15 * min(len(channels), 12)
    below = max(0.8, 0.125 * maps.shape[1])
    figure = style.new(max(1.6 + 2.55 * columns, 7.5), 0.9 + bands * (above + below + 0.6))
    axes = figure.subplots(2 * bands, columns, squeeze=False, sharex=True, height_ratios=[above, below] * bands)
    time, label = style.time_axis(inputs.shape[1], data_info["sampling_rate_hz"])
    step = float(time[1] - time[0])
    place = heat_rows.units_at(arrays["field"][0], bool(arrays["whole"]), maps.shape[2], len(time))
    spread = style.largest_range(inputs)
    for index, maps_of_example in enumerate(maps):
        band, column = divmod(index, columns)
        signal, rows = axes[2 * band, column], axes[2 * band + 1, column]
        if len(channels) == 1:
            signal.plot(time, inputs[index, :, 0], color=style.INK, linewidth=1.0)
            signal.set_xlim(time[0] - step / 2, time[-1] + step / 2)
        else:
            style.stacked_series(signal, time, inputs[index], channels, spread)
            signal.set_xlim(time[0] - step / 2, time[-1] + step / 2)
        signal.set_title(heading.of_example(data_info, arrays, index), loc="left", fontsize=8, pad=9)
        signal.tick_params(labelsize=7)
        filters = [f"#{number}" for number in arrays["filters"]]
        heat_rows.draw(rows, maps_of_example, place, step, scale, filters)
        strongest, unit = (int(value) for value in arrays["units"][index])
        _mark(signal, rows, arrays, (strongest, unit), place, step, len(time))
        rows.tick_params(axis="x", labelsize=7)
        if column:
            rows.tick_params(labelleft=False)
            signal.tick_params(labelleft=len(channels) == 1)
        elif len(channels) == 1:
            signal.set_ylabel(data_info["unit"], fontsize=7)
    for index in range(len(maps), bands * columns):
        band, column = divmod(index, columns)
        axes[2 * band, column].set_visible(False)
        axes[2 * band + 1, column].set_visible(False)
    style.label_time(axes, label)
    figure.suptitle(caption, x=0.01, ha="left", fontsize=10)
    scale.bar(figure, axes, _LABEL)
    return figure


def _mark(
    signal: Any,
    rows: Any,
    arrays: Arrays,
    strongest: tuple[int, int],
    place: tuple[float, float],
    step: float,
    length: int,
) -> None:
    """Frame the most active unit, and mark what it sees of the input."""
    row, unit = strongest
    size, jump, start, _ = (int(value) for value in arrays["field"][0])
    first = 0 if arrays["whole"] else max(0, start + unit * jump)
    last = length if arrays["whole"] else min(length, start + unit * jump + size)
    heat_rows.bracket(signal, (first - 0.5) * step, (last - 0.5) * step)
    # In a long series a unit is thinner than a line: the frame is then wider than the unit. The distance of two units
    # is negative where the model reverses the time.
    width = max(abs(place[1]), 0.012 * length) * step
    left = (place[0] + unit * place[1]) * step - width / 2
    rows.add_patch(
        Rectangle((left, row - 0.5), width, 1, fill=False, edgecolor=style.PALETTE[2], linewidth=1.4, clip_on=False)
    )


def _images(arrays: Arrays, data_info: DataInfo, scale: style.Scale, caption: str) -> Figure:
    """Draw a band for each example: the input at the left, the maps of the filters beside it."""
    inputs, maps, filters = _inputs(arrays), arrays["maps"], arrays["filters"]
    lines = 2 if len(filters) > 8 else 1
    columns = -(-len(filters) // lines)
    tile, gap, name, between = 0.62, 0.06, 0.15, 0.3
    height, width = box_of(maps.shape[2:], tile)
    large = box_of(inputs.shape[1:], lines * (height + name) - name)
    left_of_maps = large[1] + 0.3
    band = 0.2 + lines * (height + name)
    canvas = Canvas(left_of_maps + columns * (width + gap), len(inputs) * (band + between / 2), caption)
    for index, picture in enumerate(inputs):
        top = index * (band + between / 2)
        canvas.text(heading.of_example(data_info, arrays, index), 0, top + 0.1, fontsize=8)
        start = top + 0.2 + name
        canvas.example(picture, 0, start, large[1], large[0])
        inch = large[0] / picture.shape[0]
        (first_row, end_row), (first_column, end_column) = _seen(arrays, index)
        rows_seen, columns_seen = (end_row - first_row) * inch, (end_column - first_column) * inch
        # A few pixels of a large image would be a dot: the frame then lies around them.
        wider, higher = max(0, (_LEAST_MARK - columns_seen) / 2), max(0, (_LEAST_MARK - rows_seen) / 2)
        canvas.frame(
            first_column * inch - wider,
            start + first_row * inch - higher,
            columns_seen + 2 * wider,
            rows_seen + 2 * higher,
            colour=style.PALETTE[2],
            line=1.6,
        )
        for position, number in enumerate(filters):
            line, column = divmod(position, columns)
            x, y = left_of_maps + column * (width + gap), start + line * (height + name)
            canvas.picture(maps[index, position], x, y, width, height, cmap=scale.colours, norm=scale.norm)
            canvas.text(f"#{number}", x, y - 0.065)
            if position == arrays["units"][index, 0]:
                canvas.frame(x, y, width, height, colour=style.PALETTE[2], line=1.6)
    canvas.bar(scale, _LABEL)
    return canvas.figure


def _seen(arrays: Arrays, index: int) -> list[tuple[int, int]]:
    """Return the rows and columns of the image that the most active unit of an example sees."""
    lengths = arrays["inputs"].shape[1:-1]
    if arrays["whole"]:
        return [(0, length) for length in lengths]
    return [
        (max(0, start + unit * jump), min(length, start + unit * jump + size))
        for (size, jump, start, _), unit, length in zip(
            arrays["field"].tolist(), arrays["units"][index, 1:].tolist(), lengths, strict=True
        )
    ]
