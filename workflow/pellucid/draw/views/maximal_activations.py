"""Figure of the inputs with the largest activations of filters: a row for each filter, the strongest at the left."""

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
from pellucid.messages import counted
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL

Arrays = Mapping[str, NDArray[Any]]

_LEAST_MARK = 0.08  # inches of a mark on an image
# Channels whose coloured lines over each other can be told apart.
_LINES = len(style.PALETTE) - 1
_LONGEST = 40  # letters of several labels or values above a patch


def draw(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str) -> Figure:
    """Draw the patches, and where on their inputs they lie."""
    total = int(arrays["n_filters"])
    order = "the largest activations first" if parameters["order"] == "strongest" else "in their order"
    caption = (
        f"{caption}: {arrays['layer']}\n{heading.of_count(len(arrays['filters']), total, 'filters')}, {order}; "
        f"the strongest places in {counted(int(arrays['searched']), 'test example')}\n"
        f"a unit sees {heading.of_field(arrays)}; "
    )
    if data_info["kind"] == "image":
        return _images(arrays, data_info, caption + "above: what it sees, below: the place in the image (green)")
    return _series(arrays, data_info, caption + "in colour what it sees, in grey the rest of the example")


def _title(arrays: Arrays, data_info: DataInfo, row: int, column: int) -> str:
    """Return the class of the example (or its labels or values), and the activation of the filter."""
    answer, names, task = arrays["labels"][row, column], data_info["classes"], data_info.get("task", SINGLE_LABEL)
    if task == MULTI_LABEL:
        text = " + ".join(str(name) for name, has in zip(names, answer, strict=True) if has) or "no label"
    elif task == REGRESSION:
        text = ", ".join(f"{name} {value:.3g}" for name, value in zip(names, answer, strict=True))
    else:
        return f"{names[int(answer)]}: {arrays['values'][row, column]:.3g}"
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"{short}: {arrays['values'][row, column]:.3g}"


def _series(arrays: Arrays, data_info: DataInfo, caption: str) -> Figure:
    """Draw the lines of each example: what the unit sees in the channels' colours, the rest pale."""
    contexts, patches = arrays["contexts"], arrays["patches"]
    rows, columns, length, n_channels = contexts.shape
    stacked = n_channels > 1
    spread = style.largest_range(contexts.reshape(-1, length, n_channels))
    time, label = style.time_axis(length, data_info["sampling_rate_hz"])
    step = float(time[1] - time[0])
    each = 0.85 if not stacked else 0.35 + 0.11 * min(n_channels, 12)
    figure = style.new(max(1.1 + 1.9 * columns, 7.5), 1.1 + (each + 0.28) * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for row, line in enumerate(axes):
        for column, panel in enumerate(line):
            context, start = contexts[row, column], int(arrays["starts"][row, column, 0])
            patch = patches[row, column]
            at = (start + np.arange(len(patch))) * step
            for channel in range(n_channels):
                colour = style.PALETTE[channel % _LINES]
                level, middle, size = (
                    (-channel, _middle(context[:, channel]), spread[channel]) if stacked else (0, 0, 1)
                )
                for x, y, paint, thick in (
                    (time, context[:, channel], style.QUIET, 0.6),
                    (at, patch[:, channel], colour, 1.7),
                ):
                    panel.plot(x, level + 0.9 * (y - middle) / size if stacked else y, color=paint, linewidth=thick)
            # In a long series, the line of a patch of few samples is too short to be seen without the tint.
            panel.axvspan(at[0] - step / 2, at[-1] + step / 2, color=style.PALETTE[2], alpha=0.16, linewidth=0)
            panel.set_title(_title(arrays, data_info, row, column), fontsize=7, loc="left", pad=2)
            panel.set_xlim(time[0] - step / 2, time[-1] + step / 2)
            panel.tick_params(labelsize=7)
        line[0].set_ylabel(f"#{arrays['filters'][row]}", rotation=0, ha="right", va="center", fontsize=9)
    if stacked:
        style.channel_ticks(axes[0, 0], data_info["channels"], [-channel for channel in range(n_channels)])
        for panel in axes.ravel():
            panel.set_ylim(-n_channels + 0.2, 0.8)
            panel.tick_params(axis="y", length=0)
    else:
        figure.supylabel(data_info["unit"], fontsize=8)
    style.label_time(axes, label)
    figure.suptitle(caption, x=0.01, ha="left", fontsize=10)
    return figure


def _middle(values: NDArray[np.float32]) -> float:
    """Return the mean of the measured values; 0 without any."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if there.size else 0.0


def _images(arrays: Arrays, data_info: DataInfo, caption: str) -> Figure:
    """Draw for each example the patch above and the whole image below, with a frame where the patch lies."""
    patches, contexts = arrays["patches"], arrays["contexts"]
    rows, columns = patches.shape[:2]
    tile, whole, gap, label = 0.95, 0.5, 0.14, 0.45
    height, width = box_of(patches.shape[2:], tile)
    high, wide = box_of(contexts.shape[2:], whole)
    band = 0.2 + height + 0.05 + high + 0.14
    canvas = Canvas(label + columns * (tile + gap), rows * band, caption, bar=False)
    for row in range(rows):
        top = row * band + 0.2
        canvas.text(f"#{arrays['filters'][row]}", 0, top + height / 2, fontsize=9)
        for column in range(columns):
            left, below = label + column * (tile + gap), top + height + 0.05
            canvas.text(_title(arrays, data_info, row, column), left, top - 0.08)
            # A patch is drawn with the range of its image: with its own range, an evenly dark patch would be blank.
            both = np.concatenate([patches[row, column].ravel(), contexts[row, column].ravel()])
            limits = float(np.nanmin(both)), float(np.nanmax(both))
            canvas.example(patches[row, column], left, top, width, height, limits)
            canvas.example(contexts[row, column], left, below, wide, high, limits)
            box = _box(arrays, row, column, data_info["shape"], (high, wide))
            canvas.frame(left + box[0], below + box[1], box[2], box[3], colour=style.PALETTE[2], line=1.4)
            for line, (axis, start) in enumerate(zip(("row", "col"), arrays["starts"][row, column], strict=True)):
                canvas.text(f"{axis} {int(start)}", left + wide + 0.05, below + 0.07 + 0.13 * line)
    return canvas.figure


def _box(
    arrays: Arrays, row: int, column: int, shape: list[int], inches: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Return where a patch lies on its image of this height and width in inches: left, top, width, height."""
    spans = []
    for start, (size, *_), length, inch in zip(
        arrays["starts"][row, column], arrays["field"].tolist(), shape[:2], inches, strict=True
    ):
        first, end = max(0, int(start)) * inch / length, min(length, int(start) + size) * inch / length
        margin = max(0.0, _LEAST_MARK - (end - first)) / 2
        spans.append((first - margin, end - first + 2 * margin))
    (top, height), (left, width) = spans
    return left, top, width, height
