"""Compare the inputs of a model with those of the data: by their names, never by their order, then by their shapes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, format_shape
from pellucid.models.imported import config_graph

Shapes = Mapping[str, tuple[int | None, ...]]
# What a model has only along the axis of a series, or those of an image.
_ALONG_AXES = ("conv", "gap", "self_attention")


def of_numbers(features: Sequence[str]) -> list[str]:
    """Return the features of a model that remain for an explained input of numbers without an order."""
    return [name for name in features if name not in _ALONG_AXES]


def require_names(of_model: Sequence[str], of_data: Collection[str], where: str) -> None:
    """Refuse a model whose inputs have other names than those of the data; two of the same shape would be exchanged.

    Args:
        of_model: in the order of the model; at most one where it has a single input, whose name does not count.
        of_data: none where the data have a single input.
        where: name of the model in messages.

    Raises:
        InputError: states the names on both sides.
    """
    if not of_data:
        if len(of_model) > 1:
            found = f"{len(of_model)} inputs ({_listed(of_model)}), and data of one"
            hint = "A table gives several inputs: dataset.inputs names the columns or arrays of each."
            raise InputError.unexpected(where, found, "a model of one input", hint)
        return
    if set(of_model) == set(of_data) and len(of_model) > 1:
        return
    found = f"a model of {len(of_model) or 1} input(s) ({_listed(of_model) or 'without a name'})"
    expected = f"one of the data's {len(of_data)} inputs: {_listed(of_data)}"
    hint = (
        "The inputs of dataset.inputs must have the names that keras.Input(shape, name=...) gives those of the model."
    )
    raise InputError.unexpected(where, found, expected, hint)


def require_shapes(of_model: Shapes, of_data: Shapes, where: str) -> None:
    """Refuse a model whose inputs have other names or shapes (without the batch axis) than those of the data.

    Raises:
        InputError: states the names and shapes on both sides.
    """
    require_names(list(of_model), list(of_data), where)
    if wrong := [name for name, shape in of_data.items() if tuple(of_model[name]) != tuple(shape)]:
        found = f"inputs {_described(of_model)}"
        expected = f"{_described(of_data)}, the shapes of the data: {_listed(wrong)} differ" + "s" * (len(wrong) == 1)
        raise InputError.unexpected(where, found, expected)


def of_config(config: Mapping[str, Any]) -> dict[str, tuple[int | None, ...]]:
    """Return the shapes of a functional model's inputs without the batch axis, by name, in the order of the model."""
    layers = {layer["config"]["name"]: layer["config"] for layer in config["config"]["layers"]}
    names = config_graph.names_of_inputs(config)
    return {name: tuple((layers[name].get("batch_shape") or [None])[1:]) for name in names}


def _listed(names: Collection[str]) -> str:
    return comma_list(abbreviate(name) for name in names)


def _described(shapes: Shapes) -> str:
    """Return the shapes as a message says them: "ecg" of 100 × 2, "patient" of 2."""
    return comma_list(f"{abbreviate(name)} of {format_shape(shape)}" for name, shape in shapes.items())
