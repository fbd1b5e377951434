"""Lines in the colours of attributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from pellucid.draw import style

# Points to a dot of a figure from which they share a colour.
_SHARED = 3


def coloured_line(
    axes: Axes, time: NDArray[np.float64], signal: style.Array, attribution: style.Array, scale: style.Scale
) -> None:
    """Draw a signal (time,) as a line in the colours of its attribution (time,); grey where the attribution is NaN."""
    axes.add_collection(coloured_segments(time, signal, attribution, scale, 1.9))
    style.shade_unmeasured(axes, time, np.isnan(attribution))
    axes.set_xlim(*style.span(time))
    low, high = float(np.nanmin(signal)), float(np.nanmax(signal))
    margin = 0.08 * (high - low or 1.0)
    axes.set_ylim(low - margin, high + margin)


def coloured_segments(
    x: NDArray[np.float64],
    y: NDArray[Any],
    attribution: style.Array,
    scale: style.Scale,
    width: float,
    inches: float = np.inf,
) -> LineCollection:
    """Return a line through points x, y (time,) in the colours of their attribution (time,); width in points.

    There is no line where the attribution is NaN. Where three points and more would share a dot of the figure, they
    share the colour of the strongest: the line goes through all points, and no strong attribution is lost.

    Args:
        inches: the length of the line in the figure.
    """
    points = np.column_stack([x, y])
    # Each segment runs from one midpoint to the next and so belongs to one sample.
    middles = (points[:-1] + points[1:]) / 2
    begin = np.vstack([points[:1], middles])
    end = np.vstack([middles, points[-1:]])
    present = np.isfinite(attribution)
    together = int(len(x) / (inches * style.STYLE["figure.dpi"]))
    if together >= _SHARED and present.all():
        segments, attribution = _joined(begin, points, end, attribution, together)
    else:
        segments, attribution = list(np.stack([begin, points, end], axis=1)[present]), attribution[present]
    # Segments with strong attributions are drawn last, on top of the others.
    order = np.argsort(np.abs(attribution), kind="stable")
    lines = LineCollection(
        [segments[place] for place in order], cmap=scale.colours, norm=scale.norm, linewidths=width, capstyle="round"
    )
    lines.set_array(attribution[order])
    return lines


def _joined(
    begin: NDArray[Any], points: NDArray[Any], end: NDArray[Any], attribution: style.Array, together: int
) -> tuple[list[NDArray[Any]], style.Array]:
    """Join the segments of so many neighbouring samples; return them with the strongest attribution of each."""
    whole = len(points) // together
    inner = points[: whole * together].reshape(whole, together, 2)
    first, last = begin[: whole * together : together], end[together - 1 : whole * together : together]
    segments = list(np.concatenate([first[:, np.newaxis], inner, last[:, np.newaxis]], axis=1))
    values = attribution[: whole * together].reshape(whole, together)
    strongest = np.take_along_axis(values, np.abs(values).argmax(1)[:, np.newaxis], 1)[:, 0]
    if (rest := attribution[whole * together :]).size:
        segments.append(np.concatenate([begin[[whole * together]], points[whole * together :], end[-1:]]))
        strongest = np.append(strongest, rest[np.abs(rest).argmax()])
    return segments, strongest
