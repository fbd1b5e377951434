"""The operations between the input and the logits of a traced model, and which of them have a DeepLIFT rule.

The rules themselves are in `rescale_rules.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pellucid.network.held_rows import is_held

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
POOLING = frozenset({"MaxPool"})
# The result is the same for all inputs of one shape.
_SHAPE_ALONE = frozenset({"OnesLike", "Shape", "ZerosLike"})
# Rows for which a graph is traced to see which operations fit: no length of an axis is a multiple of it.
ROWS = 1_000_003


def is_curved(op: tf.Operation, operand: int) -> bool:
    """Return whether an operation is not affine in its operand of this index."""
    return op.type not in _AFFINE or (op.type == "RealDiv" and operand != 0)


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
    def makers(self) -> dict[Any, PathStep]:
        """Map a reference to each result to the operation that makes it."""
        return {output.ref(): step for step in self.steps for output in step.op.outputs}

    def way(self, output: tf.Tensor) -> list[tuple[tf.Operation, int, int]] | None:
        """Return the operations from the origin of a tensor to the tensor, in order; None if two paths lead there.

        For each operation, also return the indices of its operand and of its result on the way.
        """
        origin, way = self.origins[output.ref()], list[tuple[Any, int, int]]()
        while output is not origin:
            op, operands = self.makers[output.ref()]
            if len(operands) > 1:
                return None
            place = next(index for index, result in enumerate(op.outputs) if result is output)
            way.append((op, operands[0], place))
            output = op.inputs[operands[0]]
        return way[::-1]

    def fits(self, step: PathStep) -> bool:
        """Return whether there is a multiplier for an operation; the graph must have been traced for `ROWS` rows."""
        op, operands = step
        if not op.outputs:
            return False
        rows, output = _rows(self.start), op.outputs[0]
        origin = self.origins[output.ref()]
        if origin is not output:  # comparisons choose between results that have the type of the value
            return _rows(origin) == rows and (output.dtype == origin.dtype or output.dtype.is_bool)
        if op.type in POOLING:
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
