"""Models whose inputs have other axes than the data: the channels first, or no axis of channels.

Data, attributions and figures have the channels last. Such a model gets a layer before its own that moves the axis, or
removes it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import format_shape
from pellucid.models.imported import archive, config_graph, open_axes, own_keys

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

DataFormat = Annotated[
    Literal["channels_last", "channels_first"],
    Field(
        description="the axes of the model's input: channels_last for (time, channels), channels_first for (channels, "
        "time), of images (channels, height, width), as models that come from PyTorch take them. A first layer then "
        "moves the axis: data, attributions and figures keep the channels last"
    ),
]
CHANNELS_FIRST = "channels_first"
_MOVES, _REMOVES = "move_channels_first", "remove_channel_axis"


def planned(config: dict[str, Any], data_format: str | None, where: str) -> dict[str, Any]:
    """Return the configuration of the model behind the layer that fits it to the data; itself if it needs none.

    While a run is planned, the shape of the data is not known. Data of one input have two axes or more, so that a model
    whose input has one axis is one of a single channel.

    Args:
        config: of a model of one input, whose sizes are known.
        data_format: see `DataFormat`.
        where: name of the model in messages.

    Raises:
        InputError: channels first, of a model for inputs of one axis.
    """
    shape = archive.input_shape(config, where)
    if data_format == CHANNELS_FIRST:
        if len(shape) < 2:
            found = f"channels_first, and a model for inputs of {format_shape(shape)}"
            raise InputError.unexpected(f"{where}: data_format", found, "channels_last: this model has no channels")
        return _behind(config, (*shape[1:], shape[0]), "Permute", {"name": _MOVES, "dims": _order(len(shape))})
    if len(shape) == 1:
        return _behind(config, (*shape, 1), "Reshape", {"name": _REMOVES, "target_shape": [*shape]})
    return config


def of_model(
    config: dict[str, Any], shape: tuple[int, ...] | archive.Shapes, data_format: str, where: str
) -> tuple[int, ...] | archive.Shapes:
    """Return the shape that an example of the data has in front of the model's own layers.

    Args:
        config: of the model, as in the file.
        shape: of an example of the data, channels last. Shapes by name, of several inputs, are returned as they are.
        data_format: see `DataFormat`.
        where: name of the model in messages.

    Raises:
        InputError: channels first, and several inputs; or the model takes the channels first and nobody said so.
    """
    if isinstance(shape, Mapping):
        if data_format == CHANNELS_FIRST:
            expected = "channels_last, in which every one of several inputs is taken"
            raise InputError.unexpected("keras_file.data_format", CHANNELS_FIRST, expected)
        return shape
    moved = (shape[-1], *shape[:-1])
    if data_format == CHANNELS_FIRST:
        return moved
    if len(config_graph.names_of_inputs(config)) > 1:
        return shape
    declared = archive.input_shape(open_axes.with_sizes(config), where)
    if declared == moved != shape:
        found = f"a model for inputs of {format_shape(declared)}"
        expected = f"{format_shape(shape)}, the shape of the data's examples"
        hint = "If the model takes the channels first, data_format: channels_first moves them."
        raise InputError.unexpected(where, found, expected, hint)
    return shape[:-1] if (*declared, 1) == shape else shape


def fitted(model: keras.Model, shape: tuple[int, ...], where: str) -> keras.Model:
    """Return the model for examples of the data: its own layers behind the one that moves or removes an axis.

    Layers and weights are shared; names stay as they are.

    Args:
        model: functional or Sequential, of one input.
        shape: of an example of the data, channels last.
        where: name of the model in messages.

    Raises:
        InputError: the new model computes something else.
    """
    from keras import layers

    inside = tuple(model.inputs[0].shape[1:])
    moves = len(inside) == len(shape)
    name = own_keys.free_name(_MOVES if moves else _REMOVES, model)
    first = layers.Permute(_order(len(shape)), name=name) if moves else layers.Reshape(inside, name=name)
    extended = own_keys.behind(first, model, shape)
    x = np.random.default_rng(0).random((2, *shape), np.float32)
    expected = np.asarray(model(np.moveaxis(x, -1, 1) if moves else x[..., 0], training=False))
    if not np.allclose(extended(x, training=False), expected, rtol=1e-4, atol=1e-5, equal_nan=True):
        found = "a model that computes another function behind the layer that fits its input to the data"
        raise InputError.unexpected(where, found, "the same function")
    logger.info(
        "the model takes %s: a first layer, %s, fits the data of %s to it",
        format_shape(inside), name, format_shape(shape),
    )  # fmt: skip
    return extended


def _order(rank: int) -> tuple[int, ...]:
    return (rank, *range(1, rank))


def _behind(config: dict[str, Any], shape: Sequence[int], kind: str, layer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a Sequential model: input, one layer, and the model."""
    start = {
        "class_name": "InputLayer",
        "module": "keras.layers",
        "config": {"name": "data", "batch_shape": [None, *shape]},
    }
    first = {"class_name": kind, "module": "keras.layers", "config": layer}
    return {
        "class_name": "Sequential",
        "module": "keras",
        "config": {"name": "fitted", "layers": [start, first, config], "build_input_shape": [None, *shape]},
    }
