"""One example in one panel: a line, a line for each channel, or a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import pixels

Array = NDArray[np.float32]

CHANNELS = 12  # at most, of a series in one panel
PALE = "#a9b2bb"


@dataclass(frozen=True)
class Span:
    """The range of every channel, (channels,), so that all panels of a figure have the same axis."""

    low: Array
    high: Array

    @classmethod
    def of(cls, *many: Array) -> Span:
        """Return the range over arrays (N, *axes, channels); NaN, where nothing was measured, has no place in it."""
        flat = np.concatenate([values.reshape(-1, values.shape[-1]) for values in many if values.size])
        low, high = np.fmin.reduce(flat, 0), np.fmax.reduce(flat, 0)
        low = np.where(np.isfinite(low), low, 0).astype(flat.dtype)
        return cls(low, np.where(high > low, high, low + 1))


def example(
    axes: Axes,
    data_info: DataInfo,
    values: Array,
    span: Span,
    behind: Array | None = None,
    colour: str = style.INK,
) -> None:
    """Draw one example.

    Args:
        axes: the panel.
        data_info: `data.json`.
        values: of `data_info["shape"]`.
        span: of the figure's examples; not used for pictures.
        behind: another example of that shape, drawn in grey behind a series.
        colour: of a series.
    """
    if data_info["kind"] == "image":
        pixels.image(axes, values)
        return
    time, _ = style.time_axis(len(values), data_info["sampling_rate_hz"])
    lines = [(values, colour, 1.1)] if behind is None else [(behind, PALE, 1.6), (values, colour, 1.1)]
    if values.shape[-1] == 1:
        for series, shade, width in lines:
            axes.plot(time, series[:, 0], color=shade, linewidth=width)
        margin = 0.06 * float(span.high[0] - span.low[0])
        axes.set_ylim(float(span.low[0]) - margin, float(span.high[0]) + margin)
    else:
        channels = list(data_info["channels"])[:CHANNELS]
        for index in range(len(channels)):
            for series, shade, width in lines:
                share = (series[:, index] - span.low[index]) / (span.high[index] - span.low[index])
                axes.plot(time, 0.9 * share - 0.45 - index, color=shade, linewidth=0.75 * width)
        axes.set_ylim(0.55 - len(channels), 0.55)
        style.channel_ticks(axes, channels, [-index for index in range(len(channels))])
    axes.set_xlim(time[0], time[-1])
    axes.tick_params(labelsize=7)


def height(data_info: DataInfo) -> float:
    """Return the height of a panel with a series, in inches."""
    count = min(len(data_info["channels"]), CHANNELS)
    return 1.0 if count == 1 else 0.35 + 0.24 * count


def channels_note(data_info: DataInfo) -> str:
    """Return what the caption says if not all channels of a series fit, or those of an image are no colours."""
    count = len(data_info["channels"])
    if data_info["kind"] == "image":
        return "" if count in (1, 3) else f"; grey: the mean of the {count} channels"
    return f"; {CHANNELS} of {count} channels" if count > CHANNELS else ""
