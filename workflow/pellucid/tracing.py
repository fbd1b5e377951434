"""Ways to look into a model, or to change it, while it is traced; each layer is itself again when that has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
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
    """What a layer put out while it was traced."""

    def __init__(self, name: str) -> None:
        self.name, self.outputs = name, list[Any]()

    def only(self) -> Any:
        if len(self.outputs) != 1:
            found = f"one that is used {len(self.outputs)} times"
            raise InputError(f"layer {self.name}", found, "one that is used once")
        return self.outputs[0]


@contextmanager
def recording(layer: keras.layers.Layer, tape: tf.GradientTape | None = None) -> Iterator[Record]:
    """Record the outputs of a layer while the model is traced."""
    record, call = Record(layer.name), layer.call

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


class Rule:
    """The rule of a modified ReLU ("plain", "guided" or "deconvnet"); it is read when the way back is traced."""

    def __init__(self, name: str) -> None:
        self.name = name


@contextmanager
def relus(tf_: Any, layers: Iterable[keras.layers.Layer], name: str) -> Iterator[Rule]:
    """Let every ReLU pass other gradients while the model is traced."""
    rule = Rule(name)
    if name == "plain":
        yield rule
        return
    import keras

    @tf_.custom_gradient  # type: ignore[untyped-decorator]
    def modified(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def back(upstream: tf.Tensor) -> tf.Tensor:
            passed = upstream if rule.name == "plain" else tf_.nn.relu(upstream)
            return passed if rule.name == "deconvnet" else tf_.where(x > 0, passed, 0.0)

        return tf_.nn.relu(x), back

    with ExitStack() as stack:
        found = 0
        for layer in layers:
            if isinstance(layer, keras.layers.ReLU) and _is_plain(layer):
                stack.enter_context(_replaced(layer, lambda inputs, *args, **kwargs: modified(inputs)))
                found += 1
            # That of a recurrent layer is its cell's, which is called in a loop.
            elif vars(layer).get("activation") is keras.activations.relu:
                stack.enter_context(_activated(layer, modified))
                found += 1
        if not found:
            raise InputError("model", "no ReLU", "one at least")
        yield rule


def _is_plain(layer: keras.layers.ReLU) -> bool:
    return layer.max_value is None and not layer.negative_slope and not layer.threshold


@contextmanager
def _activated(layer: keras.layers.Layer, activation: Callable[..., Any]) -> Iterator[None]:
    """Give a layer another activation; it has its own again when the tracing has ended."""
    own, layer.activation = layer.activation, activation
    try:
        yield
    finally:
        layer.activation = own
