"""A text file of a table, and where in it a value stands."""

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
from pellucid.datasets.readers.tabular import Layout, Table
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list

# 1,234.5 and its like.
_MARKED = re.compile(r"[+-]?[0-9]+([,.'’ ][0-9]+)+")


@dataclass(frozen=True)
class TextFile:
    """A text file, and what is known of it before it is read.

    Attributes:
        path, dialect: the file, and how it is written.
        header: whether its first line, which is line `first` of the file, names the columns.
        columns, layout: what is wanted of it.
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
        """The columns of label and group."""
        return [at for at in (self.columns.label, self.columns.group) if at is not None]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of each row."""
        return islice(self.dialect.lines(self.path), 1 if self.header else 0, None)

    def called(self, at: int) -> str:
        """A column's position and name, for messages; of one beyond the first line's its position."""
        name = self.columns.names[at] if at < self.width else str(at + 1)
        return str(at + 1) if name == str(at + 1) else f"{at + 1} ({comma_list([name])})"


def numbers(cells: Sequence[str], decimal: str) -> list[float] | None:
    """The numbers that cells say, NaN for those that are missing; None if one of them says none."""
    joined = "\0".join(cells)
    plain = cells
    if decimal != ".":
        # Where a comma is the decimal sign, a point may divide thousands.
        joined = joined.replace(".", "_").replace(decimal, ".")
        plain = joined.split("\0")
    # Python takes more for a number than any table means by one: 1_1, digits of other scripts. Else it is as strict as
    # `as_number`, and much faster.
    if joined.isascii() and "_" not in joined:
        try:
            return list(map(float, plain))
        except ValueError:
            pass
    found = [math.nan if cell.strip() in MISSING else as_number(cell, decimal) for cell in cells]
    sure = [number for number in found if number is not None]
    return sure if len(sure) == len(found) else None


def no_number(text: TextFile, line: int, at: int, cell: str) -> InputError:
    """Say that a cell of the signal, in column `at`, is no number."""
    where = f"{text.path}, line {line}, column {text.called(at)}"
    if _MARKED.fullmatch(cell.strip()):
        hint = "Write all numbers with one decimal sign, and without marks between thousands: 1234.5."
        return InputError.unexpected(where, abbreviate(cell), "a number", hint)
    hint = "If this column is no part of the signal, make it the label or the group, or name those that are: signal."
    return InputError.unexpected(where, abbreviate(cell), "a number", hint)


def plain_words(words: NDArray[Any], dialect: Dialect) -> NDArray[Any]:
    """Texts of a column; if all are numbers with the file's decimal sign, with a point."""
    if dialect.decimal == ".":
        return words
    changed = [word.replace(dialect.decimal, ".") if dialect.number(word) is not None else None for word in words]
    return words if None in changed else np.array(changed, object)


def table_of(text: TextFile, series: Series, words: Mapping[int, NDArray[Any]]) -> Table:
    columns = text.columns
    label = f"{text.path}, column {text.called(columns.label)}"
    group = None if columns.group is None else words[columns.group]
    return Table(series, words[columns.label], group, label, columns)
