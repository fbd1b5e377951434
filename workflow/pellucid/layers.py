"""The layers of a Keras model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def walk(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """All layers in the order of the model, those of nested models after the model that holds them."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from walk(layer)


def holds_weights(layer: keras.layers.Layer) -> bool:
    """Whether a layer has weights of its own: those of a nested model are its layers'."""
    return bool(layer.weights) and not hasattr(layer, "layers")
