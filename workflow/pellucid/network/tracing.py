"""Ways to look into a model, or to change it, while it is traced; each layer is itself again when that has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pellucid.errors import InputError

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def ends() -> tuple[Callable[[Any], Any], ...]:
    """The functions that make a model's output of its class scores: none, and those that `linear` leaves out."""
    import keras

    ends = (keras.activations.softmax, keras.activations.sigmoid, keras.activations.log_softmax)
    return (keras.activations.linear, *ends)


@contextmanager
def linear(layer: keras.layers.Layer) -> Iterator[None]:
    """Leave out a final softmax (or sigmoid) while the model is traced."""
    import keras

    if isinstance(layer, keras.layers.Softmax):
        with _replaced(layer, lambda inputs, *args, **kwargs: inputs):
            yield
    elif getattr(layer, "activation", None) in ends()[1:]:
        with _activated(layer, keras.activations.linear):
            yield
    else:
        yield


class Record:
    """What a layer (or an operation such as `keras.ops.relu`) put out while it was traced.

    Args:
        name: of the layer.
        use: which of its uses is asked for, from 1; 0 for the only one.
    """

    def __init__(self, name: str, use: int = 0) -> None:
        self.name, self.use, self.outputs = name, use, list[Any]()

    def only(self) -> Any:
        if self.use:
            return self.outputs[self.use - 1]
        if len(self.outputs) != 1:
            names = ", ".join(f"{self.name}:{number + 1}" for number in range(len(self.outputs)))
            found = f"one that is used {len(self.outputs)} times"
            raise InputError.unexpected(
                f"layer {self.name}", found, f"one of its uses: {names}" if names else "one that is used"
            )
        return self.outputs[0]


@contextmanager
def recording(layer: keras.layers.Layer, tape: tf.GradientTape | None = None, use: int = 0) -> Iterator[Record]:
    """Record the outputs of a layer while the model is traced."""
    record, call = Record(layer.name, use), layer.call

    def recorded(*args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        if tape is not None:
            tape.watch(output)
        record.outputs.append(output)
        return output

    with _replaced(layer, recorded):
        yield record


@contextmanager
def _replaced(layer: keras.layers.Layer, call: Callable[..., Any]) -> Iterator[None]:
    """Let a layer answer with `call`; the layer itself is as before when the tracing has ended."""
    before = vars(layer).get("call")  # there while another replacement is around this one
    object.__setattr__(layer, "call", call)
    try:
        yield
    finally:
        if before is None:
            object.__delattr__(layer, "call")
        else:
            object.__setattr__(layer, "call", before)


@contextmanager
def owning(tf_: Any, layer: keras.layers.Layer, name: str, owners: dict[str, str]) -> Iterator[None]:
    """Note which operations a layer makes while it is traced; those of its own inner layers stay theirs."""
    call = layer.call

    def noted(*args: Any, **kwargs: Any) -> Any:
        before = len(tf_.compat.v1.get_default_graph().get_operations())
        output = call(*args, **kwargs)
        for op in tf_.compat.v1.get_default_graph().get_operations()[before:]:
            owners.setdefault(op.name, name)
        return output

    with _replaced(layer, noted):
        yield


@contextmanager
def _activated(layer: keras.layers.Layer, activation: Callable[..., Any]) -> Iterator[None]:
    """Give a layer another activation; it has its own again when the tracing has ended."""
    own, layer.activation = layer.activation, activation
    try:
        yield
    finally:
        layer.activation = own
