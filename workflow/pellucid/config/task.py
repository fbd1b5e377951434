"""The task of an experiment, known before any data are read, and the losses and monitored scores that fit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import plugins
from pellucid.config import model_classes
from pellucid.messages import comma_list
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL, Task

# The first is the default.
LOSSES: dict[Task, tuple[str, ...]] = {
    SINGLE_LABEL: ("crossentropy", "focal"),
    MULTI_LABEL: ("crossentropy", "focal"),
    REGRESSION: ("mse", "mae", "huber"),
}
MONITORS: dict[Task, tuple[str, ...]] = {
    SINGLE_LABEL: ("val_loss", "val_accuracy", "val_balanced_accuracy"),
    MULTI_LABEL: ("val_loss", "val_macro_auroc"),
    REGRESSION: ("val_loss", "val_mae"),
}


def of(experiment: Mapping[str, Any]) -> Task:
    """Return the task of an experiment, whose `dataset` entry is complete."""
    source = plugins.load("datasets")[experiment["dataset"]["source"]]
    task: Task = plugins.hook(source, "task")(**plugins.own_parameters(experiment["dataset"], source))
    return task


def complete(training: dict[str, Any], task: Task) -> None:
    """Fill in, in place, the loss that a `training` entry does not state."""
    training.setdefault("loss", LOSSES[task][0])


def faults(training: Mapping[str, Any], task: Task, path: str) -> list[str]:
    """Return the faults of a `training` entry, complete, whose keys do not fit the task.

    Args:
        training: complete.
        task: of the experiment.
        path: the key under which the entry stands.
    """
    messages = []
    for key, fitting in (("loss", LOSSES[task]), ("monitor", MONITORS[task])):
        if training[key] not in fitting:
            messages.append(
                f"{path}.{key}: found {training[key]}, and data of the task {task}; expected one of "
                f"{comma_list(fitting)}."
            )
    if task != REGRESSION:
        return messages
    if training["label_smoothing"]:
        messages.append(
            f"{path}.label_smoothing: found {training['label_smoothing']}, and data of the task regression, which has "
            "no labels; expected 0."
        )
    if training["class_weights"] != "none":
        messages.append(
            f"{path}.class_weights: found {training['class_weights']}, and data of the task regression, which has no "
            "classes; expected none."
        )
    return messages


def published_faults(experiment: Mapping[str, Any], task: Task, path: str) -> list[str]:
    """Return the fault of a published network that is taken as it is, whose softmax says nothing of labels or values.

    Args:
        experiment: complete.
        task: of the experiment.
        path: its key.
    """
    model = experiment["model"]
    own_head = plugins.spec("models", model["architecture"]).own_head
    if task == SINGLE_LABEL or own_head or not model_classes.keeps_outputs(model, experiment["training"]["epochs"]):
        return []
    return [
        f"{path}.training.epochs: found 0, and published weights for classes that exclude each other, while the data "
        f"are of the task {task}; expected epochs, in which the last layer learns it."
    ]
