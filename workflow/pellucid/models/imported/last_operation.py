"""Find the operation that computes the scores of a model from elsewhere, and the activation that it ends in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from pellucid.network.layers import is_model, last_layer

if TYPE_CHECKING:
    import keras

_FINAL_ACTIVATIONS = ("softmax", "log_softmax", "sigmoid")
# Operations other than layers whose output can be any number.
_UNLIMITED_OPERATIONS = (
    "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Negative", "Sum", "Mean", "Matmul", "Dot", "Einsum",
    "Reshape", "Squeeze", "ExpandDims", "GetItem", "Cast", "Take", "Transpose", "Concatenate", "Amax", "Amin", "Conv",
    "Logsumexp", "Max", "Median", "Min", "Tensordot",
)  # fmt: skip


def score_operation(model: keras.Model) -> Any:
    """Return the operation that computes the scores of a model; layers after it that change no value are skipped."""
    from keras import layers

    last, tensor = last_layer(model), model.outputs[0]
    operation, index, _ = tensor._keras_history
    while not is_model(operation):
        plain = (layers.Flatten, layers.Reshape, layers.Dropout, layers.Identity)
        linear = isinstance(operation, layers.Activation) and activation_name(operation.activation) is None
        sources = operation._inbound_nodes[index].input_tensors
        if not (linear or isinstance(operation, plain)) or len(sources) != 1:
            return operation
        # Before a change of shape, a softmax may be over another axis than that of the classes.
        if _without_leading_ones(sources[0].shape) != _without_leading_ones(tensor.shape):
            return last
        tensor = sources[0]
        operation, index, _ = tensor._keras_history
    return last_layer(operation)


def final_activation_of(operation: Any) -> str | None:
    """Return "softmax", "log_softmax" or "sigmoid" if an operation ends in it."""
    from keras import layers

    if not isinstance(operation, layers.Layer):
        names = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
        return names.get(type(operation).__name__)
    if isinstance(operation, layers.Softmax):
        return "softmax"
    # keras.activations and keras.ops have different functions of the same name.
    name = activation_name(getattr(operation, "activation", None))
    return name if name in _FINAL_ACTIVATIONS else None


def limiting_activation(last: Any) -> str | None:
    """Return the name of the activation that an operation ends in; None where its results can be any number."""
    from keras import layers

    kind = type(last).__name__
    if not isinstance(last, layers.Layer):
        return None if kind in _UNLIMITED_OPERATIONS else kind
    limited = kind in vars(layers) and type(last).__module__.split(".layers.")[-1].startswith("activations.")
    if limited and not isinstance(last, layers.Activation):
        return kind
    return activation_name(getattr(last, "activation", None))


def activation_name(activation: Any) -> str | None:
    """Return the name of an activation of Keras; None without one, and for the linear activation."""
    name = getattr(activation, "__name__", type(activation).__name__)
    return None if activation is None or name in ("linear", "identity") else name


def _without_leading_ones(shape: Sequence[int | None]) -> list[int | None]:
    """Return the sizes of one example from the first that is not 1: where they are the same, so is the last axis."""
    return list(dropwhile(lambda size: size == 1, shape[1:]))
