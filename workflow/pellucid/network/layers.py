"""The layers of a Keras model."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

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


def last_layer(model: keras.Model) -> keras.layers.Layer:
    """The layer, or operation, that makes the model's output; of a nested model, its innermost."""
    history = getattr(model.outputs[0], "_keras_history", None)
    layer = model.layers[-1] if history is None or history.operation is model else history.operation
    return last_layer(layer) if getattr(layer, "layers", None) else layer


def steps(model: Any) -> list[Any]:
    """Keras' record of each use of a layer, inputs before what they go into."""
    graph = getattr(model, "_functional", None) or model
    depths = sorted(graph._nodes_by_depth, reverse=True)
    return [step for depth in depths for step in graph._nodes_by_depth[depth] if not step.is_input]


def copy_state(source: keras.Model, model: keras.Model) -> None:
    """Give a model the state of another that was made from the same configuration, as loading a file would.

    Not `set_weights` alone: some layers compute with what they derive from their weights when these are loaded
    (`Normalization`), or keep what is no weight (the vocabulary of a lookup).
    """
    for old, new in zip(source._flatten_layers(), model._flatten_layers(), strict=True):
        # Only a layer that keeps something beside its variables has `save_assets`.
        if hasattr(old, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                old.save_assets(folder)
                if any(Path(folder).iterdir()):
                    new.load_assets(folder)
        new.load_own_variables(_own_variables(old))


def derive(layer: keras.layers.Layer) -> None:
    """Let a layer, and those inside it, derive from its weights what loading a file would."""
    for inner in layer._flatten_layers():
        if hasattr(inner, "finalize_state"):
            # Not that alone: of a loaded `Discretization` it would forget the limits.
            inner.load_own_variables(_own_variables(inner))


def derives(layer: keras.layers.Layer) -> bool:
    """Whether a layer computes with constants that it made of its weights: a compiled function holds the old ones."""
    return any(hasattr(inner, "finalize_state") for inner in layer._flatten_layers())


def seed_states(layer: keras.layers.Layer) -> list[Any]:
    """The states of a layer's generators of random numbers; those of layers and cells inside it too."""
    weights = {id(weight) for weight in layer.weights}
    return [variable for variable in layer.variables if id(variable) not in weights]


def _own_variables(layer: keras.layers.Layer) -> dict[str, Any]:
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    return {name: np.array(value) for name, value in store.items()}
