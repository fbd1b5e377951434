"""The probability from which a label is predicted: the one with the best F1 on the validation examples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.tasks import sigmoid

# Of a label that no validation example has, or whose model has no validation examples.
DEFAULT = 0.5


def choose(has: NDArray[np.bool_], logits: NDArray[Any]) -> float:
    """Return the probability from which predicting the label gives the highest F1 on these examples.

    The threshold lies midway, in logits, between the last example that is predicted and the next one; of equally good
    ones the one nearest to 0.5 is taken. Only cuts between different probabilities count: logits of 40 and 50 are both
    a probability of 1, which no threshold tells apart.

    Args:
        has: (N,), whether the example has the label.
        logits: (N,), of the label.
    """
    if not has.any():
        return DEFAULT
    order = np.argsort(-logits, kind="stable")
    ranked, true = logits[order].astype(np.float64), np.cumsum(has[order])
    p = sigmoid(ranked)
    last = np.flatnonzero(np.append(p[1:] != p[:-1], True))
    f1 = 2 * true[last] / (last + 1 + int(has.sum()))
    # Below the lowest logit there is no next one: it is the threshold itself.
    following = np.minimum(last + 1, len(ranked) - 1)
    cuts = (ranked[last] + ranked[following]) / 2
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    chosen = best[np.argmin(np.abs(cuts[best]))]
    threshold = float(sigmoid(cuts[chosen : chosen + 1])[0])
    # Between two neighbouring numbers there is no third: it may have been rounded down to the next example's.
    return threshold if threshold > p[following[chosen]] else float(p[last[chosen]])


def of_labels(answers: NDArray[np.uint8], logits: NDArray[Any]) -> NDArray[np.float64]:
    """Return the threshold of every label, (labels,); `answers` and `logits` (N, labels) are of the validation set."""
    return np.array([choose(answers[:, label] == 1, logits[:, label]) for label in range(answers.shape[1])])
