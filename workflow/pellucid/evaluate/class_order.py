"""Detect that the outputs of a model that was not trained here are in another order than the classes."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.messages import MANY_CLASSES, comma_list

logger = logging.getLogger(__name__)

# The mean recall must grow by _GAIN and by _ERRORS standard errors. Six examples that are all wrong are enough.
_GAIN, _ERRORS = 0.1, 2.4
_LONGEST = 1000  # letters of the names that one sentence lists


def notes(
    training: Path | str | None,
    y: NDArray[np.int64],
    predicted: NDArray[np.int64],
    classes: Sequence[str],
    at_chance: str,
) -> list[str]:
    """Return a sentence for each sign that a model is not used in the way it was trained for; log new ones.

    Args:
        training: `training.json`, whose notes come first.
        y: (N,) labels.
        predicted: (N,) outputs with the highest score.
        classes: of a model that was not trained here; empty for a model that was.
        at_chance: a sentence that says that the model is no better than chance; "" for a model that is better.
    """
    known: list[str] = files.read_json(training).get("notes", []) if training else []
    doubt = warning(y, predicted, classes) if classes else ""
    if at_chance and not doubt:
        doubt = at_chance
        if classes and not known:
            doubt += " It may take values of another range (model.input_range) or other data."
    if doubt:
        logger.warning("%s", doubt)
    return [*known, doubt] if doubt else known


def better_order(y: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int) -> NDArray[np.int64] | None:
    """Return the class of each output in an order that fits the labels far better than 0, 1, 2, …; None without one.

    By chance, an order fits the examples on which it was found too well. So the order from one half of the examples is
    judged on the other half. Recall is averaged over the classes that occur, so that a model which always predicts the
    same class gains nothing.

    Args:
        y: (N,) labels.
        predicted: (N,) outputs with the highest score.
        n_classes: of the model.
    """
    # Odd and even examples of each class.
    rank = np.zeros(len(y), np.int64)
    for label in np.unique(y):
        rank[y == label] = np.arange((y == label).sum())
    odd = rank % 2 == 1
    if not odd.any():
        return None
    other = np.empty_like(predicted)
    other[odd] = assigned(y[~odd], predicted[~odd], n_classes)[predicted[odd]]
    other[~odd] = assigned(y[odd], predicted[odd], n_classes)[predicted[~odd]]
    recalls = [
        np.array([(outputs == y)[y == label].mean() for label in np.unique(y)]) for outputs in (predicted, other)
    ]
    before, after = (float(recall.mean()) for recall in recalls)
    sizes = np.bincount(y)
    error = np.sqrt((1 / sizes[sizes > 0]).sum()) / len(recalls[0])
    chance = 1 / len(recalls[0]) if len(recalls[0]) > 1 else 1 / n_classes
    order = assigned(y, predicted, n_classes)
    higher = (order[predicted] == y).mean() > (predicted == y).mean()
    return order if higher and after - before > max(_GAIN, _ERRORS * error) and after > chance + _GAIN else None


def assigned(y: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Return the class of each output that makes most predictions correct; outputs without any keep their number."""
    from scipy.optimize import linear_sum_assignment

    counts = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(counts, (y, predicted), 1)
    # Of equally good orders, take the one that changes the fewest outputs.
    counts = counts * (n_classes + 1) + np.eye(n_classes, dtype=np.int64)
    classes, outputs = linear_sum_assignment(counts, maximize=True)
    order = np.empty(n_classes, np.int64)
    order[outputs] = classes
    return order


def warning(y: NDArray[np.int64], predicted: NDArray[np.int64], classes: Sequence[str]) -> str:
    """Return a sentence with an order of the classes that fits far better; "" where there is none."""
    order = better_order(y, predicted, len(classes))
    if order is None:
        return ""
    names = [classes[label] for label in order]
    moved = [number for number, label in enumerate(order) if number != label]
    if len(names) <= MANY_CLASSES and sum(map(len, names)) <= _LONGEST:
        how = f"model.classes: {json.dumps(names, ensure_ascii=False)}"
    else:
        some = comma_list(f"{number} is {names[number]}" for number in moved[:MANY_CLASSES])
        how = f"model.classes with output {some}{', …' if len(moved) > MANY_CLASSES else ''} (counted from 0)"
    return (
        f"The model's outputs are probably in another order: the accuracy is {(predicted == y).mean():.3f}, and would "
        f"be {(order[predicted] == y).mean():.3f} with {how}. Now classes and maps have the wrong names."
    )
