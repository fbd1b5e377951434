"""Where the units of a layer's output lie on the input, given where those of its inputs lie."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pellucid.network.axis_operations import AXIS_OPERATIONS, axis_numbers
from pellucid.network.graph import Node, tensors
from pellucid.network.sliding_window import sliding_windows
from pellucid.network.spans import Place, UnknownPlaceError, change_spans, padded, windowed

# Each unit of these layers depends on its own position alone.
_PASSING = re.compile(
    r"Activation|(Leaky|P|Thresholded)?ReLU|R?elu\d?|Relu6|LeakyRelu|C?E[lL][uU]|Selu|Softplus|Softsign|Sigmoid|LogSigmoid|"
    r"Tanh|HardTanh|Gelu|Silu|Mish|HardSilu|HardSigmoid|HardShrink|SoftShrink|Clip|Abs|Absolute|Square|Sqrt|Rsqrt|Exp|"
    r"Expm1|Log|Log1p|Sign|Negative|Power|Cast|StopGradient|Copy|NanToNum|Sin|Cos|"
    r"(Alpha|Gaussian|Spatial)?Dropout([123]D)?|GaussianNoise|ActivityRegularization|Identity|Masking|BatchNormalization|"
    r"Normalization|Rescaling|Add|Subtract|Multiply|(True)?[Dd]ivide|Average|Maximum|Minimum|Greater(Equal)?|Less(Equal)?|"
    r"Where|InputLayer|"
    r"LayerScale|StochasticDepth|CustomScaleLayer"  # of keras.applications
)
# These layers work along the axes that they name.
_ALONG = re.compile(r"Softmax|LogSoftmax|Concatenate|UnitNormalization|RMSNormalization|LayerNormalization|Dense")
# These layers scale a unit by values at other positions, and do not move it.
_SCALING = re.compile(r"UnitNormalization|RMSNormalization|LayerNormalization|GroupNormalization")
_WINDOW = re.compile(r"(Depthwise|Separable)?Conv[123]D|(Max|Average)Pooling[123]D")
_EDGE = re.compile(r"(ZeroPadding|Cropping)[123]D")
_REDUCING = re.compile(r"Mean|Max|Min|Amax|Amin|Sum")


def through(node: Node, below: Sequence[Place | None]) -> tuple[Place | None, bool]:
    """Return the place of a layer's output (None where it is not known), and whether the layer mixes all positions.

    Args:
        node: one use of the layer.
        below: places of its inputs.
    """
    # A layer of a user's own may do anything, whatever its name.
    if node.module.split(".")[0] != "keras":
        return None, True
    try:
        return _through(node, below)
    except (UnknownPlaceError, KeyError, TypeError, ValueError, IndexError):  # arguments of a kind that is not known
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
        raise UnknownPlaceError
    if _PASSING.fullmatch(kind):
        return place, False
    if _ALONG.fullmatch(kind):
        return _only_if(_along_maps(node, place), place), False
    if _WINDOW.fullmatch(kind):
        return change_spans(place, _spatial(node, place), sliding_windows(node.config), windowed), False
    if _EDGE.fullmatch(kind):
        return change_spans(place, _spatial(node, place), _edges(node.config), padded), False
    if _REDUCING.fullmatch(kind):
        axes = axis_numbers(node.config["axis"], len(place.axes) + 1)
        kept = node.config.get("keepdims") and all(place.axes[axis - 1] is None for axis in axes)
        return _only_if(kept, place), False
    if kind == "EinsumDense":
        return _only_if(_of_maps_alone(str(node.config["equation"])) and place.axes[-1] is None, place), False
    if kind in AXIS_OPERATIONS:
        return AXIS_OPERATIONS[kind](node, place), False
    return None, True


def _of_maps_alone(equation: str) -> bool:
    """Return whether an equation such as "btc,cd->btd" changes the last axis alone, as a dense layer does."""
    found = re.fullmatch(r"(\w+)(\w),\2(\w)->\1\3", equation.replace(" ", ""))
    return found is not None and len({*found[1], found[2], found[3]}) == len(found[1]) + 2


def _only_if(known: Any, place: Place) -> Place:
    """Return the place where it is known; raise UnknownPlaceError where not."""
    if not known:
        raise UnknownPlaceError
    return place


def _mixing(activation: Any) -> bool:
    """Return whether an activation works along the last axis; a user's own function may do anything."""
    if isinstance(activation, Mapping):
        if str(activation.get("module")).split(".")[0] != "keras":
            raise UnknownPlaceError
        activation = activation.get("class_name")
    return activation in ("softmax", "log_softmax", "glu", "sparsemax", "Softmax")


def _inner(node: Node) -> Node:
    """Return the layer inside `TimeDistributed` as a node, if it takes each position alone."""
    layer = node.config["layer"]
    inner = replace(node, kind=layer["class_name"], module=layer["module"], config=layer["config"])
    pointwise = _PASSING.fullmatch(inner.kind) or inner.kind == "Dense"
    if not pointwise or inner.module.split(".")[0] != "keras":
        raise UnknownPlaceError
    return inner


def _union(node: Node, below: Sequence[Place | None]) -> Place:
    """Return where the units lie after branches meet.

    A branch without positions, such as a squeeze and excitation (its axes have size 1), scales the units of the other
    branches and moves none.
    """
    placed = [place for place in below if place is not None]
    if not placed:
        raise UnknownPlaceError
    first = placed[0]
    if len(placed) < len(below):
        if node.kind == "Concatenate":
            raise UnknownPlaceError
        for place, tensor in zip(below, tensors(node.arguments), strict=True):
            if place is None and not _is_gate(tensor["shape"][1:], first.axes):
                raise UnknownPlaceError
    spans = []
    for across in zip(*(place.spans for place in placed), strict=True):
        # Where branches differ in units or jump, or see parts of the input that lie apart, a unit has no single place.
        if any((span.jump, span.units) != (across[0].jump, across[0].units) for span in across):
            raise UnknownPlaceError
        start, end = min(span.start for span in across), max(span.start + span.size for span in across)
        if max(span.start for span in across) > min(span.start + span.size for span in across):
            raise UnknownPlaceError
        spans.append(replace(across[0], start=start, size=end - start))
    if any(place.axes != first.axes for place in placed):
        raise UnknownPlaceError
    return Place(tuple(spans), first.axes)


def _is_gate(shape: Sequence[int | None], axes: Sequence[int | None]) -> bool:
    """Return whether a tensor of `shape` has one value for all positions of a tensor with these `axes`."""
    if len(shape) == 1:  # Keras inserts axes of size 1 before the last axis
        return axes[-1] is None
    if len(shape) != len(axes):
        return False
    return all(size == 1 for size, axis in zip(shape, axes, strict=True) if axis is not None)


def _along_maps(node: Node, place: Place) -> bool:
    """Return whether the axes that a layer names are axes of feature maps."""
    axes = axis_numbers(node.config.get("axis", -1), len(place.axes) + 1)
    return all(axis > 0 and place.axes[axis - 1] is None for axis in axes)


def _edges(config: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the positions added before and after each axis; negative where they are cut off."""
    sign = 1 if "padding" in config else -1
    edges = config["padding" if sign == 1 else "cropping"]
    edges = [edges, edges] if isinstance(edges, int) else edges
    pairs = [edges] if isinstance(edges[0], int) else edges
    return [(sign * int(before), sign * int(after)) for before, after in pairs]


def _spatial(node: Node, place: Place) -> list[int]:
    """Return the indices in `place.axes` of the axes that a convolution or a pooling works along."""
    first = node.config.get("data_format") == "channels_first"
    numbers = list(range(len(place.axes)))
    channels = numbers.pop(0 if first else -1)
    if place.axes[channels] is not None or any(place.axes[number] is None for number in numbers):
        raise UnknownPlaceError
    return numbers
