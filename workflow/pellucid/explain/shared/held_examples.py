"""Examples of a model with several inputs: one input is explained, the others keep the example's values.

Such examples are explained one at a time, since a method may make any number of inputs from one example.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import comma_list
from pellucid.network.explained_model import ExplainedModel

# Before the name of a held input among the arrays of `examples.npz`.
PREFIX = "other/"


def others(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the values of the held inputs, a row for each example, by the name of the input; {} if there are none."""
    return {name.removeprefix(PREFIX): array for name, array in arrays.items() if name.startswith(PREFIX)}


def with_axis(inputs: NDArray[Any]) -> NDArray[Any]:
    """Return inputs of numbers (N, n) as (N, n, 1), positions of one channel; other inputs as they are."""
    return inputs[..., np.newaxis] if inputs.ndim == 2 else inputs


def each(
    model: ExplainedModel | None, held: Mapping[str, NDArray[Any]], n: int, *also: ExplainedModel | None
) -> Iterator[slice]:
    """Yield the examples that are explained together: all at once; with held inputs, one at a time with its values.

    Args:
        model: None for what needs no model.
        held: from `others`.
        n: number of examples.
        also: further models of the same inputs.

    Raises:
        InputError: the model has held inputs for which there are no values, or there are values of others.
    """
    models = [each_model for each_model in (model, *also) if each_model is not None]
    needed = models[0].held_inputs if models else []
    if set(needed) != (set(held) if models else set()):
        found = f"values of {comma_list(held) or 'no further input'}"
        raise InputError.unexpected("examples", found, f"values of {comma_list(needed) or 'the explained input alone'}")
    if not needed:
        yield slice(None)
        return
    for row in range(n):
        for each_model in models:
            each_model.hold({name: array[row : row + 1] for name, array in held.items()})
        yield slice(row, row + 1)
