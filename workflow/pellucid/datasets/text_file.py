"""A text file of a table, and where in it a value stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.columns import Columns
from pellucid.datasets.completion import Series
from pellucid.datasets.dialect import MISSING, Dialect
from pellucid.datasets.tabular import Layout, Table
from pellucid.errors import InputError

_TRUTH = re.compile(rb"true|false", re.IGNORECASE)
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
        """A column's position and name, for messages."""
        name = self.columns.names[at]
        return str(at + 1) if name == str(at + 1) else f"{at + 1} ({name})"

    def unequal(self) -> bool:
        return any(len(cells) != self.width for _, cells in self.dialect.lines(self.path))


class Size(NamedTuple):
    """What a file holds: at least as many lines as rows; delimiters; whether "true" or "false" is anywhere in it."""

    lines: int
    delimiters: int
    truths: bool


def measure(path: Path, dialect: Dialect) -> Size:
    """Count in the bytes of a file.

    Raises:
        InputError: a byte that is in no text.
    """
    wide = dialect.encoding == "utf-16"
    lines, delimiters, truths, end = 1, 0, wide, b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            lines += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
            delimiters += block.count(dialect.delimiter.encode())
            if not wide and b"\0" in block:
                raise InputError(str(path), "a zero byte, which is in no text", "a text file in UTF-8")
            # Single letters, of which numbers have none, are found much faster than words.
            if not truths and any(letter in block for letter in (b"u", b"U", b"l", b"L")):
                truths = bool(_TRUTH.search(end + block))
            end = block[-4:]
    return Size(lines, delimiters, truths)


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


def first_text(text: TextFile) -> InputError | None:
    """Find the first cell of the signal that is no number."""
    signal = sorted(text.columns.signal)
    for line, cells in text.rows():
        for at in signal:
            if at < len(cells) and not _is_value(text, cells[at]):
                where = f"{text.path}, line {line}, column {text.called(at)}"
                if _MARKED.fullmatch(cells[at].strip()):
                    hint = "Write all numbers with one decimal sign, and without marks between thousands: 1234.5."
                    return InputError(where, f'"{cells[at]}"', "a number", hint)
                if cells[at].strip() in MISSING:
                    return InputError(where, f'"{cells[at]}"', "a missing value without blanks around it")
                hint = (
                    "If this column is no part of the signal, make it the label or the group, or name those that are: "
                    "signal."
                )
                return InputError(where, f'"{cells[at]}"', "a number", hint)
    return None


def _is_value(text: TextFile, cell: str) -> bool:
    # pandas takes a marker for what it is if there are no blanks around it.
    return cell in MISSING or text.dialect.number(cell) is not None


def placer(text: TextFile) -> Callable[[int, int | None, int | None], str]:
    """Names line and column of a value; the file is read once more for it, since blank lines are no rows."""

    def place(row: int, time: int | None, channel: int | None) -> str:
        line = next(islice(text.rows(), row, None))[0]
        if time is None:
            return f"{text.path}, line {line}"
        at = text.layout.column_of(text.columns.signal, time, channel or 0)
        return f"{text.path}, line {line}, column {text.called(at)}"

    return place
