"""Find the operations of a traced model that are ReLUs, and those that rectify in another way.

An operation is recognised by what it computes, not by the layer that made it. Bodies of loops and branches are searched
too; a function that cannot be searched (`tf.function` inside a layer) is refused where it may hold a ReLU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

_ABOVE, _BELOW = ("Greater", "GreaterEqual"), ("Less", "LessEqual")
_LOOPS, _BRANCHES = ("While", "StatelessWhile"), ("If", "StatelessIf", "Case", "StatelessCase")
_SUSPECTS = frozenset({"LeakyRelu", "Maximum", "Minimum", "Relu", "Relu6"})
# No gradient passes through these.
_BLOCKING = frozenset({"PreventGradient", "StopGradient", *_ABOVE, *_BELOW, "Shape", "Sign", "OnesLike", "ZerosLike"})


class Rectifiers:
    """The ReLUs, and the other rectifiers, through which a gradient passes from one tensor to another.

    Attributes:
        relus: operations that are max(x, 0), in the order of creation, with the index of x among their operands;
            operations in loops and branches included.
        refused: operations that rectify in another way, each with a description for the message.
        outermost: by operation, the loop or branch of the model that holds it, or the operation itself.
    """

    def __init__(self, tf_: Any, start: tf.Tensor, end: tf.Tensor) -> None:
        self._tf = tf_
        self.relus: dict[Any, int] = {}
        self.refused: dict[Any, str] = {}
        self.outermost: dict[Any, Any] = {}
        ops = _between(start, end)
        for op in ops:
            self._enter(op, op)
        self._find(ops)

    def _enter(self, op: Any, outermost: Any) -> None:
        """Search the bodies of an operation."""
        self.outermost[op] = outermost
        for body in _bodies(op):
            inner = _differentiable(body)
            for below in inner:
                self._enter(below, outermost)
            self._find(inner)
        if suspects := sorted(set(_called(op)) & _SUSPECTS):
            self.refused[op] = f"{' and '.join(suspects)} in a tf.function, which cannot be searched"
            self.relus.setdefault(op, 0)

    def _find(self, ops: Sequence[Any]) -> None:
        """Add the rectifiers among the operations of one graph."""
        smooth = {_key(tensor) for op in ops for tensor in _exponential(self._tf, op)}
        relus = {}
        for op in ops:
            place = relu_operand(self._tf, op)
            if place is not None and _key(op.inputs[place]) not in smooth:
                relus[op] = place
            elif place is None and (description := _other_rectifier(self._tf, op, smooth)):
                self.refused[op] = description
        for op in ops:
            if op.type in ("AddV2", "Sub") and _is_split(self._tf, op, relus):
                self.refused[op] = "a leaky or parametric ReLU"
        self.relus |= relus


def relu_operand(tf_: Any, op: Any) -> int | None:
    """Return the index of operand x of an operation that is max(x, 0) or max(min(x, 6), 0); None for any other."""
    inputs = list(op.inputs)
    if op.type in ("Relu", "Relu6"):
        return 0
    if op.type == "Maximum":
        places = [place for place in (0, 1) if _equals(tf_, inputs[1 - place], 0)]
    elif op.type in ("SelectV2", "Select"):
        sign = _compared(tf_, inputs[0], 0)
        places = [
            place
            for place, wanted in ((1, 1), (2, -1))
            if sign.get(_key(inputs[place])) == wanted and _equals(tf_, inputs[3 - place], 0)
        ]
    elif op.type == "Mul":
        places = [place for place in (0, 1) if _is_gate(tf_, inputs[1 - place], inputs[place])]
    else:
        return None
    fitting = [place for place in places if inputs[place].shape.rank == op.outputs[0].shape.rank]
    return fitting[0] if fitting else None


def _other_rectifier(tf_: Any, op: Any, smooth: set[Any]) -> str:
    """Describe an operation that rectifies in another way; empty for any other operation."""
    inputs = list(op.inputs)
    if op.type == "LeakyRelu":
        return "a leaky ReLU"
    if op.type == "Maximum" and any(_is_scaled(tf_, inputs[1 - place], inputs[place]) for place in (0, 1)):
        return "a leaky ReLU"
    if op.type == "Minimum":
        negative = [place for place in (0, 1) if _equals(tf_, inputs[1 - place], 0)]
        if negative and _key(inputs[negative[0]]) not in smooth:
            return "min(x, 0), which is no ReLU by itself (max(x, 0) is)"
    if op.type in ("SelectV2", "Select"):
        sign = _compared(tf_, inputs[0], None)
        for place in (1, 2):
            if _key(inputs[place]) not in sign:
                continue
            if _equals(tf_, inputs[3 - place], 0):
                return "a ReLU with a threshold, or of another form than max(x, 0)"
            if _is_scaled(tf_, inputs[3 - place], inputs[place]):
                return "a leaky or parametric ReLU"
    if op.type in ("AddV2", "Add"):
        for x, other in (inputs, inputs[::-1]):
            if other.op.type == "Abs" and _key(other.op.inputs[0]) == _key(x):
                return "x + |x|, which is twice a ReLU, but not written as one"
    return ""


def _is_split(tf_: Any, op: Any, relus: dict[Any, int]) -> bool:
    """Return whether a sum joins max(x, 0) and a multiple of max(-x, 0), as a parametric ReLU does."""
    ends = [_rectified(tf_, tensor, relus) for tensor in op.inputs]
    if None in ends:
        return False
    x, y = (_without_identity(end.inputs[relus[end]]) for end in ends)
    return any(b.op.type == "Neg" and _key(b.op.inputs[0]) == _key(a) for a, b in ((x, y), (y, x)))


def _rectified(tf_: Any, tensor: Any, relus: dict[Any, int]) -> Any:
    """Return the ReLU that a tensor is a multiple of (up to an upper bound); None for any other tensor."""
    op = _without_identity(tensor).op
    if op.type == "Neg":
        return _rectified(tf_, op.inputs[0], relus)
    if op.type == "Mul":
        ends = [end for end in (_rectified(tf_, operand, relus) for operand in op.inputs) if end is not None]
        return ends[0] if len(ends) == 1 else None
    if op.type in ("Maximum", "Minimum") and _constant(tf_, op.inputs[1]) is not None:
        below = _rectified(tf_, op.inputs[0], relus)
        return (op if op in relus else None) if below is None else below
    return op if op in relus else None


def _exponential(tf_: Any, op: Any) -> Iterator[Any]:
    """Yield the x of exp(min(x, 0)), as in CELU: there max(x, 0) is a term of a smooth activation."""
    if op.type not in ("Exp", "Expm1"):
        return
    tensor = op.inputs[0]
    while tensor.op.type in ("RealDiv", "Mul", "Identity"):
        tensor = tensor.op.inputs[0]
    if tensor.op.type == "Minimum":
        for place in (0, 1):
            if _equals(tf_, tensor.op.inputs[1 - place], 0):
                yield tensor.op.inputs[place]


def _is_gate(tf_: Any, tensor: Any, x: Any) -> bool:
    """Return whether a tensor is 1 where x is positive and 0 elsewhere."""
    tensor = _without_identity(tensor)
    if tensor.op.type == "Cast":
        return _compared(tf_, tensor.op.inputs[0], 0).get(_key(x)) == 1
    if tensor.op.type in ("SelectV2", "Select"):
        condition, one, zero = tensor.op.inputs
        return _compared(tf_, condition, 0).get(_key(x)) == 1 and _equals(tf_, one, 1) and _equals(tf_, zero, 0)
    return False


def _compared(tf_: Any, condition: Any, bound: float | None) -> dict[Any, int]:
    """Return the tensor that a condition compares with a bound (None: any constant): 1 if true above, -1 if below."""
    op = _without_identity(condition).op
    if op.type == "LogicalNot":
        return {key: -sign for key, sign in _compared(tf_, op.inputs[0], bound).items()}
    if op.type not in (*_ABOVE, *_BELOW):
        return {}
    sign = 1 if op.type in _ABOVE else -1
    left, right = op.inputs

    def fits(tensor: Any) -> bool:
        return _constant(tf_, tensor) is not None if bound is None else _equals(tf_, tensor, bound)

    if fits(right):
        return {_key(left): sign}
    return {_key(right): -sign} if fits(left) else {}


def _is_scaled(tf_: Any, tensor: Any, x: Any) -> bool:
    """Return whether a tensor is x times (or divided by) a constant or a weight."""
    op = _without_identity(tensor).op
    return op.type in ("Mul", "RealDiv") and any(_key(operand) == _key(x) for operand in op.inputs)


def _equals(tf_: Any, tensor: Any, number: float) -> bool:
    """Return whether a tensor is a number for every input."""
    value = _constant(tf_, tensor)
    return value is not None and value.size > 0 and bool((value == number).all())


def _constant(tf_: Any, tensor: Any) -> Any:
    """Return the value of a tensor that is the same for every input; None where it is not known."""
    tensor = _without_identity(tensor)
    op = tensor.op
    if op.type == "ZerosLike":
        return np.zeros(1)
    if op.type in ("Fill", "BroadcastTo"):
        return _constant(tf_, op.inputs[1 if op.type == "Fill" else 0])
    if op.type == "Cast":
        return _constant(tf_, op.inputs[0])
    if op.type == "Placeholder":
        for outer, inner in getattr(tensor.graph, "captures", ()):
            if inner is tensor:
                if hasattr(outer, "graph"):
                    return _constant(tf_, outer)
                return outer.numpy() if outer.dtype.is_floating or outer.dtype.is_integer else None
    return tf_.get_static_value(tensor)


def _without_identity(tensor: Any) -> Any:
    while tensor.op.type in ("Identity", "CheckNumerics"):
        tensor = tensor.op.inputs[0]
    return tensor


def _key(tensor: Any) -> Any:
    """Return a hashable reference to a tensor, identities passed over."""
    return _without_identity(tensor).ref()


def _between(start: tf.Tensor, end: tf.Tensor) -> list[Any]:
    """Return the operations through which a gradient goes from `end` to `start`, in the order of creation."""
    needed = _upstream([end.op])
    reached, operations = {start.ref()}, []
    for op in start.graph.get_operations():
        if op in needed and any(tensor.ref() in reached for tensor in op.inputs):
            reached.update(tensor.ref() for tensor in op.outputs)
            operations.append(op)
    return operations


def _differentiable(body: Any) -> list[Any]:
    """Return the operations of a body through which a gradient goes from its results."""
    needed = _upstream([tensor.op for tensor in body.outputs if _is_passed(tensor)])
    return [op for op in body.get_operations() if op in needed]


def _upstream(ends: list[Any]) -> set[Any]:
    """Return the operations that `ends` depend on, themselves included, as far as a gradient goes."""
    needed, waiting = set[Any](), list(ends)
    while waiting:
        op = waiting.pop()
        if op not in needed and op.type not in _BLOCKING:
            needed.add(op)
            waiting.extend(tensor.op for tensor in op.inputs if _is_passed(tensor))
    return needed


def _bodies(op: Any) -> Sequence[Any]:
    """Return the graphs of a loop or of branches, whose gradient is traced anew from their operations."""
    if op.type in _LOOPS:
        return [op._body_graph]
    if op.type in _BRANCHES:
        from tensorflow.python.ops.cond_v2 import get_func_graphs

        return list(get_func_graphs(op))
    return ()


def _called(op: Any) -> Iterator[str]:
    """Yield the types of the operations in the functions that an operation calls, nested functions included."""
    if op.type in _LOOPS + _BRANCHES:
        return
    waiting, seen = _functions(op.node_def), set[str]()
    while waiting:
        name = waiting.pop()
        graph, function = op.graph, None
        while graph is not None and function is None:
            function, graph = graph._get_function(name), getattr(graph, "outer_graph", None)
        if name in seen or function is None:
            continue
        seen.add(name)
        for node in function.cached_definition.node_def:
            yield node.op
            waiting += _functions(node)


def _functions(node: Any) -> list[str]:
    """Return the names of the functions that a node calls."""
    return [value.func.name for value in node.attr.values() if value.HasField("func")]


def _is_passed(tensor: Any) -> bool:
    """Return whether a gradient can go through a tensor; loops keep their tensors in lists (variant)."""
    return bool(tensor.dtype.is_floating or tensor.dtype == "variant")
