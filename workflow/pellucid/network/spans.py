"""Spans and places: what the units of a layer see of the input, and how windows, padding and slices change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pellucid.network.sliding_window import SlidingWindow


@dataclass(frozen=True)
class Span:
    """What the units along one axis of a layer see of the same axis of the input.

    Attributes:
        size: positions of the input that one unit sees, first to last.
        jump: positions from what one unit sees to what the next sees; 0 where all see the same, negative where the
            axis is reversed.
        start: first position that the first unit sees; negative where padding lies before the input.
        units: number of units along the axis.
        length: number of positions of the input.
    """

    size: int
    jump: int
    start: int
    units: int
    length: int

    def of(self, unit: int) -> tuple[int, int]:
        """Return the first position that a unit sees, and the end (exclusive); both may lie outside the input."""
        first = self.start + unit * self.jump
        return first, first + self.size

    def inside(self, unit: int) -> tuple[int, int]:
        """Return the same, cut to the input."""
        first, end = self.of(unit)
        return max(0, first), min(self.length, end)

    def centre(self, unit: float) -> float:
        """Return the middle of what a unit sees."""
        return self.start + unit * self.jump + (self.size - 1) / 2


@dataclass(frozen=True)
class Place:
    """Where the units of a layer's output lie on the input.

    Attributes:
        spans: one for each axis of the input, channels left out.
        axes: for each axis of the layer's output (N left out) the axis of the input that it lies along; None for an
            axis of channels or feature maps.
    """

    spans: tuple[Span, ...]
    axes: tuple[int | None, ...]

    @property
    def maps(self) -> bool:
        """Whether the output is feature maps: all axes of the input, and one axis of maps."""
        return len(self.axes) == len(self.spans) + 1 and set(self.axes) == {*range(len(self.spans)), None}


class UnknownPlaceError(Exception):
    """The place of a layer's units cannot be known."""


def change_spans(
    place: Place, axes: Sequence[int], changes: Sequence[Any], change: Callable[[Span, Any], Span]
) -> Place:
    """Return the place with `change(span, changes[i])` as the span of its i-th axis of `axes`."""
    spans = list(place.spans)
    for number, value in zip(axes, changes, strict=True):
        axis = place.axes[number]
        if axis is None:
            raise UnknownPlaceError
        spans[axis] = change(spans[axis], value)
        if spans[axis].units < 1:
            raise UnknownPlaceError
    return replace(place, spans=tuple(spans))


def windowed(span: Span, window: SlidingWindow) -> Span:
    """Return the span behind a convolution or a pooling."""
    # Negative where the axis is reversed: the last tap comes first on the input.
    reach = (window.extent - 1) * span.jump
    return replace(
        span,
        size=span.size + abs(reach),
        jump=span.jump * window.stride,
        start=span.start - window.before(span.units) * span.jump + min(reach, 0),
        units=window.outputs(span.units),
    )


def padded(span: Span, edges: tuple[int, int]) -> Span:
    """Return the span after so many positions are added before and after the axis; negative numbers cut off."""
    before, after = edges
    return replace(span, start=span.start - before * span.jump, units=span.units + before + after)


def sliced(span: Span, cut: slice) -> Span:
    """Return the span after the axis is sliced."""
    first, _, step = cut.indices(span.units)
    units = len(range(span.units)[cut])
    return replace(span, start=span.start + first * span.jump, jump=span.jump * step, units=units)
