"""Plan how a model is computed incrementally: which box of each layer's output a window of the input can change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.network.graph import ChainLink, chain
from pellucid.network.sliding_window import sliding_windows

if TYPE_CHECKING:
    import keras

Boxes = NDArray[np.int64]

# Layers that treat every position alike unless their parameters differ along an axis (`is_pointwise`).
_POINTWISE = {
    "Activation", "BatchNormalization", "Dropout", "ELU", "GaussianNoise", "LeakyReLU", "Normalization", "ReLU",
    "Rescaling", "SpatialDropout1D", "SpatialDropout2D",
}  # fmt: skip
_BY_CHANNEL = {"DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"}


@dataclass(frozen=True)
class WindowLayer:
    """A layer whose outputs each look at a window of its input: a convolution or a pooling.

    Attributes:
        layer: the layer.
        extent: input positions from the first to the last that one output looks at, per axis.
        stride: per axis.
        before: padding before the first input position, per axis.
        padding: value of the padding.
        inputs, outputs: number of positions per axis.
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
        """Return the boxes of outputs that boxes of inputs can change: their starts (boxes, axes), and their size.

        All boxes have the same size; a box at a border is moved inside, and then holds outputs that do not change.
        """
        sizes = tuple(
            min((length + extent - 2) // stride + 1, outputs)
            for length, extent, stride, outputs in zip(size, self.extent, self.stride, self.outputs, strict=True)
        )
        first = -((np.array(self.extent) - 1 - self.before - starts) // self.stride)
        return np.clip(first, 0, np.array(self.outputs) - sizes), sizes

    def needed(self, starts: Boxes, size: Sequence[int]) -> tuple[Boxes, tuple[int, ...]]:
        """Return the boxes of (padded) inputs that boxes of outputs need: starts (boxes, axes), and size."""
        return starts * np.array(self.stride) - np.array(self.before), self.needed_size(size)

    def needed_size(self, size: Sequence[int]) -> tuple[int, ...]:
        """Return the size of the boxes of (padded) inputs that boxes of outputs of `size` need."""
        return tuple((n - 1) * s + e for n, s, e in zip(size, self.stride, self.extent, strict=True))

    @property
    def is_alike(self) -> bool:
        """Whether each output looks at its own position alone."""
        return set(self.extent) == set(self.stride) == {1} and not any(self.before) and self.inputs == self.outputs


@dataclass(frozen=True)
class IncrementalPlan:
    """How a model is computed incrementally.

    Attributes:
        steps: its layers up to the join, in order: `WindowLayer`, or a layer that treats every position alike.
        join: the layer in which all positions meet: Dense (after Flatten), or the global mean.
        tail: the layers after the join.
        sizes: positions per axis before the join.
        channels: before the join.
    """

    steps: tuple[Any, ...]
    join: keras.layers.Layer
    tail: tuple[keras.layers.Layer, ...]
    sizes: tuple[int, ...]
    channels: int

    @property
    def windows(self) -> list[WindowLayer]:
        """The convolutions and poolings among the steps."""
        return [step for step in self.steps if isinstance(step, WindowLayer)]

    def boxes(self, starts: Boxes, size: Sequence[int]) -> tuple[list[Boxes], list[tuple[int, ...]]]:
        """Return starts and sizes of the boxes before each `WindowLayer` and before the join."""
        all_starts, sizes = [starts], [tuple(size)]
        for window in self.windows:
            box_starts, box_size = window.touched(all_starts[-1], sizes[-1])
            all_starts.append(box_starts)
            sizes.append(box_size)
        return all_starts, sizes

    def work(self, size: Sequence[int]) -> tuple[int, int]:
        """Return the multiplications for one window of `size`, and for a whole input."""
        _, sizes = self.boxes(np.zeros((1, len(size)), np.int64), size)
        joined = self.channels * getattr(self.join, "units", 1)
        work = [*(window.work for window in self.windows), joined]
        full = [*(math.prod(window.outputs) for window in self.windows), math.prod(self.sizes)]
        touched = [*(math.prod(box) for box in sizes[1:]), math.prod(sizes[-1])]
        return int(np.dot(work, touched)), int(np.dot(work, full))


def plan(model: keras.Model) -> IncrementalPlan | None:
    """Return how to compute a model incrementally; None where that cannot be done."""
    links = chain(model)
    if links is None or not all(link.plain and is_single_precision(link.layer) for link in links):
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
            return IncrementalPlan(
                tuple(steps), rest[0].layer, tuple(layers[len(layers) - len(rest) + 1 :]), sizes, channels
            )
        if link.kind in ("GlobalAveragePooling1D", "GlobalAveragePooling2D"):
            supported = not layer.keepdims and layer.data_format == "channels_last"
            return (
                IncrementalPlan(tuple(steps), layer, tuple(layers[index + 1 :]), sizes, channels) if supported else None
            )
        if _in_chains(link) and (window := window_layer(link, sizes, channels)) is not None:
            steps.append(window)
            sizes, channels = window.outputs, getattr(layer, "filters", channels)
        elif is_pointwise(link, len(sizes)):
            steps.append(layer)
        else:
            return None
        if link.shape != (*sizes, channels):  # an activation or a factor may change the number of channels
            return None
    return None


def is_pointwise(link: ChainLink, axes: int) -> bool:
    """Return whether a layer treats every position alike: none of its parameters differs along an axis of the input."""
    layer = link.layer
    if link.kind not in _POINTWISE or not is_known(getattr(layer, "activation", None)):
        return False
    if link.kind == "BatchNormalization":
        return layer.axis in (-1, axes + 1)
    # Each parameter is broadcast to (N, *sizes, channels), the last axis first.
    names = {"Rescaling": ("scale", "offset"), "Normalization": ("mean", "variance")}.get(link.kind, ())
    return all(math.prod(np.shape(getattr(layer, name))[:-1]) == 1 for name in names)


def is_known(activation: Any) -> bool:
    """Return whether an activation is Keras' own: these look at one position, or at the channels of one position."""
    return activation is None or str(getattr(activation, "__module__", "")).startswith("keras.src.activations")


def is_single_precision(layer: keras.layers.Layer) -> bool:
    """Return whether a layer computes in float32, with its weights as they are (not quantised)."""
    return layer.compute_dtype == "float32" and getattr(layer, "quantization_mode", None) is None


def window_layer(link: ChainLink, sizes: tuple[int, ...], channels: int) -> WindowLayer | None:
    """Return the layer as a `WindowLayer` if it is a plain convolution or pooling."""
    layer, kind = link.layer, link.kind
    if getattr(layer, "data_format", None) != "channels_last" or not is_known(getattr(layer, "activation", None)):
        return None
    padding = 0.0
    if kind in ("Conv1D", "Conv2D") and layer.groups == 1:
        work = math.prod(layer.kernel_size) * channels * layer.filters
    elif kind in _BY_CHANNEL:
        work = channels * layer.depth_multiplier * (math.prod(layer.kernel_size) + getattr(layer, "filters", 0))
    elif kind in ("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D"):
        work = math.prod(layer.pool_size) * channels
        # The mean of a "same" pooling leaves its padding out: `incremental_boxes.applied` weighs the sum with zeros.
        padding = 0.0 if kind.startswith("Average") else -math.inf
    else:
        return None
    windows = sliding_windows(layer.get_config())
    outputs = tuple(window.outputs(length) for window, length in zip(windows, sizes, strict=True))
    before = tuple(window.before(length) for window, length in zip(windows, sizes, strict=True))
    extent, stride = tuple(window.extent for window in windows), tuple(window.stride for window in windows)
    return WindowLayer(layer, extent, stride, before, padding, sizes, outputs, work)


def _in_chains(link: ChainLink) -> bool:
    """Return whether a chain's plan carries boxes through this layer, if it is a convolution or pooling."""
    return link.kind not in _BY_CHANNEL and (not link.kind.startswith("Average") or link.layer.padding == "valid")
