"""Group examples by what they stand for: a class, a label that they have, or a value that is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Members(NamedTuple):
    """The examples that stand for one output of the model.

    Attributes:
        name: of the class, label or value.
        output: its index.
        rows: int64, which of the examples.
    """

    name: str
    output: int
    rows: NDArray[np.int64]


def by_class(labels: NDArray[np.int64], classes: Sequence[str]) -> list[Members]:
    """Return the examples of each output that any of them stands for, in the order of the outputs.

    Args:
        labels: int64 (N,), the output that each example stands for.
        classes: names of the outputs.
    """
    return [
        Members(str(classes[output]), int(output), np.flatnonzero(labels == output)) for output in np.unique(labels)
    ]


def candidates(labels: NDArray[np.generic], output: int) -> NDArray[np.int64]:
    """Return the examples that may stand for an output.

    Args:
        labels: int64 (N,) classes; or uint8 (N, labels), where 1 means that the example has the label; or float
            (N, values), of which every example may stand for every value.
        output: index of the class, label or value.
    """
    if labels.ndim == 1:
        return np.flatnonzero(labels == output)
    if labels.dtype == np.uint8:
        return np.flatnonzero(labels[:, output] == 1)
    return np.arange(len(labels))
