"""Compare the sizes that a model's description declares with what its file holds, before any layer is built."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pellucid.errors import InputError
from pellucid.messages import abbreviate, format_shape

# Parameters of layers that are the length of an axis of some weight.
_LENGTHS = ("units", "filters", "input_dim", "output_dim", "num_heads", "key_dim")
# Quantised weights are stored in fewer numbers than the layer has: up to this factor.
_PACKED = 8
# Names that TensorFlow allows in a graph.
_VALID = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
_MOST_VALUES = 2**27  # of the output of a layer for one example: 512 MB
_UNSTORED = 2**20  # the most values that no file holds: states of random generators, rates


def check(config: Mapping[str, Any], kind: str, name: str, stored: int, where: str) -> None:
    """Refuse a layer that needs more weights than the file of the whole model holds.

    Planning uses it, where nothing may be built; `require_buildable` checks the whole model in the job.

    Args:
        config: of the layer.
        kind, name: of the layer.
        stored: numbers in the weights file.
        where: name of the model in messages.

    Raises:
        InputError: such a layer, or a size that is not a whole number from 1.
    """
    for key, sizes in _sizes(config):
        if not all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes):
            raise InputError.unexpected(
                where, f"layer {abbreviate(name)} ({kind}) with {key} {abbreviate(config[key])}", "whole numbers from 1"
            )
        if math.prod(sizes) > _PACKED * stored:
            raise InputError.unexpected(
                where,
                f"layer {abbreviate(name)} ({kind}) with {key} {format_shape(sizes)}, and a file of {stored:,} weights",
                "a file that holds the weights of every layer",
            )


def _sizes(config: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Iterate over the name and the lengths of every declared size."""
    for key in _LENGTHS:
        if config.get(key) is not None:
            yield key, [config[key]]
    if config.get("kernel_size") is not None:
        size = config["kernel_size"]
        yield "kernel_size", list(size) if isinstance(size, list) else [size]


def require_buildable(config: Mapping[str, Any], stored: int, where: str, *, allow_code: bool = False) -> None:
    """Build a model without memory for its weights; refuse it if it needs far more weights than its file holds.

    Raises:
        InputError: such a model, or the model cannot be built.
    """
    import keras
    from keras import saving

    from pellucid.network import runtime
    from pellucid.network.graph import flatten
    from pellucid.network.same_function import reason

    try:
        # Here a variable has a shape, and its values are operations of a graph that never runs.
        with runtime.start().Graph().as_default(), keras.StatelessScope():
            described = {**_renamed(config, _invalid_names(config)), "compile_config": None}
            model = saving.deserialize_keras_object(described, safe_mode=not allow_code)
            needed = sum(math.prod(variable.shape) for variable in model.variables)
            largest = max(flatten(model), key=lambda node: math.prod(size or 1 for size in node.shape))
    except Exception as error:  # Keras raises many kinds; all mean the same here.
        found = f"a model that cannot be built ({reason(error)})"
        raise InputError.unexpected(where, found, "one that keras.models.load_model takes") from error
    if needed > _UNSTORED + _PACKED * stored:
        expected = "a file that holds the weights of every layer"
        raise InputError.unexpected(where, f"layers of {needed:,} weights, and a file of {stored:,}", expected)
    if math.prod(size or 1 for size in largest.shape) > _MOST_VALUES:
        found = f"layer {abbreviate(largest.name)}, which makes {format_shape(largest.shape)} values of one example"
        raise InputError.unexpected(where, found, f"{_MOST_VALUES:,} at most")


def _invalid_names(content: Any) -> dict[str, str]:
    """Return a valid name for each name that a graph refuses; `compatibility` renames layers after loading."""
    names: dict[str, str] = {}
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping) and isinstance(name := value.get("name"), str) and not _VALID.fullmatch(name):
            names.setdefault(name, f"renamed_{len(names)}")
        if isinstance(value, Mapping | list):
            waiting += value.values() if isinstance(value, Mapping) else value
    return names


def _renamed(content: Any, names: Mapping[str, str]) -> Any:
    if isinstance(content, Mapping):
        return {key: _renamed(value, names) for key, value in content.items()}
    if isinstance(content, list):
        return [_renamed(value, names) for value in content]
    return names.get(content, content) if isinstance(content, str) else content
