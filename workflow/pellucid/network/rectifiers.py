"""Which operations of a traced model are ReLUs, and which rectify in another way.

Found by what an operation does, not by the layer that made it. The bodies of loops and branches count; a function that
cannot be looked into (`tf.function` inside a layer) is refused where it may hold a ReLU.
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
# No gradient passes these.
_BLOCKING = frozenset({"PreventGradient", "StopGradient", *_ABOVE, *_BELOW, "Shape", "Sign", "OnesLike", "ZerosLike"})


class Rectifiers:
    """The ReLUs, and the other rectifiers, through which a gradient passes from one tensor to another.

    Attributes:
        relus: operations that are max(x, 0), in the order of their making; those of loops and branches among them.
        refused: by operation, what rectifies in another way beside them.
        outermost: by operation, the operation of the model whose loop or branch holds it, or itself.
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
        """Look into the bodies of an operation."""
        self.outermost[op] = outermost
        for body in _bodies(op):
            inner = _differentiable(body)
            for below in inner:
                self._enter(below, outermost)
            self._find(inner)
        if suspects := sorted(set(_called(op)) & _SUSPECTS):
            self.refused[op] = f"{' and '.join(suspects)} in a tf.function, which cannot be looked into"
            self.relus.setdefault(op, 0)

    def _find(self, ops: Sequence[Any]) -> None:
        """Add the rectifiers among the operations of one graph."""
        smooth = {_key(tensor) for op in ops for tensor in _exponential(self._tf, op)}
        relus = {}
        for op in ops:
            place = relu_operand(self._tf, op)
            if place is not None and _key(op.inputs[place]) not in smooth:
                relus[op] = place
            elif place is None and (found := _other(self._tf, op, smooth)):
                self.refused[op] = found
        for op in ops:
            if op.type in ("AddV2", "Sub") and _is_split(self._tf, op, relus):
                self.refused[op] = "a leaky or parametric ReLU"
        self.relus |= relus


def relu_operand(tf_: Any, op: Any) -> int | None:
    """The place of x among the operands of an operation that is max(x, 0) or max(min(x, 6), 0); None for any other."""
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


def _other(tf_: Any, op: Any, smooth: set[Any]) -> str:
    """What an operation is that rectifies in another way; empty for any other operation."""
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
        for one, other in (inputs, inputs[::-1]):
            if other.op.type == "Abs" and _key(other.op.inputs[0]) == _key(one):
                return "x + |x|, which is twice a ReLU, but not written as one"
    return ""


def _is_split(tf_: Any, op: Any, relus: dict[Any, int]) -> bool:
    """Whether a sum joins max(x, 0) and a multiple of max(-x, 0), as a parametric ReLU does."""
    ends = [_rectified(tf_, tensor, relus) for tensor in op.inputs]
    if None in ends:
        return False
    one, other = (_plain(end.inputs[relus[end]]) for end in ends)
    return any(b.op.type == "Neg" and _key(b.op.inputs[0]) == _key(a) for a, b in ((one, other), (other, one)))


def _rectified(tf_: Any, tensor: Any, relus: dict[Any, int]) -> Any:
    """The ReLU that a tensor is a multiple of (up to an upper bound); None for any other tensor."""
    op = _plain(tensor).op
    if op.type == "Neg":
        return _rectified(tf_, op.inputs[0], relus)
    if op.type == "Mul":
        found = [end for end in (_rectified(tf_, operand, relus) for operand in op.inputs) if end is not None]
        return found[0] if len(found) == 1 else None
    if op.type in ("Maximum", "Minimum") and _constant(tf_, op.inputs[1]) is not None:
        below = _rectified(tf_, op.inputs[0], relus)
        return (op if op in relus else None) if below is None else below
    return op if op in relus else None


def _exponential(tf_: Any, op: Any) -> Iterator[Any]:
    """The x of exp(min(x, 0)), as CELU has it: there max(x, 0) is one part of a smooth activation."""
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
    """Whether a tensor is 1 where x is positive and 0 elsewhere."""
    tensor = _plain(tensor)
    if tensor.op.type == "Cast":
        return _compared(tf_, tensor.op.inputs[0], 0).get(_key(x)) == 1
    if tensor.op.type in ("SelectV2", "Select"):
        condition, one, zero = tensor.op.inputs
        return _compared(tf_, condition, 0).get(_key(x)) == 1 and _equals(tf_, one, 1) and _equals(tf_, zero, 0)
    return False


def _compared(tf_: Any, condition: Any, bound: float | None) -> dict[Any, int]:
    """The tensor that a condition compares with a bound (None: with any constant): 1 where it is above, else -1."""
    op = _plain(condition).op
    if op.type == "LogicalNot":
        return {key: -sign for key, sign in _compared(tf_, op.inputs[0], bound).items()}
    if op.type not in (*_ABOVE, *_BELOW):
        return {}
    sign = 1 if op.type in _ABOVE else -1
    one, other = op.inputs

    def fits(tensor: Any) -> bool:
        return _constant(tf_, tensor) is not None if bound is None else _equals(tf_, tensor, bound)

    if fits(other):
        return {_key(one): sign}
    return {_key(other): -sign} if fits(one) else {}


def _is_scaled(tf_: Any, tensor: Any, x: Any) -> bool:
    """Whether a tensor is x times a constant or a weight."""
    op = _plain(tensor).op
    return op.type in ("Mul", "RealDiv") and any(_key(operand) == _key(x) for operand in op.inputs)


def _equals(tf_: Any, tensor: Any, number: float) -> bool:
    value = _constant(tf_, tensor)
    return value is not None and value.size > 0 and bool((value == number).all())


def _constant(tf_: Any, tensor: Any) -> Any:
    """The value of a tensor that is the same for every input; None where it is not known."""
    tensor = _plain(tensor)
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


def _plain(tensor: Any) -> Any:
    while tensor.op.type in ("Identity", "CheckNumerics"):
        tensor = tensor.op.inputs[0]
    return tensor


def _key(tensor: Any) -> Any:
    return _plain(tensor).ref()


def _between(start: tf.Tensor, end: tf.Tensor) -> list[Any]:
    """The operations through which a gradient goes from `end` to `start`, in the order of their making."""
    needed = _upstream([end.op])
    reached, found = {start.ref()}, []
    for op in start.graph.get_operations():
        if op in needed and any(tensor.ref() in reached for tensor in op.inputs):
            reached.update(tensor.ref() for tensor in op.outputs)
            found.append(op)
    return found


def _differentiable(body: Any) -> list[Any]:
    """The operations of a body through which a gradient goes from its results."""
    needed = _upstream([tensor.op for tensor in body.outputs if _is_passed(tensor)])
    return [op for op in body.get_operations() if op in needed]


def _upstream(ends: list[Any]) -> set[Any]:
    """The operations that make what goes into `ends`, as far as a gradient goes."""
    needed, waiting = set[Any](), list(ends)
    while waiting:
        op = waiting.pop()
        if op not in needed and op.type not in _BLOCKING:
            needed.add(op)
            waiting.extend(tensor.op for tensor in op.inputs if _is_passed(tensor))
    return needed


def _bodies(op: Any) -> Sequence[Any]:
    """The graphs of a loop or of branches, whose gradient is traced anew from their operations."""
    if op.type in _LOOPS:
        return [op._body_graph]
    if op.type in _BRANCHES:
        from tensorflow.python.ops.cond_v2 import get_func_graphs

        return list(get_func_graphs(op))
    return ()


def _called(op: Any) -> Iterator[str]:
    """Types of the operations in a function that an operation calls, those of functions within it included."""
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
    return [value.func.name for value in node.attr.values() if value.HasField("func")]


def _is_passed(tensor: Any) -> bool:
    """Whether a gradient can go through a tensor; those of loops are kept in lists."""
    return bool(tensor.dtype.is_floating or tensor.dtype == "variant")
