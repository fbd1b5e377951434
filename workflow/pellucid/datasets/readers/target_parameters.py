"""The parameters of the tasks: which columns hold labels or values, and which settings fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from pellucid.datasets.readers.column_header import Choice
from pellucid.errors import InputError
from pellucid.parameters import UNIQUE
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL

TaskName = Annotated[
    Literal["single_label", "multi_label", "regression"],
    Field(
        description="what the model learns. single_label: one class of several. multi_label: any number of labels "
        "(labels, or label_separator). regression: measured numbers (values)"
    ),
]
LabelColumns = Annotated[
    Sequence[Choice] | None,
    Field(
        min_length=1,
        json_schema_extra=UNIQUE,
        description="for task: multi_label. The columns of the labels, each 0 or 1: names, patterns or positions; in "
        "an .npz, the keys of arrays (N,). Absent for an .npz whose y is (N, labels); class_names then names the "
        "labels. With label_separator: the words that are labels; other words are left out",
    ),
]
Separator = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=5,
        description="for task: multi_label. The column label lists the labels of each example as words; this is the "
        'sign between them, such as ";". An empty cell is an example without labels',
    ),
]
ValueColumns = Annotated[
    Sequence[Choice] | None,
    Field(
        min_length=1,
        json_schema_extra=UNIQUE,
        description="for task: regression. The columns of the values: names, patterns or positions; in an .npz, the "
        "keys of arrays (N,). Absent: the value is the column label, by default the last; in an .npz it is y, (N,) or "
        "(N, values)",
    ),
]
Units = Annotated[
    Sequence[str] | None,
    Field(description="for task: regression. The unit of each value, in the same order, for figures"),
]
# The tasks for which a parameter has a meaning.
_FOR_TASK: dict[str, tuple[str, ...]] = {
    "labels": (MULTI_LABEL,),
    "label_separator": (MULTI_LABEL,),
    "values": (REGRESSION,),
    "units": (REGRESSION,),
}


def check(parameters: Mapping[str, Any], where: str = "table") -> None:
    """Refuse parameters that do not fit the task, before any file is read.

    Raises:
        InputError: such parameters.
    """
    task = parameters.get("task", SINGLE_LABEL)
    stated = {key: parameters[key] for key in _FOR_TASK if parameters.get(key) is not None}
    for key in stated:
        if task not in _FOR_TASK[key]:
            expected = f"none, or task: {' or '.join(_FOR_TASK[key])}"
            raise InputError.unexpected(f"{where}.{key}", f"a value, and task: {task}", expected)
    if task == SINGLE_LABEL:
        return
    label, columns = parameters.get("label", -1), "labels" if task == MULTI_LABEL else "values"
    if parameters.get("classes"):
        hint = f"{columns} names what is read."
        raise InputError.unexpected(f"{where}.classes", f"names of classes, and task: {task}", "none", hint)
    if label == "file":
        raise InputError.unexpected(f"{where}.label", f"file, and task: {task}", f"columns: {columns}")
    if columns in stated and "label_separator" not in stated and label != -1:
        raise InputError.unexpected(f"{where}.label", f"a column, and {columns}", "one of the two")
    if "label_separator" in stated and label == "none":
        raise InputError.unexpected(f"{where}.label", "none, and label_separator", "the column that lists the labels")
    if task == MULTI_LABEL and label != "none" and not {"labels", "label_separator"} & set(stated):
        files = [name for name in _as_list(parameters.get("file", ())) if not name.endswith(".npz")]
        if files:
            hint = 'labels: [column, …] for columns of 0 and 1, or label: column and label_separator: ";" for words.'
            raise InputError.unexpected(f"{where}.labels", "nothing, and task: multi_label", "the columns", hint)


def _as_list(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
