"""Change the unit of a regression's outputs: the last dense layer takes the scale of the values into its weights.

A model is fitted to values in standard deviations from their mean, whatever their unit. The written model gives values
in the unit of the data, without an additional layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import InputError
from pellucid.network import same_function
from pellucid.network.layers import last_layer
from pellucid.train.objective import Objective

if TYPE_CHECKING:
    import keras


def to_unit(model: keras.Model, objective: Objective) -> None:
    """Let a model of standardised values z give z · sd + mean, in place.

    Raises:
        InputError: the model does not end in a dense layer, or gives other values after it.
    """
    _rescale(model, np.array(objective.deviations), np.array(objective.means), "the unit of the data")


def to_standard(model: keras.Model, objective: Objective) -> None:
    """Let a model of values v give (v - mean) / sd, in place, so that a model from elsewhere can be fitted further.

    Raises:
        InputError: as of `to_unit`.
    """
    deviations = np.array(objective.deviations)
    _rescale(model, 1 / deviations, -np.array(objective.means) / deviations, "standard deviations")


def require(model: keras.Model, where: str) -> None:
    """Refuse to fit a model of values whose last layer cannot take their scale.

    Raises:
        InputError: it is no linear dense layer with a bias.
    """
    from keras import activations, layers

    last = last_layer(model)
    if isinstance(last, layers.Dense) and last.use_bias and last.activation is activations.linear:
        return
    raise InputError.unexpected(
        where,
        f'"{last.name}" ({type(last).__name__}) at the end',
        "a dense layer with a bias and without an activation: the scale of the values is put into it",
        "training.epochs: 0 takes the model as it is; of a .keras file new_head: true puts such a layer on it.",
    )


def _rescale(model: keras.Model, factors: Any, shifts: Any, unit: str) -> None:
    """Multiply the outputs of a model (N, values) by factors and add shifts, both (values,), within its last layer."""
    where = f"model {model.name}"
    require(model, where)
    inputs = same_function.tries(model)
    before = same_function.ask(model, inputs)
    last = last_layer(model)
    kernel, bias = (np.asarray(weight, np.float64) for weight in (last.kernel, last.bias))
    last.kernel.assign((kernel * factors).astype(np.float32))
    last.bias.assign((bias * factors + shifts).astype(np.float32))
    after = same_function.ask(model, inputs)
    same_function.hold_scores(before * factors + shifts, after, f"bringing its values to {unit}", where)
