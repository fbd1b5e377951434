"""Texts that several figures have in their headings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from pellucid import files
from pellucid.data_info import DataInfo
from pellucid.datasets.base import UNLABELLED
from pellucid.draw.shared import task_heading
from pellucid.messages import format_shape
from pellucid.score.shared import example_groups
from pellucid.score.shared.bootstrap import FEWEST_GROUPS
from pellucid.tasks import SINGLE_LABEL

if TYPE_CHECKING:
    import pandas as pd


def of_example(data_info: DataInfo, arrays: Mapping[str, NDArray[Any]], index: int) -> str:
    """Return the true class if it is known, the predicted class if it differs, and its probability.

    Of several labels or values, see `task_heading.of_answer`.
    """
    if task_heading.task_of(data_info) != SINGLE_LABEL:
        return task_heading.of_answer(data_info, arrays, index)
    classes = data_info["classes"]
    label, predicted = int(arrays["labels"][index]), int(arrays["predictions"][index])
    p = arrays["probabilities"][index, predicted]
    if label == UNLABELLED:
        return f"taken for {classes[predicted]}, p = {p:.2f}"
    return f"{classes[label]}{'' if label == predicted else f' → {classes[predicted]}'}, p = {p:.2f}"


def at_most(counts: Iterable[int], what: str) -> str:
    """Return how many examples were scored at most, such as "up to 1,500 measured examples"."""
    return f"up to {max(map(int, counts)):,} {what}"


def over_groups(table: pd.DataFrame) -> str:
    """Return over how many groups of examples intervals are, or why there are none; "" where they are over examples."""
    if example_groups.COLUMN not in table:
        return ""
    number = int(table[example_groups.COLUMN].max())
    if number < FEWEST_GROUPS:
        return f"no 95% intervals: {example_groups.too_few(number)}"
    return f"95% intervals are over groups of examples (recordings, patients; up to {number:,})"


def of_count(shown: int, total: int, what: str) -> str:
    """Return how many of how many are shown."""
    return f"{shown} of {total} {what}" if shown < total else f"all {total} {what}"


def of_field(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return how much of the input a unit sees: the sizes in the first column of `field` (axes, 4), or all of it."""
    field = arrays["field"]
    unit = "samples" if len(field) == 1 else "pixels"
    return "the whole input" if arrays["whole"] else f"{format_shape(field[:, 0])} {unit}"


def of_chance(chance: Path | str | None) -> str:
    """Return the warning about a model that is no better than chance, from `chance.json`; "" for any other model."""
    return str(files.read_json(chance)["headline"]) if chance else ""
