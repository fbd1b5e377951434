"""Trace a model with single feature maps of a layer set to zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pellucid.network import tracing

if TYPE_CHECKING:
    import tensorflow as tf

    from pellucid.network.structure import ModelStructure
    from pellucid.network.traced_functions import TracedFunctions


def scores_without_maps(
    tf_: Any, functions: TracedFunctions, structure: ModelStructure, layer: str
) -> Callable[..., Any]:
    """Return (batch, classes, maps) -> score of each example's target without each of the maps: (maps, batch).

    The layer is computed once for each example. TensorFlow leaves out operations on which nothing depends: if all
    values pass through the layer, the layers before it are not computed again for every map.

    Args:
        tf_: TensorFlow.
        functions, structure: of the model.
        layer: address of the layer.
    """
    operation, use = structure.layer_use(layer)
    order = structure.map_order(layer)

    def run(batch: tf.Tensor, classes: tf.Tensor, maps: tf.Tensor) -> tf.Tensor:
        with tracing.recording(operation, use=use) as record:
            functions.logits(batch)
        output = record.only()
        axis = output.shape.rank - 1 if order is None else order[-1]
        length = output.shape[axis]
        shape = [1] * (output.shape.rank + 1)
        shape[axis + 1] = length
        keep = tf_.reshape(1 - tf_.one_hot(maps, length, dtype=output.dtype), [-1, *shape[1:]])
        number = tf_.shape(maps)[0]
        ablated = tf_.reshape(output[tf_.newaxis] * keep, tf_.concat([[-1], tf_.shape(output)[1:]], 0))
        ablated.set_shape([None, *output.shape[1:]])
        with tracing.substituting(operation, ablated, use=use):
            scores = functions.target_score(_tiled(tf_, batch, number), _tiled(tf_, classes, number))
        return tf_.reshape(scores, [number, -1])

    return run


def _tiled(tf_: Any, rows: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """Return the rows `number` times one after another."""
    return tf_.tile(rows, [number, *[1] * (rows.shape.rank - 1)])
