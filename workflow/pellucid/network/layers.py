"""Walk through the layers of a Keras model, and copy their state."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def is_model(layer: Any) -> bool:
    """Return whether a layer is a Sequential or functional model, whose layers are in the graph."""
    return hasattr(getattr(layer, "_functional", None) or layer, "_nodes_by_depth")


def nested(layer: Any) -> bool:
    """Return whether the layers in `layers` of a layer stand for it: they are all that it is made of.

    A user's own layer may have something else of this name, or keep only some of its inner layers there: it is one.
    """
    inner = getattr(layer, "layers", None)
    if is_model(layer) or not isinstance(inner, list | tuple) or not inner:
        return is_model(layer)
    held = {id(weight) for one in inner for weight in getattr(one, "variables", ())}
    return all(hasattr(one, "weights") for one in inner) and held.issuperset(map(id, layer.variables))


def walk(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield all layers in the order of the model; layers of a nested model follow it."""
    for layer in model.layers:
        yield layer
        if nested(layer):
            yield from walk(layer)


def holds_weights(layer: keras.layers.Layer) -> bool:
    """Return whether a layer has its own weights; the weights of a nested model belong to its layers."""
    return bool(layer.weights) and not nested(layer)


def last_layer(model: keras.Model) -> keras.layers.Layer:
    """Return the layer, or operation, that makes the model's output; inside nested models, the innermost."""
    history = getattr(model.outputs[0], "_keras_history", None)
    layer = model.layers[-1] if history is None or history.operation is model else history.operation
    return last_layer(layer) if is_model(layer) else layer


def steps(model: Any) -> list[Any]:
    """Return Keras' record of each use of a layer; inputs come before the layers that use them."""
    graph = getattr(model, "_functional", None) or model
    depths = sorted(graph._nodes_by_depth, reverse=True)
    return [step for depth in depths for step in graph._nodes_by_depth[depth] if not step.is_input]


def copy_state(source: keras.Model, model: keras.Model) -> None:
    """Copy the state of a model to another of the same configuration, as loading a file would.

    `set_weights` is not enough: some layers compute with values derived from their weights when these are loaded
    (`Normalization`), or keep state that is no weight (the vocabulary of a lookup).
    """
    for old, new in zip(source._flatten_layers(), model._flatten_layers(), strict=True):
        # Only a layer with state beside its variables has `save_assets`.
        if hasattr(old, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                old.save_assets(folder)
                if any(Path(folder).iterdir()):
                    new.load_assets(folder)
        new.load_own_variables(_own_variables(old))


def derive(layer: keras.layers.Layer) -> None:
    """Make a layer, and the layers inside it, derive values from their weights, as loading a file would."""
    for inner in layer._flatten_layers():
        if hasattr(inner, "finalize_state"):
            # Not `finalize_state` alone: it makes a loaded `Discretization` forget its limits.
            inner.load_own_variables(_own_variables(inner))


def derives(layer: keras.layers.Layer) -> bool:
    """Return whether a layer computes with constants made of its weights: a compiled function keeps the old ones."""
    return any(hasattr(inner, "finalize_state") for inner in layer._flatten_layers())


def seed_states(layer: keras.layers.Layer) -> list[Any]:
    """Return the states of a layer's random generators, those of layers and cells inside it included."""
    weights = {id(weight) for weight in layer.weights}
    return [variable for variable in layer.variables if id(variable) not in weights]


def _own_variables(layer: keras.layers.Layer) -> dict[str, Any]:
    """Return a copy of what a layer saves of its variables."""
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    return {name: np.array(value) for name, value in store.items()}
