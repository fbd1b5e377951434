"""Compute probabilities and log odds from logits, in float64 and log space, so that nothing saturates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Return the probabilities (N, classes) of logits, in float64: in float32 a margin of 17 would already give 1."""
    exponentials = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(1, keepdims=True)
    return probabilities


def are_probabilities(scores: NDArray[Any]) -> bool:
    """Return whether scores (N, classes) are not negative and sum to 1 for every example."""
    return bool((scores >= 0).all() and np.allclose(scores.sum(1), 1, atol=1e-4))


def log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Return the logarithms of the probabilities (N, classes) of logits (N, classes), in float64, however small."""
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    return np.asarray(shifted - np.log(_sum(np.exp(shifted))), np.float64)


def log_odds(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Return log p - log (1 - p) of every class (N, classes), from logits (N, classes): rises with p, never saturates.

    It is the logit minus the logarithm of the sum of the other classes' exponentials. For the largest logit that sum is
    computed without it: subtracting it from the sum of all would leave only rounding errors.
    """
    values = logits.astype(np.float64)
    rows, best = np.arange(len(values)), values.argmax(1)
    highest = values[rows, best]
    exponentials = np.exp(values - highest[:, np.newaxis])
    with np.errstate(divide="ignore"):
        odds = values - highest[:, np.newaxis] - np.log(_sum(exponentials) - exponentials)
        others = values.copy()
        others[rows, best] = -np.inf
        second = others.max(1)
        rest = np.exp(others - np.where(np.isfinite(second), second, 0)[:, np.newaxis])
        odds[rows, best] = highest - second - np.log(_sum(rest)[:, 0])
    return np.asarray(odds, np.float64)


def _sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of each row (N, 1), equal to the last bit for any order of its values."""
    total: NDArray[np.float64] = np.sort(values, axis=1).sum(1, keepdims=True)
    return total
