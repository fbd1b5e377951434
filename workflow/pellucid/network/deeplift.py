"""DeepLIFT's multipliers by the rescale rule, on the operations of a traced model.

A multiplier says how much the logit changes for each unit by which a value differs from the value of a reference. It is
found on the way back from the logit. What is linear passes it on as it would a gradient. A function f of one value, of
any number of operations, multiplies it by (f(a) - f(b)) / (a - b), where a is the value at the input, b at the
reference. A window of a max pooling gives all of it to the place of the greater of its two maxima.

What a value is at an input does not depend on the reference. So the model sees every input and every reference once,
and only the way back is worked out for each pair: tensors have inputs + references rows forward, inputs × references
rows (those of the first input first) on the way back.

Sources: Shrikumar A, Greenside P, Kundaje A. Learning important features through propagating activation differences.
ICML (2017), section 3.5.1; Lundberg SM, Lee SI. A unified approach to interpreting model predictions. NeurIPS (2017),
section 4.2, whose program `shap` has the rule for max pooling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import tensorflow as tf

# Results that have the shape of their operands, and at each place are a function of the values there.
_AFFINE = frozenset({"Add", "AddN", "AddV2", "BiasAdd", "Identity", "Mul", "Neg", "RealDiv", "Sub"})
_CURVED = frozenset(
    {
        *("Abs", "Cast", "ClipByValue", "Elu", "Erf", "Erfc", "Exp", "Expm1", "Greater", "GreaterEqual", "IdentityN"),
        *("LeakyRelu", "Less", "LessEqual", "Log", "Log1p", "Maximum", "Minimum", "Pow", "Reciprocal", "Relu", "Relu6"),
        *("Rsqrt", "SelectV2", "Selu", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Square", "SquaredDifference"),
        *("Tanh",),
    }
)
# Linear in the named operand, where no other depends on the input.
_LINEAR = {
    **dict.fromkeys(("AvgPool", "AvgPool3D", "Conv2D", "Conv3D", "DepthwiseConv2dNative"), 0),
    **dict.fromkeys(("BatchMatMulV2", "MatMul", "BiasAdd", "RealDiv", "Identity", "Neg"), 0),
    **dict.fromkeys(("Cumsum", "GatherV2", "MirrorPad", "Pad", "PadV2", "ReverseV2", "StridedSlice", "Tile"), 0),
    **dict.fromkeys(("Mean", "ResizeBilinear", "ResizeNearestNeighbor", "Sum", "Transpose"), 0),
    **dict.fromkeys(("Conv2DBackpropInput", "Conv3DBackpropInputV2"), 2),
}
# Linear in all operands together.
_JOINING = frozenset({"Add", "AddN", "AddV2", "ConcatV2", "Pack", "Sub"})
_RESHAPING = frozenset({"ExpandDims", "Reshape", "Squeeze"})
# These move places of an axis to the rows and back, for a convolution with gaps (dilation).
_DILATING = frozenset({"BatchToSpaceND", "SpaceToBatchND"})
_POOLING = frozenset({"MaxPool"})
# The result is the same for all inputs of one shape.
_SHAPE_ALONE = frozenset({"OnesLike", "Shape", "ZerosLike"})
# For which a graph is traced to see what fits: no length of an axis is a multiple of it.
ROWS = 1_000_003
# Values that differ by less than this are taken for one, and the slope there for that between them, as by shap.
_TINY = 1e-6


class Operation(NamedTuple):
    """What is to be known of an operation outside of its graph.

    Attributes:
        layer: name of the innermost layer that it belongs to, or of the model.
        kind: TensorFlow's name of its type.
        fits: whether there is a multiplier for it.
    """

    layer: str
    kind: str
    fits: bool


class Step(NamedTuple):
    """An operation on the way from the input to the logits, and which of its operands depend on the input."""

    op: tf.Operation
    operands: tuple[int, ...]


@dataclass(frozen=True)
class Way:
    """All operations between two tensors of a graph, in an order in which they can be worked out."""

    start: tf.Tensor
    end: tf.Tensor
    steps: tuple[Step, ...]

    @cached_property
    def origins(self) -> dict[Any, tf.Tensor]:
        """By reference to a tensor that is, at each place, a function of one value of an earlier tensor: the latter.

        Of the earliest such tensor; a tensor that is no function of that kind is its own origin.
        """
        found = {self.start.ref(): self.start}
        for op, operands in self.steps:
            for place, output in enumerate(op.outputs):
                found[output.ref()] = output
                used = operands if op.type != "IdentityN" else tuple({place} & {*operands})
                before = {found[op.inputs[operand].ref()].ref() for operand in used}
                if op.type in _AFFINE | _CURVED and len(before) == 1:
                    (origin,) = before
                    if origin.deref().shape[1:].is_compatible_with(output.shape[1:]):
                        found[output.ref()] = origin.deref()
        return found

    @cached_property
    def _makers(self) -> dict[Any, Step]:
        return {output.ref(): step for step in self.steps for output in step.op.outputs}

    def curved(self, output: tf.Tensor) -> tuple[tf.Operation, ...] | None:
        """The operations that are not affine between a tensor and its origin; None where two ways lead there."""
        origin, found = self.origins[output.ref()], []
        while output is not origin:
            op, operands = self._makers[output.ref()]
            if len(operands) > 1:
                return None
            if op.type not in _AFFINE or (op.type == "RealDiv" and operands != (0,)):
                found.append(op)
            output = op.inputs[operands[0]]
        return tuple(found)

    def fits(self, step: Step) -> bool:
        """Whether there is a multiplier for an operation; the graph must have been traced for `ROWS` rows."""
        op, operands = step
        if not op.outputs:
            return False
        rows, output = _rows(self.start), op.outputs[0]
        origin = self.origins[output.ref()]
        if origin is not output:  # comparisons choose between results that have the type of the value
            return _rows(origin) == rows and (output.dtype == origin.dtype or output.dtype.is_bool)
        if op.type in _POOLING:
            return _rows(op.inputs[0]) == rows
        if op.type in _RESHAPING | _DILATING:
            return operands == (0,) and not any((_rows(tensor) or 1) % ROWS for tensor in (output, op.inputs[0]))
        lengths = {_rows(tensor) for tensor in (output, *(op.inputs[operand] for operand in operands))}
        # What has a row for each example forward, and is no part of the way, has none for each pair.
        if len(lengths) > 1 or rows in {_rows(op.inputs[place]) for place in {*range(len(op.inputs))} - {*operands}}:
            return False
        joins = op.type in _JOINING or (op.type == "Mul" and len(operands) == 1)
        return joins or operands == (_LINEAR.get(op.type),)


def way(start: tf.Tensor, end: tf.Tensor) -> Way:
    """The operations whose results depend on `start` and go into `end`."""
    needed, waiting = set[str](), [end.op]
    while waiting:
        op = waiting.pop()
        if op.name not in needed:
            needed.add(op.name)
            waiting.extend(tensor.op for tensor in op.inputs)
    reached, steps = {start.ref()}, []
    for op in start.graph.get_operations():  # in the order of their making: operands before what is made of them
        operands = tuple(place for place, tensor in enumerate(op.inputs) if tensor.ref() in reached)
        if operands and op.name in needed and op.type not in _SHAPE_ALONE:
            reached.update(tensor.ref() for tensor in op.outputs)
            steps.append(Step(op, operands))
    return Way(start, end, tuple(steps))


def _rows(tensor: tf.Tensor) -> int | None:
    """Length of the first axis; none where it is not known or there is no axis."""
    return tensor.shape[0] if tensor.shape.rank else None


def contributions(tf_: Any, way: Way, at_end: tf.Tensor, inputs: tf.Tensor, references: tf.Tensor) -> tf.Tensor:
    """Multiplier × (input - reference) at the start of a way, summed over the references: (inputs, *shape).

    Args:
        tf_: TensorFlow.
        way: forward, with the rows of the inputs before those of the references.
        at_end: (inputs × references, classes), the multipliers of the logits.
        inputs, references: how many there are.
    """
    back = _Back(tf_, way, inputs, references)
    found = {way.end.ref(): at_end}

    def add(tensor: tf.Tensor, more: tf.Tensor) -> None:
        found[tensor.ref()] = found[tensor.ref()] + more if tensor.ref() in found else more

    for step in reversed(way.steps):
        for output in step.op.outputs:
            if (passed := found.pop(output.ref(), None)) is None:
                continue
            origin = way.origins[output.ref()]
            if origin is not output:
                add(origin, back.function(passed, origin, output))
            else:
                for operand, more in zip(step.operands, back.operation(passed, step), strict=True):
                    add(step.op.inputs[operand], more)
    return back.total(found[way.start.ref()])


class _Back:
    """The rules; each turns the multipliers of a result into those of what it was made of.

    Values are copied out to all pairs before they are combined: on the CPU, TensorFlow takes several times as long to
    combine tensors of different shapes, and for `where`, as for any of these copies (measured).
    """

    def __init__(self, tf_: Any, way: Way, inputs: tf.Tensor, references: tf.Tensor) -> None:
        self._tf, self._way, self._inputs, self._references = tf_, way, inputs, references

    def function(self, passed: tf.Tensor, origin: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        """Rescale rule for a function of one value."""
        tf_, curved = self._tf, self._way.curved(output)
        slope = tf_.gradients(output, origin, unconnected_gradients="zero")[0]
        if curved == ():
            return passed * slope[:1]
        if curved is not None and [op.type for op in curved] == ["Relu"]:
            return passed * self._rectified(origin, output, curved[0])
        difference = self._difference(origin)
        quotient = self._difference(output) / difference
        near = self._at_references(slope)
        return passed * tf_.raw_ops.Select(condition=tf_.abs(difference) < _TINY, x=near, y=quotient)

    def _rectified(self, origin: tf.Tensor, output: tf.Tensor, relu: tf.Operation) -> tf.Tensor:
        """Slopes of a ReLU between affine functions: (relu(a) + relu(b)) / (|a| + |b|), and what those multiply it by.

        Equal to (relu(a) - relu(b)) / (a - b), and as exact for values that are close.
        """
        tf_, before, after = self._tf, relu.inputs[0], relu.outputs[0]
        factor = tf_.gradients(before, origin)[0][:1] * tf_.gradients(output, after)[0][:1]
        return tf_.math.divide_no_nan(self._sum(after * factor), self._sum(tf_.abs(before)))

    def total(self, passed: tf.Tensor) -> tf.Tensor:
        """Sum over the references of multiplier × difference: (inputs, …)."""
        each = passed * self._difference(self._way.start)
        shape = self._tf.concat([[self._inputs, self._references], each.shape[1:]], 0)
        return self._tf.reduce_sum(self._tf.reshape(each, shape), 1)

    def operation(self, passed: tf.Tensor, step: Step) -> list[tf.Tensor]:
        """Multipliers of the operands that depend on the input."""
        op, tf_ = step.op, self._tf
        if op.type in _POOLING:
            return [self._pooling(passed, op)]
        if op.type in _RESHAPING:
            return [tf_.reshape(passed, self._shape([-1], op.inputs[0]))]
        if op.type == "SpaceToBatchND":
            return [tf_.raw_ops.BatchToSpaceND(input=passed, block_shape=op.inputs[1], crops=op.inputs[2])]
        if op.type == "BatchToSpaceND":
            return [tf_.raw_ops.SpaceToBatchND(input=passed, block_shape=op.inputs[1], paddings=op.inputs[2])]
        return self._linear(passed, step)

    def _linear(self, passed: tf.Tensor, step: Step) -> list[tf.Tensor]:
        """The gradient of the same operation on other values, which do not matter: only their shape does."""
        tf_, op = self._tf, step.op
        rows = tf_.shape(passed)[:1]
        operands, blanks = list(op.inputs), []
        for place in step.operands:
            operand = op.inputs[place]
            blanks.append(tf_.zeros(self._shape(rows, operand), operand.dtype))
            operands[place] = blanks[-1]
        again = op.graph.create_op(
            op.type, operands, [output.dtype for output in op.outputs], attrs=op.node_def.attr, op_def=op.op_def
        )
        found: list[tf.Tensor] = tf_.gradients(again.outputs[0], blanks, grad_ys=passed)
        return found

    def _pooling(self, passed: tf.Tensor, op: tf.Operation) -> tf.Tensor:
        """All of a window to the place of the greater of its two maxima a and b: × |a - b| / (that one - the other).

        The other is the value that the other side has at the same place. Where windows overlap, a place gets the sum.
        """
        tf_, raw = self._tf, self._tf.raw_ops
        attributes = {name: op.get_attr(name) for name in ("ksize", "strides", "padding")}
        values, maxima = op.inputs[0], op.outputs[0]
        places = raw.MaxPoolWithArgmax(input=values, **attributes).argmax
        above, below = self._at_inputs(maxima), self._at_references(maxima)
        at_input = above > below
        place = raw.Select(condition=at_input, x=self._at_inputs(places), y=self._at_references(places))
        # Where the values of the other side begin, among those of all rows.
        row = tf_.cast(tf_.range(tf_.shape(values)[0]), tf_.int64) * math.prod(values.shape[1:])
        row = tf_.reshape(row, (-1, 1, 1, 1)) + tf_.zeros_like(places)
        begin = raw.Select(condition=at_input, x=self._at_references(row), y=self._at_inputs(row))
        other = tf_.gather(tf_.reshape(values, (-1,)), begin + place)
        share = tf_.math.divide_no_nan(tf_.abs(above - below), tf_.maximum(above, below) - other)
        blank = tf_.zeros((self._inputs * self._references, *values.shape[1:]), values.dtype)
        return raw.MaxPoolGradWithArgmax(input=blank, grad=passed * share, argmax=place, **attributes)

    def _shape(self, rows: Any, forward: tf.Tensor) -> tf.Tensor:
        """That of a tensor with other rows. A dense layer on several axes hides the lengths of those that it joins."""
        known = forward.shape[1:].is_fully_defined()
        return self._tf.concat([rows, forward.shape[1:] if known else self._tf.shape(forward)[1:]], 0)

    def _at_inputs(self, forward: tf.Tensor) -> tf.Tensor:
        """The value at the input, for all pairs."""
        return self._tf.repeat(forward[: self._inputs], self._references, axis=0)

    def _at_references(self, forward: tf.Tensor) -> tf.Tensor:
        """The value at the reference, for all pairs."""
        return self._tf.tile(forward[self._inputs :], [self._inputs, *[1] * (forward.shape.rank - 1)])

    def _sum(self, forward: tf.Tensor) -> tf.Tensor:
        return self._at_inputs(forward) + self._at_references(forward)

    def _difference(self, forward: tf.Tensor) -> tf.Tensor:
        return self._at_inputs(forward) - self._at_references(forward)
