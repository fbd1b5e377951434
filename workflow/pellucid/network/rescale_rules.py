"""DeepLIFT's backward rules: multipliers by the rescale rule, from the logits back to the input.

A multiplier says how much the logit changes per unit of difference between a value and its value at a reference. It is
computed backward from the logit. A linear operation passes it on like a gradient. A function f of one value (of any
number of operations) multiplies it by (f(a) - f(b)) / (a - b), where a is the value at the input and b the value at the
reference. A window of a max pooling gives all of it to the position of the greater of its two maxima.

A value at an input does not depend on the reference, so the model computes every input and every reference only once.
Only the backward pass has a row for each pair, the pairs of the first input first.

Sources: Shrikumar A, Greenside P, Kundaje A. Learning important features through propagating activation differences.
ICML (2017), section 3.5.1; Lundberg SM, Lee SI. A unified approach to interpreting model predictions. NeurIPS (2017),
section 4.2, whose program `shap` has the rule for max pooling.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pellucid.network.copies import chain, copied
from pellucid.network.deeplift import POOLING, RESHAPING, Path, PathStep, is_curved
from pellucid.network.held_rows import with_rows

if TYPE_CHECKING:
    import tensorflow as tf

# Where two values differ by less, the slope at the reference replaces the quotient of differences, as in shap.
_TINY = 1e-6


def contributions(tf_: Any, path: Path, at_end: tf.Tensor, inputs: tf.Tensor, references: tf.Tensor) -> tf.Tensor:
    """Return multiplier × (input - reference) at the start of a path, summed over the references: (inputs, *shape).

    Args:
        tf_: TensorFlow.
        path: forward, with the rows of the inputs before those of the references.
        at_end: (inputs × references, classes), the multipliers of the logits.
        inputs, references: the number of each.
    """
    rules = BackwardRules(tf_, path, inputs, references)
    multipliers = {path.end.ref(): at_end}

    def add(tensor: tf.Tensor, more: tf.Tensor) -> None:
        key = tensor.ref()
        multipliers[key] = multipliers[key] + more if key in multipliers else more

    for step in reversed(path.steps):
        for output in step.op.outputs:
            if (passed := multipliers.pop(output.ref(), None)) is None:
                continue
            origin = path.origins[output.ref()]
            if origin is not output:
                add(origin, rules.function(passed, origin, output))
            else:
                for operand, more in zip(step.operands, rules.operation(passed, step), strict=True):
                    add(step.op.inputs[operand], more)
    return rules.total(multipliers[path.start.ref()])


class BackwardRules:
    """The backward rules: each turns the multipliers of a result into the multipliers of its operands.

    Values are copied to all pairs before they are combined. On the CPU, this is faster: TensorFlow takes several times
    as long to combine tensors of different shapes, and for `where`, as it takes for these copies (measured).
    """

    def __init__(self, tf_: Any, path: Path, inputs: tf.Tensor, references: tf.Tensor) -> None:
        self._tf, self._path, self._inputs, self._references = tf_, path, inputs, references

    def function(self, passed: tf.Tensor, origin: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        """Return the multipliers of the origin, by the rescale rule for a function of one value."""
        tf_, way = self._tf, self._path.way(output)
        if way is None:
            slope = tf_.gradients(output, origin, unconnected_gradients="zero")[0]
        else:
            copies = chain(tf_, way, origin)
            curved = [place for place, step in enumerate(way) if is_curved(*step[:2])]
            if [way[place][0].type for place in curved] == ["Relu"]:
                return passed * self._rectified(way[curved[0]][0], copies, curved[0])
            slope = tf_.gradients(copies[-1], copies[0], unconnected_gradients="zero")[0]
            if not curved:
                return passed * slope[:1]
        difference = self._difference(origin)
        quotient, near = self._difference(output) / difference, self._at_references(slope)
        return passed * tf_.raw_ops.Select(condition=tf_.abs(difference) < _TINY, x=near, y=quotient)

    def _rectified(self, relu: tf.Operation, copies: list[tf.Tensor], place: int) -> tf.Tensor:
        """Return the slope of a ReLU between affine functions: (relu(a) + relu(b)) / (|a| + |b|), times their factors.

        Equal to (relu(a) - relu(b)) / (a - b), but exact also for values that are close. The ReLU takes the tensor at
        `place` of the copies.
        """
        tf_ = self._tf
        before, after = (tf_.gradients(copies[end], copies[start])[0] for start, end in ((0, place), (place + 1, -1)))
        factor = before[:1] * after[:1]
        return tf_.math.divide_no_nan(self._sum(relu.outputs[0] * factor), self._sum(tf_.abs(relu.inputs[0])))

    def total(self, passed: tf.Tensor) -> tf.Tensor:
        """Return the sum over the references of multiplier × difference: (inputs, …)."""
        each = passed * self._difference(self._path.start)
        shape = self._tf.concat([[self._inputs, self._references], each.shape[1:]], 0)
        return self._tf.reduce_sum(self._tf.reshape(each, shape), 1)

    def operation(self, passed: tf.Tensor, step: PathStep) -> list[tf.Tensor]:
        """Return the multipliers of the operands that depend on the input."""
        op, tf_ = step.op, self._tf
        if op.type in POOLING:
            return [self._pooling(passed, op)]
        if op.type in RESHAPING:
            return [tf_.reshape(passed, self._shape([-1], op.inputs[0]))]
        if op.type == "SpaceToBatchND":
            return [tf_.raw_ops.BatchToSpaceND(input=passed, block_shape=op.inputs[1], crops=op.inputs[2])]
        if op.type == "BatchToSpaceND":
            return [tf_.raw_ops.SpaceToBatchND(input=passed, block_shape=op.inputs[1], paddings=op.inputs[2])]
        return self._linear(passed, step)

    def _linear(self, passed: tf.Tensor, step: PathStep) -> list[tf.Tensor]:
        """Return the gradient of the same operation on zeros: for a linear operation only the shapes matter."""
        tf_, op = self._tf, step.op
        rows = tf_.shape(passed)[:1]
        operands, blanks = [with_rows(tf_, operand, rows) for operand in op.inputs], []
        for place in step.operands:
            operand = op.inputs[place]
            blanks.append(tf_.zeros(self._shape(rows, operand), operand.dtype))
            operands[place] = blanks[-1]
        result = copied(op, dict(enumerate(operands)))
        gradients: list[tf.Tensor] = tf_.gradients(result, blanks, grad_ys=passed)
        return gradients

    def _pooling(self, passed: tf.Tensor, op: tf.Operation) -> tf.Tensor:
        """Give a window's multiplier to the position of its greater maximum: × |a - b| / (greater of a and b - other).

        a is the maximum at the input, b at the reference; other is the value at the same position on the other side.
        Where windows overlap, a position gets the sum.
        """
        tf_, raw = self._tf, self._tf.raw_ops
        attributes = {name: op.get_attr(name) for name in ("ksize", "strides", "padding")}
        values, maxima = op.inputs[0], op.outputs[0]
        places = raw.MaxPoolWithArgmax(input=values, **attributes).argmax
        above, below = self._at_inputs(maxima), self._at_references(maxima)
        at_input = above > below
        place = raw.Select(condition=at_input, x=self._at_inputs(places), y=self._at_references(places))
        # Flat index of the first value of the other side.
        row = tf_.cast(tf_.range(tf_.shape(values)[0]), tf_.int64) * math.prod(values.shape[1:])
        row = tf_.reshape(row, (-1, 1, 1, 1)) + tf_.zeros_like(places)
        begin = raw.Select(condition=at_input, x=self._at_references(row), y=self._at_inputs(row))
        other = tf_.gather(tf_.reshape(values, (-1,)), begin + place)
        share = tf_.math.divide_no_nan(tf_.abs(above - below), tf_.maximum(above, below) - other)
        blank = tf_.zeros((self._inputs * self._references, *values.shape[1:]), values.dtype)
        return raw.MaxPoolGradWithArgmax(input=blank, grad=passed * share, argmax=place, **attributes)

    def _shape(self, rows: Any, forward: tf.Tensor) -> tf.Tensor:
        """Return the shape of a tensor with other rows; a dense layer on several axes hides lengths that it joins."""
        known = forward.shape[1:].is_fully_defined()
        return self._tf.concat([rows, forward.shape[1:] if known else self._tf.shape(forward)[1:]], 0)

    def _at_inputs(self, forward: tf.Tensor) -> tf.Tensor:
        """Return the value at the input, for all pairs."""
        return self._tf.repeat(forward[: self._inputs], self._references, axis=0)

    def _at_references(self, forward: tf.Tensor) -> tf.Tensor:
        """Return the value at the reference, for all pairs."""
        return self._tf.tile(forward[self._inputs :], [self._inputs, *[1] * (forward.shape.rank - 1)])

    def _sum(self, forward: tf.Tensor) -> tf.Tensor:
        return self._at_inputs(forward) + self._at_references(forward)

    def _difference(self, forward: tf.Tensor) -> tf.Tensor:
        return self._at_inputs(forward) - self._at_references(forward)
