"""The weights of one training after several of its epochs, in one file: the training writes it, views read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.errors import InputError
from pellucid.network.layers import holds_weights, walk

if TYPE_CHECKING:
    import keras

Weights = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """A model after one epoch of its training.

    Attributes:
        epoch: from 1.
        learning_rate: the sum of the learning rates of the epochs since the checkpoint before.
        weights: by the name of the layer, as `ExplainedModel.altered` takes them; mapped from the file.
    """

    epoch: int
    learning_rate: float
    weights: dict[str, list[NDArray[Any]]]


def require(model: keras.Model) -> None:
    """Refuse a model whose weights cannot be told apart by the name of their layer.

    Raises:
        InputError: two layers have the same name, or weights belong to no layer.
    """
    first: dict[str, keras.layers.Layer] = {}
    for layer in walk(model):
        first.setdefault(layer.name, layer)
    weighted = _weighted(model)
    twice = [layer.name for layer in weighted if first[layer.name] is not layer]
    if not twice and sum(len(layer.weights) for layer in weighted) == len(model.weights):
        return
    why = f'two layers that are called "{twice[0]}"' if twice else "weights that belong to none of its layers"
    raise InputError.unexpected("training.kept_checkpoints", f"a model with {why}", "0 for such a model")


def weights_of(model: keras.Model) -> dict[str, NDArray[Any]]:
    """Return a copy of all weights of a model by their place: layer by layer, "0000" first."""
    values = [np.array(value) for layer in _weighted(model) for value in layer.get_weights()]
    return {f"{place:04}": value for place, value in enumerate(values)}


def set_weights(model: keras.Model, weights: Weights) -> None:
    """Give a model the weights that `weights_of` has returned of one like it."""
    values = [weights[place] for place in sorted(weights)]
    for layer in _weighted(model):
        count = len(layer.weights)
        layer.set_weights(values[:count])
        values = values[count:]


def write(path: Path, model: keras.Model, weights: Mapping[int, Weights], rates: Sequence[float]) -> None:
    """Write the weights of several epochs.

    Args:
        path: `.npz`; gets `epochs` and `learning_rates` (T,), `layers` (the layer of each weight), and each weight as
            `<epoch>/<place>`.
        model: a model like it, whose layers name the weights.
        weights: by epoch, as `weights_of` returns them; mapped arrays are copied one by one.
        rates: of each epoch, see `Checkpoint.learning_rate`.
    """
    arrays: dict[str, NDArray[Any]] = {
        "epochs": np.array(list(weights), np.int64),
        "learning_rates": np.array(rates, np.float64),
        "layers": np.array([layer.name for layer in _weighted(model) for _ in layer.weights]),
    }
    for epoch, values in weights.items():
        arrays |= {f"{epoch:06}/{place}": value for place, value in values.items()}
    files.write_arrays(path, arrays)


def read(path: Path) -> list[Checkpoint]:
    """Read what `write` has written, in the order of the epochs; weights are mapped.

    Raises:
        InputError: the file is not an archive of plain arrays.
    """
    arrays = files.map_arrays(path)
    checkpoints = []
    for epoch, rate in zip(arrays["epochs"].tolist(), arrays["learning_rates"].tolist(), strict=True):
        weights: dict[str, list[NDArray[Any]]] = {}
        for place, layer in enumerate(arrays["layers"].tolist()):
            weights.setdefault(layer, []).append(arrays[f"{epoch:06}/{place:04}"])
        checkpoints.append(Checkpoint(epoch, rate, weights))
    return checkpoints


def _weighted(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers that have weights, each once."""
    return list({id(layer): layer for layer in walk(model) if holds_weights(layer)}.values())
