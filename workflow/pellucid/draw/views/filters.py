"""Figure of the filters of a convolution layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import heading
from pellucid.draw.shared.canvas import Canvas, box_of
from pellucid.messages import format_shape
from pellucid.user_text import in_legend

Arrays = Mapping[str, NDArray[Any]]

_LINES = 3  # channels that can be told apart as lines of one panel
_MOST_ROWS = 12  # heat rows of a filter; of more input channels only the strongest are drawn


def draw(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str) -> Figure:
    """Draw the kernels: lines or heat rows for series, pictures for images, in colours if the input has colours."""
    kernels, order = arrays["kernels"], arrays["order"]
    shown = order[: parameters["shown"]]
    count = heading.of_count(len(shown), len(order), "filters")
    size = format_shape(kernels.shape[1:-1])
    caption = f"{caption}: {arrays['layer']}\n{count} of size {size}, the largest norm first (#: number of the filter)"
    if kernels.ndim == 3:
        if kernels.shape[-1] <= _LINES:
            return _lines(arrays, data_info, shown, caption)
        return _rows(arrays, data_info, shown, parameters["channels"], caption)
    if kernels.shape[-1] == 1 or (kernels.shape[-1] == 3 and arrays["on_input"]):
        return _pictures(arrays, shown, caption)
    return _strips(arrays, data_info, shown, parameters["channels"], caption)


def _channels(arrays: Arrays, data_info: DataInfo) -> list[str]:
    """Return the names of the input channels of the kernels."""
    if arrays["on_input"]:
        return list(data_info["channels"])
    return [f"input {index}" for index in range(arrays["kernels"].shape[-1])]


def _taps(arrays: Arrays, data_info: DataInfo) -> tuple[NDArray[np.float64], str]:
    """Return the place of each tap of a 1-D kernel on the input, and the label of that axis."""
    count, step = arrays["kernels"].shape[1], int(arrays["step"][0])
    places, rate = np.arange(count, dtype=np.float64), data_info["sampling_rate_hz"]
    if not step:
        return places, "tap"
    return (places * (1000 * step / float(rate)), "time (ms)") if rate else (places * step, "sample")


def _grid(count: int) -> tuple[int, int]:
    """Return the rows and columns of panels."""
    columns = min(8, count)
    return -(-count // columns), columns


def _lines(arrays: Arrays, data_info: DataInfo, shown: NDArray[np.int64], caption: str) -> Figure:
    """Draw a panel for each filter, with a line for each input channel."""
    (rows, columns), names = _grid(len(shown)), _channels(arrays, data_info)
    taps, label = _taps(arrays, data_info)
    figure = style.new(max(0.8 + 1.25 * columns, 6.5), 1.0 + 0.95 * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    top = float(np.abs(arrays["kernels"][shown]).max()) or 1.0
    for panel, index in zip(axes.ravel(), shown, strict=False):
        panel.axhline(0, color=style.QUIET, linewidth=0.6)
        for channel, name in enumerate(names):
            values = arrays["kernels"][index, :, channel]
            colour = style.PALETTE[channel]
            panel.plot(taps, values, "o-", color=colour, label=in_legend(name), linewidth=1.4, markersize=3)
        panel.set_ylim(-1.1 * top, 1.1 * top)
        panel.set_xticks([taps[0], taps[-1]], [f"{taps[0]:g}", f"{taps[-1]:g}"])
        panel.set_title(f"#{index}", fontsize=7, loc="left", pad=2)
        panel.tick_params(labelsize=7)
    for panel in axes.ravel()[len(shown) :]:
        panel.set_visible(False)
    style.label_time(axes, label)
    for panel in axes[:, 0]:
        panel.set_ylabel("weight", fontsize=7)
    if len(names) > 1:
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower left", ncols=len(names), fontsize=8)
    figure.suptitle(caption, x=0.01, ha="left", fontsize=10)
    return figure


def _rows(arrays: Arrays, data_info: DataInfo, shown: NDArray[np.int64], channels: int, caption: str) -> Figure:
    """Draw a panel for each filter, with a heat row for each input channel; of many channels the strongest."""
    (rows, columns), names = _grid(len(shown)), _channels(arrays, data_info)
    taps, label = _taps(arrays, data_info)
    kernels = arrays["kernels"]
    all_fit = len(names) <= _MOST_ROWS
    count = len(names) if all_fit else min(channels, len(names))
    if not all_fit:
        caption += f"\neach filter with its {count} of {len(names)} input channels of the largest norm (numbers)"
    width, height, line = 1.0, 0.13 * count, 0.22
    first, beside = (0.75, 0.14) if all_fit else (0.0, 0.36)
    scale = style.Scale.of(kernels[shown], signed=True)
    canvas = Canvas(first + columns * (width + beside), rows * (height + line) + 0.22, caption)
    for place, index in enumerate(shown):
        row, column = divmod(place, columns)
        left = first + column * (width + beside) + (0 if all_fit else beside - 0.08)
        top = row * (height + line) + line
        inputs = np.arange(count) if all_fit else np.argsort(-np.square(kernels[index]).sum(0), kind="stable")[:count]
        canvas.picture(kernels[index][:, inputs].T, left, top, width, height, cmap=scale.colours, norm=scale.norm)
        canvas.text(f"#{index}", left, top - 0.09)
        if column == 0 or not all_fit:
            for line_of, channel in enumerate(inputs):
                name = names[channel] if all_fit else str(channel)
                canvas.text(name, left - 0.05, top + (line_of + 0.5) * height / count, ha="right")
        if place + columns >= len(shown):
            below, step = top + height + 0.09, width / len(taps)
            canvas.text(f"{taps[0]:g}", left + step / 2, below, ha="center")
            canvas.text(f"{taps[-1]:g}", left + width - step / 2, below, ha="center")
            canvas.text(label, left + width / 2, below, ha="center")
    canvas.bar(scale, "weight")
    return canvas.figure


def _pictures(arrays: Arrays, shown: NDArray[np.int64], caption: str) -> Figure:
    """Draw a picture for each filter, on the signed scale, or in the colours of the input with grey for zero."""
    kernels, columns = arrays["kernels"], min(16, max(8, -(-len(shown) // 4)), len(shown))
    height, width = box_of(kernels.shape[1:], 0.62)
    line, gap = 0.18, 0.09
    coloured = kernels.shape[-1] == 3
    scale = style.Scale.of(kernels[shown], signed=True)
    top_weight = float(scale.norm.vmax or 1)
    if coloured:
        caption += (
            f"\nred, green and blue weights: grey: 0, full colour: {top_weight:.2g}, no colour: −{top_weight:.2g}"
        )
    rows = -(-len(shown) // columns)
    canvas = Canvas(columns * (width + gap), rows * (height + line), caption, bar=not coloured)
    for place, index in enumerate(shown):
        row, column = divmod(place, columns)
        left, top = column * (width + gap), row * (height + line) + line
        if coloured:
            canvas.picture(np.clip(0.5 + kernels[index] / (2 * top_weight), 0, 1), left, top, width, height)
        else:
            canvas.picture(kernels[index, ..., 0], left, top, width, height, cmap=scale.colours, norm=scale.norm)
        canvas.text(f"#{index}", left, top - 0.08)
    if not coloured:
        canvas.bar(scale, "weight")
    return canvas.figure


def _strips(arrays: Arrays, data_info: DataInfo, shown: NDArray[np.int64], channels: int, caption: str) -> Figure:
    """Draw a row for each filter, with the kernels of its strongest input channels."""
    kernels = arrays["kernels"]
    inputs = kernels.shape[-1]
    count, blocks = min(channels, inputs), 2 if len(shown) > 8 else 1
    note = f"its {count} of {inputs} input channels of the largest norm" if count < inputs else f"all {inputs} inputs"
    height, width = box_of(kernels.shape[1:], 0.42)
    label, gap, line, between = 0.42, 0.05, 0.16, 0.3
    lines = -(-len(shown) // blocks)
    strip = label + count * (width + gap) + between
    scale = style.Scale.of(kernels[shown], signed=True)
    caption += f"\neach filter with {note} (numbers above the kernels)"
    canvas = Canvas(blocks * strip, lines * (height + line + 0.05), caption)
    for place, index in enumerate(shown):
        block, row = divmod(place, lines)
        left, top = block * strip, row * (height + line + 0.05) + line
        canvas.text(f"#{index}", left, top + height / 2, fontsize=8)
        strengths = np.square(kernels[index]).reshape(-1, inputs).sum(0)
        for position, channel in enumerate(np.argsort(-strengths, kind="stable")[:count]):
            x = left + label + position * (width + gap)
            canvas.picture(kernels[index, ..., channel], x, top, width, height, cmap=scale.colours, norm=scale.norm)
            canvas.text(str(channel), x + width / 2, top - 0.07, ha="center", color=style.QUIET)
    canvas.bar(scale, "weight")
    return canvas.figure
