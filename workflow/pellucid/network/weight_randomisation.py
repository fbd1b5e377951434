"""Draw new random weights for the layers of a trained model, as before the training."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import first_line
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layers import holds_weights

if TYPE_CHECKING:
    import keras


def weighted_layers(model: ExplainedModel) -> list[str]:
    """Return the names of the layers that have weights, from the output down to the input, nested layers included."""
    return [name for name, layer in model.layers.items() if holds_weights(layer)][::-1]


def fresh_weights(layer: keras.layers.Layer, seed: int) -> list[NDArray[Any]]:
    """Return weights as the layer's own initialisers draw them, in the order of `layer.get_weights()`.

    The layer is made anew from its configuration, so that all its weights (kernels, biases, scale, shift and running
    statistics of a normalisation, gates of a recurrent layer) start as they do in training. Layers of the same
    configuration and seed get the same weights. Seeds in the configuration are left out, because they would draw the
    same weights every time.

    Args:
        layer: built; stays as it is.
        seed: of the draw.

    Raises:
        InputError: the layer cannot be made from its configuration.
    """
    with _drawing(seed):
        try:
            made = type(layer).from_config(_without_seeds(layer.get_config()))
            made.build_from_config(layer.get_build_config())
            values = [np.array(value) for value in made.get_weights()]
        except Exception as error:  # Keras raises many kinds for a layer that its configuration does not describe.
            raise _not_remade(layer, first_line(error)) from error
    expected = [tuple(weight.shape) for weight in layer.weights]
    if [value.shape for value in values] != expected:
        raise _not_remade(layer, f"weights of shapes {[value.shape for value in values]} instead of {expected}")
    return values


@contextmanager
def cascading(model: ExplainedModel, rng: np.random.Generator) -> Iterator[Iterator[str]]:
    """Randomise a model cumulatively, from the output down; after the `with` block it has its trained weights again.

    In the `with` block, each step of the iterator gives one more layer fresh weights and yields its name: after the
    first step only the last layer differs from the trained model, after the last step every layer does.

    Source: Adebayo J, Gilmer J, Muelly M, Goodfellow I, Hardt M, Kim B. Sanity Checks for Saliency Maps. NeurIPS
    (2018), section 4.1.
    """
    with ExitStack() as altered:

        def steps() -> Iterator[str]:
            for name in weighted_layers(model):
                weights = fresh_weights(model.layers[name], int(rng.integers(2**31)))
                altered.enter_context(model.altered({name: weights}))
                yield name

        yield steps()


@contextmanager
def randomised(model: ExplainedModel, rng: np.random.Generator) -> Iterator[None]:
    """Let every layer of a model have fresh weights inside a `with` block."""
    fresh = {name: fresh_weights(model.layers[name], int(rng.integers(2**31))) for name in weighted_layers(model)}
    with model.altered(fresh):
        yield


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Make Keras draw the seeds of initialisers without a seed from `seed`: it uses Python's generator for them."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def _without_seeds(config: Any) -> Any:
    """Return a copy of a configuration with every seed set to None."""
    if isinstance(config, dict):
        return {key: None if key == "seed" else _without_seeds(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_without_seeds(value) for value in config)
    return config


def _not_remade(layer: keras.layers.Layer, reason: str) -> InputError:
    return InputError.unexpected(
        f"layer {layer.name} ({type(layer).__name__})",
        f"a layer that cannot be made anew from its configuration ({reason})",
        "a layer whose `get_config` and `get_build_config` describe it",
    )
