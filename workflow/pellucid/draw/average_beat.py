"""Figure of the average beat: ECG and maps of all beats of a class or label, aligned at their R peaks, lead by lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files, plugins
from pellucid.compare.average_beats import AFTER, BAND, BEFORE, AverageBeat, average_beats, times
from pellucid.config.variants import in_words, variants
from pellucid.data_info import DataInfo
from pellucid.datasets.heartbeats import r_peaks
from pellucid.draw import style
from pellucid.draw.layouts import leads
from pellucid.draw.shared import coloured_lines, task_heading
from pellucid.ecg_leads import LEADS
from pellucid.explain.base import holds, unit_of
from pellucid.messages import MANY_CLASSES, counted

_WIDE, _TALL = 0.95, (1.0, 0.85)  # inches of a lead; of its trace, and of its attribution
_WIDE_ONE = 5.0  # inches where one lead is shown
_GAP = 0.08  # s between two leads
_MOST_BAND = 2.5  # a panel reaches to so many times the largest mean attribution: a spike of the band would flatten it


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
    """Draw the average beats of one variant of a method; arguments as those of `explanation.draw`."""
    chosen = variants(method, parameters)[variant]
    drawn = figure(method, chosen, variant, files.read_arrays(attributions), style.data_info(data), title=title)
    style.save(drawn, *pictures)


def figure(
    method: str,
    chosen: Mapping[str, Any],
    variant: str,
    arrays: Mapping[str, NDArray[Any]],
    data_info: DataInfo,
    *,
    title: str,
) -> Figure:
    """Return the figure of one variant, from what `explain.run` wrote; arguments as those of `explanation.figure`."""
    spec, place = plugins.spec("explain", method), list(arrays["variants"]).index(variant)
    per_channel, signed = holds(spec.per_channel, chosen), holds(spec.signed, chosen)
    names, rate = data_info["channels"], _rate_of(data_info)
    maps = arrays["attributions"][place] if per_channel else arrays["attributions"][place][..., :1]
    usual = [leads.lead_name(name) for name in names]
    averages = average_beats(arrays["inputs"], maps, arrays["labels"], usual, rate)
    lead = r_peaks.lead_to_search(usual)
    columns = _in_clinical_order(names) if per_channel else [lead]
    setting = in_words(chosen)
    caption = (
        f"Average beat: {spec.title}{f' ({setting})' if setting else ''}\n{title}\n"
        f"all whole beats of the explained examples, aligned at the R peaks of lead {names[lead]} (of another lead "
        f"where it shows none), from {BEFORE:g} s before to {AFTER:g} s after them; above: mean beat in "
        f"{data_info['unit']} on its mean attribution; below: mean attribution, band: {BAND[0]:g}th to {BAND[1]:g}th "
        f"percentile of the beats, which may leave the panel"
    )
    if not per_channel:
        caption += "; one map for all leads"
    unit = task_heading.of_unit(unit_of(spec, chosen), task_heading.task_of(data_info), arrays)
    with style.styled():
        return _drawn(
            averages[:MANY_CLASSES], columns, data_info, caption, unit, signed=signed, one_map=not per_channel
        )


def _drawn(
    averages: Sequence[AverageBeat],
    columns: Sequence[int],
    data_info: DataInfo,
    caption: str,
    unit: str,
    *,
    signed: bool,
    one_map: bool,
) -> Figure:
    """Return the figure: for each output a row of traces, and a row of attributions below it."""
    time = times(_rate_of(data_info))
    step = time[-1] - time[0] + _GAP
    wide = _WIDE_ONE if len(columns) == 1 else _WIDE * len(columns)
    figure = style.new(max(1.0 + wide, 7.0), 1.3 + (sum(_TALL) + 0.3) * len(averages))
    grid = figure.subplots(2 * len(averages), 1, squeeze=False, sharex=True, height_ratios=_TALL * len(averages))[:, 0]
    for traces, attributions, average in zip(grid[::2], grid[1::2], averages, strict=True):
        scale = style.Scale.of(average.mean.astype(np.float32), signed, leads.colours(signed))
        for column, channel in enumerate(columns):
            of_map, x = 0 if one_map else channel, time + column * step
            _trace(traces, x, average.signal[:, channel], average.mean[:, of_map], scale)
            _attribution(attributions, x, average, of_map)
        top = _MOST_BAND * float(np.nanmax(np.abs(average.mean), initial=0)) or 1.0
        attributions.set_ylim(-top if signed else -0.05 * top, top)
        traces.set_title(_heading(average, data_info), loc="left", fontsize=9)
        traces.set_ylabel(data_info["unit"], fontsize=7)
        attributions.set_ylabel("attribution", fontsize=7)
        for panel in (traces, attributions):
            panel.set_xlim(time[0], time[-1] + (len(columns) - 1) * step)
            panel.tick_params(labelsize=6.5)
            for column in range(len(columns)):
                panel.axvline(column * step, color=style.QUIET, linewidth=0.4, zorder=0)
        traces.tick_params(bottom=False)
        names = [data_info["channels"][channel] for channel in columns]
        if len(columns) == 1:
            grid[-1].set_xlabel(f"s from the R peak; trace: lead {names[0]}", fontsize=7)
        else:
            # The names of the leads stand below their R peaks, in every row.
            attributions.set_xticks(np.arange(len(columns)) * step, names)
            attributions.tick_params(axis="x", labelbottom=True, labelsize=7)
    figure.suptitle(f"{caption} ({unit})", x=0.01, ha="left", fontsize=10)
    return figure


def _trace(
    axes: Axes,
    x: NDArray[np.float64],
    signal: NDArray[np.float64],
    attribution: NDArray[np.float64],
    scale: style.Scale,
) -> None:
    """Draw the mean beat of a lead on the colours of its mean attribution."""
    lines = coloured_lines.coloured_segments(x, signal, attribution.astype(np.float32), scale, 4.0)
    lines.set_capstyle("butt")
    # Thousands of separate segments would make a large SVG.
    lines.set_rasterized(True)
    axes.add_collection(lines)
    axes.plot(x, signal, color="#111820", linewidth=0.7, zorder=3)


def _attribution(axes: Axes, x: NDArray[np.float64], average: AverageBeat, of_map: int) -> None:
    """Draw the mean attribution of a lead and its band."""
    axes.plot(x[[0, -1]], [0, 0], color=style.QUIET, linewidth=0.5, zorder=0)
    axes.fill_between(
        x, average.low[:, of_map], average.high[:, of_map], color=style.PALETTE[0], alpha=0.25, linewidth=0
    )
    axes.plot(x, average.mean[:, of_map], color=style.PALETTE[0], linewidth=0.9)


def _heading(average: AverageBeat, data_info: DataInfo) -> str:
    """Return the class or label, and of how many beats and records its average is."""
    name = f"{task_heading.word(data_info)} {data_info['classes'][average.output]}"
    if not average.beats:
        return f"{name}: no whole beat was found in {counted(average.without, 'record')}"
    without = f"; none found in {average.without}" if average.without else ""
    return f"{name}: {counted(average.beats, 'beat')} of {counted(average.records, 'record')}{without}"


def _in_clinical_order(names: Sequence[str]) -> list[int]:
    """Return the channels in the order of the clinical sheet where they are the 12 leads, else as they are."""
    places = {leads.lead_name(name): place for place, name in enumerate(names)}
    order = [places.get(lead) for lead in LEADS]
    known = [place for place in order if place is not None]
    return known if len(known) == len(names) else list(range(len(names)))


def _rate_of(data_info: DataInfo) -> float:
    """Return the sampling rate in Hz, which every source with R peaks has."""
    rate = data_info["sampling_rate_hz"]
    assert rate is not None
    return float(rate)
