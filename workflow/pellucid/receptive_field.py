"""The receptive field of a layer: the part of the input that one of its units sees, found from the graph alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pellucid.graph import Node

# Each unit of these takes only what lies at its own position (where their axis is the last one, see `_local`).
_PASSING = re.compile(
    r"Activation|(Leaky|P)?ReLU|R?elu\d?|ELU|Softmax|Sigmoid|Tanh|Gelu|Silu|(Spatial|Gaussian|Alpha)?Dropout([123]D)?|"
    r"GaussianNoise|ActivityRegularization|Identity|BatchNormalization|LayerNormalization|UnitNormalization|"
    r"RMSNormalization|Normalization|Rescaling|Add|Subtract|Multiply|(True)?[Dd]ivide|Average|Maximum|Minimum|Negative|"
    r"Concatenate|Dense|EinsumDense|InputLayer"
)
_WINDOW = re.compile(r"(Depthwise|Separable)?Conv[123]D|(Max|Average)Pooling[123]D")
_EDGE = re.compile(r"(ZeroPadding|Cropping)[123]D")


@dataclass(frozen=True)
class Span:
    """What the units along one axis of a layer see of the same axis of the input.

    Attributes:
        size: positions of the input that one unit sees, first to last.
        jump: positions between what one unit and the next see; 0 where all see the same.
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
class ReceptiveField:
    """What the units of a layer see of the input.

    Attributes:
        spans: one for each axis of the input, channels left out.
        whole: every unit may see the whole input: the layer mixes all positions, or is of a kind that is not known.
    """

    spans: tuple[Span, ...]
    whole: bool = False

    @property
    def size(self) -> tuple[int, ...]:
        """Positions that one unit sees along each axis."""
        return tuple(span.size for span in self.spans)


def whole_input(lengths: Sequence[int]) -> ReceptiveField:
    """The field of a unit that sees everything; `lengths` are the input's sizes without its channels."""
    return ReceptiveField(tuple(Span(length, 0, 0, 1, length) for length in lengths), whole=True)


def node_fields(nodes: Sequence[Node], lengths: Sequence[int]) -> list[ReceptiveField]:
    """The receptive field of every node.

    For a window of k positions (d apart, every s-th position, p positions of padding in front) on a layer with size r,
    jump j and start a: size r + (k - 1) d j, jump s j, start a - p j. Branches that meet see what any of them sees.
    Araujo A, Norris W, Sim J. Computing Receptive Fields of Convolutional Neural Networks. Distill (2019), applied to
    each layer in turn, with paddings that depend on the layer's size ("same").

    Args:
        nodes: of a model with one input, from `graph.flatten`.
        lengths: the input's sizes without its channels.
    """
    one = ReceptiveField(tuple(Span(1, 1, 0, length, length) for length in lengths))
    everything = whole_input(lengths)
    fields: list[ReceptiveField] = []
    for node in nodes:
        below = _union([fields[index] for index in node.inputs], everything) if node.inputs else one
        fields.append(below if node.container or not node.inputs else _through(node.operation, below, everything))
    return fields


def receptive_fields(nodes: Sequence[Node], lengths: Sequence[int]) -> dict[str, ReceptiveField]:
    """The receptive field of every layer by its name, as `node_fields` has it.

    A layer that is used in two places answers for both only where it sees the same, and else sees everything.
    """
    found: dict[str, ReceptiveField] = {}
    for node, field in zip(nodes, node_fields(nodes, lengths), strict=True):
        if found.setdefault(node.name, field) != field:
            found[node.name] = whole_input(lengths)
    return found


def _union(fields: Sequence[ReceptiveField], everything: ReceptiveField) -> ReceptiveField:
    """What is seen by any of the branches that meet."""
    spans = []
    for across in zip(*(field.spans for field in fields), strict=True):
        first = across[0]
        # Units of other numbers or steps are stretched over each other: no unit keeps a place of its own.
        if any((span.jump, span.units) != (first.jump, first.units) for span in across):
            return everything
        start = min(span.start for span in across)
        end = max(span.start + span.size for span in across)
        spans.append(replace(first, start=start, size=end - start))
    return everything if any(field.whole for field in fields) else ReceptiveField(tuple(spans))


def _through(operation: Any, below: ReceptiveField, everything: ReceptiveField) -> ReceptiveField:
    """The field above one layer, from the field below it."""
    kind = type(operation).__name__
    # What is not Keras' own may do anything, whatever its name.
    known = type(operation).__module__.split(".")[0] == "keras"
    if below.whole or not known or getattr(operation, "data_format", None) == "channels_first":
        return everything
    if _PASSING.fullmatch(kind):
        return below if _local(operation, kind, len(below.spans) + 1) else everything
    if _WINDOW.fullmatch(kind):
        windows = _windows(operation)
        if len(windows) == len(below.spans):
            return ReceptiveField(tuple(_window(*one) for one in zip(below.spans, windows, strict=True)))
    if _EDGE.fullmatch(kind):
        edges = _edges(operation)
        if len(edges) == len(below.spans):
            return ReceptiveField(tuple(_padded(*one) for one in zip(below.spans, edges, strict=True)))
    return everything


def _local(operation: Any, kind: str, last: int) -> bool:
    """Whether a layer that has an axis works along the channels; `last` is their axis."""
    if kind in ("BatchNormalization", "Normalization"):  # whose statistics are constants
        return True
    axis = getattr(operation, "axis", -1)
    if kind == "EinsumDense":
        return False
    return set(axis if isinstance(axis, list | tuple) else [axis]) <= {-1, last}


def _windows(operation: Any) -> list[tuple[int, int, str]]:
    """Size (dilation counted in), stride and padding of a convolution or a pooling, along each axis."""
    sizes = _tuple(getattr(operation, "kernel_size", None) or operation.pool_size)
    strides = _tuple(operation.strides, len(sizes))
    dilations = _tuple(getattr(operation, "dilation_rate", 1), len(sizes))
    return [
        (1 + (size - 1) * dilation, stride, operation.padding)
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
    return replace(
        span,
        size=span.size + (size - 1) * span.jump,
        jump=span.jump * stride,
        start=span.start - before * span.jump,
        units=units,
    )


def _edges(operation: Any) -> list[tuple[int, int]]:
    """Positions added before and after along each axis; negative where they are cut off."""
    sign = 1 if hasattr(operation, "padding") else -1
    edges = operation.padding if sign == 1 else operation.cropping
    pairs = [edges] if isinstance(edges[0], int) else edges
    return [(sign * int(before), sign * int(after)) for before, after in pairs]


def _padded(span: Span, edges: tuple[int, int]) -> Span:
    before, after = edges
    return replace(span, start=span.start - before * span.jump, units=span.units + before + after)


def _tuple(given: Any, length: int = 1) -> tuple[int, ...]:
    return (int(given),) * length if isinstance(given, int) else tuple(int(one) for one in given)
