"""Diagram of a network: a row for each layer, with connections, output, parameters and receptive field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path as Curve
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared.canvas import Canvas

Arrays = Mapping[str, NDArray[Any]]

COLOURS = {
    "input": style.INK,
    "convolution": style.PALETTE[0],
    "pooling": style.PALETTE[1],
    "dense": style.PALETTE[2],
    "recurrent or attention": style.PALETTE[3],
    "merge": style.PALETTE[4],
    "norm, activation, dropout": style.PALETTE[5],
    "other": style.QUIET,
}
_SMALL = "norm, activation, dropout"
_ROW, _LANE = 0.3, 0.17  # inches


def draw(arrays: Arrays, data_info: DataInfo, parameters: Mapping[str, Any], caption: str) -> Figure:
    """Draw the layers from the input on top to the classes at the bottom."""
    total = len(arrays["names"])
    heads = _heads(arrays) if total > parameters["rows"] else list(range(total))
    rows = sorted(set(heads))
    joined = [[index for index in range(total) if heads[index] == row] for row in rows]
    place = {row: position for position, row in enumerate(rows)}
    edges = sorted({(place[heads[a]], place[heads[b]]) for a, b in arrays["edges"].tolist() if heads[a] != heads[b]})
    lanes = _lanes(len(rows), edges)
    weights = np.array([arrays["parameters"][layers].sum() for layers in joined])
    names = [_name(arrays, layers) for layers in joined]
    caption += f"\n{total} layers, {int(arrays['parameters'].sum()):,} parameters"
    if len(rows) < total:
        caption += (
            f"; in {len(rows)} rows: normalisation, activation, dropout and padding share the row of the layer before"
        )
    # Columns, in inches.
    graph = 0.25 + _LANE * (max(lanes) + 1)
    text = 0.25 + 0.068 * max(map(len, names))
    shape, size, share, seen = graph + text, 1.15, 1.75, 1.45
    width = shape + size + 1.6 + share + seen
    canvas = Canvas(width, 0.75 + _ROW * len(rows), caption, bar=False)
    _legend(canvas, arrays)
    for x, words in (
        (graph, "layer (kind)"),
        (shape, "output shape"),
        (shape + size, "output size"),
        (shape + size + 1.6, "parameters"),
        (shape + size + 1.6 + share, "receptive field"),
    ):
        canvas.text(words, x, 0.52, fontsize=8, fontweight="bold")
    _groups(canvas, [str(arrays["within"][layers[0]]) for layers in joined], width)
    last = [layers[-1] for layers in joined]
    colours = [COLOURS[str(arrays["groups"][layers[0]])] for layers in joined]
    _connections(canvas, edges, lanes, colours)
    most = max(int(weights.sum()), 1)
    reach = int(arrays["field"].max())
    for position, colour in enumerate(colours):
        y, end = _y(position), last[position]
        canvas.text(names[position], graph, y, fontsize=7.5)
        canvas.text(str(arrays["shapes"][end]), shape, y)
        _output(canvas, arrays, end, shape + size + 0.7, y, colour)
        if weights[position]:
            bar = 0.75 * weights[position] / most
            _bar(canvas, shape + size + 1.6, y, bar, colour)
            value = 100 * weights[position] / most
            percent = f"{value:.0f}%" if value >= 1 else "< 1%"
            canvas.text(f"{int(weights[position]):,} ({percent})", shape + size + 1.65 + bar, y)
        x = shape + size + 1.6 + share
        bar = 0.75 * arrays["field"][end] / reach
        _bar(canvas, x, y, bar, style.QUIET)
        canvas.text("whole input" if arrays["whole"][end] else f"{int(arrays['field'][end])}", x + bar + 0.05, y)
    return canvas.figure


def _y(row: int) -> float:
    return 0.75 + _ROW * (row + 0.5)


def _heads(arrays: Arrays) -> list[int]:
    """Return for each layer the layer in whose row it stands: a small layer stands with the only layer before it."""
    sources: dict[int, list[int]] = {}
    users: dict[int, int] = {}
    for start, end in arrays["edges"].tolist():
        sources.setdefault(end, []).append(start)
        users[start] = users.get(start, 0) + 1
    heads = list(range(len(arrays["names"])))
    for index, group in enumerate(arrays["groups"]):
        before = sources.get(index, [])
        # A layer where a branch starts does not share its row: the branch would seem to start after the small layer.
        joins = group == _SMALL and len(before) == 1 and users[before[0]] == 1
        if joins and arrays["groups"][heads[before[0]]] != "input":
            heads[index] = heads[before[0]]
    return heads


def _name(arrays: Arrays, layers: Sequence[int]) -> str:
    """Return the name of a row: its first layer, with the kinds of all its layers."""
    kinds = " + ".join(str(arrays["kinds"][index]) for index in layers)
    return f"{arrays['names'][layers[0]]} ({kinds})"


def _lanes(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return a lane for each row, so that no line crosses the dot of a row that it is not connected to."""
    lanes = [0] * count
    taken: dict[int, int] = {}  # lane → the last row that a line in it reaches
    for row in range(count):
        starts = [a for a, b in edges if b == row]
        ends = [b for a, b in edges if a == row]
        # A row stays in the lane of the row before it, if no other line has taken that lane since.
        options = sorted({lanes[a] for a in starts}) or [0]
        free = [lane for lane in options if taken.get(lane, -1) <= row]
        lane = free[0] if free else next(lane for lane in range(count + 1) if taken.get(lane, -1) <= row)
        lanes[row] = lane
        taken[lane] = max(ends, default=row)
    return lanes


def _connections(
    canvas: Canvas, edges: Sequence[tuple[int, int]], lanes: Sequence[int], colours: Sequence[str]
) -> None:
    """Draw a dot for each row and lines between the dots, each in the outer one of the lanes that it connects."""
    for start, end in edges:
        x, y, to_x, to_y = _x(lanes[start]), _y(start), _x(lanes[end]), _y(end)
        if lanes[start] == lanes[end]:
            curve = Curve([(x, y), (to_x, to_y)], [Curve.MOVETO, Curve.LINETO])
        else:
            near = min(_ROW, abs(to_y - y))
            # Straight down the outer lane, and a bend of one row where it changes.
            if lanes[end] > lanes[start]:
                points = [(x, y), (x, y + near / 2), (to_x, y + near / 2), (to_x, y + near), (to_x, to_y)]
            else:
                points = [(x, y), (x, to_y - near), (x, to_y - near / 2), (to_x, to_y - near / 2), (to_x, to_y)]
            bend = [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4, Curve.LINETO]
            down = [Curve.MOVETO, Curve.LINETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4]
            curve = Curve(points, bend if lanes[end] > lanes[start] else down)
        canvas.axes.add_patch(PathPatch(curve, fill=False, edgecolor=style.QUIET, linewidth=1.2, zorder=2))
    for row, colour in enumerate(colours):
        box = FancyBboxPatch(
            (_x(lanes[row]) - 0.045, _y(row) - 0.045),
            0.09,
            0.09,
            boxstyle="round,pad=0,rounding_size=0.02",
            facecolor=colour,
            edgecolor="white",
            linewidth=0.8,
            zorder=3,
        )
        canvas.axes.add_patch(box)


def _x(lane: int) -> float:
    return 0.12 + _LANE * lane


def _output(canvas: Canvas, arrays: Arrays, index: int, centre: float, y: float, colour: str) -> None:
    """Draw a block: its width is the longest axis and its height the number of filters, both on a logarithmic scale."""
    positions, filters = np.log2(1.0 + arrays["positions"]), np.log2(1.0 + arrays["filters"])
    width = 1.3 * max(float(positions[index] / positions.max()), 0.02)
    height = 0.85 * _ROW * float(filters[index] / filters.max())
    canvas.axes.add_patch(
        Rectangle((centre - width / 2, y - height / 2), width, height, facecolor=colour, alpha=0.85, linewidth=0)
    )


def _bar(canvas: Canvas, x: float, y: float, width: float, colour: str) -> None:
    canvas.axes.add_patch(Rectangle((x, y - 0.055), max(width, 0.01), 0.11, facecolor=colour, alpha=0.85, linewidth=0))


def _legend(canvas: Canvas, arrays: Arrays) -> None:
    """Draw the legend of the colours that occur."""
    x = 0.05
    for name, colour in COLOURS.items():
        if name in arrays["groups"]:
            canvas.axes.add_patch(Rectangle((x, 0.17), 0.1, 0.1, facecolor=colour, linewidth=0))
            canvas.text(name, x + 0.15, 0.22, fontsize=7.5)
            x += 0.38 + 0.068 * len(name)


def _groups(canvas: Canvas, within: Sequence[str], width: float) -> None:
    """Tint the rows of each nested model, and write its name."""
    start = 0
    for row in range(1, len(within) + 1):
        if row == len(within) or within[row] != within[start]:
            if within[start]:
                top, height = _y(start) - _ROW / 2, _ROW * (row - start)
                canvas.axes.add_patch(
                    Rectangle((0, top), width, height, facecolor=style.PALETTE[5], alpha=0.1, linewidth=0, zorder=0)
                )
                canvas.text(
                    within[start], width - 0.06, top + height / 2, rotation=90, ha="right", color=style.PALETTE[0]
                )
            start = row
