"""Decide from the graph alone whether guided gradients and Deep SHAP apply to a model, when the workflow is planned.

The results agree with those of `rectifiers.py` and `deeplift.py` on the loaded model. If the graph does not tell
(foreign code), the result is no: the method is left out, and no job fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pellucid.models.imported import gradient_path
from pellucid.models.imported.graph_rectifiers import operands_of, rectifiers_of
from pellucid.network.graph import Node

Config = Mapping[str, Any]


def has_relus(nodes: Sequence[Node]) -> bool:
    """Return whether gradients meet ReLUs on their way to the input, which comes first, and no other rectifier."""
    has_relu = False
    for node in gradient_path.nodes_of(nodes):
        if node.container:
            continue
        if node.module.split(".")[0] != "keras":  # a layer of the user's own may rectify in any way
            return False
        for name in rectifiers_of(nodes, node):
            if name == "other":
                return False
            has_relu = True
    return has_relu


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
    """Return whether a node multiplies a gate (the output of a sigmoid) and a value that is no gate."""
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
    others = [value for source, value in operands_of(node) if source is None and value is not None]
    numbers = all(isinstance(value, bool | int | float | str) for value in others)
    return node.module.startswith("keras.") and node.kind in _RULED_OPERATIONS | _COMBINING and numbers


def _is_ruled(node: Node, is_last: bool) -> bool:
    """Return whether a rule for a layer covers a node."""
    config, name = node.config, _name_of(node.config.get("activation"))
    if is_last and (node.kind == "Softmax" or name in ("softmax", "log_softmax")):  # removed before explanations
        return node.kind in ("Softmax", "Activation", "Dense")
    if not node.module.startswith("keras.layers"):
        operands = operands_of(node)
        shapes = {tuple(shape[1:]) for source, shape in operands if source is not None}
        joins = node.kind in _JOINING and all(source is not None for source, _ in operands) and len(shapes) == 1
        return node.module.startswith("keras.") and joins
    # Keras convolves groups of channels with another function, which has no rule.
    whole = config.get("groups", 1) == 1 and config.get("interpolation", "nearest") in ("nearest", "bilinear")
    return node.kind in _RULED and name in _RULED_FUNCTIONS and whole and config.get("quantization_config") is None


def _name_of(activation: Any) -> str | None:
    """Return the name of an activation, which may be stored as a text, an object or a layer."""
    if isinstance(activation, Mapping):
        config = activation.get("config")
        if isinstance(config, str):
            return config
        layers = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu"}
        return layers.get(str(activation.get("class_name")), str(activation.get("class_name")))
    return activation if activation is None else str(activation)
