"""MMD-critic (Kim, Khanna and Koyejo 2016): prototypes distributed like all examples, and criticisms.

The maximum mean discrepancy (MMD) uses the kernel exp(-d² / (2 width²)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


def width(distances: Array) -> float:
    """Return the median of the nonzero distances (n, n), the usual heuristic for a Gaussian kernel; 1 without any."""
    positive = distances[np.triu_indices(len(distances), 1)]
    positive = positive[positive > 0]
    return float(np.median(positive)) if positive.size else 1.0


def kernel(distances: Array, width: float) -> Array:
    """Return the similarity of examples, (n, n), from their distances."""
    similarity: Array = np.exp(-np.square(distances / width) / 2)
    return similarity


def distance(similarity: Array, chosen: Indices) -> float:
    """Return the squared MMD between all examples, with similarity (n, n), and the chosen ones."""
    return float(similarity.mean() - 2 * similarity[:, chosen].mean() + similarity[np.ix_(chosen, chosen)].mean())


def prototypes(similarity: Array, count: int) -> Indices:
    """Choose greedily by the paper's algorithm 1: in each round the example that lowers the MMD most.

    Args:
        similarity: (n, n).
        count: number of prototypes; all examples if there are fewer.
    """
    mean = similarity.mean(0)
    # Sums over the chosen ones of their similarities: mean to all examples, to each other, and to each candidate.
    to_all, among, to_each = 0.0, 0.0, np.zeros(len(similarity))
    chosen: list[int] = []
    for size in range(1, min(count, len(similarity)) + 1):
        gain = 2 / size * (to_all + mean) - (among + 2 * to_each + similarity.diagonal()) / size**2
        gain[chosen] = -np.inf
        best = int(gain.argmax())
        among += 2 * to_each[best] + similarity[best, best]
        to_all += mean[best]
        to_each += similarity[:, best]
        chosen.append(best)
    return np.array(chosen, np.int64)


def witness(similarity: Array, chosen: Indices) -> Array:
    """Return the witness function at every example (n,): mean similarity to all minus that to the chosen ones.

    It is above zero where the chosen ones are too rare, and below zero where there are too many of them.
    """
    difference: Array = similarity.mean(0) - similarity[chosen].mean(0)
    return difference


def criticisms(similarity: Array, chosen: Indices, count: int, *, rare: bool) -> Indices:
    """Choose examples with a large witness function that differ from each other.

    The choice is greedy on the paper's sum of the witness and the log-determinant of the criticisms' similarity. The
    gain of a round is the log of the candidate's remaining variance, given the criticisms so far.

    Args:
        similarity: (n, n).
        chosen: the prototypes, which cannot be criticisms.
        count: number of criticisms; all other examples if there are fewer.
        rare: use the witness itself, which is large where the prototypes are too rare. Else use its absolute value, as
            in the paper, which is also large beside a prototype.
    """
    size = witness(similarity, chosen) if rare else np.abs(witness(similarity, chosen))
    remaining = similarity.diagonal().astype(np.float64).copy()
    factors = np.zeros((0, len(similarity)))
    critics: list[int] = []
    for _ in range(min(count, len(similarity) - len(chosen))):
        gain = size + np.log(np.maximum(remaining, 1e-12))
        gain[[*chosen, *critics]] = -np.inf
        best = int(gain.argmax())
        # A column of the Cholesky factor of the similarities of the criticisms to all examples.
        column = (similarity[best] - factors[:, best] @ factors) / np.sqrt(max(remaining[best], 1e-12))
        factors = np.vstack([factors, column])
        remaining = remaining - column**2
        critics.append(best)
    return np.array(critics, np.int64)
