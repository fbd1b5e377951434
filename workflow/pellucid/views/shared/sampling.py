"""Which examples of a data set a view looks at, and how it goes through many of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pellucid.lazy_array import LazyRows, blocks


def proportional(labels: NDArray[np.int64], points: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Sorted indices of at most `points` examples, each class with its share, so that rates stay those of the whole.

    Args:
        labels: (M,).
        points: how many; all of them where there are no more.
        rng: draws within a class.
    """
    if len(labels) <= points:
        return np.arange(len(labels))
    # Systematic sampling: a random order sorted by class, of which every so many is taken.
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return np.sort(order[((np.arange(points) + 0.5) * len(labels) / points).astype(np.int64)])


def balanced(labels: NDArray[np.int64], points: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Sorted indices of at most `points` examples, as many of each class; what a small class leaves goes to the others.

    Args:
        labels: (M,).
        points: how many; all of them where there are no more.
        rng: draws within a class.
    """
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    _, first, counts = np.unique(labels[order], return_index=True, return_counts=True)
    # Everybody's first, then everybody's second, and so on: the first `points` in that order.
    place = np.arange(len(labels)) - np.repeat(first, counts)
    return np.sort(order[np.argsort(place, kind="stable")[:points]])


def parts(x: NDArray[np.float32], chosen: NDArray[np.int64], size: int | None = None) -> Iterator[NDArray[np.float32]]:
    """The chosen examples of a mapped array, (M, *input_shape), in parts that fit into little memory.

    Args:
        x: the array.
        chosen: indices of its examples.
        size: examples of a part: `ExplainedModel.batch_size` where the parts go through a model; None for about a
            megabyte.
    """
    if size is None:
        yield from blocks(LazyRows(x, chosen))
        return
    for start in range(0, len(chosen), size):
        yield np.asarray(x[chosen[start : start + size]])
