"""Refuse labels and values that no model can learn from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.base import RawData
from pellucid.errors import InputError
from pellucid.messages import abbreviate, format_shape
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORDS

# Examples of a regression: some for each split.
_FEWEST = 3


def require_form(y: NDArray[Any], raw: RawData, count: int, where: str) -> None:
    """Refuse labels or values that have not the form of their task (`Examples.y`).

    Args:
        y: of `count` examples.
        raw: whose task and names they have.
        where: of the examples, for messages.

    Raises:
        InputError: such labels or values.
    """
    expected = (count, len(raw.classes))
    if y.shape != expected:
        words = OUTPUT_WORDS[raw.task]
        found = f"{words} of shape {format_shape(y.shape)}"
        raise InputError.unexpected(
            where, found, f"{format_shape(expected)}: {len(raw.classes)} {words} of each example"
        )
    if raw.task == MULTI_LABEL and not np.isin(y, (0, 1)).all():
        row, label = np.argwhere(~np.isin(y, (0, 1)))[0]
        found = f"{y[row, label]} for the label {abbreviate(raw.classes[label])} of example {row}"
        raise InputError.unexpected(where, found, "0 or 1")
    if not np.isfinite(y).all():
        row, value = np.argwhere(~np.isfinite(y))[0]
        found = f"{y[row, value]} for the value {abbreviate(raw.classes[value])} of example {row}"
        raise InputError.unexpected(where, found, "a finite number")


def drawn_splits(raw: RawData) -> list[str]:
    """Return the splits that the source's training examples are divided into: those for which it has no own set."""
    sets = {"training": None, "validation": raw.validation, "test": raw.test}
    return [name for name, examples in sets.items() if examples is None]


def in_words(splits: list[str]) -> str:
    """Return the names of splits as "training, validation and test"."""
    return " and ".join([", ".join(splits[:-1]), splits[-1]] if len(splits) > 1 else splits)


def require_learnable(raw: RawData, where: str, *, all_occur: bool) -> None:
    """Refuse a label that hardly any example has or lacks, and a value that is the same for all.

    Args:
        raw: what the source gave.
        where: the training examples, for messages.
        all_occur: whether an example must have each label; a model with its own list of labels may have others.

    Raises:
        InputError: such a label or value, or too few examples for the splits.
    """
    drawn = drawn_splits(raw)
    y, each, enough = raw.train.y, in_words(drawn), len(drawn)
    if raw.task != MULTI_LABEL:
        if len(y) < _FEWEST:
            raise InputError.unexpected(where, f"{len(y)} example(s)", f"at least {_FEWEST}, one for each split")
        for name, column in zip(raw.classes, y.T, strict=True):
            if (column == column[0]).all():
                found = f"{column[0]:g} as the value {abbreviate(name)} of every example"
                raise InputError.unexpected(where, found, "values that differ", "There is nothing to learn.")
        return
    hint = "Leave the label out, or give more examples."
    for name, positives in zip(raw.classes, y.sum(0, np.int64).tolist(), strict=True):
        if positives < enough and (positives or all_occur):
            found = f"{positives or 'no'} example(s) with the label {abbreviate(name)}"
            raise InputError.unexpected(where, found, f"at least {enough}, one for each of {each}", hint)
        if len(y) - positives < enough:
            found = f"{len(y) - positives or 'no'} example(s) without the label {abbreviate(name)}"
            raise InputError.unexpected(where, found, f"at least {enough}, one for each of {each}", hint)
