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


def operations(model: keras.Model, *, clipped: bool = False, pooled: bool = False) -> list[Any]:
    """Return the layers and operations that make a model's outputs, each once; of one repeated over time, what repeats.

    Unlike `last_operation.score_operation`, it looks through every layer that leaves the values as they are, such as
    the joining of several heads. An average of an ensemble, or of a window of steps, counts as what is averaged: of
    probabilities it is one.

    Args:
        model: Sequential or functional, of one output.
        clipped: whether to look through limits of the values as well.
        pooled: whether to look through the mean, the largest and the least of several values: within their limits.
    """
    from keras import layers

    nodes = flatten(model)
    passed = _MOVING | _AVERAGING | (_CLIPPING if clipped else set()) | (_POOLING if pooled else set())
    found: dict[int, Any] = {}
    seen, waiting = set[int](), [len(nodes) - 1]
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        if nodes[index].inputs and _keeps(nodes, nodes[index], passed):
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
    if node.kind == "Rescaling":
        return bool(node.config.get("scale") == 1 and node.config.get("offset", 0) == 0)
    linear = node.kind == "Activation" and last_operation.activation_name(node.operation.activation) is None
    return linear or node.kind in passed


def _size(shape: Sequence[int | None]) -> int | None:
    """Return how many values an output has; None where a size is open."""
    return None if None in shape else math.prod(size for size in shape if size is not None)
