"""The parameters that all models of your own share: their classes, and the value range of their inputs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list
from pellucid.models.imported import config_graph
from pellucid.models.imported.archive import Config
from pellucid.network.layers import walk

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

Classes = Annotated[
    Sequence[str | int],
    Field(
        description="the names of the classes in the order of the model's outputs, including classes that the data "
        "lack. Absent: the outputs are the classes of the data in sorted order"
    ),
]
InputRange = Annotated[
    Sequence[float],
    Field(
        min_length=2,
        max_length=2,
        description="the values that the model takes when the data are 0 and 1: [0, 255] for a model of images from 0 "
        "to 255, [-1, 1], or [0, 1000] for a model in µV when the data are in mV. A first layer converts; figures and "
        "attributions stay in the values of the data",
    ),
]


def check(*, classes: Sequence[Any] = (), input_range: Sequence[float] = (0, 1)) -> None:
    """Refuse a list of classes with one class only or a class twice, and a range with two equal ends.

    Raises:
        InputError: such a list or range.
    """
    names = [str(name) for name in classes]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError.unexpected(
            "classes", f"{abbreviate(twice[0])} twice", "each class once: every output is another class"
        )
    if len(names) == 1:
        raise InputError.unexpected(
            "classes", f"{abbreviate(names[0])} alone", "two classes or more, in the order of the outputs"
        )
    if input_range[0] == input_range[1]:
        raise InputError.unexpected("input_range", f"{input_range[0]} twice", "two different numbers, such as [0, 255]")


def check_number(classes: Sequence[Any], config: Config, where: str) -> None:
    """Refuse a list of classes whose length is not the number of outputs, if the layers tell that number.

    Raises:
        InputError: the numbers differ.
    """
    outputs = number_of_outputs(config)
    if not classes or outputs is None or len(classes) == outputs or (outputs == 1 and len(classes) == 2):
        return
    raise InputError.unexpected(
        "classes",
        f"{len(classes)} classes ({comma_list(classes[:20])})",
        f"{max(outputs, 2)}, one for each of the {outputs} output{'s' * (outputs != 1)} of {where}",
    )


# Layers that do not change the number of scores.
_SAME_NUMBER = {
    "Activation", "ActivityRegularization", "BatchNormalization", "Dropout", "ELU", "Identity", "LayerNormalization",
    "LeakyReLU", "LogSoftmax", "PReLU", "ReLU", "Rescaling", "Sigmoid", "Softmax",
}  # fmt: skip


def number_of_outputs(config: Config) -> int | None:
    """Return the number of scores of a model for one example; None where the configuration does not tell."""
    nodes = config_graph.nodes(config)
    node, pooled = nodes[-1], False
    while len(node.inputs) == 1:
        kind, settings = node.kind, node.config
        if kind == "Dense":
            return int(settings["units"])
        if kind.startswith("Conv") and pooled:
            return int(settings["filters"]) if settings.get("data_format") != "channels_first" else None
        pooled |= kind in (
            "GlobalAveragePooling1D",
            "GlobalAveragePooling2D",
            "GlobalMaxPooling1D",
            "GlobalMaxPooling2D",
        )
        passing = node.container or kind in _SAME_NUMBER
        if not passing and not (pooled and kind.startswith("Global") and not settings.get("keepdims")):
            return None
        node = nodes[node.inputs[0]]
    return None


def with_input_range(model: keras.Model, input_range: Sequence[float], where: str) -> keras.Model:
    """Return the model after a layer that maps 0 and 1 of the data to the ends of the range; unchanged for (0, 1).

    The layers and weights of the model are shared.

    Raises:
        InputError: the new model gives other outputs than the model for the mapped data.
    """
    low, high = (float(value) for value in input_range)
    if (low, high) == (0.0, 1.0):
        return model
    from keras import layers

    extended = behind(
        layers.Rescaling(high - low, low, name=free_name("input_range", model)), model, model.inputs[0].shape[1:]
    )
    _require_equal(extended, model, low, high, where)
    logger.info("values from 0 to 1 become values from %g to %g before the model", low, high)
    return extended


def free_name(wanted: str, model: keras.Model) -> str:
    """Return a name that no layer of the model has: the wanted one, or this with a number."""
    taken = {layer.name for layer in walk(model)}
    names = [wanted, *(f"{wanted}_{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def behind(first: keras.layers.Layer, model: keras.Model, shape: Sequence[int]) -> keras.Model:
    """Return the layers of the model behind another one, for examples of a shape; layers, weights and names stay."""
    from keras import Input, Model

    data = Input(shape, name=model.inputs[0].name)
    graph = getattr(model, "_functional", None) or model  # inside of a Sequential model
    scores = graph._run_through_graph([first(data)], operation_fn=lambda operation: operation)
    return Model(data, scores[0] if isinstance(scores, list | tuple) else scores, name=model.name)


def _require_equal(extended: keras.Model, model: keras.Model, low: float, high: float, where: str) -> None:
    import numpy as np

    inputs = np.random.default_rng(0).random((2, *model.inputs[0].shape[1:]), np.float32)
    outputs = np.asarray(extended(inputs, training=False))
    expected = np.asarray(model(inputs * np.float32(high - low) + np.float32(low), training=False))
    if not np.allclose(
        outputs, expected, rtol=1e-3, atol=1e-4 * max(1.0, float(np.abs(expected).max())), equal_nan=True
    ):
        raise InputError.unexpected(
            where, "a model that computes another function with input_range", "the same", "Leave input_range out."
        )
