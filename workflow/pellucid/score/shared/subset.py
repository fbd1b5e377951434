"""Score only some examples of each class, for scores that explain each example many times."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

ExampleCount = Annotated[
    Annotated[int, Field(ge=1, le=100_000)] | Literal["all"],
    Field(
        description="how many explained examples of each class are scored. all, or a number: the first ones. Each is "
        "explained again many times"
    ),
]


def first_of_each(labels: NDArray[np.int64], number: int | str) -> NDArray[np.int64]:
    """Return the sorted indices of the first `number` examples of each class, or of "all" examples."""
    if number == "all":
        return np.arange(len(labels))
    before = np.array([(labels[:index] == label).sum() for index, label in enumerate(labels)], np.int64)
    return np.flatnonzero(before < int(number))


def scatter_to_all(values: NDArray[np.float64], chosen: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Spread the values of some examples (chosen, …) over all examples (count, …), with NaN for the others."""
    spread = np.full((count, *values.shape[1:]), np.nan)
    spread[chosen] = values
    return spread
