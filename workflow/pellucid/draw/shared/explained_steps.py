"""Which steps of its output a model is explained at, in words and as a bar along the time axis."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

_COLOUR = "#1d2733"
_HEIGHT = 0.035  # share of a panel's height
_LEAST = 0.012  # share of a panel's width: a single step of a long series would be thinner than a hair


def in_words(steps: NDArray[Any], *, marked: bool) -> str:
    """Return the line of the caption, as in "explained: the output at step 12 of 0–99 (dark bar at the upper edge)".

    Args:
        steps: first, one past the last, and the number of steps of the output.
        marked: whether the layout has a time axis on which `mark` draws the bar.
    """
    first, stop, total = (int(value) for value in steps)
    one = stop == first + 1
    text = f"output at step {first}" if one else f"mean of the outputs at steps {first} to {stop - 1}"
    return f"explained: the {text} of 0–{total - 1}{' (dark bar at the upper edge)' if marked else ''}"


def mark(axes: Any, steps: NDArray[Any], samples: int, step: float) -> None:
    """Draw a bar at the upper edge of a panel over the explained steps.

    Args:
        axes: a panel whose x axis is the time.
        steps: first, one past the last, and the number of steps of the output.
        samples: of the input. An output of fewer steps is laid over the whole input.
        step: time between two samples.
    """
    first, stop, total = (int(value) for value in steps)
    left, right = ((position * samples / total - 0.5) * step for position in (first, stop))
    least = _LEAST * samples * step
    if right - left < least:
        centre = (left + right) / 2
        left, right = centre - least / 2, centre + least / 2
    axes.axvspan(left, right, ymin=1 - _HEIGHT, ymax=1, color=_COLOUR, linewidth=0, zorder=5)
