"""Choose test examples that may have several labels each: for every label, some examples that have it, or lack it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def choose(
    answers: NDArray[np.uint8],
    logits: NDArray[Any],
    predicted: NDArray[np.bool_],
    per_label: int,
    which: str,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of up to `per_label` examples of each label, label by label, and the label of each.

    One example may be chosen for several labels.

    Args:
        answers: (N, labels), 1 where the example has the label.
        logits: (N, labels).
        predicted: (N, labels), whether the label is predicted at its threshold.
        per_label: how many at most.
        which: correct (has the label, and is predicted to have it), wrong (label and prediction differ),
            most_confident or least_confident (by the label's logit, of those that have it), any (has it) or negative
            (does not have it).
        rng: draws among equally good examples.
    """
    indices, stands_for = [], []
    # A stable sort of a random permutation breaks ties at random.
    permuted = rng.permutation(len(answers))
    for label in range(answers.shape[1]):
        has, found = answers[:, label] == 1, predicted[:, label]
        fits = {"correct": has & found, "wrong": has != found, "negative": ~has}.get(which, has)
        order = permuted[fits[permuted]]
        if which in ("most_confident", "least_confident"):
            sign = -1 if which == "most_confident" else 1
            order = order[np.argsort(sign * logits[order, label], kind="stable")]
        indices.append(order[:per_label])
        stands_for.append(np.full(len(indices[-1]), label, np.int64))
    return np.concatenate(indices), np.concatenate(stands_for)
