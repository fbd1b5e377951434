"""Choose test examples of a regression: for every value some along its range, or those with the largest errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def choose(
    answers: NDArray[Any], predictions: NDArray[Any], per_value: int, which: str, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of up to `per_value` examples of each value, value by value, and the value of each.

    Args:
        answers: (N, values), the true values.
        predictions: (N, values).
        per_value: how many at most.
        which: wrong (the largest absolute errors, the largest first), or correct or any (evenly along the range: of k
            examples, those at the quantiles 1/2k, 3/2k, … of the true value, the lowest first).
        rng: draws among equally good examples.
    """
    indices, stands_for = [], []
    permuted = rng.permutation(len(answers))
    for value in range(answers.shape[1]):
        count = min(per_value, len(answers))
        if which == "wrong":
            errors = np.abs(answers[permuted, value].astype(np.float64) - predictions[permuted, value])
            chosen = permuted[np.argsort(-errors, kind="stable")][:count]
        else:
            order = permuted[np.argsort(answers[permuted, value], kind="stable")]
            chosen = order[((2 * np.arange(count) + 1) * len(order)) // (2 * count)] if count else order
        indices.append(chosen)
        stands_for.append(np.full(len(chosen), value, np.int64))
    return np.concatenate(indices), np.concatenate(stands_for)
