"""Figure of concept parts: the main concepts of each class, the crops with most of them, and where examples do."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import pixels, task_heading
from pellucid.draw.shared.example_panel import Span, channels_note, example, height
from pellucid.messages import counted
from pellucid.tasks import QUANTITY, SINGLE_LABEL

Arrays = Mapping[str, NDArray[Any]]

_COLOURS = (style.PALETTE[1], style.PALETTE[0], style.PALETTE[2], style.PALETTE[3], style.PALETTE[4])
_GAP, _BAR = 0.12, 1.35  # inches between panels; of the numbers at the left


def draw(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str) -> Figure:
    """Draw a block for each class and a row for each of its main concepts.

    From the left: the concept's importance, the crops of training examples with most of it, and test examples with the
    places where they have it.
    """
    image = data_info["kind"] == "image"
    outputs, rows, top = arrays["crop_rows"].shape
    drawn = arrays["input_rows"].shape[1]
    side = 1.0
    shape = data_info["shape"]
    wide, tall = (side, side * shape[0] / shape[1]) if image else (1.75, max(0.55, 0.62 * height(data_info)))
    tall = min(max(tall, 0.5), 2.4)
    named = not image and len(data_info["channels"]) > 1
    left, space = 0.12 + _BAR + (0.42 if named else 0.3 if not image else 0), 0.3
    heading_text = _heading(arrays, data_info, caption)
    head, title, foot = 0.35 + 0.17 * (heading_text.count("\n") + 1), 0.7, 0.42 if not image else 0.12
    block = title + rows * (tall + _GAP) + 0.16
    size = left + (top + drawn) * (wide + _GAP) + space, head + outputs * block - 0.16 + foot
    figure = style.new(max(size[0], 8.4), size[1])
    figure.set_layout_engine("none")
    full = figure.get_figwidth(), figure.get_figheight()

    def panel(across: float, down: float, width: float) -> Axes:
        return figure.add_axes((across / full[0], 1 - (down + tall) / full[1], width / full[0], tall / full[1]))

    span = Span.of(arrays["crop_examples"].reshape(-1, *shape), arrays["inputs"].reshape(-1, *shape))
    for block_number in range(outputs):
        begin = head + block_number * block
        figure.text(0.12 / full[0], 1 - begin / full[1], _title(arrays, data_info, block_number), fontsize=9, va="top")
        second = left + top * (wide + _GAP) + space
        for across, words in ((left, "training crops with most of it"), (second, "where test examples have it")):
            at = across / full[0], 1 - (begin + title - 0.04) / full[1]
            figure.text(*at, words, fontsize=7, color=style.QUIET, va="bottom")
        for row in range(min(rows, int(arrays["numbers"][block_number]))):
            down = begin + title + row * (tall + _GAP)
            _importance(panel(0.12, down, _BAR - 0.2), arrays, data_info, (block_number, row))
            last = row == min(rows, int(arrays["numbers"][block_number])) - 1 and block_number == outputs - 1
            shown = _Row(arrays, data_info, span, block_number, row)
            for column in range(top):
                if arrays["crop_rows"][block_number, row, column] >= 0:
                    shown.crop(panel(left + column * (wide + _GAP), down, wide), column, names=column == 0, ticks=last)
            for column in range(drawn):
                if arrays["input_rows"][block_number, column] >= 0:
                    shown.map(panel(second + column * (wide + _GAP), down, wide), column, ticks=last)
    if not image:
        label = style.time_axis(1, data_info["sampling_rate_hz"])[1]
        figure.text(left / full[0], 0.08 / full[1], label, fontsize=8)
    figure.suptitle(heading_text, x=0.12 / full[0], y=1 - 0.08 / full[1], ha="left", va="top", fontsize=10)
    return figure


class _Row:
    """The panels of one concept of one class."""

    def __init__(self, arrays: Arrays, data_info: DataInfo, span: Span, output: int, row: int) -> None:
        self._arrays, self._data_info, self._span = arrays, data_info, span
        self._output, self._row = output, row
        self._colour = _COLOURS[row % len(_COLOURS)]
        # One scale for the concepts of a class: a faint concept looks faint.
        self._most = float(arrays["presence"][output].max()) or 1.0

    def crop(self, axes: Axes, column: int, *, names: bool, ticks: bool) -> None:
        """Draw an example and its crop: of a series tinted, of an image framed and the rest pale."""
        whole = self._arrays["crop_examples"][self._output, self._row, column]
        starts = self._arrays["crop_starts"][self._output, self._row, column]
        size = self._arrays["crop_size"]
        if self._data_info["kind"] == "image":
            _image(axes, whole, starts, size, self._colour)
            return
        example(axes, self._data_info, whole, self._span)
        time, _ = style.time_axis(len(whole), self._data_info["sampling_rate_hz"])
        step = float(time[1] - time[0]) if len(time) > 1 else 1.0
        first, end = (int(starts[0]) - 0.5) * step, (int(starts[0] + size[0]) - 0.5) * step
        axes.axvspan(first, end, color=self._colour, alpha=0.25, linewidth=0, zorder=0)
        _quiet(axes, names=names, ticks=ticks)

    def map(self, axes: Axes, column: int, *, ticks: bool) -> None:
        """Draw a test example, in colour where it has the concept: the stronger, the more."""
        values = self._arrays["inputs"][self._output, column]
        share = np.clip(self._arrays["presence"][self._output, column, self._row] / self._most, 0, 1)
        if self._data_info["kind"] == "image":
            axes.imshow(1 - 0.55 * pixels.ink(values), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.imshow(_tint(self._colour, 0.85 * share), interpolation="nearest")
            pixels.bare(axes)
            return
        example(axes, self._data_info, values, self._span)
        time, _ = style.time_axis(len(values), self._data_info["sampling_rate_hz"])
        step = float(time[1] - time[0]) / 2 if len(time) > 1 else 0.5
        low, high = axes.get_ylim()
        extent = (float(time[0]) - step, float(time[-1]) + step, low, high)
        axes.imshow(
            _tint(self._colour, 0.7 * share)[np.newaxis],
            extent=extent,
            aspect="auto",
            interpolation="nearest",
            zorder=0,
        )
        axes.set_xlim(*style.span(time))
        axes.set_ylim(low, high)
        _quiet(axes, names=False, ticks=ticks)


def _tint(colour: str, strength: NDArray[Any]) -> NDArray[np.float64]:
    """Return a colour with an opacity at each place: (…) to (…, 4)."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return np.stack([np.full(strength.shape, red), np.full(strength.shape, green), np.full(strength.shape, blue),
                     strength], -1)  # fmt: skip


def _image(
    axes: Axes, whole: NDArray[np.float32], starts: NDArray[np.int64], size: NDArray[np.int64], colour: str
) -> None:
    """Draw an image, all but the crop pale, and a frame around the crop."""
    pixels.image(axes, whole)
    pale = np.ones((*whole.shape[:2], 4))
    pale[..., 3] = 0.6
    top, left = (int(start) for start in starts)
    pale[top : top + int(size[0]), left : left + int(size[1]), 3] = 0
    axes.imshow(pale, interpolation="nearest")
    corner = left - 0.5, top - 0.5
    frame = Rectangle(corner, int(size[1]), int(size[0]), fill=False, edgecolor=colour, linewidth=1.4, clip_on=False)
    axes.add_patch(frame)


def _quiet(axes: Axes, *, names: bool, ticks: bool) -> None:
    axes.tick_params(labelleft=names, labelbottom=ticks, length=2, labelsize=6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _importance(axes: Axes, arrays: Arrays, data_info: DataInfo, at: tuple[int, int]) -> None:
    """Draw the total Sobol index of a concept as a bar from 0 to 1, and write what the score loses without it."""
    value, deviation = float(arrays["importance"][at]), float(arrays["importance_sd"][at])
    colour = _COLOURS[at[1] % len(_COLOURS)]
    axes.barh(0, 1, 0.34, color="#eef0f2", linewidth=0)
    axes.barh(0, min(value, 1), 0.34, color=colour, linewidth=0)
    axes.plot(np.clip([value - deviation, value + deviation], 0, 1), [0, 0], color=style.INK, linewidth=1)
    axes.set_xlim(0, 1)
    axes.set_ylim(-1, 1)
    axes.set_axis_off()
    axes.text(0, 0.3, f"Sobol {value:.2f}", fontsize=8, va="bottom", fontweight="bold", color=colour)
    effect = f"{-float(arrays['effect'][at]) + 0.0:+.2g}".replace("-", "−")
    quantity = QUANTITY[data_info.get("task", SINGLE_LABEL)]
    axes.text(0, -0.3, f"{quantity} {effect} without", fontsize=7, va="top")


def _title(arrays: Arrays, data_info: DataInfo, block: int) -> str:
    """Return the class, and how well its concepts stand for its features."""
    name = textwrap.shorten(str(data_info["classes"][int(arrays["outputs"][block])]), 60, placeholder="…")
    plain, rebuilt, empty = (float(value) for value in arrays["scores"][block])
    quantity = QUANTITY[data_info.get("task", SINGLE_LABEL)]
    numbers = f"{plain:.3g}, from the concepts alone {rebuilt:.3g}, without features {empty:.3g}".replace("-", "−")
    number = int(arrays["numbers"][block])
    keep = f"{counted(number, 'concept')} {'keeps' if number == 1 else 'keep'}"
    kept = f"{keep} {float(arrays['kept'][block]):.0%} of the squared features"
    text = f"{task_heading.word(data_info)} {name}: {kept}\nmean {quantity} of test examples {numbers}"
    return f"{text}:\nthey do not stand for the {quantity}" if arrays["doubtful"][block] else text


def _heading(arrays: Arrays, data_info: DataInfo, caption: str) -> str:
    size = " × ".join(str(int(length)) for length in arrays["crop_size"])
    way = "brought to the size of the input" if str(arrays["way"]) == "resized" else "at their place in the example"
    positions = "pixels" if data_info["kind"] == "image" else "samples"
    return "\n".join(
        [
            f"{caption}: {arrays['layer']}",
            f"crops of {size} {positions}, {way}{channels_note(data_info)}",
            "bar: total Sobol index (line: ± standard deviation over test examples), 0 to 1",
        ]
    )
