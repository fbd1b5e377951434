"""Figure of a score: the mean of every explanation with its interval, and the curves behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files, plugins, tables
from pellucid.draw import style
from pellucid.draw.shared import heading
from pellucid.draw.shared.families import family
from pellucid.ranks import in_order
from pellucid.score.base import ScoreSpec

COLUMNS = 4  # panels side by side
NAMED = 3  # curves that get a colour and a name, besides those of controls


def draw(*, score: str, title: str, table: Path | str, arrays: Path | str, pictures: Sequence[Path | str]) -> None:
    """Draw one score.

    Args:
        score: its name.
        title: of the experiment.
        table, arrays: what `score.run` wrote.
        pictures: one path per format.
    """
    spec = plugins.spec("score", score)
    rows = tables.read(table)
    with style.styled():
        style.save(_figure(spec, tables.over_all(rows), files.read_arrays(arrays), title), *pictures)


def _figure(spec: ScoreSpec, rows: pd.DataFrame, arrays: Mapping[str, NDArray[Any]], title: str) -> Figure:
    metrics = [metric for metric in dict.fromkeys(rows["metric"]) if not spec.metric(metric).of_model]
    curves = list(dict.fromkeys(key.split("/")[1] for key in arrays if key.endswith("/y")))
    order = ranked(rows, metrics[0], spec)
    columns = min(COLUMNS, max(len(metrics), len(curves)))
    lines, below = -(-len(metrics) // columns), -(-len(curves) // columns)
    height = 0.6 + 0.17 * len(order)
    figure = style.new(max(2.2 + 2.5 * columns, 8.0), 0.7 + height * lines + 2.8 * below + 0.5 * bool(below))
    heights = [height] * lines + [2.8] * below
    axes = figure.subplots(lines + below, columns, squeeze=False, height_ratios=heights)
    # Without this padding, long names at the left edge would be cut off.
    figure.set_layout_engine("constrained", w_pad=0.12)
    for panel in axes.ravel():
        panel.set_visible(False)
    for position, metric in enumerate(metrics):
        panel = axes[position // columns, position % columns]
        _dots(panel, rows[rows["metric"] == metric].set_index("explanation"), order, position % columns == 0)
        declared = spec.metric(metric)
        variant = f" ({metric.split('.', 1)[1]})" if "." in metric else ""
        panel.set_title(f"{declared.title}{variant}", loc="left")
        panel.set_xlabel({"higher": "higher is better →", "lower": "← lower is better", "neither": ""}[declared.better])
    for position, curve in enumerate(sorted(curves, key=_variant)):
        _curves(axes[lines + position // columns, position % columns], curve, order, arrays)
    if curves:
        # One legend serves all panels, which name the same explanations.
        handles, labels = axes[lines, 0].get_legend_handles_labels()
        figure.legend(handles[::-1], labels[::-1], fontsize=8, ncols=columns + 2, loc="outside lower left")
    note = f"\n{arrays['note']}" if "note" in arrays else ""
    if "over" in arrays:
        note = f"\nmeans over {heading.at_most(rows['examples'], str(arrays['over']))}{note}"
    if over := heading.over_groups(rows):
        note = f"\n{over}{note}"
    figure.suptitle(f"{title} — {spec.title}{note}", x=0.01, ha="left", fontsize=10)
    return figure


def ranked(rows: pd.DataFrame, metric: str, spec: ScoreSpec) -> list[str]:
    """Return the explanations, the best by `metric` first; equal ones by name, and those without a value last."""
    means = rows[rows["metric"] == metric].set_index("explanation")["mean"]
    names, lower = list(means.index), spec.metric(metric).better == "lower"
    return [names[place] for place in in_order(means.to_numpy(np.float64), names, lower=lower)]


def _variant(curve: str) -> tuple[str, int]:
    """Return the key by which curves are sorted: by kind, then in the order of the baselines in the table."""
    kind, _, variant = curve.partition(".")
    order = ("zero", "mean", "noise", "linear", "other")
    return kind, order.index(variant) if variant in order else 0


def control(label: str) -> bool:
    """Return whether an explanation is a control."""
    return family(label) == "control"


def _dots(axes: Any, rows: pd.DataFrame, order: Sequence[str], named: bool) -> None:
    """Draw a row for each explanation: its mean, and a bar over its interval."""
    axes.set_visible(True)
    for place, label in enumerate(order):
        if label not in rows.index:
            continue
        colour = style.QUIET if control(label) else style.PALETTE[0]
        mean, low, high = rows.loc[label, ["mean", "low", "high"]]
        axes.plot([low, high], [place, place], color=colour, linewidth=1.6, alpha=0.5, solid_capstyle="butt")
        axes.plot(mean, place, "o", color=colour, markersize=4)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_yticks(range(len(order)), order if named else [], fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7)
    axes.grid(axis="y", color="#eef1f4", linewidth=0.8)
    axes.set_axisbelow(True)


def _curves(axes: Any, curve: str, order: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Draw the mean curve of every explanation; the best ones and the controls have names, all others are pale."""
    axes.set_visible(True)
    with_curve = [label for label in order if f"{label}/{curve}/y" in arrays]
    best = [label for label in with_curve if not control(label)][:NAMED]
    dashes = iter(("--", ":", "-."))
    for label in reversed(with_curve):
        x, y = arrays[f"{label}/{curve}/x"], arrays[f"{label}/{curve}/y"]
        y = y[np.isfinite(y).all(1)]
        if not len(y):
            continue
        y = y.mean(0)
        if label in best:
            axes.plot(x, y, color=style.PALETTE[best.index(label)], linewidth=1.6, label=label, zorder=3)
        elif control(label):
            axes.plot(x, y, color=style.INK, linewidth=1.1, linestyle=next(dashes, "-"), label=label, zorder=2)
        else:
            axes.plot(x, y, color="#c5ccd4", linewidth=0.8, zorder=1)
    if with_curve:
        x_label, y_label = arrays[f"{with_curve[0]}/{curve}/labels"]
        axes.set_xlabel(str(x_label), fontsize=8)
        axes.set_ylabel(str(y_label), fontsize=8)
    axes.set_title(curve, loc="left")
    axes.tick_params(labelsize=7)
