"""Figure of prototypes, criticisms and the nearest test examples: a line for each class."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared.example_panel import Span, channels_note, example, height

_COLOURS = {"prototype": style.PALETTE[0], "criticism": style.PALETTE[1], "nearest": style.INK}
_ARRAYS = {"prototype": "prototypes", "criticism": "criticisms", "nearest": "nearest"}
_HEADINGS = {"prototype": "prototypes", "criticism": "criticisms", "nearest": "nearest test examples"}


def draw(
    arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, parameters: Mapping[str, Any], caption: str
) -> Figure:
    """Draw a line per class: its prototypes, its criticisms, and the test example nearest to each prototype."""
    classes = [int(label) for label in arrays["classes"]]
    shown = classes[: parameters["shown"]]
    members = {
        "prototype": [np.flatnonzero(arrays["prototype_labels"] == label) for label in shown],
        "criticism": [np.flatnonzero(arrays["criticism_labels"] == label) for label in shown],
        "nearest": [np.flatnonzero(arrays["prototype_labels"] == label) for label in shown],
    }
    widths = {kind: max(len(group) for group in groups) for kind, groups in members.items()}
    image = data_info["kind"] == "image"
    span = Span.of(arrays["prototypes"], arrays["criticisms"], arrays["nearest"])
    kinds = [kind for kind in members if widths[kind]]
    # A narrow column sets the groups apart.
    columns = sum(widths[kind] for kind in kinds) + len(kinds) - 1
    ratios: list[float] = []
    for kind in kinds:
        ratios += ([0.12] if ratios else []) + [1.0] * widths[kind]
    # Sizes in inches: of a panel, and from a panel to the next. All are known, so that no layout engine is needed.
    pixels = data_info["shape"]
    side = 0.85 if pixels[1] <= 64 else 1.2
    wide, tall = (side, side * pixels[0] / pixels[1]) if image else (1.4, height(data_info) * 0.75)
    right, down = wide + (0.12 if image else 0.15), tall + (0.24 if image else 0.32)
    left, top, bottom = (
        (0.5 if image else 0.75) + (0.35 if not image and len(data_info["channels"]) > 1 else 0),
        1.12,
        0.1 if image else 0.5,
    )
    inside = right * sum(ratios), down * (len(shown) - 1) + tall
    total = left + inside[0] + 0.1, top + inside[1] + bottom
    figure = style.new(max(total[0], 6.6), total[1])
    figure.set_layout_engine("none")
    full = figure.get_figwidth()
    axes = figure.subplots(
        len(shown),
        columns,
        squeeze=False,
        width_ratios=ratios,
        sharex=not image,
        sharey=not image,
        gridspec_kw={
            "left": left / full,
            "right": (left + inside[0]) / full,
            "top": 1 - top / total[1],
            "bottom": bottom / total[1],
            "wspace": (right - wide) / (inside[0] / columns),
            "hspace": (down - tall) / tall,
        },
    )
    _panels(axes, arrays, data_info, {kind: members[kind] for kind in kinds}, shown, span)
    for line, label in enumerate(shown):
        _name(axes[line, 0], str(data_info["classes"][label]), image)
    style.label_time(axes, "" if image else style.time_axis(1, data_info["sampling_rate_hz"])[1])
    text = _caption(arrays, data_info, caption, len(shown), len(classes))
    figure.suptitle(text, x=0.1 / full, y=1 - 0.08 / total[1], ha="left", va="top", fontsize=10)
    return figure


def _panels(
    axes: Any,
    arrays: Mapping[str, NDArray[Any]],
    data_info: DataInfo,
    members: Mapping[str, list[NDArray[np.int64]]],
    shown: list[int],
    span: Span,
) -> None:
    """Draw the members (kind → indices for each class) side by side, kind by kind."""
    for panel in axes.ravel():
        panel.set_visible(False)
    first = 0
    for kind, groups in members.items():
        for line, group in enumerate(groups):
            for column, index in enumerate(group):
                panel = axes[line, first + column]
                panel.set_visible(True)
                example(panel, data_info, arrays[_ARRAYS[kind]][index], span, colour=_COLOURS[kind])
                # A plain text: matplotlib would compare a title with the ticks of all neighbours, which is slow.
                panel.annotate(
                    _title(arrays, data_info, kind, int(index), shown[line]),
                    (0.5, 1),
                    xytext=(0, 3),
                    xycoords="axes fraction",
                    textcoords="offset points",
                    ha="center",
                    fontsize=7,
                )
        _head(axes[0, first], kind)
        first += max(map(len, groups)) + 1


def _title(arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, kind: str, index: int, label: int) -> str:
    """Return the title of a panel: what its example stands for, in a number."""
    if kind == "prototype":
        return f"{arrays['coverage'][index]:.0%} of the class"
    if kind == "criticism":
        # Adding zero turns −0.00 into +0.00.
        return f"witness {round(float(arrays['witness'][index]), 2) + 0.0:+.2f}".replace("-", "−")
    true = int(arrays["nearest_labels"][index])
    other = "" if true == label else f", {data_info['classes'][true]}!"
    return f"d = {arrays['nearest_distances'][index]:.2f}{other}"


def _head(axes: Any, kind: str) -> None:
    """Write the heading of a group, above the titles of the first line."""
    axes.annotate(
        _HEADINGS[kind],
        (0, 1),
        xytext=(0, 15),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=9,
        fontweight="bold",
        color=_COLOURS[kind],
    )


def _name(axes: Any, name: str, image: bool) -> None:
    """Write the class at the left of its line."""
    name = textwrap.fill(name, 16)
    if image:
        axes.annotate(
            name,
            (0, 0.5),
            xytext=(-5, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9,
            fontweight="bold",
            rotation=90 if len(name) > 3 else 0,
        )
    else:
        axes.set_ylabel(name, fontweight="bold")


def _caption(arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, caption: str, shown: int, count: int) -> str:
    lines = [
        caption,
        f"layer {arrays['layer']}; squared discrepancy of the prototypes from their class "
        f"{arrays['mmd2'].mean():.3f}, of random ones {arrays['mmd2_random'].mean():.3f}",
        "d: distance in units of the class's median distance" + channels_note(data_info),
    ]
    if shown < count:
        lines[-1] += f"; {shown} of {count} classes"
    if data_info["kind"] != "image" and len(data_info["channels"]) == 1:
        lines[-1] += f"; values: {data_info['unit']}"
    return "\n".join(lines)
