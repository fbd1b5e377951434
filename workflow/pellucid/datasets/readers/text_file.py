"""A text file that holds a table: its rows, its numbers, and the names of places in it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers.columns import Columns
from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.dialect import MISSING, Dialect
from pellucid.datasets.readers.spelling import as_number
from pellucid.datasets.readers.tabular import Layout, Table, Target
from pellucid.errors import InputError
from pellucid.messages import abbreviate

# Numbers with marks between thousands, such as 1,234.5.
_MARKED = re.compile(r"[+-]?[0-9]+([,.'’ ][0-9]+)+")


@dataclass(frozen=True)
class TextFile:
    """A text file, with what is known before it is read.

    Attributes:
        path, dialect: the file, and how it writes a table.
        header: whether the first row, which is line `first` of the file, names the columns.
        columns, layout: the columns to read, and how to read them.
    """

    path: Path
    dialect: Dialect
    header: bool
    first: int
    columns: Columns
    layout: Layout

    @property
    def width(self) -> int:
        return len(self.columns.names)

    @property
    def texts(self) -> list[int]:
        """Return the columns of label, group and targets."""
        return list(self.columns.words)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield line number and cells of each row."""
        return islice(self.dialect.lines(self.path), 1 if self.header else 0, None)

    def called(self, at: int) -> str:
        """Return a column's position and name, for messages; only the position beyond the end of the first line."""
        return self.columns.called(at)


def numbers(cells: Sequence[str], decimal: str) -> list[float] | None:
    """Return the numbers in cells, NaN for missing values; None if a cell holds no number."""
    joined = "\0".join(cells)
    plain = cells
    if decimal != ".":
        # If a comma is the decimal sign, a point may separate thousands.
        joined = joined.replace(".", "_").replace(decimal, ".")
        plain = joined.split("\0")
    # Python's float accepts 1_1 and digits of other scripts; without these it is as strict as `as_number`, and faster.
    if joined.isascii() and "_" not in joined:
        try:
            return list(map(float, plain))
        except ValueError:
            pass
    parsed = [math.nan if cell.strip() in MISSING else as_number(cell, decimal) for cell in cells]
    values = [number for number in parsed if number is not None]
    return values if len(values) == len(parsed) else None


def no_number(text: TextFile, line: int, at: int, cell: str) -> InputError:
    """Return the error of a cell of the signal, in column `at`, that is no number."""
    where = f"{text.path}, line {line}, column {text.called(at)}"
    if _MARKED.fullmatch(cell.strip()):
        hint = "Write all numbers with one decimal sign, and without marks between thousands: 1234.5."
        return InputError.unexpected(where, abbreviate(cell), "a number", hint)
    hint = "If this column is not in the signal, make it the label or the group, or name the signal's columns: signal."
    return InputError.unexpected(where, abbreviate(cell), "a number", hint)


def plain_words(words: NDArray[Any], dialect: Dialect) -> NDArray[Any]:
    """Return the texts of a column; if all are numbers, with a point as their decimal sign."""
    if dialect.decimal == ".":
        return words
    changed = [word.replace(dialect.decimal, ".") if dialect.number(word) is not None else None for word in words]
    return words if None in changed else np.array(changed, object)


def numbers_or_texts(words: Sequence[str], dialect: Dialect) -> NDArray[Any]:
    """Return the cells of a column of labels or values: those that are numbers as floats, the others as texts."""
    cells = np.empty(len(words), object)
    cells[:] = [word if (number := dialect.number(word)) is None else number for word in words]
    return cells


def table_of(text: TextFile, series: Series, words: Mapping[int, NDArray[Any]]) -> Table:
    """Return the table of a signal and of the texts of label, group and targets by their column."""
    columns = text.columns
    label = str(text.path) if columns.label is None else f"{text.path}, column {text.called(columns.label)}"
    labels, group = (None if at is None else words[at] for at in (columns.label, columns.group))
    targets = tuple(Target(columns.names[at], f"column {text.called(at)}", words[at]) for at in columns.targets)
    return Table(series, labels, group, label, columns, targets)
