"""Rows of examples of a model with several inputs: one array for each input, by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Rows:
    """As many rows of each input, which are cut together; `arrays` is what Keras takes.

    Attributes:
        arrays: (N, *shape of the input), by the name of the input.
    """

    arrays: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Rows:
        """Return these rows of each input."""
        return Rows({name: array[rows] for name, array in self.arrays.items()})

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Refuse to be taken for an array of rows."""
        raise TypeError("rows of several inputs are no array: use `arrays`")


def ends(model: keras.Model) -> Any:
    """Return what `keras.Model` takes as inputs: the only input itself, or a list of several inputs."""
    return model.inputs[0] if len(model.inputs) == 1 else list(model.inputs)


def standard_normal(model: keras.Model, rows: int) -> NDArray[np.float32] | Rows:
    """Return rows of standard normal numbers for each input, the same every time."""
    rng = np.random.default_rng(0)
    drawn = {tensor.name: rng.standard_normal((rows, *tensor.shape[1:]), np.float32) for tensor in model.inputs}
    if len(drawn) == 1:
        return drawn[model.inputs[0].name]
    return Rows({tensor.name: fitting(tensor, drawn[tensor.name]) for tensor in model.inputs})


def fitting(tensor: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 0 and 1 in place of any numbers for an input of whole numbers: every embedding has rows for these."""
    return (x > 0.5).astype(np.float32) if "int" in str(tensor.dtype) else x
