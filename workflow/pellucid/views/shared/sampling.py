"""Sample the examples of a data set that a view uses, and read them batch by batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pellucid.lazy_array import LazyRows, blocks


def proportional(labels: NDArray[np.int64], points: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return sorted indices of at most `points` examples, of each class in proportion to its size.

    Args:
        labels: (M,).
        points: number of examples; all if there are no more.
        rng: draws within a class.
    """
    if len(labels) <= points:
        return np.arange(len(labels))
    # Systematic sampling: from a random order sorted by class, take examples at equal steps.
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return np.sort(order[((np.arange(points) + 0.5) * len(labels) / points).astype(np.int64)])


def balanced(labels: NDArray[np.int64], points: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return sorted indices of at most `points` examples, as many of each class as possible.

    Args:
        labels: (M,).
        points: number of examples; all if there are no more.
        rng: draws within a class.
    """
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    _, first, counts = np.unique(labels[order], return_index=True, return_counts=True)
    # In the order: the first of each class, then the second of each class, and so on.
    turn = np.arange(len(labels)) - np.repeat(first, counts)
    return np.sort(order[np.argsort(turn, kind="stable")[:points]])


def parts(x: NDArray[np.float32], chosen: NDArray[np.int64], size: int | None = None) -> Iterator[NDArray[np.float32]]:
    """Yield the chosen examples of a mapped array (M, *input_shape) in small parts.

    Args:
        x: the array.
        chosen: indices of its examples.
        size: examples of a part, such as `ExplainedModel.batch_size`; None for about a megabyte.
    """
    if size is None:
        yield from blocks(LazyRows(x, chosen))
        return
    for start in range(0, len(chosen), size):
        yield np.asarray(x[chosen[start : start + size]])
