"""Figure of one example on its way through the network: the strongest feature maps of each layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import heading, heat_rows
from pellucid.draw.shared.canvas import Canvas, box_of
from pellucid.messages import format_shape

Arrays = Mapping[str, NDArray[Any]]


def draw(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str) -> Figure:
    """Draw the strongest maps of each layer, each layer on a colour scale of its own."""
    caption = (
        f"{caption}: {heading.of_example(data_info, arrays, 0)}\nof each layer at most {parameters['shown']} maps: "
        "those of the largest mean absolute activation\ngrey is 0; each layer has its own colour scale"
    )
    arrays = {**arrays, "inputs": style.unmeasured_as_nan(arrays["inputs"], arrays.get("measured"))}
    return (_images if data_info["kind"] == "image" else _series)(arrays, data_info, caption)


def _scale(maps: NDArray[np.float32]) -> style.Scale:
    return style.Scale.of(maps, signed=bool(maps.min() < 0))


def _about(arrays: Arrays, index: int, scale: style.Scale) -> list[str]:
    """Return a layer's name, the size and number of its maps, what a unit sees, and where the colours end."""
    shown, total = len(arrays[f"filters_{index}"]), int(arrays["n_filters"][index])
    units = format_shape(arrays["sizes"][index])
    units += " units" if arrays["sizes"].shape[1] == 1 else ""
    sees = "all" if arrays["whole"][index] else format_shape(arrays["field"][index, :, 0])
    return [
        str(arrays["layers"][index]),
        f"{units}; {heading.of_count(shown, total, 'maps')}",
        f"a unit sees {sees}",
        f"colours end at {'±' if scale.colours is style.DIVERGING else ''}{scale.norm.vmax:.3g}",
    ]


def _images(arrays: Arrays, data_info: DataInfo, caption: str) -> Figure:
    """Draw a row of pictures for each layer, with the input on top."""
    layers = len(arrays["layers"])
    columns = max(len(arrays[f"filters_{index}"]) for index in range(layers))
    tile, gap, name = 0.92, 0.08, 0.16
    label = 0.2 + 0.066 * max(22, *(len(str(layer)) for layer in arrays["layers"]))
    height, width = box_of(arrays["inputs"].shape[1:], tile)
    band = height + name + 0.1
    canvas = Canvas(label + columns * (width + gap), (layers + 1) * band, caption, bar=False)
    canvas.text("input", 0, name + 0.12, fontsize=9, fontweight="bold")
    canvas.text(format_shape(data_info["shape"]), 0, name + 0.29)
    canvas.example(arrays["inputs"][0], label, name, width, height)
    for index in range(layers):
        top = (index + 1) * band + name
        maps = arrays[f"maps_{index}"]
        scale = _scale(maps)
        name_of_layer, *notes = _about(arrays, index, scale)
        canvas.text(name_of_layer, 0, top + 0.1, fontsize=9, fontweight="bold")
        for line, words in enumerate(notes):
            canvas.text(words, 0, top + 0.28 + 0.15 * line)
        for column, number in enumerate(arrays[f"filters_{index}"]):
            x = label + column * (width + gap)
            canvas.text(f"#{number}", x, top - 0.07)
            canvas.picture(maps[column], x, top, width, height, cmap=scale.colours, norm=scale.norm)
    return canvas.figure


def _series(arrays: Arrays, data_info: DataInfo, caption: str) -> Figure:
    """Draw the input on top and a panel of heat rows for each layer below it, all on one time axis."""
    inputs, channels, layers = arrays["inputs"], data_info["channels"], len(arrays["layers"])
    above = 1.1 if len(channels) == 1 else 0.4 + 0.15 * min(len(channels), 12)
    heights = [above, *(max(0.5, 0.135 * len(arrays[f"filters_{index}"])) for index in range(layers))]
    figure = style.new(8.5, 1.0 + sum(heights) + 0.34 * layers)
    axes = figure.subplots(layers + 1, 1, squeeze=False, sharex=True, height_ratios=heights)
    time, label = style.time_axis(inputs.shape[1], data_info["sampling_rate_hz"])
    step = float(time[1] - time[0])
    first = axes[0, 0]
    if len(channels) == 1:
        first.plot(time, inputs[0, :, 0], color=style.INK, linewidth=1.1)
        first.set_ylabel(data_info["unit"], fontsize=7)
    else:
        style.stacked_series(first, time, inputs[0], channels, style.largest_range(inputs))
    first.set_xlim(time[0] - step / 2, time[-1] + step / 2)
    first.set_title("input", loc="left", fontsize=8, fontweight="bold", pad=3)
    for index, panel in enumerate(axes[1:, 0]):
        maps = arrays[f"maps_{index}"]
        scale = _scale(maps)
        place = heat_rows.units_at(arrays["field"][index, 0], bool(arrays["whole"][index]), maps.shape[1], len(time))
        heat_rows.draw(panel, maps, place, step, scale, [f"#{number}" for number in arrays[f"filters_{index}"]])
        name_of_layer, *notes = _about(arrays, index, scale)
        panel.set_title(name_of_layer, loc="left", fontsize=8, fontweight="bold", pad=3)
        panel.set_title("; ".join(notes), loc="right", fontsize=7, pad=3)
    for panel in axes[:, 0]:
        panel.tick_params(labelsize=7)
    style.label_time(axes, label)
    figure.suptitle(caption, x=0.01, ha="left", fontsize=10)
    return figure
