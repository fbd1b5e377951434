"""Score inputs in which one window is replaced, in models with branches: `incremental_graph_plan.py` says how.

As in `incremental.py`, the activations of the whole input are computed once, and for each window a box around it is
carried from layer to layer. Where a layer needs a whole map, the box is set into the map of the whole input, and the
layers behind it are computed in full. The scores equal those of full passes, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.batching import blocks
from pellucid.network import incremental_boxes
from pellucid.network.incremental_graph_plan import GraphPlan, Stage, Touched
from pellucid.network.incremental_plan import Boxes, WindowLayer
from pellucid.network.target_columns import taken

if TYPE_CHECKING:
    import tensorflow as tf

# A map of the whole input as a stage reads it: its number, and padding before, behind and of which value.
Read = tuple[int, tuple[int, ...], tuple[int, ...], float]
# Windows × examples: above this, no larger block is faster (measured on xresnet1d101).
_LARGEST_BLOCK = 256


class GraphScorer:
    """Compile the functions of a plan, and score windows with them.

    Args:
        tf: the TensorFlow module.
        plan: of the model, for windows of one size.
        input_shape: of one example.
        size: of the windows, per axis.
        without_softmax: makes a context in which the model's last softmax (or sigmoid) is left out.
    """

    def __init__(
        self,
        tf: Any,
        plan: GraphPlan,
        input_shape: Sequence[int],
        size: Sequence[int],
        without_softmax: Callable[[], Any],
    ) -> None:
        self._tf, self._plan, self._size, self._without_softmax = tf, plan, tuple(size), without_softmax
        self._reads = list(dict.fromkeys(read for stage in plan.stages for read in self._reads_of(stage)))
        examples = tf.TensorSpec((None, *input_shape), tf.float32)
        self._whole = tf.function(self._build_whole, autograph=False, input_signature=[examples])
        whole = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in self._whole.get_concrete_function().outputs]
        starts, targets = (tf.TensorSpec((None, width), tf.int32) for width in (len(size), 2))
        signature = [whole, examples, examples, starts, tf.TensorSpec((None,), tf.int32), targets]
        self._windows = tf.function(self._build_windows, autograph=False, input_signature=signature)

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
        """Return the logits of the targets with each window filled; as `IncrementalScorer.scores`."""
        scores = np.empty((len(starts), len(x)), np.float32)
        largest = max(1, min(_LARGEST_BLOCK, memory // (4 * self._plan.most_values)))
        for start in range(0, len(x), rows := min(rows, largest)):
            here = slice(start, start + rows)
            examples = [self._tf.constant(values[here]) for values in (x, fill)]
            whole, columns = self._whole(examples[0]), self._integers(targets[here])
            for _, windows in blocks(len(x[here]), len(starts), largest):
                places = [self._integers(table[windows]) for table in (starts, channels)]
                scores[windows, here] = self._windows(whole, *examples, *places, columns).numpy()
        return scores

    def _integers(self, values: NDArray[Any]) -> tf.Tensor:
        return self._tf.constant(values, self._tf.int32)

    def _reads_of(self, stage: Stage) -> Iterator[Read]:
        """Yield the maps of the whole input that a stage needs."""
        for number in stage.use.reads:
            box = self._plan.touched.get(number)
            if box is None or stage.how == "shifted":
                continue
            if stage.layer is not None:
                if not stage.layer.is_alike:
                    after = incremental_boxes.padding_after(stage.layer)
                    yield number, stage.layer.before, after, stage.layer.padding
            elif stage.touched is None or not box.fits(stage.touched):
                none = (0,) * len(box.sizes)
                yield number, none, none, 0.0

    def _build_whole(self, batch: tf.Tensor) -> list[tf.Tensor]:
        """Return the maps of `self._reads`."""
        values = {0: batch}
        needed = {number for number, *_ in self._reads} - {0}
        # A last layer that is used before, too, has no softmax there either, as in a full pass.
        with self._without_softmax():
            for stage in self._plan.stages:
                if not needed:
                    break
                values.update(zip(stage.use.writes, stage.use.outputs(values), strict=True))
                needed -= set(stage.use.writes)
        return [
            incremental_boxes.padded(self._tf, values[number], before, after, padding)
            for number, before, after, padding in self._reads
        ]

    def _build_windows(
        self,
        whole: list[tf.Tensor],
        batch: tf.Tensor,
        fill: tf.Tensor,
        starts: tf.Tensor,
        channels: tf.Tensor,
        targets: tf.Tensor,
    ) -> tf.Tensor:
        """Return logits (windows, N); `whole` is from `_build_whole`, `starts` are those of the windows."""
        tf_, n, count = self._tf, self._tf.shape(batch)[0], self._tf.shape(starts)[0]
        maps, values = _Maps(tf_, dict(zip(self._reads, whole, strict=True)), starts), {}
        values[0] = incremental_boxes.filled(tf_, batch, fill, starts, self._size, channels)
        with self._without_softmax():
            for stage in self._plan.stages:
                outputs = self._outputs(stage, values, maps)
                values.update(zip(stage.use.writes, outputs, strict=True))
        score = taken(tf_, values[self._plan.output], tf_.repeat(targets, count, axis=0))
        return tf_.transpose(tf_.reshape(score, (n, count)))

    def _outputs(self, stage: Stage, values: dict[int, tf.Tensor], maps: _Maps) -> list[tf.Tensor]:
        """Return the outputs of one stage, from the values before it."""
        reads, touched = stage.use.reads, self._plan.touched
        if stage.how == "shifted":
            return [values[reads[0]]]
        if stage.layer is not None and not stage.layer.is_alike:
            assert stage.touched is not None
            return [maps.window(stage.layer, reads[0], values[reads[0]], touched[reads[0]], stage.touched)]
        inputs = {
            number: maps.cut(number, values[number], touched[number], stage.touched)
            if number in touched
            else values[number]
            for number in reads
        }
        return stage.use.outputs(inputs)


class _Maps:
    """The maps of the whole input, and boxes cut out of them around the patches of the windows.

    Args:
        tf_: TensorFlow.
        whole: the maps, (N, *sizes, channels) each.
        starts: of the windows in the input: (windows, axes).
    """

    def __init__(self, tf_: Any, whole: dict[Read, tf.Tensor], starts: tf.Tensor) -> None:
        self._tf, self._whole, self._starts = tf_, whole, starts
        self._known: dict[tuple[Any, ...], tf.Tensor] = {}

    def window(self, layer: WindowLayer, number: int, patch: tf.Tensor, box: Touched, output: Touched) -> tf.Tensor:
        """Return a convolution or pooling of a patch: its output in the box `output`."""
        ends = self._places(output)
        whole = self._whole[number, layer.before, incremental_boxes.padding_after(layer), layer.padding]
        region = incremental_boxes.region(
            self._tf,
            whole,
            patch,
            self._places(box),
            box.size,
            ends * np.array(layer.stride, np.int32),
            layer.needed_size(output.size),
            layer.before,
        )
        value = incremental_boxes.applied(layer.layer, region)
        if (weights := incremental_boxes.padding_weights(layer)) is None:
            return value
        # Of the mean with zeros: how many values it has, by how many are no padding.
        factor = self._tf.gather(
            self._tf.constant(weights.ravel()),
            incremental_boxes.flat_indices(self._tf, ends, output.size, output.sizes),
        )
        n = self._tf.shape(whole)[0]
        return value * self._tf.reshape(self._tf.tile(factor, (n, 1)), (-1, *output.size, 1))

    def cut(self, number: int, patch: tf.Tensor, box: Touched, to: Touched | None) -> tf.Tensor:
        """Return a patch cut, or widened, to another box of its map; to the whole map where that is None."""
        if to is not None and box.fits(to):
            return patch
        known = (number, None if to is None else (to.size, *(start.tobytes() for start in to.starts)))
        if known not in self._known:
            none = (0,) * len(box.sizes)
            begin = self._tf.zeros_like(self._starts) if to is None else self._places(to)
            needed = box.sizes if to is None else to.size
            self._known[known] = incremental_boxes.region(
                self._tf, self._whole[number, none, none, 0.0], patch, self._places(box), box.size, begin, needed, none
            )
        return self._known[known]

    def _places(self, box: Touched) -> tf.Tensor:
        """Return the first positions of a box for each window: (windows, axes)."""
        known = tuple(start.tobytes() for start in box.starts)
        if known not in self._known:
            tables = [self._tf.constant(start, self._tf.int32) for start in box.starts]
            along = [self._tf.gather(table, self._starts[:, axis]) for axis, table in enumerate(tables)]
            self._known[known] = self._tf.stack(along, axis=1)
        return self._known[known]
