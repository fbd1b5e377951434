"""Figure of an explanation: some examples of every class, label or value, with their attributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files, plugins
from pellucid.config.variants import in_words, variants
from pellucid.data_info import DataInfo
from pellucid.datasets.base import UNLABELLED
from pellucid.draw import style
from pellucid.draw.layouts import base, channels, images, leads, numbers, signals, spectra
from pellucid.draw.shared import explained_steps, held_inputs, task_heading
from pellucid.draw.shared.panel_scales import PanelScales
from pellucid.explain.base import holds, unit_of
from pellucid.explain.shared import stored_maps
from pellucid.explain.shared.number_inputs import is_numbers
from pellucid.messages import MANY_CLASSES

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
    colour_scale: str = "panel",
) -> None:
    """Draw the attributions of one variant of a method.

    Args:
        method: name of the method.
        variant: name of the variant.
        parameters: its parameters, and `sweep`.
        title: of the experiment.
        data: `data.json`.
        attributions: `attributions.npz`.
        pictures: one path per format.
        colour_scale: "panel" for a scale for each panel, "common" for one scale for all.

    Whether the method passes its checks is known much later; the report says it beside the figure.
    """
    chosen = variants(method, parameters)[variant]
    drawn = figure(
        method,
        chosen,
        variant,
        files.read_arrays(attributions),
        style.data_info(data),
        title=title,
        common=colour_scale == "common",
    )
    style.save(drawn, *pictures)


def figure(
    method: str,
    chosen: Mapping[str, Any],
    variant: str,
    arrays: Mapping[str, NDArray[Any]],
    data_info: DataInfo,
    *,
    title: str,
    common: bool = False,
) -> Figure:
    """Return the figure of one variant, from what `explain.run` wrote.

    Args:
        method, chosen, variant: the method, the parameters of the variant, and its name.
        arrays: content of `attributions.npz`.
        data_info: what `style.data_info` or `style.shown` returns.
        title: of the experiment.
        common: whether all panels have one colour scale.
    """
    spec, other = plugins.spec("explain", method), stored_maps.domain_map(arrays, variant)
    # A map over frequencies has no places that were not measured.
    measured, labels = None if other else arrays.get("measured"), arrays["labels"]
    place = -1 if other else list(arrays["variants"]).index(variant)
    maps = other.maps if other else style.unmeasured_as_nan(arrays["attributions"][place], measured)
    per_channel, signed = holds(spec.per_channel, chosen), holds(spec.signed, chosen)
    unit = unit_of(spec, chosen)
    if data_info["kind"] == "image" and per_channel:
        # A pixel has one colour: for the sum of its channels.
        maps = maps.sum(-1, keepdims=True)
    setting = in_words(chosen)
    caption = "\n".join(filter(None, [f"{spec.title}{f' ({setting})' if setting else ''}", title]))
    present = np.unique(labels)
    rows = [np.flatnonzero(labels == label)[:SHOWN] for label in present[:MANY_CLASSES]]
    if (labels == UNLABELLED).all():
        caption += "\nexamples without labels, in the order of the data"
        rows = in_rows(len(labels))
    if len(present) > MANY_CLASSES:
        caption += f"\n{MANY_CLASSES} of {len(present):,} {task_heading.word(data_info, plural=True)}"
    if measured is not None:
        share = arrays["unmeasured_share"][place].mean()
        caption += "\ngrey: padding or a gap, where nothing was measured"
        caption += f" ({share:.0%} of all attribution, not shown)" if share else ""
    if "explained_input" in data_info:
        caption += f"\n{held_inputs.in_words(data_info)}"
    layout = layout_of(data_info)
    if other:
        return spectra.figure(other, arrays, data_info, rows, signed, per_channel, common, unit, caption)
    if "steps" in arrays:
        caption += f"\n{explained_steps.in_words(arrays['steps'], marked=layout in (signals.draw, channels.draw))}"
    # A class activation map without its negative part may have nothing left.
    zero = "zero everywhere: no positive values" if chosen.get("relu") else "zero everywhere"
    shades = leads.colours(signed) if layout is leads.draw else None
    sheet = base.Sheet(
        data_info=data_info,
        arrays={**arrays, "inputs": style.unmeasured_as_nan(arrays["inputs"], measured)},
        maps=maps,
        rows=rows,
        scales=PanelScales(maps, np.concatenate(rows), signed, common, shades, zero),
        unit=task_heading.of_unit(unit, task_heading.task_of(data_info), arrays),
        per_channel=per_channel,
        caption=caption,
    )
    with style.styled():
        return layout(sheet)


def in_rows(count: int) -> list[NDArray[np.int64]]:
    """Return the first of `count` examples in rows of `SHOWN`, as many rows as a figure has room for."""
    return [np.arange(start, min(start + SHOWN, count)) for start in range(0, count, SHOWN)][:MANY_CLASSES]


def layout_of(data_info: DataInfo) -> Callable[[base.Sheet], Figure]:
    """Return the layout that suits the data."""
    if data_info["kind"] == "image":
        return images.draw
    if is_numbers(data_info.get("shape", ())):
        return numbers.draw
    if len(data_info["channels"]) == 1:
        return signals.draw
    return leads.draw if leads.is_ecg(data_info) else channels.draw
