"""How much the explanations of each example disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.ranks import levels


def correlations(maps: Sequence[NDArray[np.float32]], measured: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Return Spearman's correlation of the absolute attributions of every pair of explanations: (N, V, V).

    These are the values whose means over the examples `agreement.csv` holds; ranks are taken once for each map here,
    not once for each pair.

    Args:
        maps: V arrays (N, *shape).
        measured: bool (N, *shape), False where nothing was measured, which does not count; None if all was.
    """
    from scipy.stats import rankdata

    similar = np.ones((len(maps[0]), len(maps), len(maps)))
    for example in range(len(maps[0])):
        values = np.stack([np.abs(of_method[example]).ravel() for of_method in maps])
        if measured is not None:
            values = values[:, measured[example].ravel()]
        if not values.shape[1]:
            continue
        ranks = rankdata(levels(values), axis=1)
        ranks -= ranks.mean(1, keepdims=True)
        size = np.sqrt(np.square(ranks).sum(1))
        product = ranks @ ranks.T / np.where(np.outer(size, size) > 0, np.outer(size, size), 1)
        constant = size == 0
        similar[example] = np.where(np.outer(constant, constant), 1.0, np.clip(product, -1, 1))
    return similar


def disagreement(similar: NDArray[np.float64], compared: Sequence[int]) -> NDArray[np.float64]:
    """Return 1 less the mean correlation over all pairs of the `compared` explanations: (N,); NaN below two."""
    if len(compared) < 2:
        return np.full(len(similar), np.nan)
    first, second = np.triu_indices(len(compared), 1)
    places = np.asarray(compared)
    return np.asarray(1 - similar[:, places[first], places[second]].mean(1))
