"""Figures of the evaluation of values: predicted against true, errors, and the coverage of intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pellucid import files, tables
from pellucid.draw import style
from pellucid.messages import counted
from pellucid.user_text import in_figure, names_in_figure

MOST = 12  # values in a figure; the tables have all
_DOTS = 3000  # examples that are drawn as dots; of more, the density
_ACROSS = 4  # panels of coverage in a row
_WRITTEN = 40  # letters of a name
_PARTS = {
    "all": style.INK,
    "lowest third": style.PALETTE[0],
    "middle third": style.PALETTE[2],
    "highest third": style.PALETTE[1],
}


def draw_predictions(
    *, predictions: Path | str, metrics: Path | str, per_value: Path | str, title: str, pictures: list[str]
) -> None:
    """Draw a row for each value: predicted against true, the errors against the prediction, and their histogram.

    Args:
        predictions: `predictions.npz`.
        metrics: `metrics.json`.
        per_value: `per_value.csv`.
        title: of the experiment.
        pictures: one path per format.
    """
    scores, table, names, note = _read(metrics, per_value)
    arrays = files.read_arrays(predictions)
    figure = style.new(8.6, 1.0 + 2.75 * len(names))
    with style.styled():
        rows = figure.subplots(len(names), 3, squeeze=False, width_ratios=[1.15, 1.15, 0.8])
        for value, (panels, name) in enumerate(zip(rows, names, strict=True)):
            row = table.iloc[value]
            unit = in_figure(str(row["unit"])) if isinstance(row["unit"], str) and row["unit"] else ""
            measured = f" ({unit})" if unit else ""
            true, predicted = (arrays[key][:, value].astype(np.float64) for key in ("labels", "logits"))
            _against(panels[0], true, predicted, row["interval_half_width"])
            panels[0].set_xlabel(f"true{measured}")
            panels[0].set_ylabel(f"predicted{measured}")
            panels[0].set_title(f"{name}\n{_told(row, unit)}", loc="left", fontsize=8.5)
            _dots(panels[1], predicted, predicted - true)
            panels[1].axhline(0, color=style.QUIET, linewidth=0.9, linestyle="--")
            panels[1].set_xlabel(f"predicted{measured}")
            panels[1].set_ylabel(f"error{measured}")
            panels[1].set_title("predicted − true", loc="left", fontsize=8.5)
            panels[2].hist(predicted - true, bins=30, orientation="horizontal", color="#9ecae1")
            panels[2].axhline(float(row["bias"]), color=style.PALETTE[1], linewidth=1.2)
            panels[2].set_ylim(*panels[1].get_ylim())
            panels[2].set_xlabel("test examples")
            panels[2].set_title(f"mean error {row['bias']:.3g}", loc="left", fontsize=8.5)
            for panel in panels:
                panel.tick_params(labelsize=7)
        band = "; band: 90% intervals" if np.isfinite(table["interval_half_width"]).any() else ""
        figure.suptitle(
            f"Test: R² {_number(scores['r2'])}, {counted(scores['test_examples'], 'example')}{band}\n{title}{note}"
            f"{_notes(scores, 8.6)}",
            x=0.01,
            ha="left",
            fontsize=10,
        )
    style.save(figure, *pictures)


def draw_coverage(
    *, table: Path | str, metrics: Path | str, per_value: Path | str, title: str, pictures: list[str]
) -> None:
    """Draw the share of test values within their intervals against the share that the intervals promise.

    Args:
        table: `coverage.csv`.
        metrics, per_value, title, pictures: see `draw_predictions`.
    """
    _, of_values, names, note = _read(metrics, per_value)
    rows = tables.read(table, words=("value", "part"))
    across = min(_ACROSS, len(names))
    down = -(-len(names) // across)
    figure = style.new(max(0.7 + 2.4 * across, 5.4), 1.2 + 2.5 * down)
    with style.styled():
        panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
        for panel in panels.ravel()[len(names) :]:
            panel.set_visible(False)
        for panel, name, value in zip(panels.ravel(), names, of_values["value"], strict=False):
            own = rows[rows["value"] == value]
            panel.plot([0, 1], [0, 1], color=style.QUIET, linewidth=0.8, linestyle="--")
            for part, colour in _PARTS.items():
                line = own[own["part"] == part]
                whole = part == "all"
                panel.plot(
                    *(line["level"], line["coverage"]),
                    color=colour,
                    linewidth=1.6 if whole else 0.9,
                    marker="o" if whole else None,
                    markersize=3.5,
                    label="all test examples" if whole else f"{part} of the predictions",
                )
                if whole:
                    panel.vlines(line["level"], line["coverage_low"], line["coverage_high"], color=colour, linewidth=1)
            if own.empty:
                panel.text(0.5, 0.5, "no intervals: too few\nvalidation examples", ha="center", va="center", fontsize=8)
            panel.set_title(textwrap.fill(name, 30), loc="left", fontsize=8.5)
            panel.set_xlim(0, 1)
            panel.set_ylim(0, 1.02)
            panel.tick_params(labelsize=7)
        for panel in panels[:, 0]:
            panel.set_ylabel("share of test values inside", fontsize=8)
        for panel in panels.ravel()[max(0, len(names) - across) : len(names)]:
            panel.set_xlabel("nominal share", fontsize=8)
            panel.tick_params(labelbottom=True)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7.5)
        figure.suptitle(
            f"Coverage of intervals that were calibrated on the validation examples\n{title}{note}",
            x=0.01,
            ha="left",
            fontsize=10,
        )
    style.save(figure, *pictures)


def _against(axes: Axes, true: NDArray[np.float64], predicted: NDArray[np.float64], width: float) -> None:
    """Draw predicted against true values, on equal axes, with the diagonal and the band of the intervals."""
    low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    margin = 0.04 * (high - low or 1)
    ends = np.array([low - margin, high + margin])
    # The prediction ± the width holds the true value: in this plot a band around the diagonal.
    if np.isfinite(width):
        axes.fill_between(ends, ends - width, ends + width, color="#eef0f2", linewidth=0)
    _dots(axes, true, predicted)
    axes.plot(ends, ends, color=style.QUIET, linewidth=0.9, linestyle="--")
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)


def _dots(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Draw a dot for each example; of very many examples, how many lie in each cell."""
    if len(x) > _DOTS:
        axes.hexbin(x, y, gridsize=45, cmap="Blues", bins="log", mincnt=1, linewidths=0.1)
    else:
        axes.plot(x, y, "o", color=style.PALETTE[0], markersize=2.8, alpha=0.45, markeredgewidth=0)


def _told(row: Any, unit: str) -> str:
    """Return R² and the mean absolute error with their intervals."""
    interval = f" ({row['r2_low']:.2f} to {row['r2_high']:.2f})" if np.isfinite(row["r2_low"]) else ""
    error = f"mean absolute error {row['mae']:.3g}{f' {unit}' if unit else ''}"
    return f"R² {_number(row['r2'])}{interval}\n{error}"


def _number(value: float | None) -> str:
    return "undefined" if value is None or not np.isfinite(value) else f"{value:.3f}".replace("-", "−")


def _read(metrics: Path | str, per_value: Path | str) -> tuple[dict[str, Any], Any, list[str], str]:
    """Return the metrics, the rows of the shown values, their names in figures, and a line about those left out."""
    scores, table = files.read_json(metrics), tables.read(per_value, words=("value", "unit"))
    note = f"\nthe first {MOST} of {len(table):,} values" if len(table) > MOST else ""
    table = table.iloc[:MOST]
    return scores, table, names_in_figure(list(table["value"]), _WRITTEN), note


def _notes(scores: Mapping[str, Any], width: float) -> str:
    """Return the reasons to doubt the model, in lines for a figure of this width in inches."""
    lines = [line for note in scores.get("notes", ()) for line in textwrap.wrap(note, max(40, int(13 * width)))]
    return "".join(f"\n{line}" for line in lines)
