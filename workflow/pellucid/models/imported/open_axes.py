"""Models for inputs of any length: the open axes of the input get the sizes of the data."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import InputError
from pellucid.messages import format_shape
from pellucid.network import same_function
from pellucid.network.layers import copy_state

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

# While a run is planned, the sizes of the data are not known: large enough for every kernel and pool.
_NOMINAL = 4096


def with_sizes(config: dict[str, Any], sizes: Sequence[int] | Mapping[str, Any] = ()) -> dict[str, Any]:
    """Return the configuration of a model with a size for every open axis of its input but the channels'.

    Args:
        config: of a Sequential or functional model.
        sizes: of an example of the data; absent while a run is planned. By name for several inputs, whose axes must
            have a size each: the configuration stays as it is.
    """
    if isinstance(sizes, Mapping):
        return copy.deepcopy(config)
    content = copy.deepcopy(config)
    inner = content.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or not isinstance(layers, list):
        return content
    if inner.get("build_input_shape"):
        inner["build_input_shape"] = _sized(inner["build_input_shape"], sizes)
    first = next((layer for layer in layers if isinstance(layer, dict) and layer.get("class_name") == "InputLayer"), {})
    if isinstance(described := first.get("config"), dict):
        for key in ("batch_shape", "batch_input_shape"):
            if described.get(key):
                described[key] = _sized(described[key], sizes)
    return content


def _sized(shape: Any, sizes: Sequence[int]) -> Any:
    """Return a shape with its batch axis, its open axes filled; unchanged where the data have other axes."""
    if not isinstance(shape, list | tuple) or (sizes and len(sizes) != len(shape) - 1):
        return shape
    wanted = sizes or [_NOMINAL] * (len(shape) - 1)
    inner = [size if size is not None else fill for size, fill in zip(shape[1:-1], wanted[:-1], strict=True)]
    return type(shape)([shape[0], *inner, *shape[-1:]])


def sized(model: keras.Model, input_shape: Sequence[int] | Mapping[str, Any], where: str) -> keras.Model:
    """Return a model for inputs of one shape, with the same weights; the model itself where no axis is open.

    Raises:
        InputError: the model cannot be built for this shape, or then computes another function.
    """
    # Open axes of several inputs were refused: their shapes are not those of the data.
    if isinstance(input_shape, Mapping) or None not in model.input_shape[1:]:
        return model
    step = f"building it for inputs of {format_shape(input_shape)}"
    x = np.random.default_rng(0).standard_normal((4, *input_shape), np.float32)
    try:
        before = same_function.answers(model, x)
        rebuilt: keras.Model = type(model).from_config(
            with_sizes({"config": model.get_config()}, input_shape)["config"]
        )
        copy_state(model, rebuilt)
    except Exception as error:  # Keras raises many kinds; all mean the same here
        found = f"a model that fails after {step} ({same_function.reason(error)})"
        raise InputError.unexpected(where, found, "one that takes inputs of this shape") from error
    same_function.hold(before, rebuilt, step, where)
    logger.info("the model takes inputs of any size; here it is built for %s", format_shape(input_shape))
    return rebuilt
