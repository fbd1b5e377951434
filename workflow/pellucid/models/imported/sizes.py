"""Holding what a model's description announces against what its file holds, before any layer is built."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pellucid.errors import InputError
from pellucid.messages import abbreviate, format_shape

# Sizes of layers that each are a length of one of their weights.
_LENGTHS = ("units", "filters", "input_dim", "output_dim", "num_heads", "key_dim")
# Quantised weights are stored in fewer numbers than the layer has.
_PACKED = 8
# Names that TensorFlow takes in a graph.
_PLAIN = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
_MOST_VALUES = 2**27  # that one layer puts out for one example: 512 MB
_UNSTORED = 2**20  # weights that no file holds: states of random generators, rates


def check(own: Mapping[str, Any], kind: str, name: str, stored: int, where: str) -> None:
    """Refuse a layer that needs more weights than the file of the whole model holds.

    For planning, where nothing may be built; `require_buildable` looks at the whole model in the job.

    Args:
        own: the layer's configuration.
        kind, name: of the layer.
        stored: numbers in the weights file.
        where: what to call the model in a message.

    Raises:
        InputError: such a layer, or one with a size that is no whole number from 1.
    """
    for key, sizes in _sizes(own):
        if not all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes):
            raise InputError.unexpected(
                where, f"layer {abbreviate(name)} ({kind}) with {key} {abbreviate(own[key])}", "whole numbers from 1"
            )
        if math.prod(sizes) > _PACKED * stored:
            raise InputError.unexpected(
                where,
                f"layer {abbreviate(name)} ({kind}) with {key} {format_shape(sizes)}, and a file of {stored:,} weights",
                "a file that holds the weights of every layer",
            )


def _sizes(own: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for key in _LENGTHS:
        if own.get(key) is not None:
            yield key, [own[key]]
    if own.get("kernel_size") is not None:
        size = own["kernel_size"]
        yield "kernel_size", list(size) if isinstance(size, list) else [size]


def require_buildable(config: Mapping[str, Any], stored: int, where: str, *, allow_code: bool = False) -> None:
    """Build a model without memory for its weights, and refuse one that would need far more than its file explains.

    Raises:
        InputError: such a model, or one that cannot be built.
    """
    import keras
    from keras import saving

    from pellucid.network import runtime
    from pellucid.network.graph import flatten
    from pellucid.network.same_function import reason

    try:
        # A variable has a shape here, and values when it is asked for them: operations of a graph that never runs.
        with runtime.start().Graph().as_default(), keras.StatelessScope():
            described = {**_renamed(config, _odd_names(config)), "compile_config": None}
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


def _odd_names(content: Any) -> dict[str, str]:
    """Names that a graph does not take, each with one that it takes; `tidy` renames layers once they are loaded."""
    odd: dict[str, str] = {}
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping) and isinstance(name := one.get("name"), str) and not _PLAIN.fullmatch(name):
            odd.setdefault(name, f"renamed_{len(odd)}")
        if isinstance(one, Mapping | list):
            waiting += one.values() if isinstance(one, Mapping) else one
    return odd


def _renamed(content: Any, names: Mapping[str, str]) -> Any:
    if isinstance(content, Mapping):
        return {key: _renamed(value, names) for key, value in content.items()}
    if isinstance(content, list):
        return [_renamed(value, names) for value in content]
    return names.get(content, content) if isinstance(content, str) else content
