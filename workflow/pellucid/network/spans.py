"""Where the units of a layer lie on the input: the step through one layer."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pellucid.network.graph import Node, tensors

# Each unit of these takes only what lies at its own position.
_PASSING = re.compile(
    r"Activation|(Leaky|P|Thresholded)?ReLU|R?elu\d?|Relu6|LeakyRelu|C?E[lL][uU]|Selu|Softplus|Softsign|Sigmoid|LogSigmoid|"
    r"Tanh|HardTanh|Gelu|Silu|Mish|HardSilu|HardSigmoid|HardShrink|SoftShrink|Clip|Abs|Absolute|Square|Sqrt|Rsqrt|Exp|"
    r"Expm1|Log|Log1p|Sign|Negative|Power|Cast|StopGradient|Copy|NanToNum|Sin|Cos|"
    r"(Alpha|Gaussian|Spatial)?Dropout([123]D)?|GaussianNoise|ActivityRegularization|Identity|Masking|BatchNormalization|"
    r"Normalization|Rescaling|Add|Subtract|Multiply|(True)?[Dd]ivide|Average|Maximum|Minimum|Greater(Equal)?|Less(Equal)?|"
    r"Where|InputLayer|"
    r"LayerScale|StochasticDepth|CustomScaleLayer"  # of keras.applications
)
# These work along the axes that they name.
_ALONG = re.compile(r"Softmax|LogSoftmax|Concatenate|UnitNormalization|RMSNormalization|LayerNormalization|Dense")
# These scale a unit by what other positions hold, and leave it where it is.
_SCALING = re.compile(r"UnitNormalization|RMSNormalization|LayerNormalization|GroupNormalization")
_WINDOW = re.compile(r"(Depthwise|Separable)?Conv[123]D|(Max|Average)Pooling[123]D")
_EDGE = re.compile(r"(ZeroPadding|Cropping)[123]D")
_REDUCING = re.compile(r"Mean|Max|Min|Amax|Amin|Sum")


@dataclass(frozen=True)
class Span:
    """What the units along one axis of a layer see of the same axis of the input.

    Attributes:
        size: positions of the input that one unit sees, first to last.
        jump: positions between what one unit and the next see; 0 where all see the same, negative where the axis is
            turned round.
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
        """First position that a unit sees, and the one after the last; they may lie outside of the input."""
        first = self.start + unit * self.jump
        return first, first + self.size

    def inside(self, unit: int) -> tuple[int, int]:
        """The same, without what lies outside of the input."""
        first, end = self.of(unit)
        return max(0, first), min(self.length, end)

    def centre(self, unit: float) -> float:
        """The middle of what a unit sees."""
        return self.start + unit * self.jump + (self.size - 1) / 2


@dataclass(frozen=True)
class Place:
    """Where the units of a layer's output lie on the input.

    Attributes:
        spans: one for each axis of the input, channels left out.
        axes: for each axis of the layer's output (N left out) the axis of the input that it lies along, or None: an
            axis of channels or feature maps.
    """

    spans: tuple[Span, ...]
    axes: tuple[int | None, ...]

    @property
    def maps(self) -> bool:
        """Whether the output is feature maps: every axis of the input and one more, that of the maps."""
        return len(self.axes) == len(self.spans) + 1 and set(self.axes) == {*range(len(self.spans)), None}


class _UnknownError(Exception):
    """The place of a layer's units cannot be known."""


def through(node: Node, below: Sequence[Place | None]) -> tuple[Place | None, bool]:
    """The place of what a layer puts out, None where it is not known; and whether the layer mixes all positions.

    Args:
        node: one use of the layer.
        below: of what it takes.
    """
    # What is not Keras' own may do anything, whatever its name.
    if node.module.split(".")[0] != "keras":
        return None, True
    try:
        return _through(node, below)
    except (_UnknownError, KeyError, TypeError, ValueError, IndexError):  # arguments of a kind that is not known
        return None, True


def _through(node: Node, below: Sequence[Place | None]) -> tuple[Place | None, bool]:
    kind = node.kind
    if kind == "TimeDistributed":
        node = _inner(node)
        kind = node.kind
    place = _union(node, below)
    if _SCALING.fullmatch(kind):
        return place, kind == "GroupNormalization" or not _along_maps(node, place)
    if _mixing(node.config.get("activation")) and place.axes[-1] is not None:
        raise _UnknownError
    if _PASSING.fullmatch(kind):
        return place, False
    if _ALONG.fullmatch(kind):
        return (place if _along_maps(node, place) else _unknown()), False
    if _WINDOW.fullmatch(kind):
        return _windowed(place, _spatial(node, place), _windows(node.config)), False
    if _EDGE.fullmatch(kind):
        return _each(place, _spatial(node, place), _edges(node.config), _padded), False
    if _REDUCING.fullmatch(kind):
        axes = _numbers(node.config["axis"], len(place.axes) + 1)
        ok = node.config.get("keepdims") and all(place.axes[axis - 1] is None for axis in axes)
        return (place if ok else _unknown()), False
    if kind in _MOVING:
        return _MOVING[kind](node, place), False
    return None, True


def _unknown() -> Place:
    raise _UnknownError


def _mixing(activation: Any) -> bool:
    """Whether an activation works along the last axis; a function of one's own may do anything."""
    if isinstance(activation, Mapping):
        if str(activation.get("module")).split(".")[0] != "keras":
            raise _UnknownError
        activation = activation.get("class_name")
    return activation in ("softmax", "log_softmax", "glu", "sparsemax", "Softmax")


def _inner(node: Node) -> Node:
    """The layer that is used at every step, where it takes each position alone."""
    layer = node.config["layer"]
    inner = replace(node, kind=layer["class_name"], module=layer["module"], config=layer["config"])
    alone = _PASSING.fullmatch(inner.kind) or inner.kind == "Dense"
    if not alone or inner.module.split(".")[0] != "keras":
        raise _UnknownError
    return inner


def _union(node: Node, below: Sequence[Place | None]) -> Place:
    """Where the units lie where branches meet.

    A branch without positions (its axes have one unit each where the others have the input's), such as a squeeze and
    excitation, scales the units of the others, and moves none.
    """
    placed = [place for place in below if place is not None]
    if not placed:
        raise _UnknownError
    first = placed[0]
    if len(placed) < len(below):
        if node.kind == "Concatenate":
            raise _UnknownError
        for place, tensor in zip(below, tensors(node.arguments), strict=True):
            if place is None and not _is_gate(tensor["shape"][1:], first.axes):
                raise _UnknownError
    spans = []
    for across in zip(*(place.spans for place in placed), strict=True):
        # Units of other numbers or steps are stretched over each other: no unit keeps a place of its own. Nor does one
        # whose branches see parts that lie apart.
        if any((span.jump, span.units) != (across[0].jump, across[0].units) for span in across):
            raise _UnknownError
        start, end = min(span.start for span in across), max(span.start + span.size for span in across)
        if max(span.start for span in across) > min(span.start + span.size for span in across):
            raise _UnknownError
        spans.append(replace(across[0], start=start, size=end - start))
    if any(place.axes != first.axes for place in placed):
        raise _UnknownError
    return Place(tuple(spans), first.axes)


def _is_gate(shape: Sequence[int | None], axes: Sequence[int | None]) -> bool:
    """Whether a tensor has the same for all positions of another, whose axes are given."""
    if len(shape) == 1:  # Keras puts axes of size 1 before the last
        return axes[-1] is None
    if len(shape) != len(axes):
        return False
    return all(size == 1 for size, axis in zip(shape, axes, strict=True) if axis is not None)


def _along_maps(node: Node, place: Place) -> bool:
    """Whether a layer that has an axis works along the feature maps."""
    axes = _numbers(node.config.get("axis", -1), len(place.axes) + 1)
    return all(axis > 0 and place.axes[axis - 1] is None for axis in axes)


def _numbers(axis: Any, rank: int) -> list[int]:
    """Axes as numbers from 0, that of the examples counted in."""
    return [int(one) % rank for one in (axis if isinstance(axis, list | tuple) else [axis])]


def _spatial(node: Node, place: Place) -> list[int]:
    """The axes that a convolution or a pooling works along, by their number in `place.axes`."""
    first = node.config.get("data_format") == "channels_first"
    numbers = list(range(len(place.axes)))
    channels = numbers.pop(0 if first else -1)
    if place.axes[channels] is not None or any(place.axes[number] is None for number in numbers):
        raise _UnknownError
    return numbers


def _each(place: Place, axes: Sequence[int], what: Sequence[Any], change: Callable[[Span, Any], Span]) -> Place:
    """The place with the spans of some of its axes changed."""
    spans = list(place.spans)
    for number, one in zip(axes, what, strict=True):
        axis = place.axes[number]
        if axis is None:
            raise _UnknownError
        spans[axis] = change(spans[axis], one)
        if spans[axis].units < 1:
            raise _UnknownError
    return replace(place, spans=tuple(spans))


def _windowed(place: Place, axes: Sequence[int], windows: Sequence[tuple[int, int, str]]) -> Place:
    return _each(place, axes, windows, _window)


def _windows(config: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """Size (dilation counted in), stride and padding of a convolution or a pooling, along each axis."""
    sizes = _tuple(config.get("kernel_size") or config["pool_size"])
    strides = _tuple(config["strides"] or sizes, len(sizes))
    dilations = _tuple(config.get("dilation_rate", 1), len(sizes))
    return [
        (1 + (size - 1) * dilation, stride, config["padding"])
        for size, stride, dilation in zip(sizes, strides, dilations, strict=True)
    ]


def _window(span: Span, window: tuple[int, int, str]) -> Span:
    size, stride, padding = window
    if padding == "same":
        units = -(-span.units // stride)
        before = max((units - 1) * stride + size - span.units, 0) // 2
    elif padding == "causal":
        units, before = -(-span.units // stride), size - 1
    else:
        units, before = (span.units - size) // stride + 1, 0
    reach = (size - 1) * span.jump  # below 0 where the axis is turned round: the last tap comes first on the input
    return replace(
        span,
        size=span.size + abs(reach),
        jump=span.jump * stride,
        start=span.start - before * span.jump + min(reach, 0),
        units=units,
    )


def _edges(config: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Positions added before and after along each axis; negative where they are cut off."""
    sign = 1 if "padding" in config else -1
    edges = config["padding" if sign == 1 else "cropping"]
    edges = [edges, edges] if isinstance(edges, int) else edges
    pairs = [edges] if isinstance(edges[0], int) else edges
    return [(sign * int(before), sign * int(after)) for before, after in pairs]


def _padded(span: Span, edges: tuple[int, int]) -> Span:
    before, after = edges
    return replace(span, start=span.start - before * span.jump, units=span.units + before + after)


def _sliced(span: Span, cut: slice) -> Span:
    first, _, step = cut.indices(span.units)
    units = len(range(span.units)[cut])
    return replace(span, start=span.start + first * span.jump, jump=span.jump * step, units=units)


def _permuted(place: Place, order: Sequence[int]) -> Place:
    """`order` counts the axes from 1, as those behind the examples."""
    if sorted(order) != list(range(1, len(place.axes) + 1)):
        raise _UnknownError
    return replace(place, axes=tuple(place.axes[number - 1] for number in order))


def _moved(node: Node, place: Place) -> Place:
    rank = len(place.axes) + 1
    sources = _numbers(node.config["source"], rank)
    targets = _numbers(node.config["destination"], rank)
    order = [axis for axis in range(rank) if axis not in sources]
    for target, source in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source)
    return _permuted(place, order[1:] if order[0] == 0 else [])


def _swapped(node: Node, place: Place) -> Place:
    rank = len(place.axes) + 1
    order = list(range(rank))
    one, other = (_numbers(node.config[key], rank)[0] for key in ("axis1", "axis2"))
    order[one], order[other] = other, one
    return _permuted(place, order[1:] if order[0] == 0 else [])


def _transposed(node: Node, place: Place) -> Place:
    order = _numbers(node.config["axes"], len(place.axes) + 1)
    return _permuted(place, order[1:] if order[0] == 0 else [])


def _flipped(node: Node, place: Place) -> Place:
    for axis in _numbers(node.config["axis"], len(place.axes) + 1):
        if axis == 0:
            raise _UnknownError
        if place.axes[axis - 1] is not None:
            place = _each(place, [axis - 1], [slice(None, None, -1)], _sliced)
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
        raise _UnknownError
    for number, one in enumerate(key[1:]):
        if place.axes[number] is not None:
            place = _each(place, [number], [_slice(one)], _sliced)
    return place


_ALL: Mapping[str, Any] = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}


def _slice(saved: Mapping[str, Any]) -> slice:
    ends = (saved["config"][key] for key in ("start", "stop", "step"))
    return slice(*(None if end is None else math.trunc(end) for end in ends))


def _filled(node: Node, place: Place) -> Place:
    """keras.ops.pad with a constant; what other modes put there lies somewhere else on the input."""
    edges = node.config["pad_width"]
    if node.config.get("mode", "constant") != "constant" or len(edges) != len(place.axes) + 1:
        raise _UnknownError
    numbers = [number for number, edge in enumerate(edges[1:]) if any(edge)]
    return _each(place, numbers, [edges[number + 1] for number in numbers], _padded)


def _expanded(node: Node, place: Place) -> Place:
    axes = list(place.axes)
    for axis in sorted(_numbers(node.config["axis"], len(axes) + 2)):
        axes.insert(axis - 1, None)
    return replace(place, axes=tuple(axes))


def _squeezed(node: Node, place: Place) -> Place:
    numbers = {axis - 1 for axis in _numbers(node.config["axis"], len(place.axes) + 1)}
    if any(number < 0 or place.axes[number] is not None for number in numbers):
        raise _UnknownError
    return replace(place, axes=tuple(axis for number, axis in enumerate(place.axes) if number not in numbers))


# What moves or cuts the axes themselves.
_MOVING: Mapping[str, Callable[[Node, Place], Place]] = {
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


def _tuple(given: Any, length: int = 1) -> tuple[int, ...]:
    return (int(given),) * length if isinstance(given, int) else tuple(int(one) for one in given)
