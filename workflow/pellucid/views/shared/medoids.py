"""k-medoids: the examples with the smallest sum of distances from all examples to the nearest of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def distances(one: Array, two: Array) -> Array:
    """Return the Euclidean distance of every row of (n, units) from every row of (m, units): (n, m)."""
    from sklearn.metrics import pairwise_distances

    pairwise: Array = pairwise_distances(one, two)
    if one is two:
        np.fill_diagonal(pairwise, 0)
    return pairwise


def medoids(distances: Array, count: int) -> NDArray[np.int64]:
    """Choose medoids by PAM (Kaufman and Rousseeuw 1990): add one at a time, then swap while the sum falls.

    Args:
        distances: (n, n).
        count: number of medoids; all examples if there are fewer.

    Returns:
        (count,) indices, sorted by the number of examples nearest to each medoid, the largest first.
    """
    n = len(distances)
    chosen: list[int] = []
    near = np.full(n, np.inf)
    for _ in range(min(count, n)):
        total = np.minimum(distances, near).sum(1)
        total[chosen] = np.inf
        chosen.append(int(total.argmin()))
        near = np.minimum(near, distances[chosen[-1]])
    indices = np.array(chosen, np.int64)
    cost = near.sum()
    while True:
        # For each medoid, the sum with each candidate in its place.
        trials = []
        for position in range(len(indices)):
            others = distances[np.delete(indices, position)].min(0, initial=np.inf)
            total = np.minimum(distances, others).sum(1)
            total[indices] = np.inf
            trials.append((total.min(), position, int(total.argmin())))
        lowest, position, candidate = min(trials)
        # Swaps that change only the rounding would never end.
        if not lowest < cost * (1 - 1e-12):
            break
        indices[position], cost = candidate, lowest
    sizes = np.bincount(distances[:, indices].argmin(1), minlength=len(indices))
    return indices[np.argsort(-sizes, kind="stable")]
