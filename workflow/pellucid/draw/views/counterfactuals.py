"""Figure of counterfactuals: each example, what it was changed to, and the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import pixels
from pellucid.draw.shared.example_panel import CHANNELS, Span, channels_note, example, height

Arrays = Mapping[str, NDArray[Any]]

_MEASURES = ("distance", "unchanged", "plausible")
_WAYS = {
    "gradient": "values moved along the gradient",
    "native_guide": "a window of the nearest real example",
    "comte": "channels of a real example",
}


def draw(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str) -> Figure:
    """Draw a row for each example: as it is and changed (series: over each other), and the difference."""
    shown = _shown(arrays, parameters["shown"])
    image = data_info["kind"] == "image"
    columns = 3 if image else 2
    tall = 1.5 if image else max(height(data_info), 1.1)
    rows = len(shown)
    figure = style.new(6.2 if image else 9.0, 1.6 + (tall + 0.42) * rows)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.05)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=not image)
    inputs, changed = (style.unmeasured_as_nan(arrays[key], arrays.get("measured")) for key in ("inputs", "changed"))
    span = Span.of(inputs[shown], changed[shown])
    change = arrays["changed"] - arrays["inputs"]
    if image:
        # A pixel has one colour: the change of all its channels, with the sign of their sum.
        total = change.sum(-1)
        change = np.where(total < 0, -1, 1) * np.sqrt(np.square(change).sum(-1))
    largest = float(np.abs(change[shown]).max()) or 1.0
    for line, row in zip(axes, shown, strict=True):
        before, after = inputs[row], changed[row]
        if image:
            example(line[0], data_info, before, span)
            example(line[1], data_info, after, span)
            shades = line[2].imshow(change[row], cmap=style.DIVERGING, norm=Normalize(-largest, largest))
            pixels.bare(line[2])
        else:
            found = bool(arrays["found"][row])
            example(line[0], data_info, after, span, behind=before, colour=style.PALETTE[1] if found else style.INK)
            shades = _change(line[1], data_info, change[row], largest)
        line[0].set_title(_title(arrays, data_info, row), fontsize=8, loc="left")
        if bool(arrays["found"][row]):
            line[1].set_title(_numbers(arrays, row), fontsize=7, loc="left")
    if not image:
        label = style.time_axis(1, data_info["sampling_rate_hz"])[1]
        for panel in axes[-1]:
            panel.set_xlabel(label, fontsize=8)
    if image or len(data_info["channels"]) > 1:
        bar = figure.colorbar(shades, ax=axes[:, -1], shrink=0.7, aspect=30, pad=0.02)
        bar.set_label(f"change ({data_info['unit']})" if data_info["unit"] else "change", fontsize=8)
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=7)
    text = _caption(arrays, data_info, parameters, caption, len(shown))
    figure.suptitle(text, x=0.01, ha="left", fontsize=10)
    return figure


def _shown(arrays: Arrays, number: int) -> list[int]:
    """Return the rows in the figure: the first of each predicted class, then the second of each, and so on."""
    predictions = arrays["predictions"]
    turn = [int((predictions[:row] == label).sum()) for row, label in enumerate(predictions)]
    order = sorted(range(len(predictions)), key=lambda row: (turn[row], row))
    return sorted(order[:number])


def _change(axes: Any, data_info: DataInfo, change: NDArray[np.float32], largest: float) -> Any:
    """Draw the change of a series: a line, or a row of colours for each channel."""
    time, _ = style.time_axis(len(change), data_info["sampling_rate_hz"])
    if change.shape[-1] == 1:
        axes.axhline(0, color=style.QUIET, linewidth=0.6)
        axes.fill_between(time, change[:, 0], color=style.PALETTE[1], alpha=0.5, linewidth=0, step="mid")
        axes.set_ylim(-1.08 * largest, 1.08 * largest)
        axes.tick_params(labelsize=7)
        return None
    channels = list(data_info["channels"])[:CHANNELS]
    step = float(time[1] - time[0]) if len(time) > 1 else 1.0
    shades = axes.imshow(
        change[:, : len(channels)].T,
        cmap=style.DIVERGING,
        norm=Normalize(-largest, largest),
        aspect="auto",
        interpolation="nearest",
        extent=(time[0] - step / 2, time[-1] + step / 2, len(channels) - 0.5, -0.5),
    )
    style.channel_ticks(axes, channels, list(range(len(channels))))
    axes.tick_params(labelsize=7)
    return shades


def _title(arrays: Arrays, data_info: DataInfo, row: int) -> str:
    """Return which class the example is changed from and to, with the probabilities of both."""
    names = data_info["classes"]
    own, wanted = (str(names[int(arrays[key][row])]) for key in ("predictions", "wanted"))
    if not arrays["found"][row]:
        return f"{own}: no change to {wanted} found"
    before, after = arrays["probabilities"][row], arrays["probabilities_changed"][row]
    return f"{own} {before[0]:.2f} → {wanted} {after[1]:.2f}"


def _numbers(arrays: Arrays, row: int) -> str:
    """Return the measures of one changed example."""
    return _in_words([float(arrays[key][row]) for key in _MEASURES])


def _in_words(values: Sequence[float], of: str = "") -> str:
    """Return the measures in words; without a training example of the wanted class there is nothing to compare with."""
    distance, unchanged, plausible = values
    if np.isnan(distance):
        return f"{unchanged:.0%} unchanged; no real example of that class"
    return f"distance {distance:.2g}{of}, {unchanged:.0%} unchanged, plausible {plausible:.2f}"


def _median(values: NDArray[np.float64]) -> float:
    """Return the median of the values that are known; NaN where none is."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def _caption(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str, shown: int) -> str:
    total, found = len(arrays["found"]), int(arrays["found"].sum())
    number = "" if shown == total else f"; {shown} of {total} examples"
    lines = [f"{caption}: {_WAYS[parameters['of']]}", f"another class found for {found} of {total} examples{number}"]
    if found:
        medians = [_median(arrays[key]) for key in _MEASURES]
        lines.append(f"medians of the {found} found: {_in_words(medians, ' of the way to a real example')}")
    if data_info["kind"] == "image":
        several = ": its size over all channels, with the sign of their sum" if arrays["inputs"].shape[-1] > 1 else ""
        lines.append(f"the example, changed, and the change{several}")
    else:
        lines.append("grey: the example; orange: changed" + channels_note(data_info))
        if len(data_info["channels"]) == 1:
            lines[-1] += f"; values and change (right): {data_info['unit']}"
    return "\n".join(lines)
