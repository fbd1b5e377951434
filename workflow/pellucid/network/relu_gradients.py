"""Compute gradients whose ReLUs follow a modified rule, on the operations of a traced model.

A ReLU is max(x, 0), however it is written: a layer, an activation, `keras.ops.relu`, `tf.nn.relu`, `maximum(x, 0)`,
`where(x > 0, x, 0)`, `x * (x > 0)`, in a wrapper, in the loop of a recurrent layer, or with an upper bound as in ReLU6
(the bound keeps its own gradient). TensorFlow makes one operation of each, whichever layer it belongs to. While the
backward pass is traced, these operations have another gradient.

Neither paper has a rule for ReLUs that let values below zero through (leaky, parametric), or that open only above a
threshold. A model with such rectifiers beside ReLUs is refused, so that no gradient is modified only in part. All other
activations (ELU, GELU, SiLU, tanh, …) keep their own gradient.

Sources: Springenberg et al. 2014, section 3.4; Zeiler and Fergus 2014, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from pellucid.errors import InputError
from pellucid.network.rectifiers import Rectifiers, relu_operand

if TYPE_CHECKING:
    import tensorflow as tf

# What a modified ReLU passes backward: a positive gradient, at positive inputs ("guided") or at any ("deconvnet").
ReluRule = Literal["guided", "deconvnet"]

_GRADIENT = "PellucidModifiedRelu"
_ALTERNATIVES = "Use saliency, smoothgrad or integrated_gradients, which take any activation."


class _Tracing:
    """The rule of the backward pass that is being traced, and the operations that have asked for their gradient."""

    rule: ReluRule | None = None
    reached: set[Any] = set()  # noqa: RUF012  # replaced for each backward pass


def gradient(
    tf_: Any, score: tf.Tensor, batch: tf.Tensor, rule: ReluRule, owners: Mapping[str, str], model: str
) -> tf.Tensor | None:
    """Return the gradient of a score with respect to the input, in which every ReLU follows a rule.

    Args:
        tf_: TensorFlow, which is tracing a function.
        score, batch: tensors of the graph that is being traced.
        rule: of every ReLU.
        owners: by the name of an operation, the name of the layer that made it.
        model: name of the model, for an operation that no layer made.

    Raises:
        InputError: no ReLU, a ReLU that cannot be given another gradient, or other rectifiers beside ReLUs.
    """
    rectifiers = Rectifiers(tf_, batch, score)
    if not rectifiers.relus:
        raise InputError.unexpected("model", "no ReLU", "at least one", _ALTERNATIVES)
    for op, kind in rectifiers.refused.items():
        raise _refusal(owners.get(rectifiers.outermost[op].name, model), kind)
    _register(tf_)
    with modified_relu(list(rectifiers.relus), rule) as reached:
        gradients = tf_.gradients(score, batch)[0]
    for op in rectifiers.relus:
        if op not in reached:
            owner = owners.get(rectifiers.outermost[op].name, model)
            raise _refusal(owner, "a ReLU in a function that has its own gradient (tf.custom_gradient)")
    return gradients


def _refusal(layer: str, found: str) -> InputError:
    return InputError.unexpected(
        f"layer {layer}", found, "ReLUs that can all be given the modified gradient", _ALTERNATIVES
    )


@contextmanager
def modified_relu(relus: list[Any], rule: ReluRule) -> Iterator[set[Any]]:
    """Give operations the modified gradient inside a `with` block; yield the set of operations asked for it."""
    from tensorflow.core.framework.attr_value_pb2 import AttrValue

    _Tracing.rule, _Tracing.reached = rule, set()
    try:
        for op in relus:
            op._set_attr("_gradient_op_type", AttrValue(s=_GRADIENT.encode()))
        yield _Tracing.reached
    finally:
        _Tracing.rule = None
        for op in relus:
            op._clear_attr("_gradient_op_type")


@cache
def _register(tf_: Any) -> None:
    """Register the modified gradient with TensorFlow, under a name that operations can be marked with."""

    def modified(op: tf.Operation, upstream: tf.Tensor) -> list[tf.Tensor | None]:
        _Tracing.reached.add(op)
        place = relu_operand(tf_, op)
        assert place is not None
        x, passed = op.inputs[place], tf_.nn.relu(upstream)
        if _Tracing.rule == "guided":
            passed = tf_.where(x > 0, passed, tf_.zeros((), passed.dtype))
        if op.type == "Relu6":
            passed = tf_.where(x < 6, passed, tf_.zeros((), passed.dtype))
        return [passed if operand == place else None for operand in range(len(op.inputs))]

    tf_.RegisterGradient(_GRADIENT)(modified)
