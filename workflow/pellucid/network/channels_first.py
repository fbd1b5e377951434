"""Run layers with the channels first on a CPU, whose TensorFlow has only convolutions with the channels last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@contextmanager
def computing_last(tf_: Any, layers: Iterable[keras.layers.Layer]) -> Iterator[None]:
    """Do what `compute_last` does inside a `with` block: a caller's own layers are afterwards as they were."""
    layers = list(layers)
    before = [vars(layer).get("call") for layer in layers]
    compute_last(tf_, layers)
    try:
        yield
    finally:
        for layer, call in zip(layers, before, strict=True):
            if vars(layer).get("call") is not call:
                object.__delattr__(layer, "call")


def compute_last(tf_: Any, layers: Iterable[keras.layers.Layer]) -> None:
    """Make convolutions and poolings with the channels first compute with the channels last; the results are equal."""
    for layer in layers:
        windowed = any(word in type(layer).__name__ for word in ("Conv", "Pooling"))
        mixing = getattr(getattr(layer, "activation", None), "__name__", "") in ("softmax", "log_softmax", "glu")
        if hasattr(vars(layer).get("call"), "turned"):  # already replaced, for another wrapper of this model
            continue
        if windowed and not mixing and getattr(layer, "data_format", None) == "channels_first":
            object.__setattr__(layer, "call", _turned(tf_, layer, layer.call))


def _turned(tf_: Any, layer: keras.layers.Layer, call: Any) -> Any:
    """Return a `call` that transposes the input to channels last, and the output back."""

    def turned(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        rank = len(inputs.shape)
        layer.data_format = "channels_last"
        try:
            output = call(tf_.transpose(inputs, [0, *range(2, rank), 1]), *args, **kwargs)
        finally:
            layer.data_format = "channels_first"
        # A global pooling leaves no other axes.
        return output if len(output.shape) < 3 else tf_.transpose(output, [0, rank - 1, *range(1, rank - 1)])

    turned.turned = True  # type: ignore[attr-defined]
    return turned
