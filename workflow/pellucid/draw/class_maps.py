"""Figure of the class maps: the mean map of each class with its band, in the method's unit and as share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files, plugins
from pellucid.config.variants import method_of, variants
from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import task_heading
from pellucid.draw.shared.mean_images import image_maps
from pellucid.explain.base import holds, unit_of
from pellucid.messages import MANY_CLASSES, counted

_WIDE = 4.4  # inches of a panel
_TALL_ONE, _TALL = 1.7, 0.42  # of a panel with one channel; of each of several channels
_MOST_CHANNELS = 16
_ROW = 0.8  # how far a line may reach from the middle of its channel's row


def draw(
    *,
    variant: str,
    parameters: Mapping[str, Any],
    maps: Path | str,
    data: Path | str,
    title: str,
    align: str,
    pictures: Sequence[Path | str],
) -> None:
    """Draw the class maps of one variant.

    Args:
        variant: name of the variant.
        parameters: of its method, and `sweep`.
        maps: `class_maps.npz`.
        data: `data.json`.
        title: of the experiment.
        align: the event at which the examples are aligned, or "none".
        pictures: one path per format.
    """
    with style.styled():
        drawn = figure(variant, parameters, files.read_arrays(maps), style.data_info(data), title, align)
    style.save(drawn, *pictures)


def figure(
    variant: str,
    parameters: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    data_info: DataInfo,
    title: str,
    align: str,
) -> Figure:
    """Return the figure; arguments as for `draw`, with the content of the files."""
    spec, chosen = plugins.spec("explain", method_of(variant)), variants(method_of(variant), parameters)[variant]
    signed = holds(spec.signed, chosen)
    per_channel = holds(spec.per_channel, chosen)
    unit = task_heading.of_unit(unit_of(spec, chosen), task_heading.task_of(data_info), arrays)
    caption = f"Class maps: {spec.title}{'' if variant == method_of(variant) else f' ({variant})'}\n{title}\n"
    if zero := int(arrays["zero"].sum()):
        which = "1 map that is zero everywhere has" if zero == 1 else f"{zero} maps that are zero everywhere have"
        caption += f"{which} no shares; "
    if data_info["kind"] == "image":
        caption += (
            "the pixels of different images lie over each other: look at a mean map only where images are aligned"
        )
        return image_maps(arrays, data_info, caption, unit, signed=signed)
    caption += {"none": "examples lie over each other as they are"}.get(align, f"aligned at the event: {align}")
    return _series(arrays, data_info, caption, unit, per_channel=per_channel)


def _series(
    arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, caption: str, unit: str, *, per_channel: bool
) -> Figure:
    """Return a row for each class: the mean map in its unit, and the mean share of each sample in percent."""
    count = min(len(arrays["outputs"]), MANY_CLASSES)
    channels = data_info["channels"] if per_channel else data_info["channels"][:1]
    names = channels[:_MOST_CHANNELS] if per_channel or len(data_info["channels"]) == 1 else ["all channels"]
    tall = _TALL_ONE if len(names) == 1 else 0.5 + _TALL * len(names)
    figure = style.new(0.6 + 2 * _WIDE, 1.1 + tall * count)
    axes = figure.subplots(count, 2, squeeze=False, sharex=True)
    time, label = style.time_axis(arrays["mean"].shape[1], data_info["sampling_rate_hz"])
    if "reference" in arrays:
        time, label = time - time[int(arrays["reference"])], f"{label} from the event"
    # Where all channels have the same values, the one that is drawn stands for the sum of all.
    percent = 100 if per_channel else 100 * len(data_info["channels"])
    columns = (("mean", "low", "high", unit, 1), ("share", "share_low", "share_high", "% of all attribution", percent))
    for column, (mean, low, high, words, factor) in enumerate(columns):
        bands = [factor * arrays[name][:count, :, : len(names)].astype(np.float64) for name in (mean, low, high)]
        reach = max(float(np.nanmax(np.abs(bands[0]), initial=0)), 1e-12)
        for row in range(count):
            panel, of_row = axes[row, column], [band[row] for band in bands]
            signal = arrays["input"][row, :, : len(names)]
            if len(names) == 1:
                _one_channel(panel, time, signal[:, 0], [band[:, 0] for band in of_row])
                panel.set_ylabel(words, fontsize=7)
            else:
                _channels(panel, time, signal, of_row, reach, names)
                panel.text(
                    *(1, 1.01, f"distance of two rows: {reach / _ROW:.3g} {words}"),
                    **{
                        "transform": panel.transAxes,
                        "ha": "right",
                        "va": "bottom",
                        "fontsize": 7,
                        "color": style.QUIET,
                    },
                )
            panel.set_xlim(*style.span(time))
            panel.tick_params(labelsize=7)
            if column == 0:
                panel.set_title(heading(arrays, data_info, row), loc="left", fontsize=8)
    style.label_time(axes, label)
    more = "" if len(names) >= len(channels) else f"; {len(names)} of {len(channels)} channels"
    classes = "" if count == len(arrays["outputs"]) else f"; {count} of {len(arrays['outputs'])} classes"
    note = f"line: mean, band: pointwise 95% interval of the mean; grey: the mean example, not to scale{more}{classes}"
    figure.suptitle(f"{caption}\n{note}", x=0.01, ha="left", fontsize=10)
    return figure


def heading(arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, row: int) -> str:
    """Return the class, and of how many examples and recordings its mean is."""
    examples, groups = int(arrays["examples"][row]), int(arrays["groups"][row])
    name = data_info["classes"][int(arrays["outputs"][row])]
    of_groups = "" if groups == examples else f" of {counted(groups, 'group')}"
    return f"{name}: {counted(examples, 'example')}{of_groups}{'' if groups > 1 else ' (no band)'}"


def _one_channel(
    axes: Axes, time: NDArray[np.float64], signal: NDArray[np.float32], bands: Sequence[NDArray[np.float64]]
) -> None:
    """Draw mean and band of one channel (time,), with the mean example behind them."""
    mean, low, high = bands
    axes.axhline(0, color=style.QUIET, linewidth=0.6, zorder=0)
    axes.fill_between(time, low, high, color=style.PALETTE[0], alpha=0.25, linewidth=0)
    axes.plot(time, mean, color=style.PALETTE[0], linewidth=1.2)
    bottom, top = axes.get_ylim()
    least, most = float(np.nanmin(signal)), float(np.nanmax(signal))
    scaled = (signal - least) / ((most - least) or 1.0)
    axes.plot(time, bottom + scaled * (top - bottom), color=style.QUIET, linewidth=0.8, alpha=0.7, zorder=0)
    axes.set_ylim(bottom, top)


def _channels(
    axes: Axes,
    time: NDArray[np.float64],
    signal: NDArray[np.float32],
    bands: Sequence[NDArray[np.float64]],
    reach: float,
    names: Sequence[str],
) -> None:
    """Draw mean and band of several channels (time, channels), each in a row of its own."""
    spread = np.maximum(np.nanmax(signal, axis=0) - np.nanmin(signal, axis=0), 1e-12)
    for index in range(len(names)):
        middle = (np.nanmax(signal[:, index]) + np.nanmin(signal[:, index])) / 2
        line = (signal[:, index] - middle) / spread[index]
        axes.plot(time, -index + 0.8 * line, color=style.QUIET, linewidth=0.5, alpha=0.45, zorder=0)
        mean, low, high = (-index + np.clip(band[:, index] / reach, -1.1, 1.1) * _ROW for band in bands)
        axes.axhline(-index, color=style.QUIET, linewidth=0.3, zorder=0)
        axes.fill_between(time, low, high, color=style.PALETTE[0], alpha=0.3, linewidth=0)
        axes.plot(time, mean, color=style.PALETTE[0], linewidth=0.9)
    axes.set_ylim(-len(names) + 0.4, 0.9)
    style.channel_ticks(axes, names, [-index for index in range(len(names))])
