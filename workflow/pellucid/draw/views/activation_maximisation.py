"""Figure of activation maximisation: the made inputs beside real examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import pixels
from pellucid.draw.shared.example_panel import Span, channels_note, example, height
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORDS, QUANTITY, REGRESSION, SINGLE_LABEL

WIDTH = 11  # inches, at most, of the pictures side by side
# What the grey line behind an input of a class, a label or a value is.
_MEANS = {
    SINGLE_LABEL: "mean training example of the class",
    MULTI_LABEL: "mean training example with the label",
    REGRESSION: "mean of the tenth of the training examples with the highest value",
}


def draw(
    arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, parameters: Mapping[str, Any], caption: str
) -> Figure:
    """Draw each made series over a real one in grey, or each made picture above real ones.

    Args:
        arrays: what the view computed.
        data_info: `data.json`.
        parameters: of the view.
        caption: the first line of the heading.
    """
    filters = bool(str(arrays["layer"]))
    shown, count = len(arrays["units"]), int(arrays["count"])
    task = data_info.get("task", SINGLE_LABEL)
    what = f"filters of {arrays['layer']}" if filters else OUTPUT_WORDS[task]
    note = f"{shown} of {count} {what}" if shown < count else f"all {count} {what}"
    if not filters and count < len(data_info["classes"]):
        note += f" that the training examples have, of {len(data_info['classes']):,}"
    real = f"best real: of {int(arrays['examples']):,} training examples"
    heading = f"{caption}\n{note}; {real}{channels_note(data_info)}"
    figure = (_pictures if data_info["kind"] == "image" else _series)(arrays, data_info, filters)
    if data_info["kind"] != "image":
        behind = "best real example" if filters else _MEANS[task]
        heading += f"\nblue: made by gradient ascent; grey: {behind}"
    figure.suptitle(heading, x=0.01, ha="left", fontsize=10)
    return figure


def _series(arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, filters: bool) -> Figure:
    grey = arrays["best" if filters else "mean"]
    span = Span.of(arrays["inputs"], grey)
    columns = min(3 if len(data_info["channels"]) == 1 else 4, len(grey))
    rows = -(-len(grey) // columns)
    figure = style.new(0.8 + 3.1 * columns, 0.9 + (height(data_info) + 0.45) * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for position, panel in enumerate(axes.ravel()):
        if position >= len(grey):
            panel.set_visible(False)
            continue
        example(panel, data_info, arrays["inputs"][position], span, grey[position], style.PALETTE[0])
        panel.set_title(_title(arrays, data_info, position, filters), loc="left", fontsize=8)
    if len(data_info["channels"]) == 1:
        for line in axes:
            line[0].set_ylabel(data_info["unit"], fontsize=7)
    style.label_time(axes, style.time_axis(grey.shape[1], data_info["sampling_rate_hz"])[1])
    return figure


def _pictures(arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, filters: bool) -> Figure:
    kinds = ["inputs", "best"] if filters else ["inputs", "mean", "best"]
    count = len(arrays["units"])
    tall, wide = arrays["inputs"].shape[1:3]
    side = 1.1 if wide <= 64 else 1.8
    per_line = int(WIDTH / side)
    columns = min(per_line, -(-count // -(-count // per_line)))
    blocks = -(-count // columns)
    figure = style.new(
        max(0.3 + side * columns, 5.5), 0.8 + blocks * (0.15 + len(kinds) * (0.97 * side * tall / wide + 0.12))
    )
    axes = figure.subplots(blocks * len(kinds), columns, squeeze=False)
    for panel in axes.ravel():
        panel.set_visible(False)
    for position in range(count):
        block, column = divmod(position, columns)
        for line, kind in enumerate(kinds):
            panel = axes[block * len(kinds) + line, column]
            panel.set_visible(True)
            pixels.image(panel, arrays[kind][position])
            title = {
                "inputs": f"{_name(arrays, data_info, position, filters)}\n{_reached(arrays, position)}",
                "mean": "mean",
                "best": f"best real {_number(arrays['best_scores'][position])}",
            }[kind]
            panel.set_title(title, fontsize=7, pad=3)
    return figure


def _name(arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, position: int, filters: bool) -> str:
    unit = int(arrays["units"][position])
    return f"filter {unit}" if filters else str(data_info["classes"][unit])


def _title(arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, position: int, filters: bool) -> str:
    parts = []
    for prefix in ("", "best_"):
        score = _number(arrays["best_scores"][position]) if prefix else _reached(arrays, position)
        if f"{prefix}probabilities" in arrays:
            score += f" (p = {arrays[f'{prefix}probabilities'][position]:.2f})"
        parts.append(score)
    kind = ":" if filters else f"\n{QUANTITY[data_info.get('task', SINGLE_LABEL)]}"
    return f"{_name(arrays, data_info, position, filters)}{kind} {parts[0]}; best real {parts[1]}"


def _reached(arrays: Mapping[str, NDArray[Any]], position: int) -> str:
    """Return the score, or "silent" for a unit whose score never changed, so that its input stayed the start."""
    return "silent" if arrays["silent"][position] else _number(arrays["scores"][position])


def _number(value: float) -> str:
    """Return a number with about three digits."""
    return f"{value:.0f}" if abs(value) >= 100 else (f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}")
