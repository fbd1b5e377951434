"""Read from the configuration of a model which type of numbers it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.errors import InputError

# Of Keras' policies, and of types: mixed_float16, bfloat16, float64.
_REAL = "float"


def require_real_inputs(config: Mapping[str, Any], where: str) -> None:
    """Refuse a model whose input is of whole numbers, such as uint8.

    Its scores change in steps, which have no gradient. Fractions of the data, of a baseline or of noise would be cut
    off, and all data from 0 to 1 would become 0.

    Args:
        config: of a model with one input.
        where: name of the model in messages.

    Raises:
        InputError: such a model, with what to do.
    """
    for layer in config["config"]["layers"]:
        if layer["class_name"] != "InputLayer":
            continue
        written = layer["config"].get("dtype")
        name = written["config"]["name"] if isinstance(written, Mapping) else written
        if isinstance(name, str) and _REAL not in name:
            raise InputError.unexpected(
                where,
                f"inputs of the type {name}",
                "inputs of the type float32: a map says what small changes of the input do",
                'Build the same layers on keras.Input(shape, dtype="float32"), and copy the weights: '
                "new_model.set_weights(model.get_weights()). On whole numbers it gives the same scores.",
            )
