"""Figure of the embedding: the test examples in the planes of PCA and t-SNE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.messages import counted
from pellucid.user_text import in_legend

# Black is kept for the rings, and yellow is too pale for points on white; then the colours repeat with another marker.
_COLOURS = style.PALETTE[:6]
_MARKERS = ("o", "^", "s", "D", "v", "P", "X")
_MARKS = len(_COLOURS) * len(_MARKERS)
_NAMED = 40  # classes, at most, with names in the planes
_LEGEND = 30  # classes, at most, in the legend


def draw(
    arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, parameters: Mapping[str, Any], caption: str
) -> Figure:
    """Draw both planes side by side, coloured by the true class; names stand at the medians, rings mark errors.

    Args:
        arrays: what the view computed.
        data_info: `data.json`.
        parameters: of the view: `neighbours`.
        caption: the first line of the heading.
    """
    if "reason" in arrays:
        figure = style.new(9.6, 1.2)
        figure.suptitle(f"{caption}\nno embedding: {arrays['reason']}", x=0.01, ha="left", fontsize=10)
        return figure
    present = [int(label) for label in np.unique(arrays["labels"])]
    # With more classes than marks, only the classes that are present get marks: otherwise two would look alike.
    mark = {label: place if len(data_info["classes"]) > _MARKS else label for place, label in enumerate(present)}
    columns = 11 if max(len(str(data_info["classes"][label])) for label in present) <= 6 else 5
    shown = present[:_LEGEND]
    lines = -(-(len(shown) + 1) // columns)
    figure = style.new(9.6, 5.2 + 0.19 * lines)
    axes = figure.subplots(1, 2)
    share = arrays["neighbours_same"]
    variance = arrays["variance"]
    for panel, name, title, same in zip(axes, ("pca", "tsne"), ("PCA", "t-SNE"), share[1:], strict=True):
        _plane(panel, arrays, name, mark, data_info)
        panel.set_title(f"{title}: {same:.0%} of the nearest examples are of the same class", loc="left")
        panel.tick_params(labelsize=7)
    axes[0].set_xlabel(f"principal component 1 ({variance[0]:.0%} of the variance)")
    axes[0].set_ylabel(f"principal component 2 ({variance[1]:.0%})" if len(variance) > 1 else "")
    axes[1].set_xticks([])
    axes[1].set_yticks([])
    axes[1].set_xlabel("t-SNE 1 (no unit)")
    axes[1].set_ylabel("t-SNE 2 (no unit)")
    handles = [_class_handle(mark[label], str(data_info["classes"][label])) for label in shown]
    handles.append(_ring_handle(int((arrays["labels"] != arrays["predictions"]).sum())))
    # Matplotlib fills a legend column by column, but readers read it line by line.
    handles = [handle for column in range(columns) for handle in handles[column::columns]]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=columns, fontsize=8, handletextpad=0.2, columnspacing=1.2
    )
    units, k = arrays["features"].shape[1], min(parameters["neighbours"], len(arrays["labels"]) - 1)
    figure.suptitle(
        f"{caption}\n{len(arrays['labels']):,} of {counted(int(arrays['total']), 'test example')}, {units:,} features "
        f"of layer {arrays['layer']}: {share[0]:.0%} of the {k} nearest examples are of the same class (by chance "
        f"{float(arrays['chance']):.0%})",
        x=0.01,
        ha="left",
        fontsize=10,
    )
    return figure


def _plane(
    axes: Axes, arrays: Mapping[str, NDArray[Any]], name: str, mark: Mapping[int, int], data_info: DataInfo
) -> None:
    """Draw the examples in one plane, with a mark for each class and rings around errors."""
    points, labels = arrays[name], arrays["labels"]
    size = float(np.clip(6000 / len(points), 8, 30))
    for label in mark:
        members = labels == label
        axes.scatter(
            points[members, 0],
            points[members, 1],
            s=size,
            color=_colour(mark[label]),
            marker=_marker(mark[label]),
            alpha=0.75,
            linewidths=0,
            zorder=2,
        )
    wrong = points[labels != arrays["predictions"]]
    axes.scatter(
        wrong[:, 0], wrong[:, 1], s=size + 35, facecolors="none", edgecolors=style.INK, linewidths=0.9, zorder=3
    )
    if len(mark) <= _NAMED:
        for label in mark:
            across, up = np.median(points[labels == label], axis=0)
            text = axes.text(
                across,
                up,
                str(data_info["classes"][label]),
                fontsize=9,
                fontweight="bold",
                ha="center",
                va="center",
                zorder=4,
            )
            text.set_path_effects([effects.withStroke(linewidth=2.5, foreground="white")])
    axes.margins(0.1)


def _class_handle(mark: int, name: str) -> Line2D:
    return Line2D([], [], linestyle="", marker=_marker(mark), color=_colour(mark), label=in_legend(name))


def _ring_handle(count: int) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        marker="o",
        markersize=8,
        markerfacecolor="none",
        color=style.INK,
        label=f"wrong ({count})",
    )


def _colour(label: int) -> str:
    return _COLOURS[label % len(_COLOURS)]


def _marker(label: int) -> str:
    return _MARKERS[label // len(_COLOURS) % len(_MARKERS)]
