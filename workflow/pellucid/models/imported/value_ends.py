"""Find what makes the outputs of a model, behind layers that move, pick, join or average values."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from pellucid.models.imported import last_operation
from pellucid.network.explained_steps import MEAN
from pellucid.network.graph import Node, flatten

if TYPE_CHECKING:
    import keras

# Each of their results is one of the values that they take.
_MOVING = {
    "ActivityRegularization", "AlphaDropout", "BroadcastTo", "Cast", "Concatenate", "Copy", "Cropping1D", "Cropping2D",
    "Dropout", "ExpandDims", "Flatten", "Flip", "GaussianDropout", "GaussianNoise", "GetItem", "Identity", "Masking",
    "Moveaxis", "Permute", "Ravel", "Repeat", "RepeatVector", "Reshape", "Roll", "Slice", "SpatialDropout1D",
    "SpatialDropout2D", "Split", "Squeeze", "Stack", "StopGradient", "Swapaxes", "Take", "Tile", "Transpose",
    "UpSampling1D", "UpSampling2D",
}  # fmt: skip
# An ensemble's average is of the kind of what is averaged.
_AVERAGING = {"Average"}
# They keep probabilities probabilities, but logits do not stay logits.
_CLIPPING = {"Clip", "Maximum", "Minimum"}
# Of a single value, its sum, mean and maximum are the value itself.
_REDUCING = {
    "Amax", "Amin", "AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "Max", "MaxPooling1D", "MaxPooling2D", "Mean", "Min", "Sum",
}  # fmt: skip
# Of several values, all of these but the sum are within the limits of the values.
_POOLING = _REDUCING - {"Sum"}
# With a single tensor, the other operand is a number: they scale and move values.
_SCALING = {"Add", "Divide", "Multiply", "Negative", "Rescaling", "Subtract", "TrueDivide"}
# Of a softmax or a sigmoid, by the name of the activation without underscores and in small letters.
_PROBABILITIES = {"hardsigmoid", "sigmoid", "softmax", "sparsemax"}


def scaled_activations(model: keras.Model) -> dict[str, Any]:
    """Return, by the activation's name, the operations behind an activation that scale, shift or sum its values.

    Examples are 100 * softmax(x), 2 * sigmoid(x) - 1, and the sum of the sigmoids of all steps. They are no logits,
    although the results of the last operation can be any number.

    Args:
        model: Sequential or functional, of one output.
    """
    # A sum of several tensors is of the kind of its parts where all are probabilities; otherwise it can be any number.
    combined = _by_activation(operations(model, clipped=True, pooled=True, scaled=True, combined=True))
    if combined and all(are_probabilities(name) for name in combined):
        return {str(name): end for name, end in combined.items()}
    found = _by_activation(operations(model, clipped=True, pooled=True, scaled=True))
    return {name: end for name, end in found.items() if name is not None and _is_activation(name)}


def are_probabilities(activation: str | None) -> bool:
    """Return whether the values of an activation are probabilities: of a softmax, a sparsemax or sigmoids."""
    return activation is not None and _plain(activation) in _PROBABILITIES


def _by_activation(ends: Sequence[Any]) -> dict[str | None, Any]:
    return {last_operation.limiting_activation(end): end for end in ends}


def _is_activation(name: str) -> bool:
    """Return whether a name is that of an activation, and not of another operation, such as a square."""
    from keras import activations

    return _plain(name) in {_plain(known) for known in vars(activations)}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def operations(
    model: keras.Model, *, clipped: bool = False, pooled: bool = False, scaled: bool = False, combined: bool = False
) -> list[Any]:
    """Return the layers and operations that make a model's outputs, each once; of one repeated over time, what repeats.

    Unlike `last_operation.score_operation`, it looks through every layer that does not change the values, such as the
    joining of several heads. An average over an ensemble, or over a window of steps, counts as the averaged values: an
    average of probabilities is a probability.

    Args:
        model: Sequential or functional, of one output.
        clipped: whether to look through limits of the values as well.
        pooled: whether to look through the mean, the largest and the least of several values: within their limits.
        scaled: whether to look through arithmetic with numbers, and through sums over an axis.
        combined: whether to look through sums, differences, products and quotients of several tensors.
    """
    from keras import layers

    nodes = flatten(model)
    passed = _MOVING | _AVERAGING | (_CLIPPING if clipped else set()) | (_POOLING if pooled else set())
    passed |= {"Sum"} if scaled else set()
    found: dict[int, Any] = {}
    seen, waiting = set[int](), [len(nodes) - 1]
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        many = _SCALING if combined else ()
        arithmetic = (_SCALING if scaled else ()) if len(nodes[index].inputs) == 1 else many
        if nodes[index].inputs and _keeps(nodes, nodes[index], passed | {*arithmetic}):
            waiting += nodes[index].inputs[::-1]
            continue
        operation = nodes[index].operation
        while isinstance(operation, (layers.TimeDistributed, layers.SpectralNormalization)):
            operation = operation.layer
        found[id(operation)] = operation
    return list(found.values())


def _keeps(nodes: Sequence[Node], node: Node, passed: Collection[str]) -> bool:
    """Return whether the results of a node are values that it takes: it is one of the kinds passed, or changes none."""
    if node.container:
        return True
    if node.module.split(".")[0] != "keras":  # a layer of the user's own may do anything
        return False
    if node.kind in _REDUCING and node.kind not in passed:
        if node.operation.name.startswith(MEAN):
            return True
        return _size(node.shape) == _size(nodes[node.inputs[0]].shape)
    if node.kind == "Rescaling" and node.kind not in passed:
        return bool(node.config.get("scale") == 1 and node.config.get("offset", 0) == 0)
    linear = node.kind == "Activation" and last_operation.activation_name(node.operation.activation) is None
    return linear or node.kind in passed


def _size(shape: Sequence[int | None]) -> int | None:
    """Return how many values an output has; None where a size is open."""
    return None if None in shape else math.prod(size for size in shape if size is not None)
