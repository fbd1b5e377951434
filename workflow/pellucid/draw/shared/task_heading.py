"""What a heading says of an example with several labels or values, and what colours mean in each task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.datasets.base import UNLABELLED
from pellucid.targets import name, split
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORD, OUTPUT_WORDS, QUANTITY, REGRESSION, SINGLE_LABEL

_LONGEST = 24  # letters of a name in a short heading


def task_of(data_info: DataInfo) -> str:
    """Return the task of the data; data that were described before there were several are of one class each."""
    return str(data_info.get("task", SINGLE_LABEL))


def word(data_info: DataInfo, *, plural: bool = False) -> str:
    """Return what an output of the model is called: class, label or value."""
    return (OUTPUT_WORDS if plural else OUTPUT_WORD)[task_of(data_info)]


def of_answer(data_info: DataInfo, arrays: Mapping[str, NDArray[Any]], index: int) -> str:
    """Return what is true and what is predicted of the label or value that an example stands for.

    As in "label MI: 0.93 (has it)", "label MI: 0.31 (has it, not predicted)", "age: 63.2 years, predicted 58.1".
    """
    output = subject(arrays, index)
    called = data_info["classes"][output]
    if task_of(data_info) == REGRESSION:
        unit = _unit(data_info, output)
        predicted = number(float(arrays["predictions"][index]))
        if "answers" not in arrays:
            return f"{called}: predicted {predicted}{unit}"
        return f"{called}: {number(float(arrays['answers'][index, output]))}{unit}, predicted {predicted}"
    p = f"label {called}: {arrays['probabilities'][index, output]:.2f}"
    found = bool(arrays["predictions"][index])
    if "answers" not in arrays:
        return f"{p} ({'predicted' if found else 'not predicted'})"
    has = bool(arrays["answers"][index, output])
    missed = "" if has == found else f", {'predicted' if found else 'not predicted'}"
    return f"{p} ({'has it' if has else 'lacks it'}{missed})"


def short(data_info: DataInfo, arrays: Mapping[str, NDArray[Any]], index: int) -> str:
    """Return the same for a panel that is too narrow for a sentence, in up to two lines."""
    output = subject(arrays, index)
    called = str(data_info["classes"][output])
    called = called if len(called) <= _LONGEST else f"{called[: _LONGEST - 1]}…"
    if task_of(data_info) == REGRESSION:
        predicted = number(float(arrays["predictions"][index]))
        true = f"{number(float(arrays['answers'][index, output]))} → " if "answers" in arrays else "→ "
        return f"{called}\n{true}{predicted}"
    p = f"{arrays['probabilities'][index, output]:.2f}"
    if "answers" not in arrays:
        return f"{called}\np = {p}"
    return f"{called}\n{'has it' if arrays['answers'][index, output] else 'lacks it'}, p = {p}"


def of_target(data_info: DataInfo, arrays: Mapping[str, NDArray[Any]], index: int) -> str:
    """Return what is explained, where that is not plain from the rest of the heading; otherwise ""."""
    target = int(arrays["targets"][index])
    task = task_of(data_info)
    usual = int(arrays["predictions"][index]) if task == SINGLE_LABEL else subject(arrays, index)
    if target == usual:
        return ""
    difference = f" ({QUANTITY[task]} difference)" if split(np.array([target]))[1][0] >= 0 else ""
    return f"{name(target, data_info['classes'])}{difference}"


def subject(arrays: Mapping[str, NDArray[Any]], index: int) -> int:
    """Return the output that an example stands for; without labels, the one that is explained of it."""
    label = int(arrays["labels"][index])
    return label if label != UNLABELLED else int(split(arrays["targets"][[index]])[0][0])


def of_unit(unit: str, task: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the unit of attributions, with the name of what is explained in the place of the word "logit"."""
    if contrasts(arrays):
        return unit.replace("logit", f"{QUANTITY[task]} difference")
    words: dict[str, str] = {MULTI_LABEL: "label's logit", REGRESSION: "predicted value"}
    return unit.replace("logit", words.get(task, "logit"))


def contrasts(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether the examples are explained by one output minus another."""
    return "targets" in arrays and bool((split(arrays["targets"])[1] >= 0).any())


def number(value: float) -> str:
    """Return a measured value with three digits, all digits before the point if it is large."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "−")


def _unit(data_info: DataInfo, output: int) -> str:
    units = data_info.get("units") or ()
    return f" {units[output]}" if len(units) > output and units[output] else ""
