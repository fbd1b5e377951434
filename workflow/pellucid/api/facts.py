"""The facts of the examples: classes, targets and axes, in the form of the workflow's files."""

from __future__ import annotations

import math
import numbers
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.api import answers, arrays
from pellucid.api.explained_targets import targets
from pellucid.api.opening import OpenedModel
from pellucid.data_info import DataInfo, InputInfo
from pellucid.datasets.base import UNLABELLED
from pellucid.errors import InputError
from pellucid.explain.shared.held_examples import PREFIX
from pellucid.messages import abbreviate, comma_list
from pellucid.targets import split
from pellucid.tasks import OUTPUT_WORD, OUTPUT_WORDS, SINGLE_LABEL, TASKS, Task, probabilities

_PREDICTED = 0.5  # probability from which a label counts as predicted


@dataclass(frozen=True)
class Data:
    """Examples that were checked against the model.

    Attributes:
        arrays: the content of the workflow's `examples.npz`; `labels` are `UNLABELLED` if the true classes are not
            known.
        info: the content of `data.json`.
        training: (M, *input_shape), or None.
        shape: of the caller's x.
    """

    arrays: dict[str, NDArray[Any]]
    info: DataInfo
    training: NDArray[np.float32] | None
    shape: tuple[int, ...]

    @classmethod
    def of(
        cls,
        opened: OpenedModel,
        *,
        x: NDArray[np.float32],
        y: ArrayLike | None,
        target: Any,
        training: ArrayLike | Mapping[str, ArrayLike] | None,
        measured: ArrayLike | None,
        class_names: Sequence[str] | None,
        channel_names: Sequence[str] | None,
        sampling_rate_hz: float | None,
        unit: str,
        title: str,
    ) -> Data:
        """Check the other arguments against the model and x; see `pellucid.explain`.

        Raises:
            InputError: something does not fit the model or x.
        """
        examples, model = opened.x, opened.explained
        n, input_shape = len(examples), examples.shape[1:]
        classes = _class_names(class_names, model.n_classes, opened.where, model.task)
        info: DataInfo = {
            "title": str(title),
            "task": model.task,
            "kind": arrays.require_kind(input_shape),
            "classes": classes,
            "channels": _channel_names(channel_names, input_shape[0 if opened.numbers else -1]),
            "sampling_rate_hz": _rate(sampling_rate_hz),
            "unit": str(unit),
            "notes": [],
            "shape": list(input_shape[:-1] if opened.numbers else input_shape),
        }
        if opened.input:
            info |= _several(opened, info)
            model.hold(opened.others)
        answer = None if y is None else answers.read(y, "y", n, classes, model.task)
        logits = model.logits(examples, called="example of x")
        content: dict[str, NDArray[Any]] = {
            "indices": np.arange(n),
            "inputs": examples,
            **_answered(logits, answer, target, classes, model.task),
            **{f"{PREFIX}{name}": values for name, values in opened.others.items()},
        }
        if measured is not None and (mask := arrays.mask(measured, opened.as_given(examples))) is not None:
            content["measured"] = opened.as_taken(mask)
        background = None
        if training is not None:
            if isinstance(training, Mapping):
                if opened.input not in training:
                    expected = f"those of the explained input, {opened.input or 'one array'}"
                    raise InputError.unexpected("training", f"arrays {comma_list(training)}", expected)
                training = training[opened.input]
            rows = arrays.batch(arrays.numbers(training, "training"), opened.as_given(examples).shape[1:], "training")
            background = opened.as_taken(rows)
        return cls(content, info, background, x.shape)


def _several(opened: OpenedModel, info: DataInfo) -> Any:
    """Return the keys of `data.json` on several inputs, of which only the explained one is described."""
    described: InputInfo = {
        "name": opened.input,
        "shape": info["shape"],
        "channels": info["channels"],
        "units": [info["unit"]] * len(info["channels"]),
        "sampling_rate_hz": info["sampling_rate_hz"],
        "scale_statistics": {},
    }
    unknown: dict[str, Any] = {"units": [], "channels": [], "sampling_rate_hz": None, "scale_statistics": {}}
    others = [{**unknown, "name": name, "shape": list(values.shape[1:])} for name, values in opened.others.items()]
    return {"explained_input": opened.input, "inputs": [described, *others]}


def _answered(
    logits: NDArray[Any], answer: NDArray[Any] | None, target: Any, classes: Sequence[str], task: str
) -> dict[str, NDArray[Any]]:
    """Return the arrays of `examples.npz` that hold what is true, predicted and explained of each example.

    Of several labels or values, an example stands for the one that is explained: `labels` is its number.
    """
    known = answer if task == SINGLE_LABEL else None
    explained = targets(target, known, logits, classes, task)
    p, rows = probabilities(task, logits), np.arange(len(logits))
    outputs = split(explained)[0]
    if task == SINGLE_LABEL:
        labels = np.full(len(logits), UNLABELLED, np.int64) if known is None else known
        predicted = logits.argmax(1)
    else:
        labels = outputs
        predicted = logits[rows, outputs] if p is None else (p[rows, outputs] >= _PREDICTED).astype(np.int64)
    content = {"labels": labels, "predictions": predicted}
    content |= {} if p is None else {"probabilities": p}
    content |= {} if answer is None or task == SINGLE_LABEL else {"answers": answer}
    return content | {"targets": explained}


def classes_of_training(training_y: ArrayLike | None, data: Data) -> NDArray[Any] | None:
    """Return the classes (M,) of the training examples, their labels or values (M, outputs); None if not known.

    Raises:
        InputError: another number of classes than of training examples.
    """
    if training_y is None:
        return None
    if data.training is None:
        raise InputError("training_y", "the training examples themselves are missing.", "Pass them: training=….")
    known, task = data.info["classes"], data.info["task"]
    return answers.read(training_y, "training_y", len(data.training), known, task, examples="training")


def require_task(task: Any) -> Task:
    """Return the task.

    Raises:
        InputError: no such task.
    """
    for known in TASKS:
        if task == known:
            return known
    meanings = comma_list([f"{known} ({OUTPUT_WORDS[known]})" for known in TASKS])
    raise InputError.unexpected("task", abbreviate(task), f"one of {meanings}")


def names(values: Any, key: str) -> list[str]:
    """Return names as texts.

    Raises:
        InputError: no list of names, names without an order of their own, or a name twice.
    """
    if isinstance(values, str | Set | Mapping) or not hasattr(values, "__len__"):
        raise InputError.unexpected(key, abbreviate(values), "a list of names, in order")
    listed = [str(value) for value in values]
    if twice := [name for name, count in Counter(listed).items() if count > 1]:
        raise InputError.unexpected(key, f"{abbreviate(twice[0])} twice", "names that differ")
    return listed


def require_numbers(**values: Any) -> None:
    """Refuse settings that are not whole numbers, or too small.

    Raises:
        InputError: names the setting.
    """
    for name, value in values.items():
        least = 0 if name == "seed" else 1
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
            raise InputError.unexpected(name, abbreviate(value), f"a whole number from {least}")


def _class_names(listed: Sequence[str] | None, n_classes: int, where: str, task: str) -> list[str]:
    if listed is None:
        return [str(number) for number in range(n_classes)]
    if len(listed) != n_classes:
        raise InputError.unexpected(
            "class_names", f"{len(listed)} names", f"{n_classes}, one for each {OUTPUT_WORD[task]} of {where}"
        )
    return list(listed)


def _channel_names(channel_names: Sequence[str] | None, n_channels: int) -> list[str]:
    if channel_names is None:
        return [f"channel {number}" for number in range(1, n_channels + 1)]
    listed = names(channel_names, "channel_names")
    if len(listed) != n_channels:
        raise InputError.unexpected("channel_names", f"{len(listed)} names", f"{n_channels}, one for each channel of x")
    return listed


def _rate(value: float | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < math.inf:
        raise InputError.unexpected("sampling_rate_hz", abbreviate(value), "samples per second, above 0")
    return float(value)
