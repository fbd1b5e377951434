"""Compare the numbers of several inputs with the types that a model takes: Keras cuts 1.7 to 1 without a warning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.lazy_array import blocks
from pellucid.messages import abbreviate

if TYPE_CHECKING:
    import keras


def require_whole(network: keras.Model, inputs: Mapping[str, NDArray[Any]] | None) -> None:
    """Refuse numbers that are not whole for an input of whole numbers, such as the one of an embedding.

    Args:
        network: the model.
        inputs: the training examples of several inputs, by name; None of one.

    Raises:
        InputError: names the input and the first such number.
    """
    if inputs is None:
        return
    for tensor in network.inputs:
        if "int" not in str(tensor.dtype):
            continue
        for block in blocks(inputs[tensor.name]):
            if (broken := block[block != block.round()]).size:
                found = f"{broken[0]:.6g}, and a model that takes it as {tensor.dtype}"
                hint = "preprocessing.scale: none leaves whole numbers whole; a Rescaling layer may scale the others."
                raise InputError.unexpected(f"input {abbreviate(tensor.name)}", found, "whole numbers", hint)
