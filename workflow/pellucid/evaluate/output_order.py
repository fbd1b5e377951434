"""Detect that the outputs of a model that was not trained here are in another order than the labels or values.

A `.keras` file does not hold the names of its outputs: only the answers tell which output is which label. If an output
belongs to another label, it ranks the test examples better by that label than by its own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.messages import MANY_CLASSES, comma_list
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORDS

logger = logging.getLogger(__name__)

# The mean AUROC must grow by _GAIN and by _ERRORS standard errors. Of values: the mean of (1 + Spearman's correlation)
# / 2, which is 0.5 for a model that knows nothing, too.
_GAIN, _ERRORS = 0.1, 2.4
_FEWEST = 8  # test examples that have a label, and that lack it


def agreement(answers: NDArray[Any], logits: NDArray[Any], task: str) -> NDArray[np.float64]:
    """Return how well every output ranks the examples by every label or value: (labels, outputs), from 0 to 1.

    Args:
        answers: (N, labels or values).
        logits: (N, outputs).
        task: multi_label: AUROC; regression: (1 + Spearman's correlation) / 2. NaN where it is not defined.
    """
    from scipy.stats import rankdata

    ranks = rankdata(logits, axis=0)
    if task == MULTI_LABEL:
        has = (answers == 1).astype(np.float64)
        positives = has.sum(0)[:, np.newaxis]
        pairs = positives * (len(has) - positives)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((has.T @ ranks - positives * (positives + 1) / 2) / pairs)
    centred = [values - values.mean(0) for values in (rankdata(answers, axis=0), ranks)]
    norms = [np.sqrt((values**2).sum(0)) for values in centred]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((1 + centred[0].T @ centred[1] / np.outer(*norms)) / 2)


def better_order(answers: NDArray[Any], logits: NDArray[Any], task: str) -> NDArray[np.int64] | None:
    """Return the label of each output in an order that fits far better than 0, 1, 2, …; None without one.

    By chance, an order fits the examples on which it was found too well: so the order from one half of the examples is
    judged on the other half. Labels that few examples have, or lack, keep their place.
    """
    if min(answers.shape) < 2:
        return None
    positives = (answers == 1).sum(0)
    told = np.minimum(positives, len(answers) - positives) >= _FEWEST if task == MULTI_LABEL else None
    halves = [np.arange(len(answers)) % 2 == half for half in (0, 1)]
    of_halves = [agreement(answers[half], logits[half], task) for half in halves]
    orders = [_assigned(values, told) for values in of_halves]
    judged = []
    for values, order in zip(of_halves, orders[::-1], strict=True):
        labels = np.arange(len(order))
        usable = np.isfinite(values).all(1) & (told if told is not None else True)
        if not usable.any():
            return None
        place = np.argsort(order)  # the output of each label
        judged.append((values[labels, place] - values[labels, labels])[usable].mean())
    if task == MULTI_LABEL:
        with np.errstate(divide="ignore"):
            variances = ((1 / positives + 1 / (len(answers) - positives)) / 12)[told]
    else:
        variances = np.full(answers.shape[1], 1 / (4 * max(len(answers) - 1, 1)))
    # Of the difference of two outputs in one label, as if they were independent.
    error = float(np.sqrt(2 * variances.sum()) / len(variances))
    if np.mean(judged) <= max(_GAIN, _ERRORS * error):
        return None
    return _assigned(agreement(answers, logits, task), told)


def _assigned(values: NDArray[np.float64], told: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Return the label of each output that makes the sum of the agreements (labels, outputs) largest."""
    from scipy.optimize import linear_sum_assignment

    values = np.where(np.isfinite(values), values, 0.5)
    if told is not None:
        values = np.where(told[:, np.newaxis], values, 0.5)
    # Of equally good orders, the one that changes the fewest outputs.
    labels, outputs = linear_sum_assignment(values + 1e-6 * np.eye(len(values)), maximize=True)
    order = np.empty(len(values), np.int64)
    order[outputs] = labels
    return order


def warning(answers: NDArray[Any], logits: NDArray[Any], names: Sequence[str], task: str) -> str:
    """Return a sentence with an order of the labels or values that fits far better, and log it; "" without one."""
    order = better_order(answers, logits, task)
    if order is None:
        return ""
    values = agreement(answers, logits, task)
    before, after = np.nanmean(np.diag(values)), np.nanmean(values[order, np.arange(len(order))])
    score = "AUROC"
    if task != MULTI_LABEL:
        before, after, score = 2 * before - 1, 2 * after - 1, "rank correlation"
    moved = [f"{output} is {names[label]}" for output, label in enumerate(order) if output != label]
    if len(names) <= MANY_CLASSES:
        how = f"model.classes: {json.dumps([names[label] for label in order], ensure_ascii=False)}"
    else:
        shown = comma_list(moved[:MANY_CLASSES])
        how = f"model.classes with output {shown}{', …' if len(moved) > MANY_CLASSES else ''} (counted from 0)"
    sentence = (
        f"The model's outputs are probably in another order: the mean {score} is {before:.3f}, and would be "
        f"{after:.3f} with {how}. Now {OUTPUT_WORDS[task]} and maps have the wrong names."
    )
    logger.warning("%s", sentence)
    return sentence
