"""MMD-critic: prototypes whose distribution is near that of all examples, and criticisms where it is not.

Kim, Khanna and Koyejo 2016. The maximum mean discrepancy is taken with respect to the kernel exp(-d² / (2 width²)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


def width(distances: Array) -> float:
    """The median of the distances (n, n) that are not zero, the usual heuristic for a Gaussian kernel; else 1."""
    positive = distances[np.triu_indices(len(distances), 1)]
    positive = positive[positive > 0]
    return float(np.median(positive)) if positive.size else 1.0


def kernel(distances: Array, width: float) -> Array:
    """Similarity of examples, (n, n), from their distances."""
    similarity: Array = np.exp(-np.square(distances / width) / 2)
    return similarity


def distance(similarity: Array, chosen: Indices) -> float:
    """The squared maximum mean discrepancy between all examples and the chosen ones: similarity (n, n) to a number."""
    return float(similarity.mean() - 2 * similarity[:, chosen].mean() + similarity[np.ix_(chosen, chosen)].mean())


def prototypes(similarity: Array, count: int) -> Indices:
    """The greedy choice of the paper's algorithm 1: in each round the example that lowers the discrepancy most.

    Args:
        similarity: (n, n).
        count: how many; all where there are fewer.
    """
    mean = similarity.mean(0)
    # Sums over the chosen: of their mean similarity to all, of the similarities among them, and to each candidate.
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
    """The witness function at every example, (n,): above zero where the chosen ones are too rare, below where too many.

    The mean similarity to all examples less that to the chosen ones.
    """
    difference: Array = similarity.mean(0) - similarity[chosen].mean(0)
    return difference


def criticisms(similarity: Array, chosen: Indices, count: int, *, rare: bool) -> Indices:
    """Examples where the witness function is large, and which differ among themselves.

    Greedy on the paper's sum of witness and log-determinant of the criticisms' similarity, of which each round's
    gain is the log of what remains of the candidate's variance, given the criticisms so far.

    Args:
        similarity: (n, n).
        chosen: the prototypes, which cannot be criticisms.
        count: how many; all others where there are fewer.
        rare: take the witness as it is, so that only examples count for which the prototypes are too rare; its size,
            as in the paper, is also large beside a prototype, where they are too many.
    """
    size = witness(similarity, chosen) if rare else np.abs(witness(similarity, chosen))
    remaining = similarity.diagonal().astype(np.float64).copy()
    factors = np.zeros((0, len(similarity)))
    found: list[int] = []
    for _ in range(min(count, len(similarity) - len(chosen))):
        gain = size + np.log(np.maximum(remaining, 1e-12))
        gain[[*chosen, *found]] = -np.inf
        best = int(gain.argmax())
        # One column of the Cholesky factor of the similarities of the criticisms with all.
        column = (similarity[best] - factors[:, best] @ factors) / np.sqrt(max(remaining[best], 1e-12))
        factors = np.vstack([factors, column])
        remaining = remaining - column**2
        found.append(best)
    return np.array(found, np.int64)
