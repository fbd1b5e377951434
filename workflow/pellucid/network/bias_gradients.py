"""Divide a score into gradient × input and the part that every bias adds, on the operations of a traced model.

An operation y = f(a) is locally J a + b, with the slope J and the bias b. For an addition, b is the constant; for a
batch normalisation (a product and an addition), its shift; for a curved activation, f(a) - f'(a) a. The score is the
sum of input × gradient, plus the sum of every b times the gradient of the score at y.

Source: Srinivas S, Fleuret F. Full-Gradient Representation for Neural Network Visualization. NeurIPS (2019),
proposition 1 and section 3.2 (implicit biases).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pellucid.errors import InputError
from pellucid.network import deeplift, tracing
from pellucid.network.copies import copied
from pellucid.network.spans import Span

if TYPE_CHECKING:
    import tensorflow as tf

    from pellucid.network.structure import ModelStructure
    from pellucid.network.traced_functions import TracedFunctions

_SUMS = frozenset({"Add", "AddN", "AddV2", "BiasAdd"})
# J a is f(a), so that there is no bias; for those of `_BILINEAR`, where one operand alone depends on the input.
_HOMOGENEOUS = frozenset({"Identity", "LeakyRelu", "Max", "MaxPool", "Neg", "Relu"})
_BILINEAR = frozenset({"BatchMatMulV2", "MatMul", "Mul"})
_CURVED = deeplift.ELEMENTWISE - _SUMS - _HOMOGENEOUS - _BILINEAR - {"RealDiv", "Sub"}
_LINEAR = frozenset(deeplift.LINEAR) | deeplift.JOINING | deeplift.RESHAPING | deeplift.DILATING


class _Located(NamedTuple):
    """Where the units of a tensor lie on the input: `axes` is the input's axis of each axis, None for feature maps."""

    spans: tuple[Span, ...]
    axes: tuple[int | None, ...]


class BiasGradients:
    """Build the function of one model.

    Args:
        tf_: TensorFlow.
        functions, structure: of the model.

    Attributes:
        spans: where the biases' parts that the function returns lie on the input; known when it was traced.
    """

    def __init__(self, tf_: Any, functions: TracedFunctions, structure: ModelStructure) -> None:
        self._tf, self._functions, self._structure = tf_, functions, structure
        self.spans: list[tuple[Span, ...]] = []

    def __call__(self, batch: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return gradient × input, the biases' part by position for each of `spans`, and their part without position.

        Args:
            batch: (N, *input_shape).
            classes: the targets.

        Returns:
            (N, *input_shape), (N, *units) for each of `spans`, and (N,).

        Raises:
            InputError: an operation of the model whose bias is not known.
        """
        tf_, owners, records = self._tf, dict[str, str](), []
        with ExitStack() as stack:
            for address, index in self._structure.places.addresses.items():
                operation, use = self._structure.layer_use(address)
                records.append((index, stack.enter_context(tracing.recording(operation, use=use))))
            for name, layer in self._structure.layers.items():
                stack.enter_context(tracing.record_owners(tf_, layer, name, owners))
            logits = self._functions.logits(batch)
        path = deeplift.trace_path(batch, logits)
        for step in path.steps:
            self._require(step, owners)
        outputs = [output for step in path.steps for output in step.op.outputs if output.dtype.is_floating]
        gradients = tf_.gradients(
            score_of(self._functions, logits, batch, classes), [batch, *outputs], unconnected_gradients="zero"
        )
        at = {output.ref(): gradient for output, gradient in zip(outputs, gradients[1:], strict=True)}
        located = self._located(path, batch, records)
        parts: dict[tuple[Span, ...], tf.Tensor] = {}
        rest = tf_.zeros_like(batch[(slice(None), *[0] * (batch.shape.rank - 1))])
        for step in path.steps:
            for place, output in enumerate(step.op.outputs):
                if output.ref() not in at or (bias := self._bias(step, place)) is None:
                    continue
                part = bias * at[output.ref()]
                where = located.get(output.ref())
                if where is None:
                    rest += tf_.reduce_sum(part, list(range(1, part.shape.rank)))
                else:
                    axes = where.axes
                    part = tf_.reduce_sum(part, 1 + axes.index(None))
                    left = [axis for axis in axes if axis is not None]
                    part = tf_.transpose(part, [0, *(1 + left.index(axis) for axis in range(len(left)))])
                    parts[where.spans] = parts[where.spans] + part if where.spans in parts else part
        self.spans = list(parts)
        return (gradients[0] * batch, *parts.values(), rest)

    def _require(self, step: deeplift.PathStep, owners: dict[str, str]) -> None:
        """Refuse an operation whose bias is not known, and name its layer."""
        op, operands = step
        known = (
            op.type in _SUMS | _HOMOGENEOUS | _BILINEAR | {"RealDiv", "Sub"}
            or (op.type in _CURVED and self._is_elementwise(step))
            or (op.type in _LINEAR and (op.type in deeplift.JOINING or len(operands) == 1))
        )
        if not known:
            layer = owners.get(op.name, "")
            kind = type(self._structure.layers[layer]).__name__ if layer in self._structure.layers else "operation"
            raise InputError.unexpected(
                f"full_grad: layer {layer} ({kind})",
                f"the operation {op.type}, whose bias is not known",
                "layers such as Conv, Dense, BatchNormalization, pooling, and element-wise activations",
                "Use integrated_gradients or gradient_shap, which take any layer that has a gradient.",
            )

    def _is_elementwise(self, step: deeplift.PathStep) -> bool:
        shape = step.op.outputs[0].shape[1:]
        used = [step.op.inputs[operand] for operand in step.operands]
        return all(
            tensor.shape[1:].is_compatible_with(shape) and tensor.shape.rank == shape.rank + 1 for tensor in used
        )

    def _bias(self, step: deeplift.PathStep, place: int) -> tf.Tensor | None:
        """Return the bias b of an operation's result; None where it is zero or no number."""
        op, operands = step
        output, constants = op.outputs[place], len(operands) < len(op.inputs)
        used = [op.inputs[operand] for operand in operands]
        if op.type in _SUMS:
            return output - self._tf.add_n(used) if constants else None
        if op.type == "Sub":
            return None if not constants else output - used[0] if operands == (0,) else output + used[0]
        if op.type in _BILINEAR:
            return -output if len(operands) == 2 else None
        if op.type == "RealDiv":
            return {(0,): None, (0, 1): output, (1,): 2 * output}[operands]
        if op.type in ("ConcatV2", "Pack"):
            joined = len(op.inputs) - (op.type == "ConcatV2")  # the last operand is the axis
            if len(operands) == joined:
                return None
            return copied(op, {place: self._tf.zeros_like(op.inputs[place]) for place in operands})
        if op.type not in _CURVED:
            return None
        numbers = [tensor for tensor in used if tensor.dtype.is_floating]
        slopes = self._tf.gradients(output, numbers, stop_gradients=list(op.inputs), unconnected_gradients="zero")
        return output - self._tf.add_n([slope * value for slope, value in zip(slopes, numbers, strict=True)])

    def _located(
        self, path: deeplift.Path, batch: tf.Tensor, records: Sequence[tuple[int, tracing.Record]]
    ) -> dict[Any, _Located]:
        """Return where the tensors of the path lie on the input, by a reference to each, as far as it is known."""
        fields, located = self._structure.places.fields, dict[Any, _Located]()
        for index, record in records:
            place, uses = (
                fields[index].place,
                record.outputs[slice(record.use - 1, record.use) if record.use else slice(None)],
            )
            if place is not None and place.maps and len(uses) == 1 and hasattr(uses[0], "ref"):
                located[uses[0].ref()] = _Located(place.spans, place.axes)
        axes = (*range(batch.shape.rank - 2), None)
        located[batch.ref()] = _Located(
            tuple(Span(1, 1, 0, batch.shape[1 + axis], batch.shape[1 + axis]) for axis in axes[:-1]), axes
        )
        for step in path.steps:  # forward: what an element-wise operation makes lies where its operand does
            self._pass_on(step, located, backward=False)
        for step in reversed(path.steps):
            self._pass_on(step, located, backward=True)
        return located

    def _pass_on(self, step: deeplift.PathStep, located: dict[Any, _Located], *, backward: bool) -> None:
        op, output = step.op, step.op.outputs[0]
        for operand in step.operands:
            source, goal = (output, op.inputs[operand]) if backward else (op.inputs[operand], output)
            if source.ref() not in located or goal.ref() in located:
                continue
            where, order = located[source.ref()], None
            if op.type in deeplift.ELEMENTWISE and goal.shape.rank == source.shape.rank:
                if goal.shape[1:].is_compatible_with(source.shape[1:]):
                    order = list(range(goal.shape.rank))
            elif op.type == "Transpose" and operand == 0:
                static = self._tf.get_static_value(op.inputs[1])
                if static is not None:
                    order = [int(axis) for axis in (np.argsort(static) if backward else static)]
            if order is not None and order[0] == 0:
                located[goal.ref()] = _Located(where.spans, tuple(where.axes[axis - 1] for axis in order[1:]))


def score_of(functions: TracedFunctions, logits: tf.Tensor, batch: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Return `functions.target_score` of logits that are traced already."""
    same = copy.copy(functions)
    vars(same)["logits"] = lambda batch: logits
    return same.target_score(batch, classes)
