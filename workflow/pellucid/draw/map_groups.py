"""Figure of the groups of maps: the mean map of each, its most typical example, and what it follows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files, plugins, tables
from pellucid.config.variants import method_of, variants_in_time
from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared.mean_images import picture
from pellucid.explain.shared.measured_maps import MeasuredMaps
from pellucid.messages import MANY_CLASSES, counted
from pellucid.summarise.run import ORIGINS
from pellucid.user_text import readable

_MOST_GROUPS = 30
_FLAG = "#b3261e"


def draw(
    *,
    variant: str,
    parameters: Mapping[str, Any],
    maps: Sequence[Path | str],
    groups: Path | str,
    flags: Path | str,
    examples: Path | str,
    x: Path | str,
    filled: Path | str,
    data: Path | str,
    title: str,
    pictures: Sequence[Path | str],
) -> None:
    """Draw a row for each group of maps.

    Args:
        variant: name of the variant.
        parameters: of its method, and `sweep`.
        maps: of all parts, in their order.
        groups, flags: `groups.csv` and `groups.json`.
        examples: the measured examples.
        x, filled: `x_test.npy` and `measured.npz`.
        data: `data.json`.
        title: of the experiment.
        pictures: one path per format.
    """
    chosen = files.read_arrays(examples)
    labels = list(variants_in_time(method_of(variant), parameters))
    opened = MeasuredMaps.open(maps, variant, labels, filled, chosen["indices"])
    members = tables.read(groups, words=(*tables.WORDS, *ORIGINS))
    # An example may stand for several labels: its row follows from the class, too.
    info = files.read_json(data)
    places = {
        (info["classes"][output], int(index)): row
        for row, (output, index) in enumerate(zip(chosen["labels"], chosen["indices"], strict=True))
    }
    rows = {
        key: np.array([places[(str(key[0]), int(index))] for index in part["example"]], np.int64)
        for key, part in members.groupby(["class", "group of maps"], sort=False)
    }
    with style.styled():
        drawn = figure(variant, opened, files.map_array(x), rows, files.read_json(flags), style.data_info(data), title)
    style.save(drawn, *pictures)


def figure(
    variant: str,
    maps: MeasuredMaps,
    x: NDArray[Any],
    rows: Mapping[Any, NDArray[np.int64]],
    facts: Mapping[str, Any],
    data_info: DataInfo,
    title: str,
) -> Figure:
    """Return the figure.

    Args:
        variant: name of the variant.
        maps: of all measured examples.
        x: all test examples.
        rows: by class and number of a group, its measured examples, the most typical first.
        facts: content of `groups.json`.
        data_info: what `style.data_info` returns.
        title: of the experiment.
    """
    entries = facts["groups"]
    flagged = sum(bool(entry["flags"]) for entry in entries)
    # Flagged groups are always shown.
    order = sorted(range(len(entries)), key=lambda place: (not entries[place]["flags"], place))
    shown = [entries[place] for place in sorted(order[: min(_MOST_GROUPS, 3 * MANY_CLASSES)])]
    image = data_info["kind"] == "image"
    figure = style.new(7 if image else 9.2, 1.3 + (1.0 if image else 1.15) * len(shown))
    widths = (1, 1, 2.2) if image else (1.2, 1.2, 1)
    axes = figure.subplots(len(shown), 3, squeeze=False, width_ratios=widths) if shown else ()
    for line, entry in zip(axes, shown, strict=True):
        members = rows[(entry["class"], entry["number"])]
        share = 100 * _mean_share(maps, members)
        example = np.asarray(x[maps.indices[members[0]]], np.float32)
        if image:
            _pictures(line, share, example)
        else:
            _series(line, share, example, data_info)
        name = readable(data_info["classes"][entry["output"]])
        count = sum(other["output"] == entry["output"] for other in entries)
        line[0].set_title(
            f"{name}, group {entry['number']} of {count}: {counted(entry['examples'], 'example')}",
            loc="left",
            fontsize=8,
            color=_FLAG if entry["flags"] else style.INK,
        )
        line[1].set_title(
            f"most typical: test example {entry['typical'][0]}", loc="left", fontsize=7, color=style.QUIET
        )
        _words(line[2], entry)
    spec = plugins.spec("explain", method_of(variant))
    verdict = f"{flagged} flagged: look at their examples" if flagged else "none is flagged"
    counts = f"{counted(len(entries), 'group')}, {len(shown)} shown, {verdict}; left: mean share of the attribution"
    if not entries:
        counts = "There is no group: the maps of all measured examples are zero everywhere"
    caption = (
        f"Groups of maps: {spec.title}{'' if variant == method_of(variant) else f' ({variant})'}\n{title}\n{counts}"
    )
    figure.suptitle(caption, x=0.01, ha="left", fontsize=10)
    return figure


def _mean_share(maps: MeasuredMaps, members: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean share of up to 256 members of a group, the most typical ones: (*input_shape)."""
    mean: NDArray[np.float64] = np.nan_to_num(maps.shares(members[:256])).mean(0, np.float64)
    return mean


def _series(line: Any, share: NDArray[np.float64], example: NDArray[np.float32], data_info: DataInfo) -> None:
    """Draw the mean share of a group, and its most typical example in the colours of nothing: as it is."""
    time, label = style.time_axis(len(share), data_info["sampling_rate_hz"])
    if share.shape[1] == 1:
        line[0].fill_between(time, 0, share[:, 0], color=style.PALETTE[0], alpha=0.7, linewidth=0)
        line[0].set_ylabel("%", fontsize=7)
        line[0].set_ylim(bottom=0)
        line[1].plot(time, example[:, 0], color=style.INK, linewidth=0.8)
    else:
        scale = style.Scale.of(share.astype(np.float32), False)
        style.channel_map(line[0], time, share.astype(np.float32), data_info["channels"], scale)
        spread = np.maximum(np.ptp(example, axis=0), np.float32(1e-12))
        style.stacked_series(line[1], time, example, data_info["channels"], spread)
    for panel in line[:2]:
        panel.set_xlim(*style.span(time))
        panel.tick_params(labelsize=6)
    line[0].set_xlabel(label, fontsize=6, labelpad=1)


def _pictures(line: Any, share: NDArray[np.float64], example: NDArray[np.float32]) -> None:
    scale = style.Scale.of(share.sum(-1).astype(np.float32), False)
    line[0].imshow(share.sum(-1), cmap=scale.colours, norm=scale.norm, interpolation="nearest")
    line[1].imshow(picture(example), cmap="gray_r" if example.shape[-1] != 3 else None, interpolation="nearest")
    for panel in line[:2]:
        panel.set_xticks([])
        panel.set_yticks([])


def _words(axes: Axes, entry: Mapping[str, Any]) -> None:
    """Write the tests of a group, the flags in bold."""
    axes.set_axis_off()
    lines: list[tuple[str, bool]] = []
    for test in entry["tests"]:
        what = "one place" if test["of"] == "place" else f"the {test['of']}"
        if test["p"] is None:
            text = f"{what}: not tested: {test['reason']}"
        else:
            p = max(test["p corrected"], 1e-12)
            text = f"{what}: strength {test['strength']:.2f}, p = {p:.2g}"
        if test["flag"]:
            text = f"⚑ follows {text}" if test["of"] != "place" else f"⚑ keeps to {text}"
            text += f"\n{readable(test['detail'])}"
        lines += [(piece, test["flag"]) for part in text.split("\n") for piece in textwrap.wrap(part, 44)]
    for place, (text, strong) in enumerate(lines[:7]):
        axes.text(
            0.0,
            0.98 - 0.16 * place,
            text,
            transform=axes.transAxes,
            va="top",
            fontsize=7,
            fontweight="bold" if strong else "normal",
            color=_FLAG if strong else style.INK,
        )
