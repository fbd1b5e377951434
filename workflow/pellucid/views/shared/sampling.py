"""Sample the examples of a data set that a view uses, and read them batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pellucid.lazy_array import LazyRows, blocks
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL

Kind = TypeVar("Kind", bound=np.generic)

_HIGH = 0.1  # share of the examples that count as those of a high value


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


def drawn(rows: NDArray[np.int64], limit: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return at most `limit` of some indices (M,), drawn at random where there are more, and sorted then."""
    return rows if len(rows) <= limit else np.sort(rng.choice(rows, limit, replace=False))


def groups(labels: NDArray[Any], task: str) -> NDArray[np.int64]:
    """Return the group of each example, (M,); `balanced` takes the same number of each group.

    Args:
        labels: (M,) classes, (M, labels) of 0 and 1, or (M, values).
        task: single_label: the class. multi_label: the rarest of the example's labels, or one more group for examples
            without any, so that rare labels have examples. regression: all examples are one group.
    """
    if task == REGRESSION:
        return np.zeros(len(labels), np.int64)
    if task != MULTI_LABEL:
        return labels
    counts = labels.sum(0, dtype=np.int64)
    rarest = np.where(labels > 0, counts, len(labels) + 1).argmin(1)
    return np.where(labels.any(1), rarest, labels.shape[1])


def outputs_of(labels: NDArray[Any], task: str) -> NDArray[np.int64]:
    """Return the outputs that occur in training examples: their classes or labels, or all values."""
    if task == SINGLE_LABEL:
        return np.asarray(np.unique(labels), np.int64)
    return np.flatnonzero(labels.any(0)) if task == MULTI_LABEL else np.arange(labels.shape[1])


def members_of(labels: NDArray[Any], sampled: NDArray[np.int64], unit: int, task: str) -> NDArray[np.int64]:
    """Return the sampled examples of a class, or with a label, or the tenth of them with the highest values."""
    if task == SINGLE_LABEL:
        of_class: NDArray[np.int64] = sampled[labels[sampled] == unit]
        return of_class
    column = labels[:, unit]
    if task == MULTI_LABEL:
        members = sampled[column[sampled] > 0]
        # None may be sampled where all of its examples have a rarer label as well.
        return members if len(members) else np.flatnonzero(column > 0)[: len(sampled)]
    high: NDArray[np.int64] = sampled[column[sampled] >= np.quantile(column[sampled], 1 - _HIGH)]
    return high


def parts(x: NDArray[Kind], chosen: NDArray[np.int64], size: int | None = None) -> Iterator[NDArray[Kind]]:
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


def shown(x: NDArray[np.float32], measured: NDArray[np.bool_] | None, rows: Any) -> NDArray[np.float32]:
    """Return examples of a mapped array as figures show them, NaN where nothing was measured: (*rows, *input_shape).

    Args:
        x: (M, *input_shape).
        measured: of the same shape; None if all was measured.
        rows: numbers of examples, or of one example.
    """
    values = np.asarray(x[rows], np.float32)
    return values if measured is None else np.where(measured[rows], values, np.float32(np.nan))
