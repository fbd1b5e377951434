"""Figure of pruning: accuracy, and similarity of the explanations, against the share of the weights that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import plugins
from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.messages import counted

_NAMES = {
    "random": "at random",
    "global_magnitude": "the largest of the model",
    "layer_magnitude": "the largest of each layer",
}
_MARKERS = {"random": "o", "global_magnitude": "s", "layer_magnitude": "^"}


def draw(
    arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, parameters: Mapping[str, Any], caption: str
) -> Figure:
    """Draw a panel for the accuracy and one for each method; a line for each strategy, with the range of its repeats.

    Args:
        arrays: what the view computed.
        data_info: `data.json`.
        parameters: of the view.
        caption: the first line of the heading.
    """
    methods = [str(name) for name in arrays["methods"]]
    figure = style.new(1.0 + 3.1 * (1 + len(methods)), 3.9)
    axes = figure.subplots(1, 1 + len(methods), squeeze=False)[0]
    _panel(axes[0], arrays, arrays["accuracy"])
    axes[0].axhline(float(arrays["chance"]), color=style.QUIET, linestyle="--", linewidth=0.9, zorder=0)
    axes[0].text(
        0.0,
        float(arrays["chance"]) + 0.015,
        "most frequent class",
        color=style.INK,
        fontsize=7,
        ha="left",
        va="bottom",
    )
    axes[0].set_ylabel("accuracy")
    axes[0].set_title(f"{counted(int(arrays['points']), 'test example')}", loc="left")
    axes[0].set_ylim(-0.02, 1.03)
    for position, (panel, name) in enumerate(zip(axes[1:], methods, strict=True)):
        _panel(panel, arrays, arrays["rank_correlation"][:, position])
        panel.axhline(0, color=style.QUIET, linestyle="--", linewidth=0.9, zorder=0)
        panel.set_ylabel("rank correlation with the whole model")
        panel.set_title(
            f"{plugins.spec('explain', name).title}, {counted(int(arrays['examples']), 'example')}", loc="left"
        )
        panel.set_ylim(min(-0.1, float(np.nanmin(arrays["rank_correlation"], initial=0)) - 0.05), 1.03)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(labels), fontsize=8)
    figure.suptitle(f"{caption}\n{_kept(arrays)}", x=0.01, ha="left", fontsize=10)
    return figure


def _kept(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return what the lines mean."""
    note = f"line: which of the {int(arrays['weights']):,} weights in kernels are kept"
    repeats = int(arrays["repeat"].max()) + 1
    return f"{note}; at random: mean and range of {repeats} masks" if repeats > 1 else note


def _panel(axes: Axes, arrays: Mapping[str, NDArray[Any]], values: NDArray[np.float64]) -> None:
    """Draw a line for each strategy, and a band over the range of its repeats."""
    # Evenly spaced: the lowest densities, where most changes, would be too close together on a linear scale.
    densities = sorted({float(density) for density in arrays["density"]}, reverse=True)
    places = np.arange(len(densities))
    for position, name in enumerate(dict.fromkeys(str(strategy) for strategy in arrays["strategy"])):
        of_strategy = arrays["strategy"] == name
        trials = [values[of_strategy & np.isclose(arrays["density"], density)] for density in densities]
        colour = style.PALETTE[position]
        axes.fill_between(
            places, [trial.min() for trial in trials], [trial.max() for trial in trials], color=colour, alpha=0.18, lw=0
        )
        axes.plot(
            places,
            [trial.mean() for trial in trials],
            color=colour,
            marker=_MARKERS[name],
            markersize=4,
            linewidth=1.4,
            label=_NAMES[name],
        )
    axes.set_xticks(places, [f"{100 * density:g}" for density in densities])
    axes.set_xlabel("weights kept (%)")
    axes.tick_params(labelsize=8)
