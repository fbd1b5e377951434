"""Score inputs in which one window is replaced, by recomputing only what the window touches.

If one window of the input changes, the output of a convolution, a pooling or a ReLU changes only near this window. So
the activations of the whole input are computed once. For each window, only a box around it is carried through the
layers; the values beyond its edges come from the activations of the whole input. The first dense layer (or the global
mean) is linear: there, only the change of the box is added. The scores equal those of full passes, to rounding.

This works for chains of layers, such as the networks of `models/`: `incremental_plan.py` says for which.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.network import incremental_boxes as boxes
from pellucid.network.incremental_plan import Boxes, IncrementalPlan, WindowLayer
from pellucid.network.target_columns import taken

if TYPE_CHECKING:
    import tensorflow as tf

# Windows × examples: above this, no larger block is faster (measured on the networks of config.yaml).
_LARGEST_BLOCK = 512


class IncrementalScorer:
    """Compile the functions of a plan, and score windows with them.

    Args:
        tf: the TensorFlow module.
        plan: of the model.
        input_shape: of one example.
        size: of the windows, per axis.
        without_softmax: makes a context in which the model's last softmax (or sigmoid) is left out.
    """

    def __init__(
        self,
        tf: Any,
        plan: IncrementalPlan,
        input_shape: Sequence[int],
        size: Sequence[int],
        without_softmax: Callable[[], Any],
    ) -> None:
        self._tf, self._plan, self._size, self._without_softmax = tf, plan, tuple(size), without_softmax
        _, self._sizes = plan.boxes(np.zeros((1, len(size)), np.int64), size)
        examples = tf.TensorSpec((None, *input_shape), tf.float32)
        self._whole = tf.function(self._build_whole, autograph=False, input_signature=[examples])
        whole = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in self._whole.get_concrete_function().outputs]
        table, pairs = (tf.TensorSpec((None, width), tf.int32) for width in (len(size), 2))
        column = tf.TensorSpec((None,), tf.int32)
        groups = [table, tf.TensorSpec((None, None), tf.int32), column]
        signature = [whole, examples, examples, [table] * len(self._sizes), column, groups, pairs]
        self._windows = tf.function(self._build_windows, autograph=False, input_signature=signature)

    @property
    def _bytes_per_window(self) -> int:
        """Memory of one window of one example: the region that each layer reads, a copy of it, and its output."""
        floats, width = math.prod(self._sizes[0]), 1
        for window, size in zip(self._plan.windows, self._sizes[1:], strict=True):
            _, needed = window.needed(np.zeros((1, len(size)), np.int64), size)
            read, width = width, getattr(window.layer, "filters", width)
            floats += 2 * math.prod(needed) * read + math.prod(size) * width
        return 4 * floats

    @property
    def _bytes_per_corner(self) -> int:
        """Memory of the dense layer's weights under one box."""
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
        """Return the logits of the targets with each window filled.

        Args:
            x, fill: (N, *input_shape).
            starts: (windows, axes) first position of each window.
            channels: (windows,) the channel that is filled, -1 for all.
            targets: (N, 2), from `target_columns.pairs`.
            rows: examples that are computed whole at a time.
            memory: bytes for the windows.

        Returns:
            (windows, N).
        """
        scores = np.empty((len(starts), len(x)), np.float32)
        steps, _ = self._plan.boxes(starts, self._size)
        # Boxes that end at the same place use the same weights of the dense layer: sort them side by side.
        order = np.lexsort(steps[-1].T[::-1])
        integers = partial(self._tf.constant, dtype=self._tf.int32)
        largest = max(1, min(_LARGEST_BLOCK, memory // self._bytes_per_window))
        corners = max(1, memory // max(self._bytes_per_corner, 1))
        for start in range(0, len(x), rows := min(rows, largest)):
            here = slice(start, start + rows)
            batch, filling, columns = self._tf.constant(x[here]), self._tf.constant(fill[here]), integers(targets[here])
            whole = self._whole(batch)
            for block in _blocks(steps[-1][order], max(1, largest // len(x[here])), corners):
                windows = order[block]
                begins = [integers(begin[windows]) for begin in steps]
                groups = [integers(table) for table in _grouped(begins[-1].numpy())]
                scores[windows, here] = self._windows(
                    whole, batch, filling, begins, integers(channels[windows]), groups, columns
                ).numpy()
        return scores

    def _build_whole(self, batch: tf.Tensor) -> list[tf.Tensor]:
        """Return the padded input of every `WindowLayer`, the map before the join, and the join's output."""
        padded, value = [], batch
        for step in self._plan.steps:
            if isinstance(step, WindowLayer):
                padded.append(boxes.padded(self._tf, value, step.before, boxes.padding_after(step), step.padding))
                value = step.layer(value)
            else:
                value = step(value, training=False)
        join = self._plan.join
        if hasattr(join, "kernel"):
            joined = self._tf.matmul(self._tf.reshape(value, (-1, join.kernel.shape[0])), join.kernel)
            joined = joined + join.bias if join.use_bias else joined
        else:
            joined = self._tf.reduce_mean(value, axis=list(range(1, value.shape.rank - 1)))
        return [*padded, value, joined]

    def _build_windows(
        self,
        whole: list[tf.Tensor],
        batch: tf.Tensor,
        fill: tf.Tensor,
        starts: list[tf.Tensor],
        channels: tf.Tensor,
        groups: list[tf.Tensor],
        targets: tf.Tensor,
    ) -> tf.Tensor:
        """Return logits (windows, N).

        `whole` is from `_build_whole`, `starts` of the boxes before each `WindowLayer` and before the join, `groups`
        from `_grouped` for the latter.
        """
        tf_, plan_ = self._tf, self._plan
        *padded, last, joined = whole
        n, count = tf_.shape(batch)[0], tf_.shape(channels)[0]
        patch = boxes.filled(tf_, batch, fill, starts[0], self._size, channels)
        position = 0
        for step in plan_.steps:
            if isinstance(step, WindowLayer):
                box, output = self._sizes[position : position + 2]
                # In the padded input's coordinates.
                begin = starts[position + 1] * np.array(step.stride, np.int32)
                needed = step.needed_size(output)
                region = boxes.region(tf_, padded[position], patch, starts[position], box, begin, needed, step.before)
                patch = boxes.applied(step.layer, region)
                position += 1
            else:
                patch = step(patch, training=False)
        size, width, area = self._sizes[-1], plan_.channels, math.prod(self._sizes[-1])
        before = tf_.reshape(last, (n, -1, width))
        before = tf_.gather(before, boxes.flat_indices(tf_, starts[-1], size, plan_.sizes), axis=1)
        change = tf_.reshape(patch, (n, count, area, width)) - before
        if hasattr(plan_.join, "kernel"):
            moved = self._joined(tf_.reshape(change, (n, count, area * width)), groups)
        else:
            moved = tf_.reshape(tf_.reduce_sum(change, 2) / math.prod(plan_.sizes), (-1, width))
        value = tf_.repeat(joined, count, axis=0) + moved
        with self._without_softmax():
            value = plan_.join.activation(value) if hasattr(plan_.join, "kernel") else value
            for layer in plan_.tail:
                value = layer(value, training=False)
        score = taken(tf_, value, tf_.repeat(targets, count, axis=0))
        return tf_.transpose(tf_.reshape(score, (n, count)))

    def _joined(self, change: tf.Tensor, groups: list[tf.Tensor]) -> tf.Tensor:
        """Return what the changes in the boxes (N, windows, values) add to the dense layer: (N × windows, units)."""
        tf_, plan_ = self._tf, self._plan
        corners, members, places = groups
        n, values, units = tf_.shape(change)[0], change.shape[-1], plan_.join.kernel.shape[-1]
        kernel = tf_.reshape(plan_.join.kernel, (-1, plan_.channels * units))
        kernel = tf_.gather(kernel, boxes.flat_indices(tf_, corners, self._sizes[-1], plan_.sizes))
        # One matrix product for each group of windows that lie over the same weights.
        change = tf_.transpose(tf_.gather(change, members, axis=1), (1, 0, 2, 3))
        moved = tf_.matmul(
            tf_.reshape(change, (tf_.shape(members)[0], -1, values)), tf_.reshape(kernel, (-1, values, units))
        )
        moved = tf_.reshape(moved, (tf_.shape(members)[0], n, -1, units))
        moved = tf_.reshape(tf_.transpose(moved, (1, 0, 2, 3)), (n, -1, units))
        return tf_.reshape(tf_.gather(moved, places, axis=1), (-1, units))


def _blocks(corners: Boxes, windows: int, different: int) -> Iterator[slice]:
    """Yield slices of at most `windows` boxes with at most `different` corners; equal corners lie side by side."""
    group = np.cumsum(np.append(False, np.any(np.diff(corners, axis=0) != 0, axis=1)))
    start = 0
    while start < len(corners):
        stop = min(start + windows, int(np.searchsorted(group, group[start] + different)))
        yield slice(start, stop)
        start = stop


def _grouped(corners: Boxes) -> tuple[Boxes, Boxes, Boxes]:
    """Group windows by where their boxes end.

    Args:
        corners: (windows, axes), equal corners side by side.

    Returns:
        The different corners (groups, axes); the windows of each corner (groups, most), shorter groups filled up with
        their first window; and the flat index of each window in that table (windows,).
    """
    fresh = np.append(True, np.any(np.diff(corners, axis=0) != 0, axis=1))
    first = np.flatnonzero(fresh)
    group = np.cumsum(fresh) - 1
    within = np.arange(len(corners)) - first[group]
    members = np.repeat(first[:, None], within.max() + 1, axis=1)
    members[group, within] = np.arange(len(corners))
    return corners[first], members, group * members.shape[1] + within
