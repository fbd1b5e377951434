"""How well the scores of labels rank the examples: areas under the ROC and the precision-recall curve."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Areas(NamedTuple):
    """Areas of one label in each of several resamples, (resamples,).

    Attributes:
        auroc: under the ROC curve, ties counted half; NaN without examples that have the label, or that lack it.
        auprc: average precision, the mean of the precision at each example that has the label; NaN without such.
    """

    auroc: NDArray[np.float64]
    auprc: NDArray[np.float64]


def areas(
    has: NDArray[np.bool_], scores: NDArray[Any], counts: NDArray[np.float64], rows: NDArray[np.int64] | None = None
) -> Areas:
    """Return the areas, as `roc_auc_score` and `average_precision_score` of scikit-learn with weights define them.

    Args:
        has: (M,), whether the example has the label.
        scores: (M,).
        counts: (resamples, N), how often each example occurs.
        rows: (M,), the example that each entry belongs to; None if they are the examples (M = N).
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    # Equal scores are one step of both curves.
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    weights = counts[:, order if rows is None else rows[order]]
    total = np.cumsum(weights, axis=1)[:, last]
    true = np.cumsum(weights * has[order], axis=1)[:, last]
    false = total - true
    gained = np.diff(true, axis=1, prepend=0)
    positives, negatives = true[:, -1], false[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        under = (np.diff(false, axis=1, prepend=0) * (true - gained / 2)).sum(1) / (positives * negatives)
        precision = np.where(total > 0, true / total, 0)
        average = (gained * precision).sum(1) / positives
    return Areas(under, average)
