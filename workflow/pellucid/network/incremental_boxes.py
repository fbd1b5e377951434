"""Boxes of maps inside TensorFlow: cut them out of a map, fill in their surroundings, and send them through a layer.

A patch has the values of a box of a map after one window has changed: (N × windows, *size, channels), the windows of an
example side by side. Starts are the first positions of the boxes: (windows, axes).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.network.incremental_plan import WindowLayer

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def flat_indices(tf_: Any, starts: tf.Tensor, size: Sequence[int], sizes: Sequence[int]) -> tf.Tensor:
    """Return the flat indices of the positions in boxes of `size`, in an array of `sizes`: (boxes, positions)."""
    steps = np.indices(tuple(size)).reshape(len(size), -1)
    strides = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    offsets = np.dot(strides, steps).astype(np.int32)
    return tf_.reduce_sum(starts * tf_.constant(strides, tf_.int32), 1)[:, None] + offsets


def filled(
    tf_: Any, batch: tf.Tensor, fill: tf.Tensor, starts: tf.Tensor, size: Sequence[int], channels: tf.Tensor
) -> tf.Tensor:
    """Return the windows of the input, filled: (N × windows, *size, channels).

    Args:
        tf_: TensorFlow.
        batch, fill: (N, *input_shape).
        starts: of the windows.
        size: of all windows, per axis.
        channels: (windows,) the channel that is filled, -1 for all.
    """
    places = flat_indices(tf_, starts, size, batch.shape[1:-1])
    rows = (-1, math.prod(batch.shape[1:-1]), batch.shape[-1])
    here = tf_.gather(tf_.reshape(batch, rows), places, axis=1)
    over = tf_.gather(tf_.reshape(fill, rows), places, axis=1)
    covered = (channels[:, None] < 0) | (channels[:, None] == tf_.range(batch.shape[-1]))
    patch = tf_.where(covered[None, :, None, :], over, here)
    return tf_.reshape(patch, (-1, *size, batch.shape[-1]))


def padding_after(window: WindowLayer) -> tuple[int, ...]:
    """Return how much padding behind the input any box of a layer's outputs may need, per axis."""
    return tuple(
        max((o - 1) * s + e - b - n, 0)
        for o, s, e, b, n in zip(
            window.outputs, window.stride, window.extent, window.before, window.inputs, strict=True
        )
    )


def padded(tf_: Any, value: tf.Tensor, before: Sequence[int], after: Sequence[int], padding: float) -> tf.Tensor:
    """Return a map with `padding` around it."""
    return tf_.pad(value, [(0, 0), *zip(before, after, strict=True), (0, 0)], constant_values=padding)


def region(
    tf_: Any,
    whole: tf.Tensor,
    patch: tf.Tensor,
    starts: tf.Tensor,
    size: Sequence[int],
    begin: tf.Tensor,
    needed: Sequence[int],
    before: Sequence[int],
) -> tf.Tensor:
    """Return boxes of a map that take patches where these lie, and the map of the whole input around them.

    Args:
        tf_: TensorFlow.
        whole: the map of the whole input, with padding: (N, *sizes, channels).
        patch: of boxes of `size`.
        starts: of the patches, in the map without padding.
        size: of the patches, per axis.
        begin: first positions of the boxes that are returned, in `whole`: (windows, axes).
        needed: their size.
        before: padding before the map, per axis.

    Returns:
        (N × windows, *needed, channels).
    """
    count, n = tf_.shape(starts)[0], tf_.shape(whole)[0]
    sizes, width = whole.shape[1:-1], whole.shape[-1]
    around = flat_indices(tf_, begin, needed, sizes)
    steps = np.indices(tuple(needed)).reshape(len(size), -1).astype(np.int32)
    # Where each position lies in the patch, and whether it does.
    inside, flat = tf_.ones_like(around, tf_.bool), tf_.zeros_like(around)
    for axis, length in enumerate(size):
        place = (begin - np.array(before, np.int32) - starts)[:, axis, None] + steps[axis]
        inside = inside & (place >= 0) & (place < length)
        flat = flat * length + tf_.clip_by_value(place, 0, length - 1)
    area, positions = math.prod(size), math.prod(sizes)
    example = tf_.range(n)[:, None, None]
    box = example * count + tf_.range(count)[None, :, None]
    index = tf_.where(inside[None], n * positions + box * area + flat[None], example * positions + around[None])
    rows = tf_.concat([tf_.reshape(whole, (-1, width)), tf_.reshape(patch, (-1, width))], 0)
    return tf_.reshape(tf_.gather(rows, index), (-1, *needed, width))


def padding_weights(window: WindowLayer) -> NDArray[np.float32] | None:
    """Return by what a mean pooling of zeros around the map is multiplied, at each output; None for all other layers.

    It is the number of values under the window, divided by the number of those that are no padding: (*outputs).
    """
    if not type(window.layer).__name__.startswith("Average") or window.layer.padding == "valid":
        return None
    shares = []
    for axis, extent in enumerate(window.extent):
        start = np.arange(window.outputs[axis]) * window.stride[axis] - window.before[axis]
        inside = np.minimum(start + extent, window.inputs[axis]) - np.maximum(start, 0)
        shares.append(extent / inside)
    return np.asarray(reduce(np.multiply.outer, shares), np.float32)


def applied(layer: keras.layers.Layer, value: tf.Tensor) -> tf.Tensor:
    """Return a convolution or pooling of a region that needs no more padding."""
    from keras import ops

    kind, convolves = type(layer).__name__, "Conv" in type(layer).__name__
    if not convolves:
        pool = ops.max_pool if kind.startswith("Max") else ops.average_pool
        return pool(value, layer.pool_size, layer.strides, "valid", "channels_last")
    how = (layer.strides, "valid", "channels_last", layer.dilation_rate)
    if kind.startswith("Depthwise"):
        value = ops.depthwise_conv(value, layer.kernel, *how)
    elif kind.startswith("Separable"):
        value = ops.separable_conv(value, layer.depthwise_kernel, layer.pointwise_kernel, *how)
    else:
        value = ops.conv(value, layer.kernel, *how)
    return layer.activation(value + layer.bias if layer.use_bias else value)
