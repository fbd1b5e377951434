"""Where the units lie after an operation that moves or cuts axes: transpose, flip, slice, pad and the like."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pellucid.network.graph import Node
from pellucid.network.spans import Place, UnknownPlaceError, change_spans, padded, sliced


def axis_numbers(axis: Any, rank: int) -> list[int]:
    """Axes as numbers from 0, that of the examples counted in."""
    return [int(one) % rank for one in (axis if isinstance(axis, list | tuple) else [axis])]


def _permuted(place: Place, order: Sequence[int]) -> Place:
    """`order` counts the axes from 1, as those behind the examples."""
    if sorted(order) != list(range(1, len(place.axes) + 1)):
        raise UnknownPlaceError
    return replace(place, axes=tuple(place.axes[number - 1] for number in order))


def _moved(node: Node, place: Place) -> Place:
    rank = len(place.axes) + 1
    sources = axis_numbers(node.config["source"], rank)
    targets = axis_numbers(node.config["destination"], rank)
    order = [axis for axis in range(rank) if axis not in sources]
    for target, source in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source)
    return _permuted(place, order[1:] if order[0] == 0 else [])


def _swapped(node: Node, place: Place) -> Place:
    rank = len(place.axes) + 1
    order = list(range(rank))
    one, other = (axis_numbers(node.config[key], rank)[0] for key in ("axis1", "axis2"))
    order[one], order[other] = other, one
    return _permuted(place, order[1:] if order[0] == 0 else [])


def _transposed(node: Node, place: Place) -> Place:
    order = axis_numbers(node.config["axes"], len(place.axes) + 1)
    return _permuted(place, order[1:] if order[0] == 0 else [])


def _flipped(node: Node, place: Place) -> Place:
    for axis in axis_numbers(node.config["axis"], len(place.axes) + 1):
        if axis == 0:
            raise UnknownPlaceError
        if place.axes[axis - 1] is not None:
            place = change_spans(place, [axis - 1], [slice(None, None, -1)], sliced)
    return place


def _taken(node: Node, place: Place) -> Place:
    """A part by slices, such as x[:, 10::2]."""
    key = node.arguments["args"][1] if len(node.arguments["args"]) > 1 else node.arguments["kwargs"]["key"]
    key = key if isinstance(key, list) else [key]
    kinds = [one.get("class_name") for one in key]  # a number, which takes an axis away, is of another kind
    rank = len(place.axes) + 1
    if "__ellipsis__" in kinds:
        at = kinds.index("__ellipsis__")
        key = [*key[:at], *[_ALL] * (rank - len(key) + 1), *key[at + 1 :]]
    key = [*key, *[_ALL] * (rank - len(key))]
    if any(one["class_name"] != "__slice__" for one in key) or _slice(key[0]) != slice(None):
        raise UnknownPlaceError
    for number, one in enumerate(key[1:]):
        if place.axes[number] is not None:
            place = change_spans(place, [number], [_slice(one)], sliced)
    return place


_ALL: Mapping[str, Any] = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}


def _slice(saved: Mapping[str, Any]) -> slice:
    ends = (saved["config"][key] for key in ("start", "stop", "step"))
    return slice(*(None if end is None else math.trunc(end) for end in ends))


def _filled(node: Node, place: Place) -> Place:
    """keras.ops.pad with a constant; what other modes put there lies somewhere else on the input."""
    edges = node.config["pad_width"]
    if node.config.get("mode", "constant") != "constant" or len(edges) != len(place.axes) + 1:
        raise UnknownPlaceError
    numbers = [number for number, edge in enumerate(edges[1:]) if any(edge)]
    return change_spans(place, numbers, [edges[number + 1] for number in numbers], padded)


def _expanded(node: Node, place: Place) -> Place:
    axes = list(place.axes)
    for axis in sorted(axis_numbers(node.config["axis"], len(axes) + 2)):
        axes.insert(axis - 1, None)
    return replace(place, axes=tuple(axes))


def _squeezed(node: Node, place: Place) -> Place:
    numbers = {axis - 1 for axis in axis_numbers(node.config["axis"], len(place.axes) + 1)}
    if any(number < 0 or place.axes[number] is not None for number in numbers):
        raise UnknownPlaceError
    return replace(place, axes=tuple(axis for number, axis in enumerate(place.axes) if number not in numbers))


# What moves or cuts the axes themselves.
AXIS_OPERATIONS: Mapping[str, Callable[[Node, Place], Place]] = {
    "Permute": lambda node, place: _permuted(place, node.config["dims"]),
    "Transpose": _transposed,
    "Moveaxis": _moved,
    "Swapaxes": _swapped,
    "Flip": _flipped,
    "GetItem": _taken,
    "Pad": _filled,
    "ExpandDims": _expanded,
    "Squeeze": _squeezed,
}
