"""Data of several inputs: which one is explained, and what can take such data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import plugins
from pellucid.config.training_checks import active_augmentations
from pellucid.config.variants import variants
from pellucid.messages import abbreviate, comma_list, did_you_mean


def of(experiment: Mapping[str, Any]) -> dict[str, bool]:
    """Return the names of the several inputs of the data, in the user's order, and whether each is a series; else none.

    Args:
        experiment: its `dataset` entry is complete.
    """
    source = plugins.load("datasets")[experiment["dataset"]["source"]]
    inputs: dict[str, bool] = plugins.hook(source, "inputs")(**plugins.own_parameters(experiment["dataset"], source))
    return inputs


def explained(experiment: Mapping[str, Any]) -> str | None:
    """Return the name of the explained input of a complete experiment; None where its data have one input."""
    name: str | None = experiment["examples"].get("input")
    return name


def is_of_numbers(experiment: Mapping[str, Any]) -> bool:
    """Return whether the explained one of several inputs is numbers, which have no axis."""
    name = explained(experiment)
    return name is not None and not of(experiment).get(name, True)


def misfit(experiment: Mapping[str, Any], spec: Any) -> str:
    """Return why a method, view or score has no meaning for the inputs of an experiment; empty where it has one."""
    if explained(experiment) is not None and not getattr(spec, "several_inputs", True):
        return "the data have several inputs, and it takes models of one"
    if not getattr(spec, "of_numbers", True) and is_of_numbers(experiment):
        return f"the explained input {abbreviate(explained(experiment))} is numbers, which have no neighbours"
    return ""


def of_model(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the hooks of an architecture get of several inputs: their names, the explained one and its kind."""
    inputs, name = of(experiment), explained(experiment)
    return {"inputs": list(inputs), "explained": name, "numbers": not inputs.get(str(name), True)} if inputs else {}


def check(experiment: dict[str, Any], path: str) -> list[str]:
    """Return what an experiment asks for that its data of several inputs, or of one, do not have.

    Args:
        experiment: its entries are complete, but for the explained input, which is filled in: the first.
        path: its key.
    """
    if inputs := of(experiment):
        # A copy: the entry may be that of the defaults, which other experiments share.
        experiment["examples"] = {"input": next(iter(inputs)), **experiment["examples"]}
    name = explained(experiment)
    if not inputs:
        if name is None:
            return []
        return [
            f"{path}.examples.input: found {abbreviate(name)}, and data of one input; expected nothing, or several "
            "inputs of a table: dataset.inputs."
        ]
    names, found = comma_list(map(abbreviate, inputs)), []
    if name not in inputs:
        found.append(
            f"{path}.examples.input: found {abbreviate(name)}; expected one of dataset.inputs: {names}."
            f"{did_you_mean(str(name), inputs)}"
        )
    elif is_of_numbers(experiment) and experiment["examples"].get("summarise"):
        found.append(
            f"{path}.examples.summarise: found {abbreviate(experiment['examples']['summarise'])}, and the explained "
            f"input {abbreviate(name)}, which is numbers: maps of whole classes lie over time or space; expected "
            "nothing, or a series as examples.input."
        )
    found += _of_model(experiment, names, path) + _of_training(experiment["training"], path)
    return found + (_of_methods(experiment, path) if is_of_numbers(experiment) else [])


def _of_model(experiment: Mapping[str, Any], names: str, path: str) -> list[str]:
    """Return the faults of a model that cannot have several inputs, or of its parameters."""
    model = experiment["model"]
    if not plugins.spec("models", model["architecture"]).several_inputs:
        fitting = [name for name, module in plugins.load("models").items() if module.SPEC.several_inputs]
        return [
            f"{path}.model.architecture: found {abbreviate(model['architecture'])}, which has one input, and data "
            f"of several ({names}); expected a model of your own with inputs of these names: {comma_list(fitting)}."
        ]
    found = []
    if model.get("input_range", [0, 1]) not in ([0, 1], (0, 1)):
        found.append(
            f"{path}.model.input_range: found {model['input_range']}, and data of several inputs, for which one range "
            "says too little; expected nothing: a Rescaling layer after an input belongs to the model."
        )
    if model.get("steps") is not None:
        found.append(
            f"{path}.model.steps: found {abbreviate(model['steps'])}, and data of several inputs, which have no steps "
            "in common; expected nothing, and a model with one output for each class."
        )
    return found


def _of_methods(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Return the faults of methods that would cut an input of numbers into more than single numbers."""
    partitions = {
        method: {str(run.get("partition", "grid")) for run in variants(method, parameters).values()} - {"grid"}
        for method, parameters in experiment["methods"].items()
        if parameters is not False
    }
    return [
        f"{path}.methods.{method}.partition: found {abbreviate(partition)}, and the explained input "
        f"{abbreviate(explained(experiment))}, which is numbers without neighbours; expected grid, whose segments are "
        "single numbers."
        for method, found in partitions.items()
        for partition in sorted(found)
    ]


def _of_training(training: Mapping[str, Any], path: str) -> list[str]:
    """Return the faults of augmentation, which knows what a change of a series means, and not what stands beside it."""
    active = active_augmentations(training["augmentation"])
    return [
        f"{path}.training.augmentation.{name}: found {abbreviate(value)}, and data of several inputs: it would change "
        "one of them and leave the others, and the model would depend on which input is explained; expected "
        f"{'none' if isinstance(value, str) else 0}."
        for name, value in active.items()
    ]
