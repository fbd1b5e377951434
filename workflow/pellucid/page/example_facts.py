"""The facts of an example that the page's explorer tells and sorts by, in the terms of each task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.datasets.base import UNLABELLED
from pellucid.draw.shared import task_heading
from pellucid.messages import MOST_PROBABLE
from pellucid.targets import name
from pellucid.tasks import MULTI_LABEL, QUANTITY, REGRESSION, SINGLE_LABEL


def are_wrong(shared: Mapping[str, NDArray[Any]], data: DataInfo) -> NDArray[np.bool_]:
    """Return whether the model is wrong about each example (N,); it is not said of examples without labels, nor values.

    Of several labels it is the label that the example stands for.
    """
    labels, task = shared["labels"], task_heading.task_of(data)
    if task == REGRESSION or (labels == UNLABELLED).all():
        return np.zeros(len(labels), bool)
    true = labels if task == SINGLE_LABEL else shared["answers"][np.arange(len(labels)), labels]
    return np.asarray(true != shared["predictions"], bool)


def of_examples(
    shared: Mapping[str, NDArray[Any]],
    data: DataInfo,
    chosen: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    disagreements: NDArray[np.float64],
) -> list[dict[str, Any]]:
    """Return the facts of the chosen examples.

    `label` is the class, label or value that an example stands for, None where it has no labels, `predicted` the
    predicted class, or again that label or value; `told` says what is true and predicted, None for single classes,
    whose sentence the page makes; `explained` names the target; `wrong` is None where nothing is right or wrong; `p`
    and `p_true` are the probabilities of what is predicted and of what is true, None for values; `error` of values is
    the absolute error in training standard deviations; `best` are the most probable classes or labels.
    """
    task = task_heading.task_of(data)
    by_task: dict[str, Any] = {SINGLE_LABEL: _of_class, MULTI_LABEL: _of_label, REGRESSION: _of_value}
    facts = []
    for place, example in enumerate(chosen.tolist()):
        labelled, target = int(shared["labels"][example]) >= 0, int(shared["targets"][example])
        judged = labelled and task != REGRESSION
        difference = f" ({QUANTITY[task]} difference)" if target >= len(data["classes"]) else ""
        facts.append(
            {
                "index": int(shared["indices"][example]),
                "label": int(shared["labels"][example]) if labelled else None,
                "explained": name(target, data["classes"]) + difference,
                "told": None if task == SINGLE_LABEL else task_heading.of_answer(data, shared, example),
                "wrong": bool(wrong[example]) if judged else None,
                "disagreement": float(disagreements[place]) if np.isfinite(disagreements[place]) else None,
                **by_task[task](shared, data, example, labelled),
            }
        )
    return facts


def _of_class(shared: Mapping[str, NDArray[Any]], data: Any, example: int, labelled: bool) -> dict[str, Any]:
    p, predicted = shared["probabilities"][example], int(shared["predictions"][example])
    p_true = float(p[int(shared["labels"][example])]) if labelled else None
    return {"predicted": predicted, "p": float(p[predicted]), "p_true": p_true, "error": None, "best": _best(p)}


def _of_label(shared: Mapping[str, NDArray[Any]], data: Any, example: int, labelled: bool) -> dict[str, Any]:
    p, subject = shared["probabilities"][example], task_heading.subject(shared, example)
    has = bool(shared["answers"][example, subject]) if labelled else None
    p_true = None if has is None else float(p[subject] if has else 1 - p[subject])
    return {"predicted": subject, "p": float(p[subject]), "p_true": p_true, "error": None, "best": _best(p)}


def _of_value(shared: Mapping[str, NDArray[Any]], data: DataInfo, example: int, labelled: bool) -> dict[str, Any]:
    subject, error = task_heading.subject(shared, example), None
    if labelled:
        spread = list(data["value_statistics"].values())[subject]["sd"]
        distance = abs(float(shared["answers"][example, subject]) - float(shared["predictions"][example]))
        error = distance / (spread or 1.0)
    return {"predicted": subject, "p": None, "p_true": None, "error": error, "best": []}


def _best(p: NDArray[np.float64]) -> list[list[float]]:
    best = np.argsort(-p, kind="stable")[:MOST_PROBABLE]
    return [[int(label), float(p[label])] for label in best]
