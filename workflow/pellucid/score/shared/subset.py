"""Scoring a few examples of each class: what explains anew many times would take too long for all of them."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

ExampleCount = Annotated[
    Annotated[int, Field(ge=1, le=100_000)] | Literal["all"],
    Field(
        description="explained examples of each class that are scored; all, or the first so many: each is explained "
        "anew many times"
    ),
]


def first_of_each(labels: NDArray[np.int64], number: int | str) -> NDArray[np.int64]:
    """Indices of the first `number` examples of each class, or of "all", in their order."""
    if number == "all":
        return np.arange(len(labels))
    before = np.array([(labels[:index] == label).sum() for index, label in enumerate(labels)], np.int64)
    return np.flatnonzero(before < int(number))


def placed(values: NDArray[np.float64], chosen: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Values (chosen, ...) among those of all examples (count, ...); NaN for the others."""
    found = np.full((count, *values.shape[1:]), np.nan)
    found[chosen] = values
    return found
