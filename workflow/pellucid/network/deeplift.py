"""Compute DeepLIFT's multipliers by the rescale rule, on the operations of a traced model.

A multiplier says how much the logit changes per unit of difference between a value and its value at a reference. It is
computed backward from the logit. A linear operation passes it on as it would a gradient. A function f of one value, of
any number of operations, multiplies it by (f(a) - f(b)) / (a - b), where a is the value at the input, b at the
reference. A window of a max pooling gives all of it to the position of the greater of its two maxima.

A value at an input does not depend on the reference: the model sees every input and every reference once. The backward
pass alone has a row for each pair, those of the first input first.

Sources: Shrikumar A, Greenside P, Kundaje A. Learning important features through propagating activation differences.
ICML (2017), section 3.5.1; Lundberg SM, Lee SI. A unified approach to interpreting model predictions. NeurIPS (2017),
section 4.2, whose program `shap` has the rule for max pooling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pellucid.network.held_rows import is_held, with_rows

if TYPE_CHECKING:
    import tensorflow as tf

# Results that have the shape of their operands, and at each position are a function of the values there.
_AFFINE = frozenset({"Add", "AddN", "AddV2", "BiasAdd", "Identity", "Mul", "Neg", "RealDiv", "Sub"})
_CURVED = frozenset(
    {
        *("Abs", "Cast", "ClipByValue", "Elu", "Erf", "Erfc", "Exp", "Expm1", "Greater", "GreaterEqual", "IdentityN"),
        *("LeakyRelu", "Less", "LessEqual", "Log", "Log1p", "Maximum", "Minimum", "Pow", "Reciprocal", "Relu", "Relu6"),
        *("Rsqrt", "SelectV2", "Selu", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Square", "SquaredDifference"),
        *("Tanh",),
    }
)
ELEMENTWISE = _AFFINE | _CURVED
# Linear in the operand of this index, where no other operand depends on the input.
LINEAR = {
    **dict.fromkeys(("AvgPool", "AvgPool3D", "Conv2D", "Conv3D", "DepthwiseConv2dNative"), 0),
    **dict.fromkeys(("BatchMatMulV2", "MatMul", "BiasAdd", "RealDiv", "Identity", "Neg"), 0),
    **dict.fromkeys(("Cumsum", "GatherV2", "MirrorPad", "Pad", "PadV2", "ReverseV2", "StridedSlice", "Tile"), 0),
    **dict.fromkeys(("Mean", "ResizeBilinear", "ResizeNearestNeighbor", "Sum", "Transpose"), 0),
    **dict.fromkeys(("Conv2DBackpropInput", "Conv3DBackpropInputV2"), 2),
}
# Linear in all operands together.
JOINING = frozenset({"Add", "AddN", "AddV2", "ConcatV2", "Pack", "Sub"})
RESHAPING = frozenset({"ExpandDims", "Reshape", "Squeeze"})
# These move positions of an axis to the rows and back, for a convolution with gaps (dilation).
DILATING = frozenset({"BatchToSpaceND", "SpaceToBatchND"})
_POOLING = frozenset({"MaxPool"})
# The result is the same for all inputs of one shape.
_SHAPE_ALONE = frozenset({"OnesLike", "Shape", "ZerosLike"})
# Rows for which a graph is traced to see which operations fit: no length of an axis is a multiple of it.
ROWS = 1_000_003
# Where two values differ by less, the slope at the reference replaces the quotient of differences, as in shap.
_TINY = 1e-6


class Operation(NamedTuple):
    """An operation as reports need it, without its graph.

    Attributes:
        layer: name of the innermost layer that it belongs to, or of the model.
        kind: TensorFlow's name of its type.
        fits: whether there is a multiplier for it.
    """

    layer: str
    kind: str
    fits: bool


class PathStep(NamedTuple):
    """An operation between the input and the logits, and the indices of its operands that depend on the input."""

    op: tf.Operation
    operands: tuple[int, ...]


@dataclass(frozen=True)
class Path:
    """All operations between two tensors of a graph, in an order in which they can be computed."""

    start: tf.Tensor
    end: tf.Tensor
    steps: tuple[PathStep, ...]

    @cached_property
    def origins(self) -> dict[Any, tf.Tensor]:
        """Map a reference to each tensor to its origin: the earliest tensor that it is an element-wise function of.

        A tensor that is no element-wise function of one tensor is its own origin.
        """
        origins = {self.start.ref(): self.start}
        for op, operands in self.steps:
            for place, output in enumerate(op.outputs):
                origins[output.ref()] = output
                used = operands if op.type != "IdentityN" else tuple({place} & {*operands})
                before = {origins[op.inputs[operand].ref()].ref() for operand in used}
                if op.type in ELEMENTWISE and len(before) == 1:
                    (origin,) = before
                    if origin.deref().shape[1:].is_compatible_with(output.shape[1:]):
                        origins[output.ref()] = origin.deref()
        return origins

    @cached_property
    def _makers(self) -> dict[Any, PathStep]:
        return {output.ref(): step for step in self.steps for output in step.op.outputs}

    def curved(self, output: tf.Tensor) -> tuple[tf.Operation, ...] | None:
        """Return the operations between a tensor and its origin that are not affine; None if two paths lead there."""
        origin, curved = self.origins[output.ref()], []
        while output is not origin:
            op, operands = self._makers[output.ref()]
            if len(operands) > 1:
                return None
            if op.type not in _AFFINE or (op.type == "RealDiv" and operands != (0,)):
                curved.append(op)
            output = op.inputs[operands[0]]
        return tuple(curved)

    def fits(self, step: PathStep) -> bool:
        """Return whether there is a multiplier for an operation; the graph must have been traced for `ROWS` rows."""
        op, operands = step
        if not op.outputs:
            return False
        rows, output = _rows(self.start), op.outputs[0]
        origin = self.origins[output.ref()]
        if origin is not output:  # comparisons choose between results that have the type of the value
            return _rows(origin) == rows and (output.dtype == origin.dtype or output.dtype.is_bool)
        if op.type in _POOLING:
            return _rows(op.inputs[0]) == rows
        if op.type in RESHAPING | DILATING:
            return operands == (0,) and not any((_rows(tensor) or 1) % ROWS for tensor in (output, op.inputs[0]))
        lengths = {_rows(tensor) for tensor in (output, *(op.inputs[operand] for operand in operands))}
        # A tensor with a row for each example that is not on the path has no row for each pair.
        off = [tensor for place, tensor in enumerate(op.inputs) if place not in operands and _rows(tensor) == rows]
        if len(lengths) > 1 or not all(map(is_held, off)):
            return False
        return op.type in JOINING or (op.type == "Mul" and len(operands) == 1) or operands == (LINEAR.get(op.type),)


def trace_path(start: tf.Tensor, end: tf.Tensor) -> Path:
    """Return the operations whose results depend on `start` and go into `end`."""
    needed, waiting = set[str](), [end.op]
    while waiting:
        op = waiting.pop()
        if op.name not in needed:
            needed.add(op.name)
            waiting.extend(tensor.op for tensor in op.inputs)
    reached, steps = {start.ref()}, []
    for op in start.graph.get_operations():  # in the order of creation: operands before results
        operands = tuple(place for place, tensor in enumerate(op.inputs) if tensor.ref() in reached)
        if operands and op.name in needed and op.type not in _SHAPE_ALONE:
            reached.update(tensor.ref() for tensor in op.outputs)
            steps.append(PathStep(op, operands))
    return Path(start, end, tuple(steps))


def _rows(tensor: tf.Tensor) -> int | None:
    """Return the length of the first axis; None where it is not known or there is no axis."""
    return tensor.shape[0] if tensor.shape.rank else None


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

    Values are copied to all pairs before they are combined: on the CPU, TensorFlow takes several times as long to
    combine tensors of different shapes, and for `where`, as for any of these copies (measured).
    """

    def __init__(self, tf_: Any, path: Path, inputs: tf.Tensor, references: tf.Tensor) -> None:
        self._tf, self._path, self._inputs, self._references = tf_, path, inputs, references

    def function(self, passed: tf.Tensor, origin: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        """Return the multipliers of the origin, by the rescale rule for a function of one value."""
        tf_, curved = self._tf, self._path.curved(output)
        slope = tf_.gradients(output, origin, unconnected_gradients="zero")[0]
        if curved == ():
            return passed * slope[:1]
        if curved is not None and [op.type for op in curved] == ["Relu"]:
            return passed * self._rectified(origin, output, curved[0])
        difference = self._difference(origin)
        quotient, near = self._difference(output) / difference, self._at_references(slope)
        return passed * tf_.raw_ops.Select(condition=tf_.abs(difference) < _TINY, x=near, y=quotient)

    def _rectified(self, origin: tf.Tensor, output: tf.Tensor, relu: tf.Operation) -> tf.Tensor:
        """Return the slope of a ReLU between affine functions: (relu(a) + relu(b)) / (|a| + |b|), times their factors.

        Equal to (relu(a) - relu(b)) / (a - b), but exact also for values that are close.
        """
        tf_, before, after = self._tf, relu.inputs[0], relu.outputs[0]
        factor = tf_.gradients(before, origin)[0][:1] * tf_.gradients(output, after)[0][:1]
        return tf_.math.divide_no_nan(self._sum(after * factor), self._sum(tf_.abs(before)))

    def total(self, passed: tf.Tensor) -> tf.Tensor:
        """Return the sum over the references of multiplier × difference: (inputs, …)."""
        each = passed * self._difference(self._path.start)
        shape = self._tf.concat([[self._inputs, self._references], each.shape[1:]], 0)
        return self._tf.reduce_sum(self._tf.reshape(each, shape), 1)

    def operation(self, passed: tf.Tensor, step: PathStep) -> list[tf.Tensor]:
        """Return the multipliers of the operands that depend on the input."""
        op, tf_ = step.op, self._tf
        if op.type in _POOLING:
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
        copy = op.graph.create_op(
            op.type, operands, [output.dtype for output in op.outputs], attrs=op.node_def.attr, op_def=op.op_def
        )
        gradients: list[tf.Tensor] = tf_.gradients(copy.outputs[0], blanks, grad_ys=passed)
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
