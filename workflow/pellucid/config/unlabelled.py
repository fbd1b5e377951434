"""Examples without labels: what a model that is taken as it is says of them, and what has to be left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import plugins
from pellucid.config import task as tasks_of
from pellucid.tasks import SINGLE_LABEL, Task

LEFT_OUT = "the evaluation (accuracy, confusion matrix, reliability) is left out: the data have no labels"


def is_labelled(experiment: Mapping[str, Any]) -> bool:
    """Return whether the examples of an experiment have labels."""
    source = plugins.load("datasets")[experiment["dataset"]["source"]]
    labelled: bool = plugins.hook(source, "labelled")(**plugins.own_parameters(experiment["dataset"], source))
    return labelled


def output_names(model: Mapping[str, Any], task: Task = SINGLE_LABEL) -> list[str]:
    """Return names for the outputs of a model; none where neither the configuration nor its file tells their number."""
    if named := model.get("classes"):
        return [str(name) for name in named]
    module = plugins.load("models")[model["architecture"]]
    number = plugins.hook(module, "outputs")(**plugins.own_parameters(model, module))
    if number is None:
        return []
    # One output is the probability of the second of two classes; or one value.
    return [f"output {place}" for place in range(max(number, 2) if task == SINGLE_LABEL else number)]


def faults(experiment: Mapping[str, Any], written: Mapping[str, Any], path: str, study: bool) -> list[str]:
    """Return what an experiment asks for that needs labels, which its examples have not.

    Args:
        experiment: complete.
        written: its entry as the user wrote it.
        path: its key.
        study: whether it is a member of a study.
    """
    if is_labelled(experiment):
        return []
    found = []
    if experiment["split"] != "none":
        found.append(
            f"{path}.split: found shares, and examples without labels; expected none, since nothing is trained or "
            "evaluated: split: none, and training: {epochs: 0}."
        )
    target = experiment["examples"]["target"]
    if "true" in (target, target.get("why") if isinstance(target, Mapping) else ""):
        found.append(
            f'{path}.examples.target: found "true", and examples without labels; expected predicted or a class.'
        )
    for key in ("choose", "per_class"):
        if key in written.get("examples", {}):
            found.append(
                f"{path}.examples.{key}: found a choice by class, and examples without labels; expected first, the "
                "number of examples in the order of the file."
            )
    if study:
        found.append(
            f"{path}: found a study of examples without labels; expected labels, since a study compares test scores."
        )
    return found


def unnamed(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Return the fault of examples without labels and a model whose outputs are not known before it is loaded.

    Raises:
        InputError: the file of the model cannot be read.
    """
    if is_labelled(experiment) or output_names(experiment["model"], tasks_of.of(experiment)):
        return []
    return [
        f"{path}.model.classes: found nothing, and examples without labels; expected the names of the model's outputs, "
        "in their order."
    ]


def notes(name: str, experiment: Mapping[str, Any]) -> list[str]:
    """Return what is left out or guessed for examples without labels, one line each."""
    if is_labelled(experiment):
        return []
    named = experiment["model"].get("classes")
    guess = [] if named else [f"{name}: the outputs of the model have no names here; model.classes names them."]
    return [f"{name}: {LEFT_OUT}.", *guess]
