"""Look into a model, or change it, while it is traced; afterwards every layer is as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pellucid.errors import InputError

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def last_activations() -> tuple[Callable[[Any], Any], ...]:
    """Return the functions that may make a model's output of its logits: the linear one, and those that are cut off."""
    import keras

    kinds = keras.activations
    return (kinds.linear, kinds.softmax, kinds.sigmoid, kinds.log_softmax)


@contextmanager
def without_softmax(layer: keras.layers.Layer) -> Iterator[None]:
    """Leave out a softmax (or sigmoid) of the last layer, or operation, while the model is traced."""
    import keras

    is_sigmoid = type(layer).__name__ == "Sigmoid" and type(layer).__module__.startswith("keras.src.ops")
    if is_sigmoid or isinstance(layer, keras.layers.Softmax):
        with _replaced_call(layer, lambda inputs, *args, **kwargs: inputs):
            yield
    elif getattr(layer, "activation", None) in last_activations()[1:]:
        with _replaced_activation(layer, keras.activations.linear):
            yield
    else:
        yield


class Record:
    """The outputs of a layer (or of an operation such as `keras.ops.relu`) while it was traced.

    Args:
        name: of the layer.
        use: which of its uses is asked for, from 1; 0 for a layer that is used once.
    """

    def __init__(self, name: str, use: int = 0) -> None:
        self.name, self.use, self.outputs = name, use, list[Any]()

    def only(self) -> Any:
        """Return the output of the use that is asked for.

        Raises:
            InputError: no use is asked for, and the layer is used several times or never; or it has several outputs.
        """
        if self.use:
            return self._single(self.outputs[self.use - 1])
        if len(self.outputs) != 1:
            names = ", ".join(f"{self.name}:{number + 1}" for number in range(len(self.outputs)))
            uses = f"a layer that is used {len(self.outputs)} times"
            raise InputError.unexpected(
                f"layer {self.name}", uses, f"one of its uses: {names}" if names else "a layer that is used"
            )
        return self._single(self.outputs[0])

    def _single(self, output: Any) -> Any:
        if isinstance(output, list | tuple):
            problem = f"a layer with {len(output)} outputs"
            raise InputError.unexpected(
                f"layer {self.name}", problem, "a layer with one output, such as a layer after it"
            )
        return output


@contextmanager
def recording(layer: keras.layers.Layer, tape: tf.GradientTape | None = None, use: int = 0) -> Iterator[Record]:
    """Record the outputs of a layer while the model is traced."""
    import tensorflow as tf

    record, call = Record(layer.name, use), layer.call

    def recorded(*args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        if tape is not None:
            if any(output is given for given in args):
                # Dropout gives back its input, which other layers may get as well: their paths are none of its own.
                output = tf.identity(output)
            tape.watch(output)
        record.outputs.append(output)
        return output

    with _replaced_call(layer, recorded):
        yield record


@contextmanager
def substituting(layer: keras.layers.Layer, output: Any, use: int = 0) -> Iterator[None]:
    """Let a layer answer with `output` while the model is traced; of several uses (from 1) the given one alone."""
    call, uses = layer.call, 0

    def substituted(*args: Any, **kwargs: Any) -> Any:
        nonlocal uses
        uses += 1
        return output if use in (0, uses) else call(*args, **kwargs)

    with _replaced_call(layer, substituted):
        yield


@contextmanager
def recording_attention(layer: keras.layers.Layer, use: int = 0) -> Iterator[Record]:
    """Record the weights (N, heads, tokens, tokens) of a `MultiHeadAttention` while the model is traced.

    They are the tensor that the layer itself multiplies the values by, so that gradients with respect to them exist.
    """
    record, call = Record(layer.name, use), layer.call
    # Flash attention never makes the weights.
    flash = getattr(layer, "_flash_attention", False)

    def recorded(*args: Any, return_attention_scores: bool = False, **kwargs: Any) -> Any:
        output, weights = call(*args, return_attention_scores=True, **kwargs)
        record.outputs.append(weights)
        return (output, weights) if return_attention_scores else output

    with _replaced_call(layer, recorded):
        if flash:
            object.__setattr__(layer, "_flash_attention", False)
        try:
            yield record
        finally:
            if flash:
                object.__setattr__(layer, "_flash_attention", flash)


@contextmanager
def _replaced_call(layer: keras.layers.Layer, call: Callable[..., Any]) -> Iterator[None]:
    """Let a layer answer with `call` inside a `with` block."""
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
def record_owners(tf_: Any, layer: keras.layers.Layer, name: str, owners: dict[str, str]) -> Iterator[None]:
    """Note which operations a layer makes while it is traced; operations of its inner layers keep their owner."""
    call = layer.call

    def recorded(*args: Any, **kwargs: Any) -> Any:
        before = len(tf_.compat.v1.get_default_graph().get_operations())
        output = call(*args, **kwargs)
        for op in tf_.compat.v1.get_default_graph().get_operations()[before:]:
            owners.setdefault(op.name, name)
        return output

    with _replaced_call(layer, recorded):
        yield


@contextmanager
def _replaced_activation(layer: keras.layers.Layer, activation: Callable[..., Any]) -> Iterator[None]:
    """Give a layer another activation inside a `with` block."""
    before, layer.activation = layer.activation, activation
    try:
        yield
    finally:
        layer.activation = before
