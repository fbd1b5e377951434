"""Find the rectifiers of a model in its graph, before the model is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pellucid.network.graph import Node

# An argument of a node: (node, shape) of a tensor, or (None, value) of anything else.
Operand = tuple[int | None, Any]

# Activations that are max(x, 0), with or without an upper bound, or contain it.
_RECTIFYING = {"relu", "relu6", "hard_sigmoid", "hard_silu", "hard_swish"}
_RECTIFYING_OPERATIONS = {"Relu", "Relu6", "HardSigmoid", "HardSilu"}
# Rectifiers of another form, for which guided backpropagation and deconvnet have no rule.
_LEAKING = {"LeakyReLU", "PReLU", "LeakyRelu", "Threshold", "leaky_relu", "threshold"}
_COMPARING = {"Greater": 1, "GreaterEqual": 1, "Less": -1, "LessEqual": -1}


def rectifiers_of(nodes: Sequence[Node], node: Node) -> Iterator[str]:
    """Iterate over the rectifiers in a node: "relu" or "other", for each of its layers and activations."""
    operands = operands_of(node)
    taken = [source for source, _ in operands if source is not None]
    if node.kind in _RECTIFYING_OPERATIONS or (node.kind == "Clip" and node.config.get("x_min") == 0):
        yield "relu"
    elif node.kind in ("Maximum", "Minimum"):
        yield from _of_extreme(nodes, node.kind, operands, taken)
    elif node.kind == "Where" and len(operands) == 3 and operands[0][0] is not None:
        yield from _of_choice(nodes, operands[0][0], operands)
    elif node.kind == "Multiply" and len(taken) == 2:
        yield from _of_product(nodes, taken)
    elif node.kind == "Add" and _has_magnitude(nodes, taken):
        yield "other"
    if node.kind in ("Relu", "ReLU", "Relu6") and taken and _is_parametric(nodes, taken[0]):
        yield "other"
    yield from _of_layer(node.kind, node.config)


def _of_extreme(nodes: Sequence[Node], kind: str, operands: Sequence[Operand], taken: Sequence[int]) -> Iterator[str]:
    """Iterate over the rectifiers of max(x, 0), and of max(x, a·x) or a minimum."""
    zero = any(_is_constant(nodes, operand, 0) for operand in operands)
    if zero or any(_is_scaled(nodes, first, second) for first in taken for second in taken):
        yield "relu" if zero and kind == "Maximum" else "other"


def _of_choice(nodes: Sequence[Node], condition: int, operands: Sequence[Operand]) -> Iterator[str]:
    """Iterate over the rectifiers of where(x > 0, x, 0), and of where(x > 0, x, a·x)."""
    compared, sign, bound = _comparison(nodes, condition)
    for place, wanted in ((1, 1), (2, -1)):
        rest = operands[3 - place]
        if compared is not None and operands[place][0] == compared:
            if _is_constant(nodes, rest, 0):
                yield "relu" if bound == 0 and sign == wanted else "other"
            elif rest[0] is not None and _is_scaled(nodes, rest[0], compared):
                yield "other"


def _of_product(nodes: Sequence[Node], taken: Sequence[int]) -> Iterator[str]:
    """Iterate over the rectifiers of x · cast(x > 0)."""
    for factor, condition in (taken, taken[::-1]):
        if nodes[condition].kind == "Cast":
            compared, sign, bound = _comparison(nodes, nodes[condition].inputs[0])
            if compared == factor:
                yield "relu" if (bound, sign) == (0, 1) else "other"


def _has_magnitude(nodes: Sequence[Node], taken: Sequence[int]) -> bool:
    """Return whether x and |x| are added, which is twice max(x, 0)."""
    return any(
        nodes[first].kind in ("Absolute", "Abs") and second in nodes[first].inputs
        for first in taken
        for second in taken
    )


def _is_parametric(nodes: Sequence[Node], taken: int) -> bool:
    """Return whether a ReLU of `taken` is a half of a parametric ReLU, which has both max(-x, 0) and max(x, 0)."""
    if nodes[taken].kind != "Negative":
        return False
    negated = nodes[taken].inputs[0]
    return any(other.kind in ("Relu", "ReLU", "Activation") and negated in other.inputs for other in nodes)


def _of_layer(kind: str, config: Mapping[str, Any]) -> Iterator[str]:
    """Iterate over the rectifiers in a layer, its activations and the layers that it wraps."""
    if kind in _LEAKING:
        slope = config.get("negative_slope", 1)
        yield "relu" if slope == 0 and kind in ("LeakyReLU", "LeakyRelu") else "other"
    elif kind == "ReLU":
        yield "other" if config.get("negative_slope") or config.get("threshold") else "relu"
    for key, value in config.items():
        if key.endswith("activation") and isinstance(value, str):
            if value in _RECTIFYING:
                yield "relu"
            elif value in _LEAKING:
                yield "other"
        elif key.endswith("activation") and isinstance(value, Mapping) and isinstance(value.get("config"), str):
            yield from _of_layer("Activation", {"activation": value["config"]})
        else:
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, Mapping) and isinstance(inner.get("config"), Mapping) and "class_name" in inner:
                    yield from _of_layer(inner["class_name"], inner["config"])


def operands_of(node: Node) -> list[Operand]:
    """Return the arguments of a node in order: (node, shape) of a tensor, (None, value) of anything else."""
    sources = iter(node.inputs)

    def walk(content: Any) -> Iterator[Operand]:
        if isinstance(content, Mapping) and content.get("class_name") == "__keras_tensor__":
            yield next(sources, None), content["config"]["shape"]
        elif isinstance(content, list | tuple):
            for value in content:
                yield from walk(value)
        else:
            yield None, content

    positional = list(walk(node.arguments.get("args", [])))
    return positional + [pair for value in node.arguments.get("kwargs", {}).values() for pair in walk(value)]


def _is_constant(nodes: Sequence[Node], operand: Operand, number: float) -> bool:
    source, value = operand
    if source is not None:
        return number == 0 and nodes[source].kind == "ZerosLike"
    if isinstance(value, Mapping):
        value = value.get("config", {}).get("value", math.nan) if isinstance(value.get("config"), Mapping) else math.nan
    while isinstance(value, list) and value:
        value = value[0] if all(entry == value[0] for entry in value) else math.nan
    return isinstance(value, int | float) and value == number


def _is_scaled(nodes: Sequence[Node], place: int, of: int) -> bool:
    """Return whether a node is a multiple of another."""
    return nodes[place].kind in ("Multiply", "TrueDivide", "Divide") and of in nodes[place].inputs


def _comparison(nodes: Sequence[Node], place: int) -> tuple[int | None, int, Any]:
    """Return the node that a condition compares with a number, 1 for above or -1 for below, and the number."""
    sign = _COMPARING.get(nodes[place].kind, 0)
    operands = operands_of(nodes[place])
    if not sign or len(operands) != 2:
        return None, 0, None
    (left, left_value), (right, right_value) = operands
    if left is not None and right is None:
        return left, sign, right_value
    return (right, -sign, left_value) if left is None and right is not None else (None, 0, None)
