"""Figure of TCAV: for each layer and each class, the share of each concept beside those of random concepts."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import task_heading
from pellucid.tasks import QUANTITY, REGRESSION, SINGLE_LABEL
from pellucid.user_text import in_legend, names_in_figure

Arrays = Mapping[str, NDArray[Any]]

_LEVEL = 0.05
_COLUMNS = 5  # panels in a line at most
_RISES, _FALLS = style.PALETTE[1], style.PALETTE[0]
_RANDOM = "#d3d8de"
_LONGEST = 26  # letters of a line of a concept's name


def draw(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str) -> Figure:
    """Draw a panel for each layer and class: a row for each concept, its share as a point, chance as a grey bar."""
    outputs = [str(data_info["classes"][int(unit)]) for unit in arrays["outputs"]]
    names = [textwrap.fill(name, _LONGEST) for name in names_in_figure([str(name) for name in arrays["concepts"]])]
    columns = min(_COLUMNS, len(outputs))
    lines = -(-len(outputs) // columns)
    layers = len(arrays["layers"])
    each = 0.24 * sum(1 + 0.55 * name.count("\n") for name in names) + 0.28
    left = 0.25 + 0.075 * max(len(line) for name in names for line in name.split("\n"))
    wide, across = 1.5, 0.5  # inches of a panel, and beside it for the effects
    between, foot = 0.32, 0.85
    heading_text = _heading(arrays, caption, data_info.get("task", SINGLE_LABEL))
    head = 0.3 + 0.17 * (heading_text.count("\n") + 1)
    block = lines * (each + between) + 0.42
    size = left + columns * (wide + across) + 0.1, head + layers * block + foot
    figure = style.new(max(size[0], 9.0), size[1])
    figure.set_layout_engine("none")
    full = figure.get_figwidth(), figure.get_figheight()
    for layer in range(layers):
        top = head + layer * block
        title = _layer_title(arrays, layer)
        figure.text(0.1 / full[0], 1 - (top - 0.02) / full[1], title, fontsize=9, va="top")
        for place, output in enumerate(outputs):
            line, column = divmod(place, columns)
            down = top + 0.28 + line * (each + between) + between - 0.1
            box = (left + column * (wide + across)) / full[0], 1 - (down + each) / full[1]
            axes = figure.add_axes((*box, wide / full[0], each / full[1]))
            last = layer == layers - 1 and place + columns >= len(outputs)
            _panel(axes, arrays, (layer, place), names if column == 0 else None, ticks=last)
            axes.set_title(textwrap.shorten(output, 28, placeholder="…"), fontsize=8, pad=3)
    words = task_heading.word(data_info, plural=True)
    about = f"share of the test examples of the {words} above whose score rises towards the concept"
    if data_info.get("task") == REGRESSION:
        about = "share of the test examples in which the value above rises towards the concept"
    figure.text(left / full[0], 0.52 / full[1], about, fontsize=8, va="center")
    figure.legend(
        handles=_legend(), loc="lower left", bbox_to_anchor=(0.1 / full[0], 0.05 / full[1]), ncols=4, fontsize=8,
        handletextpad=0.4, columnspacing=1.2,
    )  # fmt: skip
    figure.suptitle(heading_text, x=0.1 / full[0], y=1 - 0.08 / full[1], ha="left", va="top", fontsize=10)
    return figure


def _panel(axes: Axes, arrays: Arrays, at: tuple[int, int], names: list[str] | None, *, ticks: bool) -> None:
    """Draw the concepts of one layer and one output, the first on top."""
    layer, output = at
    scores, p = arrays["scores"][layer, :, output], arrays["p_corrected"][layer, :, output]
    spread, effects = arrays["spread"][layer, :, output], arrays["effects"][layer, :, output]
    random = arrays["random_scores"][layer, :, output]
    # Two digits of the largest effect of the layer.
    digits = max(0, 1 - int(np.floor(np.log10(max(float(np.abs(arrays["effects"][layer]).max()), 1e-9)))))
    for row in range(len(scores)):
        low, high = np.quantile(random[row], (0.05, 0.95))
        # A bar of no length would not be seen.
        low, high = min(low, high - 0.01), max(high, low + 0.01)
        axes.barh(row, high - low, 0.72, low, color=_RANDOM, linewidth=0, zorder=1)
        axes.plot([random[row].mean()] * 2, [row - 0.36, row + 0.36], color=style.QUIET, linewidth=1, zorder=2)
        colour, sure = _RISES if effects[row] > 0 else _FALLS, p[row] < _LEVEL
        ends = np.clip([scores[row] - spread[row], scores[row] + spread[row]], 0, 1)
        axes.plot(ends, [row, row], color=colour, linewidth=1.2, alpha=1 if sure else 0.45, zorder=3)
        axes.plot(
            scores[row], row, marker="o", markersize=6, markeredgecolor=colour, markeredgewidth=1.2,
            markerfacecolor=colour if sure else "white", zorder=4, clip_on=False,
        )  # fmt: skip
        text = f"{round(float(effects[row]), digits) + 0.0:+.{digits}f}".replace("-", "−")
        axes.text(1.1, row, text, fontsize=7, va="center", color=style.INK if sure else style.QUIET)
    axes.axvline(0.5, color=style.QUIET, linewidth=0.6, linestyle=":", zorder=0)
    axes.set_xlim(-0.06, 1.06)
    axes.set_ylim(len(scores) - 0.5, -0.5)
    axes.set_xticks([0, 0.5, 1], ["0", "½", "1"] if ticks else [""] * 3, fontsize=7)
    axes.set_yticks(range(len(scores)), names or [""] * len(scores), fontsize=8)
    axes.tick_params(axis="y", length=0)


def _legend() -> list[Any]:
    def point(colour: str, face: str, label: str) -> Line2D:
        return Line2D(
            [], [], linestyle="", marker="o", markersize=6, markeredgecolor=colour, markerfacecolor=face, label=label
        )

    return [
        point(_RISES, _RISES, in_legend("the score rises")),
        point(_FALLS, _FALLS, in_legend("the score falls")),
        point(style.INK, "white", in_legend("not told from random concepts")),
        Patch(color=_RANDOM, label=in_legend("9 of 10 random concepts, and their mean")),
    ]


def _heading(arrays: Arrays, caption: str, task: str) -> str:
    quantity = QUANTITY[task]
    draws, tests = arrays["random_effects"].shape[-1], arrays["p"].size
    lines = [
        caption,
        f"filled: the effect differs from that of {draws} random concepts at 5%, corrected for {tests} tests (Holm)",
        f"of random concepts, {float(arrays['false_positives']):.0%} have p < 0.05, not corrected; beside the panels: "
        f"the effect, in units of the {quantity}",
    ]
    return "\n".join(lines)


def _layer_title(arrays: Arrays, layer: int) -> str:
    """Return the name of a layer, and how well its features tell the concepts from random examples."""
    low, high = float(arrays["accuracy"][layer].min()), float(arrays["accuracy"][layer].max())
    between = f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} to {high:.2f}"
    return f"layer {arrays['layers'][layer]}: accuracy of telling a concept from random examples {between} (chance ½)"
