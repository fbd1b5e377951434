"""Layouts of maps over frequencies: spectra coloured by their attributions, and spectrograms above their maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.layouts import base, channels, signals
from pellucid.draw.shared import explained_steps, task_heading
from pellucid.draw.shared.panel_scales import PanelScales
from pellucid.explain.shared.stored_maps import DomainMap
from pellucid.network.signal_transforms import BandTransform, FourierTransform, ShortTimeTransform

_FLOOR = -60.0  # dB: smaller amplitudes would take the room of the larger ones
_WIDE, _TALL = 3.1, 1.2  # inches of a panel of a spectrogram
_DARK = -40.0  # dB: smaller amplitudes are white in a spectrogram
_MOST_CHANNELS = 2  # of one example, each with two panels


def figure(
    stored: DomainMap,
    arrays: Mapping[str, NDArray[Any]],
    data_info: DataInfo,
    rows: Sequence[NDArray[np.int64]],
    signed: bool,
    per_channel: bool,
    common: bool,
    unit: str,
    caption: str,
) -> Figure:
    """Return the figure of maps in another domain than time.

    Args:
        stored: the maps.
        arrays: content of `attributions.npz`.
        data_info: what `style.data_info` or `style.shown` returns.
        rows: the shown examples of each class, as indices.
        signed, per_channel, unit: as the method declares them for its parameters.
        common: whether all panels have one colour scale.
        caption: of the figure.
    """
    maps = stored.maps
    if stored.domain == "bands":
        _, length, depth = arrays["inputs"].shape
        maps = BandTransform(length, depth, maps.shape[1]).spread(maps)
        caption += "\neach band has one value, drawn at all of its frequencies"
    caption += f"\nfrequencies in {stored.unit}; amplitudes in dB below the largest of the example and channel"
    if "measured" in arrays:
        caption += "\npadding and gaps are part of the transformed signals"
    if "steps" in arrays:
        caption += f"\n{explained_steps.in_words(arrays['steps'], marked=False)}"
    sheet = base.Sheet(
        data_info=cast("DataInfo", {**data_info, "unit": "amplitude (dB)"}),
        arrays={name: array for name, array in arrays.items() if name not in ("truth", "measured", "steps")},
        maps=maps,
        rows=rows,
        scales=PanelScales(maps, np.concatenate(rows), signed, common),
        unit=task_heading.of_unit(unit, task_heading.task_of(data_info), arrays),
        per_channel=per_channel,
        caption=caption,
    )
    with style.styled():
        return _spectrograms(sheet, stored) if stored.domain == "stft" else _spectra(sheet, stored)


def _spectra(sheet: base.Sheet, stored: DomainMap) -> Figure:
    """Return the figure of maps over the frequencies of whole signals, in the layouts of series."""
    inputs = sheet.arrays["inputs"]
    transform = FourierTransform(*inputs.shape[1:])
    frequencies = transform.frequencies * (float(stored.facts["rate"]) or 1.0)
    # Small lines of many channels have room for less.
    floor = _FLOOR if inputs.shape[2] == 1 else _DARK
    arrays = {**sheet.arrays, "inputs": np.maximum(_decibels(transform.forward(inputs), (1,)), floor)}
    if (truth := sheet.arrays.get("truth_frequency")) is not None:
        arrays["truth"] = np.broadcast_to(truth[..., np.newaxis], arrays["inputs"].shape)
    drawn = replace(sheet, arrays=arrays, axis=(frequencies, f"frequency ({stored.unit})"))
    return signals.draw(drawn) if inputs.shape[2] == 1 else channels.draw(drawn)


def _spectrograms(sheet: base.Sheet, stored: DomainMap) -> Figure:
    """Return the figure of maps over frequencies and times: of each example the spectrogram, and below it the map."""
    inputs, names = sheet.arrays["inputs"], sheet.data_info["channels"]
    shown = _shown_channels(sheet)
    transform = ShortTimeTransform(inputs.shape[1], inputs.shape[2], 2 * (sheet.maps.shape[1] - 1))
    amplitudes = _decibels(transform.forward(inputs), (1, 2))
    frequencies, times = stored.facts["frequencies"], stored.facts["times"]
    panels = 2 * len(shown) if sheet.per_channel else len(shown) + 1
    drawn = style.new(1.4 + _WIDE * sheet.columns, 0.9 + _TALL * panels * len(sheet.rows))
    axes = drawn.subplots(panels * len(sheet.rows), sheet.columns, squeeze=False, sharex=True, sharey=True)
    for line, row in enumerate(sheet.rows):
        block = axes[line * panels : (line + 1) * panels]
        for column in range(sheet.columns):
            if column >= len(row):
                for panel in block[:, column]:
                    panel.set_visible(False)
                continue
            _example(block[:, column], sheet, amplitudes, int(row[column]), shown, (times, frequencies))
        for place, panel in enumerate(block[:, 0]):
            channel = shown[min(place // 2 if sheet.per_channel else place, len(shown) - 1)]
            name = names[channel] if sheet.per_channel or place < len(shown) else "all"
            panel.set_ylabel(f"{name}\n{stored.unit}", fontsize=7)
    style.label_time(axes, "time (s)" if float(stored.facts["rate"]) else "sample")
    note = "\ngrey: amplitude; below it the attribution"
    if len(shown) < len(names):
        note += f"; the {len(shown)} of {len(names)} channels with the most attribution"
    return sheet.finish(drawn, axes, note)


def _example(
    panels: NDArray[Any],
    sheet: base.Sheet,
    amplitudes: NDArray[np.float32],
    index: int,
    shown: NDArray[np.int64],
    positions: tuple[NDArray[Any], NDArray[Any]],
) -> None:
    """Draw the spectrograms and maps of one example into its column of panels."""
    panels[0].set_title(sheet.heading(index, _WIDE), loc="left")
    scale = sheet.scales.of(index)
    place = 0
    for number, channel in enumerate(shown):
        _image(panels[place], amplitudes[index, ..., channel], positions, cmap="Greys", vmin=_DARK, vmax=0)
        place += 1
        if sheet.per_channel or number == len(shown) - 1:
            values = sheet.maps[index, ..., channel if sheet.per_channel else 0]
            _image(panels[place], values, positions, cmap=scale.colours, norm=scale.norm)
            place += 1
    panels[place - 1].set_title(
        base.folded_note(sheet.scales.note(index), _WIDE - 0.5), loc="right", pad=2, **base.NOTE
    )


def _image(axes: Axes, values: NDArray[Any], positions: tuple[NDArray[Any], NDArray[Any]], **options: Any) -> None:
    """Draw values (F, frames) over time and frequency, low frequencies below."""
    ends = []
    for along in positions:
        half = (along[-1] - along[0]) / max(len(along) - 1, 1) / 2
        ends += [along[0] - half, along[-1] + half]
    axes.imshow(values, origin="lower", aspect="auto", interpolation="nearest", extent=tuple(ends), **options)
    axes.tick_params(labelsize=7)


def _shown_channels(sheet: base.Sheet) -> NDArray[np.int64]:
    """Return the channels that are drawn: all, or those with the most attribution in the shown examples."""
    chosen = np.concatenate(sheet.rows)
    size = np.abs(sheet.maps[chosen]).sum((0, 1, 2)) if sheet.per_channel else np.zeros(sheet.maps.shape[-1])
    return np.sort(np.argsort(-size, kind="stable")[:_MOST_CHANNELS])


def _decibels(z: NDArray[np.complex64], axes: tuple[int, ...]) -> NDArray[np.float32]:
    """Return amplitudes in dB below the largest of each example and channel; a signal of zeros is at the floor."""
    amplitude = np.abs(z)
    largest = amplitude.max(axes, keepdims=True)
    share = amplitude / np.where(largest > 0, largest, 1)
    return np.asarray(np.maximum(20 * np.log10(np.maximum(share, 1e-12)), _FLOOR), np.float32)
