"""Copies of operations of a traced graph, to differentiate them alone.

Before TensorFlow differentiates by a tensor, it visits everything that depends on the tensor. In a network of a hundred
layers, or of hundreds of steps, this is nearly the whole graph, again for every operation. On a copy, few operations
depend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf


def copied(op: tf.Operation, replaced: dict[int, Any], output: int = 0) -> tf.Tensor:
    """Return a result of the same operation with other operands, by their indices."""
    operands = [replaced.get(place, tensor) for place, tensor in enumerate(op.inputs)]
    copy = op.graph.create_op(
        op.type, operands, [result.dtype for result in op.outputs], attrs=op.node_def.attr, op_def=op.op_def
    )
    result: tf.Tensor = copy.outputs[output]
    result.set_shape(op.outputs[output].shape)
    return result


def pulled_back(tf_: Any, op: tf.Operation, places: Sequence[int], at_output: tf.Tensor) -> list[Any]:
    """Return the product of a gradient at a result of an operation with the derivatives by some of its operands.

    Args:
        tf_: TensorFlow.
        op: the operation.
        places: indices of the operands.
        at_output: the gradient.
    """
    fresh = {place: tf_.identity(op.inputs[place]) for place in places}
    found: list[Any] = tf_.gradients(
        copied(op, fresh), list(fresh.values()), grad_ys=at_output, unconnected_gradients="zero"
    )
    return found


def chain(tf_: Any, steps: Sequence[tuple[tf.Operation, int, int]], origin: tf.Tensor) -> list[tf.Tensor]:
    """Return a copy of a tensor, and the results of a copy of each operation in turn.

    Args:
        tf_: TensorFlow.
        steps: of each operation, in order, the indices of its operand and of its result on the way.
        origin: the tensor.
    """
    made = [tf_.identity(origin)]
    for op, operand, output in steps:
        made.append(copied(op, {operand: made[-1]}, output))
    return made
