"""Plan how a model with branches is computed incrementally: where each map changes when a window of the input does.

Every value of the graph is either "whole", or a map in which a window changes one box. A box grows in convolutions and
poolings, and keeps its size in layers that treat every position alike. Where branches meet, it covers the boxes of all
branches. A layer that looks at all positions (a global pooling, the gate of a squeeze and excitation, a flattening)
needs whole maps: the box is set into the map of the whole input. Everything after such a layer is whole and is computed
in full.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.network.graph import ChainLink, Use, uses
from pellucid.network.incremental_plan import (
    WindowLayer,
    is_known,
    is_pointwise,
    is_single_precision,
    window_layer,
)

if TYPE_CHECKING:
    import keras

# Layers and operations that join maps position by position.
_JOINING = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"}
# Functions of `keras.ops` that treat every value alike.
_OPERATIONS = {"Relu", "Relu6", "Sigmoid", "Tanh", "Gelu", "Silu", "Elu", "Selu", "Softplus", "HardSilu", "LeakyRelu"}
_PADDING = {"ZeroPadding1D", "ZeroPadding2D"}
# Time is counted in multiplications: to read and write a value takes as long as so many.
_VALUE = 8
# A box of a larger share of its map saves less than it costs to cut out.
_LARGEST_SHARE = 0.85
# What saves less of the network's work is left: the estimate may be wrong by so much (measured on EfficientNetB0).
_LARGEST_RATIO = 0.85
# Layers that are traced in the time that `window_scores.py` allows for a chain.
_LAYERS_OF_A_CHAIN = 50


@dataclass(frozen=True)
class Touched:
    """What a window can change of a map.

    Attributes:
        first, last: for each axis, the first and the last position that changes, for each possible start of the window.
        sizes: positions of the map per axis.
    """

    first: tuple[NDArray[np.int64], ...]
    last: tuple[NDArray[np.int64], ...]
    sizes: tuple[int, ...]

    @property
    def size(self) -> tuple[int, ...]:
        """The size of a box that holds the change, wherever the window starts."""
        return tuple(int((last - first).max()) + 1 for first, last in zip(self.first, self.last, strict=True))

    @property
    def starts(self) -> tuple[NDArray[np.int64], ...]:
        """The first position of that box along each axis, for each start of the window; the box lies in the map."""
        axes = zip(self.first, self.sizes, self.size, strict=True)
        return tuple(np.minimum(first, length - size) for first, length, size in axes)

    def fits(self, other: Touched) -> bool:
        """Return whether the boxes of two maps are the same."""
        return self.size == other.size and all(map(np.array_equal, self.starts, other.starts))

    def through(self, window: WindowLayer) -> Touched:
        """Return what changes behind a convolution or pooling."""
        first, last = [], []
        for axis, outputs in enumerate(window.outputs):
            before, stride = window.before[axis], window.stride[axis]
            low = -((window.extent[axis] - 1 - before - self.first[axis]) // stride)
            first.append(np.clip(low, 0, outputs - 1))
            # Where no output looks at the change, the box holds one that stays as it is.
            last.append(np.clip((self.last[axis] + before) // stride, first[-1], outputs - 1))
        return Touched(tuple(first), tuple(last), window.outputs)

    def behind(self, edges: Sequence[tuple[int, int]]) -> Touched:
        """Return what changes after zeros are put around the map: the same box, at its new place."""
        first = tuple(start + before for start, (before, _) in zip(self.starts, edges, strict=True))
        last = tuple(start + size - 1 for start, size in zip(first, self.size, strict=True))
        return Touched(first, last, tuple(n + sum(edge) for n, edge in zip(self.sizes, edges, strict=True)))

    def joined(self, other: Touched) -> Touched:
        """Return what changes where two maps meet position by position."""
        first = tuple(map(np.minimum, self.first, other.first))
        return Touched(first, tuple(map(np.maximum, self.last, other.last)), self.sizes)


@dataclass(frozen=True)
class Stage:
    """How one use of a layer is computed.

    Attributes:
        use: of the layer.
        how: "window" (`layer`, a convolution or pooling, on a box and its surroundings), "alike" (the layer itself,
            on boxes), "shifted" (zeros around the map: the box stays, at another place), or "whole".
        layer: of "window".
        touched: of the output; None where the output is whole.
    """

    use: Use
    how: str
    layer: WindowLayer | None = None
    touched: Touched | None = None


@dataclass(frozen=True)
class GraphPlan:
    """How a model is computed incrementally for windows of one size.

    Attributes:
        stages: its layers, in order.
        output: number of the model's output.
        touched: of each value that is a map with a box.
        widths: channels of each of these.
        work: multiplications for one window, and for a whole input.
        most_values: values that are kept at one time for one window.
    """

    stages: tuple[Stage, ...]
    output: int
    touched: dict[int, Touched]
    widths: dict[int, int]
    work: tuple[int, int]
    most_values: int

    @property
    def tracing(self) -> float:
        """How many times longer than a chain's its functions take to trace."""
        return 1 + len(self.stages) / _LAYERS_OF_A_CHAIN


def plan(model: keras.Model, size: Sequence[int]) -> GraphPlan | None:
    """Return how to compute a model incrementally for windows of `size`; None if it cannot be done or saves nothing."""
    shape = tuple(model.inputs[0].shape[1:])
    single = len(model.inputs) == len(model.outputs) == 1 and len(shape) == len(size) + 1
    graph = uses(model) if single else None
    if graph is None or not all(map(_is_plain_float, graph[0])):
        return None
    first = tuple(np.arange(length - covered + 1) for length, covered in zip(shape[:-1], size, strict=True))
    last = tuple(start + covered - 1 for start, covered in zip(first, size, strict=True))
    touched, widths = {0: Touched(first, last, shape[:-1])}, {0: int(shape[-1])}
    stages = []
    for use in graph[0]:
        stage = _stage(use, touched, widths)
        stages.append(stage)
        if stage.touched is not None:
            touched[use.writes[0]], widths[use.writes[0]] = stage.touched, int(use.shape[-1] or 0)
    made = GraphPlan(tuple(stages), graph[1], touched, widths, (0, 0), 0)
    incremental, full = (sum(part) for part in zip(*(_work(made, stage) for stage in stages), strict=True))
    if incremental > _LARGEST_RATIO * full or graph[1] in touched:
        return None
    return GraphPlan(made.stages, made.output, touched, widths, (incremental, full), _most_values(made))


def _is_plain_float(use: Use) -> bool:
    """Return whether a layer computes in float32; an operation has the precision of what it takes."""
    return not hasattr(use.operation, "compute_dtype") or is_single_precision(use.operation)


def _stage(use: Use, touched: dict[int, Touched], widths: dict[int, int]) -> Stage:
    """Return how to compute a use whose inputs are known."""
    whole = Stage(use, "whole")
    shape = tuple(length or 0 for length in use.shape)
    below = [touched.get(number) for number in use.reads]
    maps = [value for value in below if value is not None]
    one_output = len(use.writes) == 1 and use.plain and None not in use.shape
    if not maps or len(maps) < len(below) or not one_output or len({value.sizes for value in maps}) > 1:
        return whole
    before, made = reduce(Touched.joined, maps), whole
    link, axes = ChainLink(use.operation, shape, use.plain), len(maps[0].sizes)
    if _joins(use, axes) if len(maps) > 1 else is_pointwise(link, axes) or _is_alike(use, link.kind, axes):
        made = Stage(use, "alike", None, before)
    elif len(maps) == 1 and link.kind in _PADDING and use.operation.data_format == "channels_last":
        made = Stage(use, "shifted", None, before.behind(_edges(use.operation)))
    elif len(maps) == 1 and (window := window_layer(link, before.sizes, widths[use.reads[0]])) is not None:
        made = Stage(use, "window", window, before.through(window))
    if made.touched is None or len(shape) != axes + 1 or shape[:-1] != made.touched.sizes:
        return whole
    return made if math.prod(made.touched.size) <= _LARGEST_SHARE * math.prod(made.touched.sizes) else whole


def _joins(use: Use, axes: int) -> bool:
    """Return whether a layer or operation of several maps joins them position by position."""
    kind, module = type(use.operation).__name__, type(use.operation).__module__
    if kind not in _JOINING or not module.startswith(("keras.src.layers.merging.", "keras.src.ops.numpy")):
        return False
    return kind != "Concatenate" or use.operation.axis in (-1, axes + 1)


def _is_alike(use: Use, kind: str, axes: int) -> bool:
    """Return whether a layer or operation of one map treats every position alike, beside those of `is_pointwise`."""
    operation = use.operation
    if kind == "Dense":
        return is_known(operation.activation)
    if kind == "LayerNormalization":
        return operation.axis in (-1, axes + 1, [-1], [axes + 1])
    named = type(operation).__name__ in _OPERATIONS and type(operation).__module__.startswith("keras.src.ops.nn")
    # What an operation is asked beside its tensor, as the slope of a leaky ReLU, is no matter of positions.
    return kind in ("Identity", "SpatialDropout1D", "SpatialDropout2D") or named


def _edges(layer: Any) -> list[tuple[int, int]]:
    """Return the zeros before and behind each axis that a layer adds."""
    return [tuple(layer.padding)] if isinstance(layer.padding[0], int) else [tuple(edge) for edge in layer.padding]


def _work(made: GraphPlan, stage: Stage) -> tuple[int, int]:
    """Return the multiplications of a stage for one window, and for a whole input; values that are moved count."""
    reads = [number for number in stage.use.reads if number in made.touched]
    if stage.touched is None:
        # The boxes are set into the maps of the whole input.
        moved = sum(math.prod(made.touched[number].sizes) * made.widths[number] for number in reads)
        return (full := _whole_work(stage.use)) + _VALUE * moved, full
    area, positions = math.prod(stage.touched.size), math.prod(stage.touched.sizes)
    width, moved, read = int(stage.use.shape[-1] or 0), 0, made.widths[reads[0]]
    work = _VALUE * width * (stage.how != "shifted")
    if stage.layer is not None:
        work += stage.layer.work
        moved = 0 if stage.layer.is_alike else math.prod(stage.layer.needed_size(stage.touched.size)) * read
    elif stage.how == "alike":
        moved = sum(made.widths[number] * area for number in reads if not made.touched[number].fits(stage.touched))
        work += read * width if hasattr(stage.use.operation, "units") else 0
    return work * area + _VALUE * moved, work * positions


def _whole_work(use: Use) -> int:
    """Return about how many multiplications a use of any layer takes: its matrices, at each position."""
    taken = tuple(length or 1 for length in use.step.input_tensors[0].shape[1:])
    given = tuple(length or 1 for length in use.shape)
    # A recurrent layer that returns its last state alone has worked at every step of its input.
    positions = math.prod((given if len(given) >= len(taken) else taken)[:-1])
    matrices = [weight.shape for weight in getattr(use.operation, "weights", ()) if len(weight.shape) > 1]
    return sum(map(math.prod, matrices)) * positions + _VALUE * math.prod(given)


def _most_values(made: GraphPlan) -> int:
    """Return how many values one window holds at one time, at most, if its stages are computed in order."""
    last_use = {number: place for place, stage in enumerate(made.stages) for number in stage.use.reads}
    kept = {0: math.prod(made.touched[0].size) * made.widths[0]}
    most = 0
    for place, stage in enumerate(made.stages):
        boxes = [number for number in stage.use.reads if number in made.touched]
        if stage.touched is None:
            around = sum(math.prod(made.touched[number].sizes) * made.widths[number] for number in boxes)
            size = math.prod(length or 1 for length in stage.use.shape) * len(stage.use.writes)
        else:
            needed = stage.touched.size if stage.layer is None else stage.layer.needed_size(stage.touched.size)
            around = 2 * math.prod(needed) * max(made.widths[number] for number in boxes)
            size = math.prod(stage.touched.size) * int(stage.use.shape[-1] or 0)
        kept[stage.use.writes[0]] = size
        most = max(most, sum(kept.values()) + around)
        kept = {number: values for number, values in kept.items() if last_use.get(number, -1) > place}
    return most
