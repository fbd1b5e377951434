"""Figure: which channel and which time, by the attributions of all examples and by shuffling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from pellucid import files, plugins, tables
from pellucid.config.variants import method_of
from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.messages import MANY_CLASSES, counted
from pellucid.summarise.permutation import CHANNEL, PLACE
from pellucid.user_text import names_in_figure

_MOST = 24  # channels or places of one panel
_DOTS = 60  # of a class in one row: more are drawn from evenly
_WORDS = {CHANNEL: "channel", PLACE: "place"}


def draw(
    *,
    variant: str,
    table: Path | str,
    shares: Path | str,
    agreement: Path | str,
    examples: Path | str,
    data: Path | str,
    title: str,
    pictures: Sequence[Path | str],
) -> None:
    """Draw a row of panels for channels and one for places: a beeswarm of shares, and the loss by shuffling beside it.

    Args:
        variant: name of the variant.
        table: `importance.csv`.
        shares: `shares.npz`.
        agreement: `agreement.json`.
        examples: the measured examples.
        data: `data.json`.
        title: of the experiment.
        pictures: one path per format.
    """
    rows = tables.read(table, words=(*tables.WORDS, "name"))
    arrays = files.read_arrays(shares)
    with style.styled():
        drawn = figure(
            variant,
            tables.over_all(rows),
            {CHANNEL: arrays["channels"], PLACE: arrays["places"]},
            files.read_json(agreement),
            files.read_arrays(examples)["labels"],
            style.data_info(data),
            title,
        )
    style.save(drawn, *pictures)


def figure(
    variant: str,
    rows: Any,
    shares: Mapping[str, NDArray[np.float32]],
    agreement: Mapping[str, Any],
    labels: NDArray[np.int64],
    data_info: DataInfo,
    title: str,
) -> Figure:
    """Return the figure; arguments as for `draw`, with the content of the files."""
    kinds = [kind for kind in (CHANNEL, PLACE) if (rows["of"] == kind).any()]
    shown = {kind: rows[rows["of"] == kind] for kind in kinds}
    shown = {
        kind: part.sort_values("share", ascending=False).head(_MOST).sort_values("number")
        for kind, part in shown.items()
    }
    heights = [0.5 + 0.26 * len(part) for part in shown.values()]
    figure = style.new(8.6, 1.5 + sum(heights))
    axes = figure.subplots(len(kinds), 2, squeeze=False, sharey="row", width_ratios=(1.5, 1), height_ratios=heights)
    present = np.unique(labels)[:MANY_CLASSES]
    for line, (kind, part) in zip(axes, shown.items(), strict=True):
        _swarm(line[0], shares[kind], part, labels, present)
        _losses(line[1], part)
        line[0].set_yticks(range(len(part)), names_in_figure(part["name"].tolist()), fontsize=7)
        line[0].set_ylim(len(part) - 0.5, -0.5)
        tau = next(entry["tau"] for entry in agreement["tau"] if entry["of"] == kind and entry["over"] == tables.ALL)
        words = "no order to compare" if tau is None else f"the two orders agree by Kendall's τ = {tau:.2f}"
        more = "" if len(part) == (rows["of"] == kind).sum() else f", {len(part)} of {(rows['of'] == kind).sum()} shown"
        line[0].set_title(f"which {_WORDS[kind]}: {words}{more}", loc="left", fontsize=8)
    axes[-1, 0].set_xlabel("% of the example's absolute attribution (bar: median)", fontsize=8)
    axes[-1, 1].set_xlabel("loss gained by shuffling over examples", fontsize=8)
    marks = [
        Line2D(
            [], [], color=_colour(place), marker="o", linestyle="none", markersize=4, label=data_info["classes"][output]
        )
        for place, output in enumerate(present)
    ]
    figure.legend(handles=marks, loc="outside lower left", ncols=min(len(marks), 5), fontsize=7)
    spec = plugins.spec("explain", method_of(variant))
    caption = (
        f"Which channel, which time: {spec.title}{'' if variant == method_of(variant) else f' ({variant})'}\n{title}"
    )
    if not agreement["per_channel"] and len(data_info["channels"]) > 1:
        caption += "\none map for all channels: this method cannot tell channels apart"
    caption += (
        f"\n{counted(len(labels), 'example')}; left: what the method says, right: what the model loses (95% interval)"
    )
    figure.suptitle(caption, x=0.01, ha="left", fontsize=10)
    return figure


def _colour(place: int) -> str:
    return style.PALETTE[place % len(style.PALETTE)]


def _swarm(
    axes: Axes, shares: NDArray[np.float32], part: Any, labels: NDArray[np.int64], present: NDArray[np.int64]
) -> None:
    """Draw a dot for each example in the colour of its class, in a row for each channel or place.

    Dots of a class lie a little below each other in the order of the examples, so that they do not hide each other.
    """
    for row, (number, median) in enumerate(zip(part["number"], part["median"], strict=True)):
        for place, output in enumerate(present):
            values = shares[labels == output, number]
            values = 100 * values[np.isfinite(values)]
            values = values[np.unique(np.linspace(0, max(len(values) - 1, 0), min(len(values), _DOTS)).astype(int))]
            # The golden ratio spreads any number of dots evenly over the row.
            offset = (np.arange(len(values)) * 0.618034) % 1 - 0.5
            axes.plot(
                values,
                row + 0.7 * offset,
                "o",
                color=_colour(place),
                markersize=1.8,
                alpha=0.55,
                markeredgewidth=0,
                rasterized=True,
            )
        axes.plot([100 * median] * 2, [row - 0.4, row + 0.4], color=style.INK, linewidth=1.4)
    axes.set_xlim(left=0)
    axes.tick_params(axis="x", labelsize=7)
    axes.tick_params(axis="y", length=0)


def _losses(axes: Axes, part: Any) -> None:
    """Draw the increase of the loss with its interval."""
    rows = np.arange(len(part))
    axes.axvline(0, color=style.QUIET, linewidth=0.6, zorder=0)
    axes.barh(rows, part["loss increase"], color=style.PALETTE[5], height=0.6)
    axes.hlines(rows, part["loss low"], part["loss high"], color=style.INK, linewidth=1)
    axes.tick_params(axis="x", labelsize=7)
    axes.tick_params(axis="y", length=0)
