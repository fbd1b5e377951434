"""Turn columns of labels or of values, as a file writes them, into the targets of a multi-label task or a regression.

Reading is strict: a cell that is not exactly what the task needs is refused with its file, row and column. If a value
were taken for another value, or a missing label for "no", a wrong model would be trained without any warning.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers.column_header import Choice
from pellucid.datasets.readers.dialect import MISSING
from pellucid.datasets.readers.labels import Names
from pellucid.datasets.readers.spelling import as_number
from pellucid.datasets.readers.tabular import Table, Target
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORD, REGRESSION, Task

_LARGEST = float(np.finfo(np.float32).max)
# Of the standard deviation of a value: what float32 may change.
_PRECISION = 1e-3


class Targets(NamedTuple):
    """What the examples of all parts have.

    Attributes:
        numbers: by part ("train", "test"): uint8 (N, labels) of 0 and 1, or float32 (N, values).
        names: of the labels or values.
        notes: what a reader must know of them, a sentence each.
    """

    numbers: dict[str, NDArray[Any]]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def labels(parts: Mapping[str, Table], names: Names = None) -> Targets:
    """Return the labels of columns of 0 and 1.

    Args:
        parts: "train" and perhaps "test", with the same columns.
        names: a name for each column in their order, or a mapping from the name of a column to the label's.

    Raises:
        InputError: a cell is neither 0 nor 1, or there are too few names.
    """
    numbers = {}
    for part, table in parts.items():
        columns = [_numbers(table, target, MULTI_LABEL) for target in table.targets]
        for target, column in zip(table.targets, columns, strict=True):
            if (wrong := np.flatnonzero((column != 0) & (column != 1))).size:
                row = int(wrong[0])
                raise InputError.unexpected(
                    _place(table, row, target),
                    f"{column[row]:g}",
                    "0 or 1",
                    "1 means that the example has the label. A column of several classes is task: single_label, one of "
                    "measurements task: regression.",
                )
        numbers[part] = np.stack(columns, 1).astype(np.uint8)
    return Targets(numbers, _names(parts, names, MULTI_LABEL))


def values(parts: Mapping[str, Table], names: Names = None) -> Targets:
    """Return the numbers of columns of values; arguments as those of `labels`.

    Raises:
        InputError: a cell is no finite number, or one that float32 cannot tell from its neighbours.
    """
    numbers = {}
    for part, table in parts.items():
        columns = [_numbers(table, target, REGRESSION) for target in table.targets]
        for target, column in zip(table.targets, columns, strict=True):
            if (wrong := np.flatnonzero(np.abs(column) > _LARGEST)).size:
                where = _place(table, int(wrong[0]), target)
                raise InputError.unexpected(where, f"{column[wrong[0]]:g}", "at most 3e38", "Use another unit.")
            if (np.abs(column - column.astype(np.float32)) > _PRECISION * column.std()).any() and column.std():
                problem = (
                    f"its values lie around {column.mean():g} with a standard deviation of {column.std():g}: float32 "
                    "does not hold them apart."
                )
                raise InputError(f"{table.label}, {target.called}", problem, "Subtract an offset from all of them.")
        numbers[part] = np.stack(columns, 1).astype(np.float32)
    return Targets(numbers, _names(parts, names, REGRESSION))


def words(
    parts: Mapping[str, Table],
    separator: str,
    chosen: Sequence[Choice] | None = None,
    names: Names = None,
    known: Collection[str] = (),
) -> Targets:
    """Return the labels of one column that lists them in words.

    Args:
        parts: "train" and perhaps "test".
        separator: the sign between two words.
        chosen: the words that are labels, in the order of the outputs; None for all, in the order of the alphabet.
        names: a name for each label in their order, or a mapping from word to name.
        known: labels that the model has, which a test example may have though no training example has them.

    Raises:
        InputError: a cell has an empty word, or one twice; a test example has a word that no training example has.
    """
    lists = {
        part: [_split(table, row, separator) for row in range(len(_cells(table)))] for part, table in parts.items()
    }
    train = parts["train"]
    trained = {word for row in lists["train"] for word in row}
    mapping = names if isinstance(names, Mapping) else {}
    labels = sorted(trained) if chosen is None else [str(word) for word in chosen]
    if missing := [word for word in labels if word not in trained and str(mapping.get(word, word)) not in known]:
        found = f"no training example with the label {abbreviate(missing[0])}"
        raise InputError.unexpected(f"{train.label}, labels", found, f"some of {comma_list(sorted(trained)[:20])}")
    numbers, left_out = {}, 0
    for part, rows in lists.items():
        for row, these in enumerate(rows):
            new = [word for word in these if word not in trained and word not in labels]
            new = [word for word in new if str(mapping.get(word, word)) not in known]
            if new and chosen is None:
                where = f"{parts[part].series.place(row, None, None)}, label"
                expected = f"labels of the training examples: {comma_list(labels[:20])}"
                raise InputError.unexpected(where, f"the label {abbreviate(new[0])}", expected)
            labels += [word for word in these if chosen is None and word not in labels]
            left_out += sum(word not in labels for word in these)
    for part, rows in lists.items():
        numbers[part] = np.array([[word in these for word in labels] for these in map(set, rows)], np.uint8)
    notes: tuple[str, ...] = ()
    if left_out:
        notes = (f"{left_out:,} labels of examples are left out: labels names {len(labels)} others.",)
    if max(map(len, lists["train"]), default=0) == 1:
        notes += (
            f'{train.label}: no example has several labels. If a cell such as {abbreviate(labels[0])} lists several, "'
            f'{separator}" is not the sign between them: label_separator.',
        )
    return Targets(numbers, _named(labels, names, train.label, MULTI_LABEL), notes)


def _numbers(table: Table, target: Target, task: Task) -> NDArray[np.float64]:
    """Return the finite numbers of a column, (N,).

    Raises:
        InputError: a cell is empty, a text, NaN or infinite.
    """
    expected = "0 or 1" if task == MULTI_LABEL else "a finite number"
    numbers = np.empty(len(target.cells), np.float64)
    for row, cell in enumerate(target.cells.tolist()):
        # A bool is 0 or 1; a text is what the file has where no number is.
        numbers[row] = number = float("nan") if isinstance(cell, str) else float(cell)
        if not np.isfinite(number):
            found = abbreviate(cell) if isinstance(cell, str) and cell.strip() else "an empty cell"
            found = found if isinstance(cell, str) else str(number)
            raise InputError.unexpected(_place(table, row, target), found, expected, _hint(cell, task))
    return numbers


def _hint(cell: Any, task: Task) -> str:
    if isinstance(cell, str) and as_number(cell, ",") is not None:
        return "Write all numbers of the file with one decimal sign: 1.5."
    if task == MULTI_LABEL:
        return "Whether an example has a label must be known; leave the others out of the file."
    return "Leave out examples whose value is not known."


def _place(table: Table, row: int, target: Target) -> str:
    return f"{table.series.place(row, None, None)}, {target.called}"


def _names(parts: Mapping[str, Table], names: Names, task: Task) -> tuple[str, ...]:
    """Return the names of the columns; of columns without a name, their numbers."""
    train = parts["train"]
    word = OUTPUT_WORD[task]
    for part, table in parts.items():
        if len(table.targets) != len(train.targets):
            found, expected = f"{len(table.targets)} {word}s", f"{len(train.targets)}, as the training examples have"
            raise InputError.unexpected(f"{table.label}, {part}", found, expected)
    only = len(train.targets) == 1
    own = [
        target.name or (word if only else f"{word} {number}") for number, target in enumerate(train.targets, start=1)
    ]
    return _named(own, names, train.label, task)


def _named(own: Sequence[str], names: Names, where: str, task: Task) -> tuple[str, ...]:
    """Return the user's names of labels or values.

    Raises:
        InputError: there is one label alone, or `class_names` has too few or too many names, or one twice.
    """
    if task == MULTI_LABEL and len(own) < 2:
        raise InputError.unexpected(
            f"{where}, labels",
            f"{len(own)} label(s)",
            "two or more",
            "One column of 0 and 1 has two classes: task: single_label, with label: the column.",
        )
    given = list(own)
    if isinstance(names, Mapping) and names:
        if unknown := [str(name) for name in names if str(name) not in own]:
            expected = f"some of {comma_list(own[:20])}"
            raise InputError.unexpected(f"{where}, class_names", f"no column {abbreviate(unknown[0])}", expected)
        given = [str(names.get(name, name)) for name in own]
    elif names:
        if len(names) != len(own):
            expected = f"{len(own)}, in the order {comma_list(own[:20])}"
            raise InputError.unexpected(f"{where}, class_names", f"{len(names)} names", expected)
        given = [str(name) for name in names]
    if twice := [name for name in given if given.count(name) > 1]:
        raise InputError.unexpected(f"{where}, class_names", f"{abbreviate(twice[0])} twice", "another name for each")
    return tuple(given)


def _cells(table: Table) -> NDArray[Any]:
    assert table.labels is not None
    return table.labels


def _split(table: Table, row: int, separator: str) -> list[str]:
    """Return the words of an example's cell; none of an empty cell.

    Raises:
        InputError: a word is empty or there twice, or the cell is a missing value.
    """
    cell = _cells(table)[row]
    text = (cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)).strip()
    if not text:
        return []
    where = f"{table.series.place(row, None, None)}, label"
    if text in MISSING:
        hint = "An empty cell is an example without labels. Give a label of that name another name."
        raise InputError.unexpected(where, abbreviate(text), "words, or an empty cell", hint)
    found = [word.strip() for word in text.split(separator)]
    if "" in found:
        raise InputError.unexpected(where, abbreviate(text), f'words with "{separator}" between them, none empty')
    if len(set(found)) < len(found):
        raise InputError.unexpected(where, abbreviate(text), "each label once")
    return found
