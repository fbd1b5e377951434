"""Figure of the training examples that predictions rest on, and of those whose label may be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared import task_heading
from pellucid.draw.shared.example_panel import Span, channels_note, example, height
from pellucid.messages import counted
from pellucid.views.shared.support import counts

Arrays = Mapping[str, NDArray[Any]]

_COLOURS = {"supporting": style.PALETTE[0], "opposing": style.PALETTE[1]}
_ON = {"score": "the score of the explained class", "loss": "the loss of the example's class"}


def draw(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str) -> Figure:
    """Draw a row for each example: itself, what supports it and what opposes it; then the suspects."""
    image, classes = data_info["kind"] == "image", data_info["classes"]
    shown = list(range(len(arrays["inputs"])))[: parameters["shown"]]
    kinds = [kind for kind in _COLOURS if kind in arrays]
    beside = arrays["supporting"].shape[1]
    columns = 1 + beside * len(kinds)
    suspects = len(arrays["suspects"])
    below = -(-suspects // columns)
    rows = len(shown) + below
    wide, tall = (1.15, 1.15) if image else (1.9 if columns < 6 else 1.6, height(data_info) * 0.85 + 0.1)
    figure = style.new(max(wide * columns + 0.6, 6.6), (tall + 0.38) * rows + 1.35 + (0.3 if below else 0))
    figure.set_layout_engine("constrained", h_pad=0.06)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=not image, sharey=not image)
    others = (arrays[kind].reshape(-1, *arrays["inputs"].shape[1:]) for kind in (*kinds, "suspects"))
    span = Span.of(arrays["inputs"], *others)
    titles = [_title(arrays, data_info, row, parameters["of"]) for row in shown]
    for panel in axes.ravel():
        panel.set_visible(False)
    for line, row, own_title in zip(axes, shown, titles, strict=False):
        _panel(line[0], data_info, arrays["inputs"][row], span, style.INK, own_title)
        for place, kind in enumerate(kinds):
            for rank in range(beside):
                value = arrays[f"{kind}_values"][row, rank]
                if not counts(kind, value, parameters["of"]):
                    continue
                label = classes[int(arrays[f"{kind}_labels"][row, rank])]
                title = f"{label}: {_number(value, parameters['of'])}"
                panel = line[1 + place * beside + rank]
                _panel(panel, data_info, arrays[kind][row, rank], span, _COLOURS[kind], title)
    for number in range(suspects):
        panel = axes[len(shown) + number // columns, number % columns]
        said, label = (classes[int(arrays[key][number])] for key in ("suspect_predictions", "suspect_labels"))
        _panel(panel, data_info, arrays["suspects"][number], span, style.PALETTE[3], f"{label} / {said}")
    high = any("\n" in title for title in titles[:1])
    _headings(axes, kinds, beside, len(shown) if below else -1, parameters["of"], 26 if high else 16)
    style.label_time(axes, "" if image else style.time_axis(1, data_info["sampling_rate_hz"])[1])
    figure.suptitle(_caption(arrays, data_info, parameters, caption, len(shown)), x=0.01, ha="left", fontsize=10)
    return figure


def _panel(axes: Any, data_info: DataInfo, values: NDArray[np.float32], span: Span, colour: str, title: str) -> None:
    axes.set_visible(True)
    example(axes, data_info, values, span, colour=colour)
    axes.set_title(title, fontsize=7.5, color=colour, pad=3)


def _title(arrays: Arrays, data_info: DataInfo, row: int, of: str) -> str:
    """Return the predicted class, and the class whose score or loss is meant where it is another one."""
    predicted = str(data_info["classes"][int(arrays["predictions"][row])])
    if of == "loss":
        label = int(arrays["labels"][row])
        return (
            predicted if label == arrays["predictions"][row] else f"{predicted}\nclass: {data_info['classes'][label]}"
        )
    target = task_heading.of_target(data_info, arrays, row) if of == "score" else ""
    return f"{predicted}\nexplained: {target}" if target else predicted


def _headings(axes: Any, kinds: list[str], beside: int, suspects: int, of: str, above: int) -> None:
    """Write what the groups of panels are, so many points above the first row of each."""
    words = {"supporting": "support it" if of != "nearest" else "nearest training examples", "opposing": "oppose it"}
    first = [(axes[0, 0], "example", style.INK)]
    first += [(axes[0, 1 + place * beside], words[kind], _COLOURS[kind]) for place, kind in enumerate(kinds)]
    heads = [(panel, text, colour, above) for panel, text, colour in first if panel.get_visible()]
    if suspects >= 0:
        heads.append((axes[suspects, 0], "suspects", style.PALETTE[3], 16))
    for panel, text, colour, points in heads:
        panel.annotate(
            text, (0, 1), xytext=(0, points), xycoords="axes fraction", textcoords="offset points", fontsize=9,
            fontweight="bold", color=colour,
        )  # fmt: skip


def _number(value: float, of: str) -> str:
    """Return an influence with its sign, or a distance."""
    return f"d = {value:.2g}" if of == "nearest" else f"{value:+.3g}".replace("-", "−")


def _caption(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str, shown: int) -> str:
    of, total = parameters["of"], len(arrays["inputs"])
    what = "distance in the last features" if of == "nearest" else f"influence on {_ON[of]}"
    epochs, compared = arrays["epochs"], counted(int(arrays["compared"]), "training example")
    form = f"over {counted(len(epochs), 'checkpoint')} to epoch {epochs[-1]}" if len(epochs) else "final weights"
    same = float(arrays["same_class"].mean())
    lines = [
        f"{caption}: {what}",
        f"layer {arrays['layer']}, {form}; {compared} compared{channels_note(data_info)}",
        f"of the 10 nearest training examples, {same:.0%} have the class that the model predicts",
    ]
    if shown < total:
        lines[-1] += f"; {shown} of {total} examples"
    kinds = [kind for kind in _COLOURS if kind in arrays]
    if not all(counts(kind, arrays[f"{kind}_values"][:shown], of).all() for kind in kinds):
        lines.append("an empty place: no further training example supports (or opposes) the example")
    if len(arrays["suspects"]):
        lines.append("suspects: training examples with the largest influence on themselves (label / predicted)")
    return "\n".join(lines)
