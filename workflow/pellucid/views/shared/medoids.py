"""k-medoids: the examples from which the others are least far in sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def distances(one: Array, two: Array) -> Array:
    """Euclidean distance of every row of (n, units) from every row of (m, units): (n, m)."""
    from sklearn.metrics import pairwise_distances

    found: Array = pairwise_distances(one, two)
    if one is two:
        np.fill_diagonal(found, 0)
    return found


def medoids(distances: Array, count: int) -> NDArray[np.int64]:
    """Partitioning around medoids (Kaufman and Rousseeuw 1990): built one by one, then swapped while the sum falls.

    Args:
        distances: (n, n).
        count: how many; all where there are fewer.

    Returns:
        (count,) indices, in the order of how many examples are nearest to each.
    """
    n = len(distances)
    chosen: list[int] = []
    near = np.full(n, np.inf)
    for _ in range(min(count, n)):
        total = np.minimum(distances, near).sum(1)
        total[chosen] = np.inf
        chosen.append(int(total.argmin()))
        near = np.minimum(near, distances[chosen[-1]])
    found = np.array(chosen, np.int64)
    cost = near.sum()
    while True:
        # Of every medoid, what the others leave: then each candidate in its place.
        trials = []
        for position in range(len(found)):
            others = distances[np.delete(found, position)].min(0, initial=np.inf)
            total = np.minimum(distances, others).sum(1)
            total[found] = np.inf
            trials.append((total.min(), position, int(total.argmin())))
        lowest, position, candidate = min(trials)
        # A swap that changes only the rounding would go on for ever.
        if not lowest < cost * (1 - 1e-12):
            break
        found[position], cost = candidate, lowest
    sizes = np.bincount(distances[:, found].argmin(1), minlength=len(found))
    return found[np.argsort(-sizes, kind="stable")]
