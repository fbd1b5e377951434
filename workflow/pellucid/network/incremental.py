"""Class scores of inputs in which one window is replaced, by recomputing only what the window touches.

A convolution layer, a pooling layer or a ReLU changes its output near a window and nowhere else. So the activations of
the whole input are computed once, and for each window only a box around it is carried through the layers: what the box
lacks at its edges is taken from the activations of the whole input. Where the boxes meet the first dense layer (or the
global mean), which is linear, only the change of the box is added. The scores are those of full passes, to rounding.

It serves chains of layers, such as the networks of `models/`; for another model `plan` says None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Boxes = NDArray[np.int64]

# Layers that treat every position alike unless their parameters differ along an axis (`_is_pointwise`).
_POINTWISE = {
    "Activation",
    "BatchNormalization",
    "Dropout",
    "ELU",
    "GaussianNoise",
    "LeakyReLU",
    "Normalization",
    "ReLU",
    "Rescaling",
    "SpatialDropout1D",
    "SpatialDropout2D",
}
# Windows × examples: above this, no larger part is faster (measured on the networks of config.yaml).
_LARGEST_PART = 512


@dataclass(frozen=True)
class Window:
    """A layer whose outputs each look at a window of its input: a convolution or a pooling.

    Attributes:
        layer: the layer.
        extent: input positions from the first to the last that one output looks at, per axis.
        stride: per axis.
        before: padding before the first input position, per axis.
        padding: value of the padding.
        inputs, outputs: sizes per axis.
        work: multiplications per output position.
    """

    layer: keras.layers.Layer
    extent: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    padding: float
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    work: int

    def touched(self, starts: Boxes, size: Sequence[int]) -> tuple[Boxes, tuple[int, ...]]:
        """The box of outputs that a box of inputs can change: its starts (boxes, axes), and its size.

        All boxes have one size; one at a border is moved inside, and then holds some outputs that do not change.
        """
        sizes = tuple(
            min((length + extent - 2) // stride + 1, outputs)
            for length, extent, stride, outputs in zip(size, self.extent, self.stride, self.outputs, strict=True)
        )
        first = -((np.array(self.extent) - 1 - self.before - starts) // self.stride)
        return np.clip(first, 0, np.array(self.outputs) - sizes), sizes

    def needed(self, starts: Boxes, size: Sequence[int]) -> tuple[Boxes, tuple[int, ...]]:
        """The box of (padded) inputs that a box of outputs is computed from, in the inputs' coordinates."""
        sizes = tuple((n - 1) * s + e for n, s, e in zip(size, self.stride, self.extent, strict=True))
        return starts * np.array(self.stride) - np.array(self.before), sizes


@dataclass(frozen=True)
class Plan:
    """How a model is computed locally.

    Attributes:
        steps: its layers up to the join, in order: `Window` or a layer that treats every position alike.
        join: the layer in which all positions meet: Dense (after Flatten), or the global mean.
        tail: the layers behind it.
        sizes: positions per axis before the join.
        channels: before the join.
    """

    steps: tuple[Any, ...]
    join: keras.layers.Layer
    tail: tuple[keras.layers.Layer, ...]
    sizes: tuple[int, ...]
    channels: int

    @property
    def windows(self) -> list[Window]:
        return [step for step in self.steps if isinstance(step, Window)]

    def boxes(self, starts: Boxes, size: Sequence[int]) -> tuple[list[Boxes], list[tuple[int, ...]]]:
        """Starts and sizes of the boxes before each `Window` and before the join."""
        starting, sizing = [starts], [tuple(size)]
        for window in self.windows:
            begin, length = window.touched(starting[-1], sizing[-1])
            starting.append(begin)
            sizing.append(length)
        return starting, sizing

    def work(self, size: Sequence[int]) -> tuple[int, int]:
        """Multiplications for one window of `size`, and for a whole input."""
        _, sizes = self.boxes(np.zeros((1, len(size)), np.int64), size)
        joined = self.channels * getattr(self.join, "units", 1)
        work = [*(window.work for window in self.windows), joined]
        whole = [*(math.prod(window.outputs) for window in self.windows), math.prod(self.sizes)]
        local = [*(math.prod(box) for box in sizes[1:]), math.prod(sizes[-1])]
        return int(np.dot(work, local)), int(np.dot(work, whole))


@dataclass(frozen=True)
class Link:
    """A layer of a chain.

    Attributes:
        layer: the layer.
        shape: of its output for one example.
        plain: it takes one tensor and no further argument (`training=True` keeps a dropout at work).
    """

    layer: keras.layers.Layer
    shape: tuple[int, ...]
    plain: bool

    @property
    def kind(self) -> str:
        """The name of the layer's class, where it is Keras' own: another class may do anything, whatever its name."""
        import keras

        name = type(self.layer).__name__
        return name if type(self.layer) is getattr(keras.layers, name, None) else ""


def plan(model: keras.Model) -> Plan | None:
    """How to compute the model locally, or None where that cannot be done."""
    links = _chain(model)
    if links is None or not all(link.plain and _is_single_precision(link.layer) for link in links):
        return None
    layers = [link.layer for link in links]
    sizes, channels = tuple(model.input_shape[1:-1]), int(model.input_shape[-1])
    steps: list[Any] = []
    for index, link in enumerate(links):
        layer, rest = link.layer, links[index + 1 :]
        if link.kind == "Flatten":
            while rest and rest[0].kind == "Dropout":
                rest = rest[1:]
            if not rest or rest[0].kind != "Dense" or layer.data_format != "channels_last":
                return None
            return Plan(tuple(steps), rest[0].layer, tuple(layers[len(layers) - len(rest) + 1 :]), sizes, channels)
        if link.kind in ("GlobalAveragePooling1D", "GlobalAveragePooling2D"):
            fitting = not layer.keepdims and layer.data_format == "channels_last"
            return Plan(tuple(steps), layer, tuple(layers[index + 1 :]), sizes, channels) if fitting else None
        if (window := _window(link, sizes, channels)) is not None:
            steps.append(window)
            sizes, channels = window.outputs, getattr(layer, "filters", channels)
        elif _is_pointwise(link, len(sizes)):
            steps.append(layer)
        else:
            return None
        if link.shape != (*sizes, channels):  # an activation or a factor may change the number of channels
            return None
    return None


def _is_pointwise(link: Link, axes: int) -> bool:
    """Whether a layer treats every position alike: no parameter of it has a size along an axis of the input."""
    layer = link.layer
    if link.kind not in _POINTWISE or not _is_known(getattr(layer, "activation", None)):
        return False
    if link.kind == "BatchNormalization":
        return layer.axis in (-1, axes + 1)
    # Every one is broadcast to (N, *sizes, channels) from its last axis on.
    names = {"Rescaling": ("scale", "offset"), "Normalization": ("mean", "variance")}.get(link.kind, ())
    return all(math.prod(np.shape(getattr(layer, name))[:-1]) == 1 for name in names)


def _is_known(activation: Any) -> bool:
    """Whether an activation is one of Keras, all of which look at one position, or at one position's channels."""
    return activation is None or str(getattr(activation, "__module__", "")).startswith("keras.src.activations")


def _is_single_precision(layer: keras.layers.Layer) -> bool:
    """Whether a layer computes with its own weights as they are, in float32."""
    return layer.compute_dtype == "float32" and getattr(layer, "quantization_mode", None) is None


def _chain(model: keras.Model) -> list[Link] | None:
    """The layers of a model in which each has one input and feeds the next; None for any other."""
    import keras

    found: list[Link] = []
    tensor = model.outputs[0]
    while True:
        operation, index, _ = tensor._keras_history
        if type(operation).__name__ == "InputLayer":
            break
        node = operation._inbound_nodes[index]
        if len(node.input_tensors) != 1 or not isinstance(operation, keras.layers.Layer):
            return None
        given = [*node.arguments.args, *node.arguments.kwargs.values()]
        plain = all(value is None or value is False or value is node.input_tensors[0] for value in given)
        nested = hasattr(operation, "layers")
        inside = _chain(operation) if nested and plain else [Link(operation, tuple(tensor.shape[1:]), plain)]
        if inside is None:
            return None
        found[:0] = inside
        tensor = node.input_tensors[0]
    return found


def _window(link: Link, sizes: tuple[int, ...], channels: int) -> Window | None:
    """The layer as a `Window`, if it is a plain convolution or pooling."""
    layer, kind, axes = link.layer, link.kind, len(sizes)
    if getattr(layer, "data_format", None) != "channels_last" or not _is_known(getattr(layer, "activation", None)):
        return None
    if kind in ("Conv1D", "Conv2D") and layer.groups == 1:
        kernel, dilation, padding = layer.kernel_size, layer.dilation_rate, 0.0
        work = math.prod(kernel) * channels * layer.filters
    elif kind in ("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D"):
        kernel, dilation, padding = _tuple(layer.pool_size, axes), (1,) * axes, -math.inf
        work = math.prod(kernel) * channels
        if kind.startswith("Average") and layer.padding != "valid":
            return None
    else:
        return None
    stride = _tuple(layer.strides, axes)
    extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    if layer.padding == "valid":
        outputs = tuple((n - e) // s + 1 for n, e, s in zip(sizes, extent, stride, strict=True))
        before = (0,) * axes
    else:
        outputs = tuple(-(-n // s) for n, s in zip(sizes, stride, strict=True))
        missing = [max((o - 1) * s + e - n, 0) for n, e, s, o in zip(sizes, extent, stride, outputs, strict=True)]
        before = tuple(e - 1 if layer.padding == "causal" else m // 2 for e, m in zip(extent, missing, strict=True))
    return Window(layer, extent, stride, before, padding, sizes, outputs, work)


def _tuple(value: Any, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


class Local:
    """The compiled functions of a plan.

    Args:
        tf: the TensorFlow module.
        plan: of the model.
        input_shape: of one example.
        size: of the windows, per axis.
        linear: a context in which the model's last softmax is left out while its layers are called.
    """

    def __init__(
        self, tf: Any, plan: Plan, input_shape: Sequence[int], size: Sequence[int], linear: Callable[[], Any]
    ) -> None:
        self._tf, self._plan, self._size, self._linear = tf, plan, tuple(size), linear
        _, self._sizes = plan.boxes(np.zeros((1, len(size)), np.int64), size)
        examples = tf.TensorSpec((None, *input_shape), tf.float32)
        self._whole = tf.function(self._build_whole, autograph=False, input_signature=[examples])
        kept = [tf.TensorSpec(one.shape, one.dtype) for one in self._whole.get_concrete_function().outputs]
        table, column = tf.TensorSpec((None, len(size)), tf.int32), tf.TensorSpec((None,), tf.int32)
        groups = [table, tf.TensorSpec((None, None), tf.int32), column]
        signature = [kept, examples, examples, [table] * len(self._sizes), column, groups, column]
        self._part = tf.function(self._build_part, autograph=False, input_signature=signature)

    @property
    def _bytes_per_window(self) -> int:
        """What one window of one example takes: the region that each layer reads, a copy of it, and its output."""
        floats, width = math.prod(self._sizes[0]), 1
        for window, size in zip(self._plan.windows, self._sizes[1:], strict=True):
            _, needed = window.needed(np.zeros((1, len(size)), np.int64), size)
            read, width = width, getattr(window.layer, "filters", width)
            floats += 2 * math.prod(needed) * read + math.prod(size) * width
        return 4 * floats

    @property
    def _bytes_per_corner(self) -> int:
        """The dense layer's weights under one box."""
        return 4 * math.prod(self._sizes[-1]) * self._plan.channels * int(getattr(self._plan.join, "units", 0))

    def scores(
        self,
        x: NDArray[np.float32],
        fill: NDArray[np.float32],
        starts: Boxes,
        channels: Boxes,
        targets: NDArray[np.int32],
        *,
        rows: int,
        memory: int,
    ) -> NDArray[np.float32]:
        """Logits of the targets with each window filled.

        Args:
            x, fill: (N, *input_shape).
            starts: (windows, axes) first position of each window.
            channels: (windows,) the channel that is filled, -1 for all.
            targets: (N,) classes.
            rows: examples that are computed whole at a time.
            memory: bytes for windows.

        Returns:
            (windows, N).
        """
        found = np.empty((len(starts), len(x)), np.float32)
        steps, _ = self._plan.boxes(starts, self._size)
        # Boxes that end at one place share weights of the dense layer: they lie side by side.
        order = np.lexsort(steps[-1].T[::-1])
        integers = partial(self._tf.constant, dtype=self._tf.int32)
        most = max(1, min(_LARGEST_PART, memory // self._bytes_per_window))
        corners = max(1, memory // max(self._bytes_per_corner, 1))
        for start in range(0, len(x), rows := min(rows, most)):
            here = slice(start, start + rows)
            batch, filling, classes = self._tf.constant(x[here]), self._tf.constant(fill[here]), integers(targets[here])
            whole = self._whole(batch)
            for part in _parts(steps[-1][order], max(1, most // len(x[here])), corners):
                chosen = order[part]
                begins = [integers(begin[chosen]) for begin in steps]
                groups = [integers(table) for table in _grouped(begins[-1].numpy())]
                found[chosen, here] = self._part(
                    whole, batch, filling, begins, integers(channels[chosen]), groups, classes
                ).numpy()
        return found

    def _build_whole(self, batch: tf.Tensor) -> list[tf.Tensor]:
        """Padded inputs of every `Window`, the map before the join, and what the join makes of it."""
        kept, value = [], batch
        for step in self._plan.steps:
            if isinstance(step, Window):
                kept.append(self._padded(step, value))
                value = step.layer(value)
            else:
                value = step(value, training=False)
        join = self._plan.join
        if hasattr(join, "kernel"):
            joined = self._tf.matmul(self._tf.reshape(value, (-1, join.kernel.shape[0])), join.kernel)
            joined = joined + join.bias if join.use_bias else joined
        else:
            joined = self._tf.reduce_mean(value, axis=list(range(1, value.shape.rank - 1)))
        return [*kept, value, joined]

    def _padded(self, window: Window, value: tf.Tensor) -> tf.Tensor:
        """The input with as much padding as any box may ask for."""
        after = [
            max((o - 1) * s + e - b - n, 0)
            for o, s, e, b, n in zip(
                window.outputs, window.stride, window.extent, window.before, window.inputs, strict=True
            )
        ]
        widths = [(0, 0), *zip(window.before, after, strict=True), (0, 0)]
        return self._tf.pad(value, widths, constant_values=window.padding)

    def _build_part(
        self,
        whole: list[tf.Tensor],
        batch: tf.Tensor,
        fill: tf.Tensor,
        starts: list[tf.Tensor],
        channels: tf.Tensor,
        groups: list[tf.Tensor],
        targets: tf.Tensor,
    ) -> tf.Tensor:
        """Logits (windows, N); `starts` of the boxes before each step, `groups` of those before the join."""
        tf_, plan_ = self._tf, self._plan
        *kept, last, joined = whole
        n, count = tf_.shape(batch)[0], tf_.shape(channels)[0]
        patch = self._replaced(batch, fill, starts[0], channels)
        position = 0
        for step in plan_.steps:
            if isinstance(step, Window):
                box, output = self._sizes[position : position + 2]
                begin, end = starts[position], starts[position + 1]
                region = self._region(step, kept[position], patch, begin, end, box, output)
                patch = _applied(step.layer, region)
                position += 1
            else:
                patch = step(patch, training=False)
        size, width = self._sizes[-1], plan_.channels
        area = math.prod(size)
        before = tf_.reshape(last, (n, -1, width))
        before = tf_.gather(before, self._flat(starts[-1], size, plan_.sizes), axis=1)
        change = tf_.reshape(patch, (n, count, area, width)) - before
        if hasattr(plan_.join, "kernel"):
            moved = self._joined(tf_.reshape(change, (n, count, area * width)), groups)
        else:
            moved = tf_.reshape(tf_.reduce_sum(change, 2) / math.prod(plan_.sizes), (-1, width))
        value = tf_.repeat(joined, count, axis=0) + moved
        with self._linear():
            value = plan_.join.activation(value) if hasattr(plan_.join, "kernel") else value
            for layer in plan_.tail:
                value = layer(value, training=False)
        score = tf_.gather(value, tf_.repeat(targets, count), batch_dims=1)
        return tf_.transpose(tf_.reshape(score, (n, count)))

    def _joined(self, change: tf.Tensor, groups: list[tf.Tensor]) -> tf.Tensor:
        """What changes (N, windows, values) in the boxes add to the dense layer: (N × windows, units)."""
        tf_, plan_ = self._tf, self._plan
        corners, members, places = groups
        n, values, units = tf_.shape(change)[0], change.shape[-1], plan_.join.kernel.shape[-1]
        kernel = tf_.reshape(plan_.join.kernel, (-1, plan_.channels * units))
        kernel = tf_.gather(kernel, self._flat(corners, self._sizes[-1], plan_.sizes))
        # One matrix product for each group of windows that lie over the same weights.
        change = tf_.transpose(tf_.gather(change, members, axis=1), (1, 0, 2, 3))
        moved = tf_.matmul(
            tf_.reshape(change, (tf_.shape(members)[0], -1, values)), tf_.reshape(kernel, (-1, values, units))
        )
        moved = tf_.reshape(moved, (tf_.shape(members)[0], n, -1, units))
        moved = tf_.reshape(tf_.transpose(moved, (1, 0, 2, 3)), (n, -1, units))
        return tf_.reshape(tf_.gather(moved, places, axis=1), (-1, units))

    def _replaced(self, batch: tf.Tensor, fill: tf.Tensor, starts: tf.Tensor, channels: tf.Tensor) -> tf.Tensor:
        """The windows of the input, filled: (N × windows, *size, channels)."""
        tf_ = self._tf
        places = self._flat(starts, self._size, batch.shape[1:-1])
        rows = (-1, math.prod(batch.shape[1:-1]), batch.shape[-1])
        here = tf_.gather(tf_.reshape(batch, rows), places, axis=1)
        filled = tf_.gather(tf_.reshape(fill, rows), places, axis=1)
        wanted = (channels[:, None] < 0) | (channels[:, None] == tf_.range(batch.shape[-1]))
        patch = tf_.where(wanted[None, :, None, :], filled, here)
        return tf_.reshape(patch, (-1, *self._size, batch.shape[-1]))

    def _flat(self, starts: tf.Tensor, size: Sequence[int], sizes: Sequence[int]) -> tf.Tensor:
        """Positions of boxes in an array of `sizes`, counted through: (boxes, positions)."""
        tf_ = self._tf
        steps = np.indices(tuple(size)).reshape(len(size), -1)
        strides = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
        offsets = np.dot(strides, steps).astype(np.int32)
        return tf_.reduce_sum(starts * tf_.constant(strides, tf_.int32), 1)[:, None] + offsets

    def _region(
        self,
        window: Window,
        padded: tf.Tensor,
        patch: tf.Tensor,
        starts: tf.Tensor,
        ends: tf.Tensor,
        size: Sequence[int],
        output: Sequence[int],
    ) -> tf.Tensor:
        """What the outputs' boxes (at `ends`) are computed from: the patches (at `starts`), and what is around them."""
        tf_ = self._tf
        count, n = tf_.shape(starts)[0], tf_.shape(padded)[0]
        # In the padded input's coordinates.
        begin = ends * np.array(window.stride, np.int32)
        _, needed = window.needed(np.zeros((1, len(size)), np.int64), output)
        sizes = padded.shape[1:-1]
        around = self._flat(begin, needed, sizes)
        steps = np.indices(needed).reshape(len(size), -1).astype(np.int32)
        # Where each position lies in the patch, and whether it does.
        inside, flat = tf_.ones_like(around, tf_.bool), tf_.zeros_like(around)
        for axis, length in enumerate(size):
            place = (begin - np.array(window.before, np.int32) - starts)[:, axis, None] + steps[axis]
            inside = inside & (place >= 0) & (place < length)
            flat = flat * length + tf_.clip_by_value(place, 0, length - 1)
        area, whole = math.prod(size), math.prod(sizes)
        example = tf_.range(n)[:, None, None]
        box = example * count + tf_.range(count)[None, :, None]
        index = tf_.where(inside[None], n * whole + box * area + flat[None], example * whole + around[None])
        width = padded.shape[-1]
        rows = tf_.concat([tf_.reshape(padded, (-1, width)), tf_.reshape(patch, (-1, width))], 0)
        return tf_.reshape(tf_.gather(rows, index), (-1, *needed, width))


def _applied(layer: keras.layers.Layer, region: tf.Tensor) -> tf.Tensor:
    """A convolution or pooling of a region that needs no more padding."""
    from keras import ops

    kind = type(layer).__name__
    if kind.startswith("Conv"):
        value = ops.conv(region, layer.kernel, layer.strides, "valid", "channels_last", layer.dilation_rate)
        return layer.activation(value + layer.bias if layer.use_bias else value)
    pool = ops.max_pool if kind.startswith("Max") else ops.average_pool
    return pool(region, layer.pool_size, layer.strides, "valid", "channels_last")


def _parts(corners: Boxes, windows: int, different: int) -> Iterator[slice]:
    """Parts of at most `windows` boxes with at most `different` corners; equal corners lie side by side."""
    group = np.cumsum(np.append(False, np.any(np.diff(corners, axis=0) != 0, axis=1)))
    start = 0
    while start < len(corners):
        stop = min(start + windows, int(np.searchsorted(group, group[start] + different)))
        yield slice(start, stop)
        start = stop


def _grouped(corners: Boxes) -> tuple[Boxes, Boxes, Boxes]:
    """Windows by where their boxes end.

    Args:
        corners: (windows, axes), equal ones side by side.

    Returns:
        The different corners (groups, axes); the windows of each (groups, most), shorter groups filled up with
        their first; and where each window stands in that table, counted through (windows,).
    """
    fresh = np.append(True, np.any(np.diff(corners, axis=0) != 0, axis=1))
    first = np.flatnonzero(fresh)
    group = np.cumsum(fresh) - 1
    within = np.arange(len(corners)) - first[group]
    members = np.repeat(first[:, None], within.max() + 1, axis=1)
    members[group, within] = np.arange(len(corners))
    return corners[first], members, group * members.shape[1] + within
