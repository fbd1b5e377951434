"""Where the units lie after an operation that moves or cuts axes: transpose, flip, slice, pad and the like."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pellucid.network.graph import Node
from pellucid.network.spans import Place, UnknownPlaceError, change_spans, padded, sliced


def axis_numbers(axis: Any, rank: int) -> list[int]:
    """Return axes as numbers from 0; the axis of examples is 0."""
    return [int(number) % rank for number in (axis if isinstance(axis, list | tuple) else [axis])]


def _permuted(place: Place, order: Sequence[int]) -> Place:
    """Return the place with its axes in another order, which counts from 1 after the axis of examples."""
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
    first, second = (axis_numbers(node.config[key], rank)[0] for key in ("axis1", "axis2"))
    order[first], order[second] = second, first
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
    """Return the place after slicing, such as x[:, 10::2]."""
    key = node.arguments["args"][1] if len(node.arguments["args"]) > 1 else node.arguments["kwargs"]["key"]
    key = key if isinstance(key, list) else [key]
    # A number, which removes an axis, and None, which adds one, are saved as they are.
    kinds = [index["class_name"] if isinstance(index, Mapping) else "" for index in key]
    if not {*kinds} <= {"__slice__", "__ellipsis__"}:
        raise UnknownPlaceError
    rank = len(place.axes) + 1
    if "__ellipsis__" in kinds:
        position = kinds.index("__ellipsis__")
        key = [*key[:position], *[_ALL] * (rank - len(key) + 1), *key[position + 1 :]]
    key = [*key, *[_ALL] * (rank - len(key))]
    if _slice(key[0]) != slice(None):
        raise UnknownPlaceError
    for number, index in enumerate(key[1:]):
        if place.axes[number] is not None:
            place = change_spans(place, [number], [_slice(index)], sliced)
    return place


_ALL: Mapping[str, Any] = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}


def _slice(saved: Mapping[str, Any]) -> slice:
    ends = (saved["config"][key] for key in ("start", "stop", "step"))
    return slice(*(None if end is None else math.trunc(end) for end in ends))


def _filled(node: Node, place: Place) -> Place:
    """Return the place after `keras.ops.pad` with a constant; other modes copy values from elsewhere on the input."""
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


def _reshaped(node: Node, place: Place) -> Place:
    """Return the place after the layer Reshape added or removed axes of one value; other reshaping mixes axes.

    The number of values stays. So where the sizes above 1 are those along the axes of the input, every other axis,
    before and after, has one value. (The operation `keras.ops.reshape` may also move values to other examples.)
    """
    sizes = list(node.config["target_shape"])
    along = [axis for axis in place.axes if axis is not None]
    units = [place.spans[axis].units for axis in along]
    if -1 in sizes and None not in place.axes:
        sizes[sizes.index(-1)] = math.prod(units) // -math.prod(sizes)
    if [size for size in sizes if size != 1] != units or 1 in units:
        raise UnknownPlaceError
    left = iter(along)
    return replace(place, axes=tuple(None if size == 1 else next(left) for size in sizes))


# By Keras' name of the operation.
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
    "Reshape": _reshaped,
}
