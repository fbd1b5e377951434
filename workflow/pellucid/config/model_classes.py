"""Match the outputs of a model to the classes of the data, by the names in `model.classes`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import plugins
from pellucid.errors import InputError
from pellucid.messages import MANY_CLASSES, abbreviate, comma_list, counted, did_you_mean
from pellucid.tasks import OUTPUT_WORDS, SINGLE_LABEL

_WHERE = "model.classes"


def matched(
    data_classes: Sequence[str], occurring: Collection[int], model_classes: Sequence[Any], class_names: Any = None
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the classes of the model's outputs, and the output of every class of the data.

    An entry of `model.classes` is the name of a class, or a label that `class_names` renames to it.

    Args:
        data_classes: names, by number.
        occurring: numbers of the classes that at least one example has.
        model_classes: in the order of the outputs.
        class_names: of the data set, if it has them; only a mapping tells labels from names.

    Returns:
        The names of the classes by output, and (data_classes,) the output of each class of the data; -1 for a class
        that neither occurs nor is an output.

    Raises:
        InputError: a class that occurs has no output, two outputs have one class, or an entry is the name of one class
            and the label of another.
    """
    renamed = {str(label): str(name) for label, name in class_names.items()} if isinstance(class_names, Mapping) else {}
    entries = [str(entry) for entry in model_classes]
    names = [_name(entry, set(data_classes), renamed) for entry in entries]
    for output, name in enumerate(names):
        if (first := names.index(name)) != output:
            raise InputError.unexpected(
                _WHERE,
                f"{abbreviate(entries[first])} and {abbreviate(entries[output])}, both the data's class "
                f"{abbreviate(name)}",
                "one output for each class",
            )
    missing = [data_classes[number] for number in sorted(occurring) if data_classes[number] not in names]
    if missing:
        raise InputError.unexpected(
            _WHERE,
            f"{comma_list(entries[:20])}, without the data's {comma_list(abbreviate(name) for name in missing[:5])}",
            "every class that the data have",
            f"new_head: true puts a new last layer on a model that lacks a class.{did_you_mean(missing[0], entries)}",
        )
    outputs = [names.index(name) if name in names else -1 for name in data_classes]
    return tuple(names), np.array(outputs, np.int64)


def _name(entry: str, names: Collection[str], renamed: Mapping[str, str]) -> str:
    """Return the class of the data that an entry names; the entry itself if the data have no such class."""
    by_label = renamed.get(entry, entry)
    if entry in names and by_label in names and by_label != entry:
        raise InputError.unexpected(
            _WHERE,
            f"{abbreviate(entry)}, which is the name of one class and the label of another ({abbreviate(by_label)})",
            "names of classes that are no labels of others",
            "dataset.class_names can give them other names.",
        )
    return by_label if by_label in names else entry


def is_guess(experiment: Mapping[str, Any]) -> bool:
    """Return whether the classes of a model that was trained elsewhere are guessed, because nobody states them."""
    model, dataset = experiment["model"], experiment["dataset"]
    return keeps_outputs(model, experiment["training"]["epochs"]) and not (
        model["classes"] or dataset.get("labels") == "imagenet"
    )


def keeps_outputs(model: Mapping[str, Any], epochs: int) -> bool:
    """Return whether the outputs of a model keep the classes that they had where the model was trained."""
    architecture = model["architecture"]
    if architecture in ("keras_file", "saved_model"):
        return not model.get("new_head", False)
    # Fitted from random weights, or with a head for other classes than the published ones, they get the data's classes.
    return not epochs and (architecture == "function" or model.get("weights", "none") != "none")


def require_number(experiment: Mapping[str, Any]) -> None:
    """Refuse a model file whose outputs are more or fewer than the classes that the data set names.

    What neither the configuration nor the file tells is left to the job.

    Raises:
        InputError: the numbers differ.
    """
    model, named = experiment["model"], experiment["dataset"].get("classes")
    if not named or model.get("classes") or not keeps_outputs(model, experiment["training"]["epochs"]):
        return
    module = plugins.load("models")[model["architecture"]]
    outputs = plugins.hook(module, "outputs")(**plugins.own_parameters(model, module))
    number = named if isinstance(named, int) else len(named)
    if outputs in (None, number) or (outputs == 1 and number == 2):
        return
    which = "" if isinstance(named, int) else f": {comma_list(named[:MANY_CLASSES])}"
    raise InputError.unexpected(
        str(model["file"]),
        f"a model with {counted(outputs, 'output')}",
        f"{number}, one for each of dataset.classes{which}",
        "model.classes names the classes of all outputs, also those that the data lack; new_head: true puts a new last "
        "layer on a model of other classes.",
    )


def guess(name: str, task: str = SINGLE_LABEL) -> str:
    """Return one line for an experiment whose model has outputs of unknown order."""
    if task != SINGLE_LABEL:
        words = OUTPUT_WORDS[task]
        return (
            f"{name}: which output of the model is which of the {words} is a guess: the outputs are taken for the "
            f"{words} in the order in which the data have them. model.classes says the model's own order."
        )
    return (
        f"{name}: which output of the model is which class is a guess, unless the labels are the numbers 0, 1, 2, …: "
        "the outputs are taken for the labels of the data in sorted order. model.classes says the model's own order."
    )


def order(classes: Sequence[str]) -> str:
    """Return one line that says which class each output is taken for."""
    pairs = comma_list(f"{number} is {name}" for number, name in enumerate(classes[:MANY_CLASSES]))
    return f"the outputs of the model (from 0): {pairs}{', …' if len(classes) > MANY_CLASSES else ''}"
