"""The true answers that the caller passes: the class of each example, its labels, or its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.api import arrays
from pellucid.datasets.base import UNLABELLED
from pellucid.errors import InputError
from pellucid.messages import format_shape
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL


def passed(examples: Mapping[str, NDArray[Any]], task: str) -> NDArray[Any] | None:
    """Return the true answers that the caller passed; None where they are not known."""
    if task != SINGLE_LABEL:
        return examples.get("answers")
    return None if (examples["labels"] == UNLABELLED).all() else examples["labels"]


def read(values: Any, name: str, n: int, outputs: Sequence[str], task: str, examples: str = "x") -> NDArray[Any]:
    """Return the answers in the form of the workflow's `labels.npz`.

    Args:
        values: of the caller.
        name: of the argument.
        n: number of examples.
        outputs: names of the classes, labels or values.
        task: of the model.
        examples: the argument that holds the examples.

    Returns:
        int64 (n,) classes; uint8 (n, labels), 1 where the example has the label; or float32 (n, values).

    Raises:
        InputError: another shape, or answers of another task.
    """
    if task == MULTI_LABEL:
        return _labels(values, name, n, outputs, examples)
    if task == REGRESSION:
        return _values(values, name, n, outputs, examples)
    # The class of a single example may come without a list.
    several = [values] if n == 1 and np.ndim(values) == 0 else values
    return arrays.classes(several, name, n, outputs, examples)


def _labels(values: Any, name: str, n: int, outputs: Sequence[str], examples: str) -> NDArray[np.uint8]:
    """Return rows of 0 and 1 from such rows, or from a list of names for each example."""
    expected = f"{n} × {len(outputs)} of 0 and 1, or a list of names for each example of {examples}"
    if isinstance(values, Sequence) and not isinstance(values, str) and _are_names(values):
        if len(values) != n:
            raise InputError.unexpected(name, f"{len(values)} lists of names", expected)
        answers = np.zeros((n, len(outputs)), np.uint8)
        for row, names in enumerate(values):
            for label in names:
                answers[row, arrays.single(label, name, outputs, "label")] = 1
        return answers
    array = arrays.numbers(values, name)
    array = array[np.newaxis] if n == 1 and array.shape == (len(outputs),) else array
    if array.shape != (n, len(outputs)):
        raise InputError.unexpected(name, f"shape {format_shape(array.shape) or '()'}", expected)
    if not np.isin(array, (0, 1)).all():
        raise InputError.unexpected(name, f"values from {array.min():.4g} to {array.max():.4g}", expected)
    return array.astype(np.uint8)


def _are_names(values: Sequence[Any]) -> bool:
    """Return whether every entry is a list of texts."""
    lists = all(isinstance(entry, list | tuple | set) for entry in values)
    return lists and all(isinstance(label, str) for entry in values for label in entry)


def _values(values: Any, name: str, n: int, outputs: Sequence[str], examples: str) -> NDArray[np.float32]:
    """Return rows of values; a list of numbers, where there is one value."""
    array = arrays.numbers(values, name)
    array = array.reshape(n, 1) if len(outputs) == 1 and array.size == n and array.ndim < 2 else array
    array = array[np.newaxis] if n == 1 and array.shape == (len(outputs),) else array
    if array.shape != (n, len(outputs)):
        expected = f"{n} × {len(outputs)}, the values of each example of {examples}"
        raise InputError.unexpected(name, f"shape {format_shape(array.shape) or '()'}", expected)
    return array
