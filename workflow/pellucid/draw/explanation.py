"""One figure per explanation: every class, some examples each, on one colour scale."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files, plugins
from pellucid.config.variants import variants
from pellucid.draw import style
from pellucid.explain.base import holds
from pellucid.messages import MANY_CLASSES, MOST_PROBABLE

_LETTER = 0.066  # inches that one of 8 points takes
_NAME = 30  # letters of a line of a heading at most
SHOWN = 4  # examples of a class in one figure; the arrays hold all


def draw(
    *,
    method: str,
    variant: str,
    parameters: Mapping[str, Any],
    title: str,
    data: Path | str,
    attributions: Path | str,
    pictures: Sequence[Path | str],
) -> None:
    """Draw the attributions of one variant of a method.

    Args:
        method: name of the method.
        variant: which of the runs that its parameters ask for.
        parameters: its parameters, and `sweep`.
        title: of the experiment.
        data: `data.json`.
        attributions: `attributions.npz`.
        pictures: one path per format.

    What the method failed of its checks is known much later, and stands in the report beside the figure.
    """
    chosen = variants(method, parameters)[variant]
    style.save(
        figure(method, variant, chosen, title, style.data_info(data), files.read_arrays(attributions)), *pictures
    )


def figure(
    method: str,
    variant: str,
    chosen: Mapping[str, Any],
    title: str,
    data_info: Mapping[str, Any],
    arrays: dict[str, NDArray[Any]],
) -> Figure:
    """Return the figure of one variant of a method.

    Args:
        method, variant, title: as for `draw`.
        chosen: the parameters of the variant.
        data_info: what `style.data_info` or `style.shown` returned.
        arrays: the content of `attributions.npz`; changed. Without `labels`, examples are sorted by predicted class.
    """
    spec = plugins.spec("explain", method)
    maps = arrays["attributions"][list(arrays["variants"]).index(variant)]
    measured = arrays.get("measured")
    maps = style.unmeasured_as_nan(maps, measured)
    arrays["inputs"] = style.unmeasured_as_nan(arrays["inputs"], measured)
    if data_info["kind"] == "image" and holds(spec.per_channel, chosen):
        # One colour per pixel: what its channels have together.
        maps = maps.sum(-1, keepdims=True)
    scale = style.Scale.of(maps, holds(spec.signed, chosen))
    setting = ", ".join(f"{name} {value}" for name, value in chosen.items())
    caption = f"{spec.title}{f' ({setting})' if setting else ''}\n{title}"
    labels = arrays.get("labels", arrays["predictions"])
    present = np.unique(labels)
    if len(present) > MANY_CLASSES:
        caption += f"\n{MANY_CLASSES} of {len(present):,} classes"
    if measured is not None:
        share = arrays["unmeasured_share"][list(arrays["variants"]).index(variant)].mean()
        caption += "\ngrey: padding or a gap, where nothing was measured"
        caption += f" ({share:.0%} of all attribution, not shown)" if share else ""
    sheet = _Sheet(
        data_info=data_info,
        arrays=arrays,
        maps=maps,
        rows=[np.flatnonzero(labels == label)[:SHOWN] for label in present[:MANY_CLASSES]],
        scale=scale,
        unit=spec.unit,
        per_channel=holds(spec.per_channel, chosen),
        caption=caption,
    )
    series = _signals if len(data_info["channels"]) == 1 else _channels
    layout = _images if data_info["kind"] == "image" else series
    with style.styled():
        return layout(sheet)


@dataclass(frozen=True)
class _Sheet:
    """What one figure shows: the rows are the examples of each class, as indices."""

    data_info: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    maps: NDArray[np.float32]
    rows: Sequence[NDArray[np.int64]]
    scale: style.Scale
    unit: str
    per_channel: bool
    caption: str

    def finish(self, figure: Figure, axes: Any, note: str = "") -> Figure:
        """Add the caption and the one colour bar."""
        # A letter of this size is about a thirteenth of an inch wide.
        width = int(13 * figure.get_figwidth())
        lines = [textwrap.fill(line, width) for line in (self.caption + note).splitlines()]
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10)
        self.scale.bar(figure, axes, self.unit)
        return figure


def _signals(sheet: _Sheet) -> Figure:
    """One row per class, one coloured line per example."""
    data_info, arrays = sheet.data_info, sheet.arrays
    columns = max(len(row) for row in sheet.rows)
    figure = style.new(1.2 + 3.1 * columns, 0.9 + 1.35 * len(sheet.rows))
    axes = figure.subplots(len(sheet.rows), columns, squeeze=False, sharex=True)
    time, label = style.time_axis(arrays["inputs"].shape[1], data_info["sampling_rate_hz"])
    for line, row in zip(axes, sheet.rows, strict=True):
        for one, index in zip(line, row, strict=False):
            signal = arrays["inputs"][index, :, 0]
            style.coloured_line(one, time, signal, sheet.maps[index, :, 0], sheet.scale)
            if "truth" in arrays:
                _evidence(one, time, arrays["truth"][index, :, 0])
            one.set_title(_folded(_heading(data_info, arrays, index), 3.1), loc="left")
            one.tick_params(labelsize=7)
        for one in line[len(row) :]:
            one.set_visible(False)
        line[0].set_ylabel(data_info["unit"], fontsize=7)
    style.label_time(axes, label)
    note = " — bar: the samples that carry the planted evidence" if "truth" in arrays else ""
    return sheet.finish(figure, axes, note)


def _evidence(axes: Any, time: NDArray[np.float64], truth: NDArray[np.bool_]) -> None:
    """A bar under the signal where the evidence was planted."""
    low, high = axes.get_ylim()
    base = low - 0.06 * (high - low)
    axes.fill_between(
        time, base - 0.05 * (high - low), base, where=truth, color=style.PALETTE[2], linewidth=0, step="mid"
    )
    axes.set_ylim(base - 0.07 * (high - low), high)


def _channels(sheet: _Sheet) -> Figure:
    """One row per class; per example the series above, and time × channel below it."""
    data_info, arrays = sheet.data_info, sheet.arrays
    columns = max(len(row) for row in sheet.rows)
    inputs, channels = arrays["inputs"], data_info["channels"] if sheet.per_channel else ["all"]
    spread = style.largest_range(inputs)
    height = 0.45 + 0.13 * min(len(data_info["channels"]), 12)
    below = height if sheet.per_channel else 0.35
    figure = style.new(1.6 + 3.6 * columns, 0.9 + (height + below + 0.5) * len(sheet.rows))
    axes = figure.subplots(
        2 * len(sheet.rows), columns, squeeze=False, sharex=True, height_ratios=[height, below] * len(sheet.rows)
    )
    time, label = style.time_axis(inputs.shape[1], data_info["sampling_rate_hz"])
    for line, row in enumerate(sheet.rows):
        above, under = axes[2 * line], axes[2 * line + 1]
        for column, index in enumerate(row):
            style.stacked_series(above[column], time, inputs[index], data_info["channels"], spread)
            above[column].set_title(_folded(_heading(data_info, arrays, index), 3.6), loc="left")
            shown = sheet.maps[index] if sheet.per_channel else sheet.maps[index, :, :1]
            style.channel_map(under[column], time, shown, channels, sheet.scale)
            if "truth" in arrays and sheet.per_channel:
                _frame(under[column], time, arrays["truth"][index])
        for one in (*above[len(row) :], *under[len(row) :]):
            one.set_visible(False)
    style.label_time(axes, label)
    note = " — frame: the cells that carry the planted evidence" if "truth" in arrays and sheet.per_channel else ""
    return sheet.finish(figure, axes, note)


def _frame(axes: Any, time: NDArray[np.float64], truth: NDArray[np.bool_]) -> None:
    """A frame around the cells (time, channels) where the evidence was planted."""
    rows = np.repeat(np.pad(truth.T, 1).astype(float), 8, axis=0)
    step = time[1] - time[0]
    across = np.concatenate([[time[0] - step], time, [time[-1] + step]])
    down = np.repeat(np.arange(-1, truth.shape[1] + 1), 8) + np.tile((np.arange(8) + 0.5) / 8 - 0.5, len(rows) // 8)
    axes.contour(across, down, rows, levels=[0.5], colors=[style.PALETTE[2]], linewidths=1.2)


def _images(sheet: _Sheet) -> Figure:
    """One column per class; per example the image above, and the heat map over it below."""
    data_info, arrays = sheet.data_info, sheet.arrays
    examples = max(len(row) for row in sheet.rows)
    # Photographs need more room than digits.
    side = min(1.3 if arrays["inputs"].shape[1] < 64 else 2.6, 13 / len(sheet.rows))
    figure = style.new(1.2 + side * len(sheet.rows), 0.8 + 2.2 * side * examples)
    axes = figure.subplots(2 * examples, len(sheet.rows), squeeze=False)
    for one in axes.ravel():
        one.set_visible(False)
    for column, row in enumerate(sheet.rows):
        for line, index in enumerate(row):
            above, below = axes[2 * line, column], axes[2 * line + 1, column]
            above.set_visible(True)
            below.set_visible(True)
            style.image(above, arrays["inputs"][index])
            style.heat_over_image(below, arrays["inputs"][index], sheet.maps[index, ..., 0], sheet.scale)
            above.set_title(_heading(data_info, arrays, index, room=int(side / _LETTER)), fontsize=8)
    return sheet.finish(figure, axes)


def _heading(data_info: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], index: int, room: int = 0) -> str:
    """The true class; the predicted one with its probability; and the class explained, where it is another.

    Of many classes the most probable ones follow, a line each: the second may be the same thing by another name. `room`
    is the width in letters; without it the heading is one line of any length, unless there are many classes.
    """
    classes = data_info["classes"]
    if "labels" not in arrays:
        return _heading_unlabelled(data_info, arrays, index, room)
    label, predicted, target = (int(arrays[name][index]) for name in ("labels", "predictions", "targets"))
    p = arrays["probabilities"][index, predicted]
    if len(classes) > MANY_CLASSES:
        long = min(room or _NAME, _NAME) - 6
        best = np.argsort(-arrays["probabilities"][index], kind="stable")[:MOST_PROBABLE]
        lines = [f"true: {_cut(classes[label], long)}"]
        lines += [f"{_cut(classes[one], long)} {arrays['probabilities'][index, one]:.1%}" for one in best]
        return "\n".join([*lines, *([f"explained: {_cut(classes[target], long - 4)}"] if target != predicted else [])])
    parts = [
        f"{classes[label]}, p = {p:.2f}"
        if label == predicted
        else f"{classes[label]}, taken for {classes[predicted]}, p = {p:.2f}"
    ]
    if room:
        parts = [f"{classes[label]}" if label == predicted else f"{classes[label]} → {classes[predicted]}"]
    if target != predicted:
        parts.append(f"explained: {classes[target]}")
    return "; ".join(parts)


def _heading_unlabelled(data_info: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], index: int, room: int) -> str:
    """The predicted class with its probability, of an example whose true class is not known."""
    classes, predicted, target = data_info["classes"], int(arrays["predictions"][index]), int(arrays["targets"][index])
    name, p = classes[predicted], arrays["probabilities"][index, predicted]
    heading = f"→ {_cut(name, max(room, 8) - 2)}" if room else f"taken for {name}, p = {p:.2f}"
    return heading if target == predicted else f"{heading}; explained: {classes[target]}"


def _folded(heading: str, room: float) -> str:
    """The heading in lines that are as wide as their panel, in inches."""
    return "\n".join(textwrap.fill(line, int(room / _LETTER)) for line in heading.split("\n"))


def _cut(name: str, length: int) -> str:
    return name if len(name) <= max(length, 3) else f"{name[: max(length, 3) - 1]}…"
