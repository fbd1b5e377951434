"""Trace a model in which a layer returns given feature maps instead of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pellucid.errors import InputError
from pellucid.network import tracing

if TYPE_CHECKING:
    import tensorflow as tf

    from pellucid.network.structure import ModelStructure
    from pellucid.network.traced_functions import TracedFunctions


def score_with_output(
    tf_: Any, functions: TracedFunctions, structure: ModelStructure, layer: str
) -> Callable[..., Any]:
    """Return (batch, classes, output) -> score of each example's target if the layer answers with `output`: (batch,).

    The output has the order of `ExplainedModel.activations`: feature maps last.
    TensorFlow leaves out operations on which nothing depends: if all values pass through the layer, the layers before
    it are not computed.

    Args:
        tf_: TensorFlow.
        functions, structure: of the model.
        layer: address of the layer.
    """
    operation, use = structure.layer_use(layer)
    order = structure.map_order(layer)

    def run(batch: tf.Tensor, classes: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        with tracing.recording(operation, use=use) as record:
            functions.logits(batch)
        own = record.only()
        back = output if order is None else tf_.transpose(output, [order.index(axis) for axis in range(len(order))])
        # The layer may compute in bfloat16.
        replaced = tf_.cast(back, own.dtype)
        replaced.set_shape([None, *own.shape[1:]])
        with tracing.substituting(operation, replaced, use=use):
            return functions.target_score(batch, classes)

    return run


def gradient_with_output(
    tf_: Any, functions: TracedFunctions, structure: ModelStructure, layer: str
) -> Callable[..., Any]:
    """Return (batch, classes, output) -> gradient of that score with respect to `output`, of the shape of `output`.

    Args:
        tf_, functions, structure, layer: as for `score_with_output`.
    """
    score = score_with_output(tf_, functions, structure, layer)

    def run(batch: tf.Tensor, classes: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        with tf_.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(output)
            scores = score(batch, classes, output)
        if (gradient := tape.gradient(scores, output)) is None:
            raise InputError(f"layer {layer}", "the class scores do not depend on this layer.")
        return gradient

    return run
