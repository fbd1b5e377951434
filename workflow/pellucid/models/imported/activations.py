"""Decide from the graph alone whether guided gradients and Deep SHAP apply to a model, when the workflow is planned.

The results agree with those of `rectifiers.py` and `deeplift.py` on the loaded model. Where the graph does not tell
(foreign code), the result is no: the method is left out, and no job fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pellucid.models.imported import gradient_path
from pellucid.network.graph import Node

Config = Mapping[str, Any]

# Activations that are max(x, 0), with or without an upper bound, or contain it.
_RECTIFYING = {"relu", "relu6", "hard_sigmoid", "hard_silu", "hard_swish"}
_RECTIFYING_OPERATIONS = {"Relu", "Relu6", "HardSigmoid", "HardSilu"}
# Rectifiers of another form, for which guided backpropagation and deconvnet have no rule.
_LEAKING = {"LeakyReLU", "PReLU", "LeakyRelu", "Threshold", "leaky_relu", "threshold"}
_COMPARING = {"Greater": 1, "GreaterEqual": 1, "Less": -1, "LessEqual": -1}


def has_relus(nodes: Sequence[Node]) -> bool:
    """Return whether gradients meet ReLUs on their way to the input, which comes first, and no other rectifier."""
    has_relu = False
    for node in gradient_path.nodes_of(nodes):
        if node.container:
            continue
        if node.module.split(".")[0] != "keras":  # a layer of the user's own may rectify in any way
            return False
        for name in _rectifiers(nodes, node):
            if name == "other":
                return False
            has_relu = True
    return has_relu


def _rectifiers(nodes: Sequence[Node], node: Node) -> Iterator[str]:
    """Iterate over the rectifiers in a node: "relu" or "other", for each of its layers and activations."""
    operands = _operands(node)
    taken = [source for source, _ in operands if source is not None]
    if node.kind in _RECTIFYING_OPERATIONS or (node.kind == "Clip" and node.config.get("x_min") == 0):
        yield "relu"
    elif node.kind in ("Maximum", "Minimum"):
        zero = any(_is_constant(nodes, operand, 0) for operand in operands)
        scaled = any(_is_scaled(nodes, first, second) for first in taken for second in taken)
        if zero or scaled:
            yield "relu" if zero and node.kind == "Maximum" else "other"
    elif node.kind == "Where" and len(operands) == 3 and operands[0][0] is not None:
        compared, sign, bound = _comparison(nodes, operands[0][0])
        for place, wanted in ((1, 1), (2, -1)):
            rest = operands[3 - place]
            if compared is not None and operands[place][0] == compared:
                if _is_constant(nodes, rest, 0):
                    yield "relu" if bound == 0 and sign == wanted else "other"
                elif rest[0] is not None and _is_scaled(nodes, rest[0], compared):
                    yield "other"
    elif node.kind == "Multiply" and len(taken) == 2:
        for factor, condition in (taken, taken[::-1]):
            if nodes[condition].kind == "Cast":
                compared, sign, bound = _comparison(nodes, nodes[condition].inputs[0])
                if compared == factor:
                    yield "relu" if (bound, sign) == (0, 1) else "other"
    elif node.kind == "Add" and any(
        nodes[first].kind in ("Absolute", "Abs") and second in nodes[first].inputs
        for first in taken
        for second in taken
    ):
        yield "other"
    if node.kind in ("Relu", "ReLU", "Relu6") and taken and nodes[taken[0]].kind == "Negative":
        # A parametric ReLU has both max(-x, 0) and max(x, 0).
        negated = nodes[taken[0]].inputs[0]
        if any(other.kind in ("Relu", "ReLU", "Activation") and negated in other.inputs for other in nodes):
            yield "other"
    yield from _of_layer(node.kind, node.config)


def _of_layer(kind: str, config: Config) -> Iterator[str]:
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


# Layers that are linear, take maxima of windows, or do nothing outside of training.
_RULED = {
    "ActivityRegularization", "Add", "Average", "AveragePooling1D", "AveragePooling2D", "BatchNormalization",
    "Concatenate", "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Cropping1D", "Cropping2D", "Dense",
    "DepthwiseConv1D", "DepthwiseConv2D", "Dropout", "Flatten", "GaussianNoise", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "Identity", "InputLayer", "MaxPooling1D", "MaxPooling2D", "Normalization", "Permute",
    "Rescaling", "Reshape", "SeparableConv1D", "SeparableConv2D", "SpatialDropout1D", "SpatialDropout2D", "Subtract",
    "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D",
    # Functions of one value.
    "Activation", "ELU", "LeakyReLU", "PReLU", "ReLU",
}  # fmt: skip
_RULED_FUNCTIONS = {
    None, "linear", "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh",
    "leaky_relu", "log_sigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softplus",
    "softsign", "sparse_plus", "sparse_sigmoid", "squareplus", "tanh", "tanh_shrink",
}  # fmt: skip
# Layers and operations that are functions of one value if their inputs are one value, or functions of it.
_FUNCTIONS = {
    "Activation", "Add", "ELU", "LeakyReLU", "Maximum", "Minimum", "Multiply", "PReLU", "ReLU", "Subtract",
}  # fmt: skip
_RULED_OPERATIONS = {
    "Absolute", "Celu", "Clip", "Elu", "Exp", "Gelu", "HardSigmoid", "HardSilu", "LeakyRelu", "LogSigmoid", "Mish",
    "Negative", "Relu", "Relu6", "ReLU", "Selu", "Sigmoid", "Silu", "Softplus", "Softsign", "Square", "Squareplus",
    "Tanh",
}  # fmt: skip
_COMBINING = {
    "Add", "Divide", "Greater", "GreaterEqual", "Less", "LessEqual", "Maximum", "Minimum", "Multiply", "Subtract",
    "TrueDivide", "Where",
}  # fmt: skip
# Operations that are linear in several values.
_JOINING = {"Add", "Subtract"}


def rules(nodes: Sequence[Node]) -> dict[str, bool]:
    """Return whether DeepLIFT's rules cover every layer, and else whether LRP's do; a final softmax does not count."""

    def is_ruled(node: Node, is_last: bool) -> bool:
        if node.module.startswith("keras.") and node.kind in _OF_RELEVANCE:
            return _OF_RELEVANCE[node.kind](nodes, node)
        return _is_ruled(node, is_last)

    of_deeplift = _are_covered(nodes, _is_ruled)
    return {"rescale_rule": of_deeplift, "relevance_rule": not of_deeplift and _are_covered(nodes, is_ruled)}


def _is_plain_recurrent(nodes: Sequence[Node], node: Node) -> bool:
    """Return whether a recurrent layer has gates that are sigmoids, no state but its own, and not too many steps."""
    # Sizes inside of a saved graph are not known: there are hardly more steps than the input has.
    config, length = node.config, nodes[0].shape[0] if nodes[0].shape else None
    plain = not config.get("stateful") and not config.get("return_state") and len(node.inputs) == 1
    gates = config.get("recurrent_activation", "sigmoid") == "sigmoid"
    signals = _name_of(config.get("activation")) in _RULED_FUNCTIONS - {"sigmoid", "hard_sigmoid"}
    return bool(plain and gates and signals and length and length <= MOST_STEPS)


def _is_plain_pair(nodes: Sequence[Node], node: Node) -> bool:
    """Return whether both directions of a layer are plain recurrent layers, whose results are added or joined."""
    parts = [node.config.get(name) for name in ("layer", "backward_layer")]
    both = [part for part in parts if isinstance(part, Mapping)]
    kinds = all(part.get("class_name") in _RECURRENT for part in both)
    joined = node.config.get("merge_mode") in ("concat", "sum", "ave", None)
    return kinds and joined and all(_is_plain_recurrent(nodes, replace(node, config=part["config"])) for part in both)


def _is_plain_attention(nodes: Sequence[Node], node: Node) -> bool:
    """Return whether attention goes over one axis, with no mask that depends on the input."""
    given = node.arguments.get("kwargs", {})
    masked = any(name.endswith("mask") and isinstance(value, Mapping) for name, value in given.items())
    return node.config.get("attention_axes") in (None, [1], (1,)) and len(node.inputs) in (2, 3) and not masked


def _is_gated(nodes: Sequence[Node], node: Node) -> bool:
    """Return whether a product is that of a gate, which a sigmoid puts out, and of a value that is none."""
    gates = 0
    for source in node.inputs:
        while nodes[source].kind in _KEEPING_GATES and len(nodes[source].inputs) == 1:
            (source,) = nodes[source].inputs
        gates += nodes[source].kind == "Sigmoid" or _name_of(nodes[source].config.get("activation")) == "sigmoid"
    return len(node.inputs) == 2 and gates == 1


_KEEPING_GATES = frozenset({"Dropout", "Flatten", "Identity", "Permute", "Reshape"})
MOST_STEPS = 1000  # each step of a recurrent layer is traced for itself
_RECURRENT = frozenset({"GRU", "LSTM", "SimpleRNN"})
_OF_RELEVANCE: Mapping[str, Callable[[Sequence[Node], Node], bool]] = {
    **dict.fromkeys(_RECURRENT, _is_plain_recurrent),
    "Bidirectional": _is_plain_pair,
    "MultiHeadAttention": _is_plain_attention,
    "Multiply": _is_gated,
    **dict.fromkeys(
        ("GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"), lambda nodes, node: True
    ),
}


def _are_covered(nodes: Sequence[Node], is_ruled: Callable[[Node, bool], bool]) -> bool:
    """Return whether every layer is a function of one value, element by element, or has a rule."""
    leaves = [place for place, node in enumerate(nodes) if not node.container]
    used = {source for place in leaves for source in nodes[place].inputs}
    ends = [place for place in leaves if place not in used]
    if len(ends) != 1:
        return False
    # For each node, the earliest node that it is an element-wise function of; else the node itself.
    origins: dict[int, int] = {}
    for place, node in enumerate(nodes):
        if node.container:
            origins[place] = origins[node.inputs[-1]]
            continue
        before = {origins[source] for source in node.inputs}
        single = len(before) == 1 and _is_elementwise(node)
        origins[place] = before.pop() if single else place
        if not single and not is_ruled(node, place == ends[0]):
            return False
    return True


def _is_elementwise(node: Node) -> bool:
    """Return whether a node computes an element-wise function that the rules cover."""
    if node.module.startswith("keras.layers"):
        plain = _name_of(node.config.get("activation")) in _RULED_FUNCTIONS
        return node.kind in _FUNCTIONS and plain
    others = [value for source, value in _operands(node) if source is None and value is not None]
    numbers = all(isinstance(value, bool | int | float | str) for value in others)
    return node.module.startswith("keras.") and node.kind in _RULED_OPERATIONS | _COMBINING and numbers


def _is_ruled(node: Node, is_last: bool) -> bool:
    """Return whether a rule for a layer covers a node."""
    config, name = node.config, _name_of(node.config.get("activation"))
    if is_last and (node.kind == "Softmax" or name in ("softmax", "log_softmax")):  # removed before explanations
        return node.kind in ("Softmax", "Activation", "Dense")
    if not node.module.startswith("keras.layers"):
        operands = _operands(node)
        shapes = {tuple(shape[1:]) for source, shape in operands if source is not None}
        joins = node.kind in _JOINING and all(source is not None for source, _ in operands) and len(shapes) == 1
        return node.module.startswith("keras.") and joins
    # Keras convolves groups of channels with another function, which has no rule.
    whole = config.get("groups", 1) == 1 and config.get("interpolation", "nearest") in ("nearest", "bilinear")
    return node.kind in _RULED and name in _RULED_FUNCTIONS and whole and config.get("quantization_config") is None


def _operands(node: Node) -> list[tuple[int | None, Any]]:
    """Return the arguments of a node in order: (node, shape) of a tensor, (None, value) of anything else."""
    sources = iter(node.inputs)

    def walk(content: Any) -> Iterator[tuple[int | None, Any]]:
        if isinstance(content, Mapping) and content.get("class_name") == "__keras_tensor__":
            yield next(sources, None), content["config"]["shape"]
        elif isinstance(content, list | tuple):
            for value in content:
                yield from walk(value)
        else:
            yield None, content

    positional = list(walk(node.arguments.get("args", [])))
    return positional + [pair for value in node.arguments.get("kwargs", {}).values() for pair in walk(value)]


def _is_constant(nodes: Sequence[Node], operand: tuple[int | None, Any], number: float) -> bool:
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
    operands = _operands(nodes[place])
    if not sign or len(operands) != 2:
        return None, 0, None
    (left, left_value), (right, right_value) = operands
    if left is not None and right is None:
        return left, sign, right_value
    return (right, -sign, left_value) if left is None and right is not None else (None, 0, None)


def _name_of(activation: Any) -> str | None:
    """Return the name of an activation, which may be stored as a text, an object or a layer."""
    if isinstance(activation, Mapping):
        config = activation.get("config")
        if isinstance(config, str):
            return config
        layers = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu"}
        return layers.get(str(activation.get("class_name")), str(activation.get("class_name")))
    return activation if activation is None else str(activation)
