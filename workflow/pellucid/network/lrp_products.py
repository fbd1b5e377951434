"""LRP of products of two values that both depend on the input: gates and attention.

- A gate, between 0 and 1 (the output of a sigmoid, or one minus it), gets nothing: all goes to the value that it lets
  through (Arras L, Arjona-Medina J, Widrich M, Montavon G, Gillhofer M, Müller KR, Hochreiter S, Samek W. Explaining
  and Interpreting LSTMs. Explainable AI, LNCS 11700 (2019), signal-takes-all).
- In a matrix product of two values, and in a product with the weights of a softmax, each factor gets half, divided as
  by the rule epsilon; a softmax passes it to its own inputs by its linearisation (Achtibat R, Hatefi SMV, Dreyer M,
  Jain A, Wiegand T, Lapuschkin S, Samek W. AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for Transformers.
  ICML (2024), rules of the softmax and of matrix products).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pellucid.network import deeplift
from pellucid.network.copies import pulled_back
from pellucid.network.lrp_rules import SHIFTS, stabilised

if TYPE_CHECKING:
    import tensorflow as tf

MATRIX_PRODUCTS = frozenset({"BatchMatMulV2", "Einsum", "MatMul"})
PRODUCTS = MATRIX_PRODUCTS | {"Mul", "Softmax"}
_SUMS = frozenset({"Add", "AddV2"})
# What is between 0 and 1 before these stays so.
_KEEPING = frozenset(
    {
        *("BroadcastTo", "ExpandDims", "Identity", "Mean", "Pack", "Reshape", "Split", "SplitV", "Squeeze"),
        *("StridedSlice", "Tile", "Transpose", "Unpack"),
    }
)


class Products:
    """The products of a path.

    Args:
        tf_: TensorFlow.
        path: from the input to the logits.
        epsilon: of the rule.
    """

    def __init__(self, tf_: Any, path: deeplift.Path, epsilon: float) -> None:
        self._tf, self._epsilon = tf_, epsilon
        self._makers = path.makers

    def shares(
        self, step: deeplift.PathStep, output: tf.Tensor, relevance: tf.Tensor
    ) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Return the relevance of each operand of a product; none where there is no rule for it."""
        tf_, (op, operands) = self._tf, step
        values = [op.inputs[place] for place in operands]
        if op.type == "Softmax":
            # x · (R - s ΣR), the gradient of the softmax × its input with the relevance divided by the result.
            whole = tf_.reduce_sum(relevance, -1, keepdims=True)
            return [(values[0], values[0] * (relevance - output * whole))]
        if len(values) != 2:
            return []
        if op.type == "Mul":
            kinds = [self._kind(value) for value in values]
            if kinds.count("Sigmoid") == 1:
                return self._divided(op, [operands[1 - kinds.index("Sigmoid")]], relevance)
            if "Softmax" not in kinds:
                return []
        return self._divided(op, operands, relevance / 2)

    def _divided(
        self, op: tf.Operation, places: Sequence[int], relevance: tf.Tensor
    ) -> list[tuple[tf.Tensor, tf.Tensor]]:
        share = relevance / stabilised(self._tf, op.outputs[0], self._epsilon)
        slopes = pulled_back(self._tf, op, places, share)
        return [(op.inputs[place], op.inputs[place] * slope) for place, slope in zip(places, slopes, strict=True)]

    def _kind(self, tensor: tf.Tensor) -> str:
        """Return "Sigmoid" or "Softmax" for their output, also reshaped or subtracted from one; else an empty text."""
        while (step := self._makers.get(tensor.ref())) is not None:
            op, operands = step
            if op.type in ("Sigmoid", "Softmax"):
                return str(op.type)
            from_one = op.type == "Sub" and operands == (1,) and _is_one(self._tf, op.inputs[0])
            if not from_one and (op.type not in _KEEPING or len(operands) != 1):
                return ""
            tensor = op.inputs[operands[0]]
        return ""

    def is_gated_constant(self, step: deeplift.PathStep) -> bool:
        """Return whether an operation is the product of a gate and a constant."""
        op, operands = step
        return op.type == "Mul" and len(operands) == 1 and self._kind(op.inputs[operands[0]]) == "Sigmoid"

    def is_shifted_sum(self, step: deeplift.PathStep) -> bool:
        """Return whether an operation adds a bias to a sum of several values, as recurrent layers do."""
        op, operands = step
        if op.type not in SHIFTS or len(operands) != 1 or operands[0] != 0:
            return False
        before = self._makers.get(op.inputs[0].ref())
        if before is None or before.op.type not in _SUMS or len(before.operands) < 2:
            return False
        makers = (self._makers.get(before.op.inputs[place].ref()) for place in before.operands)
        return all(maker is not None and maker.op.type in MATRIX_PRODUCTS for maker in makers)


def _is_one(tf_: Any, tensor: tf.Tensor) -> bool:
    value = tf_.get_static_value(tensor)
    return value is not None and bool((value == 1).all())
