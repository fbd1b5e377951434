"""Read a table from a text file (.csv, .tsv, .txt), the signal in one pass into one array."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import ragged
from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.dialect import Dialect, sniff, undecodable
from pellucid.datasets.readers.headers import is_header
from pellucid.datasets.readers.tabular import Layout, Table
from pellucid.datasets.readers.text_file import TextFile, no_number, numbers, numbers_or_texts, plain_words, table_of
from pellucid.errors import InputError
from pellucid.messages import abbreviate

# Lines, and cells, with which the first line is compared to see whether it is a header.
_COMPARED = 30
_COMPARED_CELLS = 100_000


def read(path: Path, layout: Layout) -> Table:
    """Read a file whose cells are separated by commas, semicolons, tabs, bars or blanks.

    Raises:
        InputError: the file is empty, a column is missing, rows have other lengths, or a cell is no number; the message
            names line and column.
    """
    try:
        dialect = sniff(path)
        lines = _first_lines(path, dialect)
        if not lines:
            raise InputError.unexpected(str(path), "an empty file", "a row for each example")
        line, first = lines[0]
        if len(first) == 1 and len(lines) > 1 and len(lines[1][1]) == 1:
            expected = "columns separated by commas, semicolons, tabs, bars or blanks"
            raise InputError.unexpected(f"{path}, line {line}", "only one column", expected)
        if len(first) == 1 and len(lines) > 1:
            expected = f"names of columns, or an example: line {lines[1][0]} has {len(lines[1][1])} cells"
            raise InputError.unexpected(
                f"{path}, line {line}", "only one cell", expected, "Remove titles and comments."
            )
        header = layout.header
        if header is None:
            header = is_header(
                first,
                [cells for _, cells in lines[1:]],
                number=dialect.number,
                recurs=lambda at: _recurs(path, dialect, at),
                label=layout.label_at,
                known=layout.known_names,
                where=f"{path}, line {line}",
            )
        names = first if header else len(first)
        table = _read(TextFile(path, dialect, header, line, layout.choose(names, str(path)), layout))
        if layout.header is None and not header and layout.like is None:
            _require_an_example(table, f"{path}, line {line}")
        return table
    except UnicodeDecodeError:
        raise undecodable(path) from None


def _first_lines(path: Path, dialect: Dialect) -> list[tuple[int, list[str]]]:
    """Return the first line and the lines to compare it with: only one where lines are very long."""
    lines, cells = [], 0
    for line in islice(dialect.lines(path), _COMPARED + 1):
        lines.append(line)
        cells += len(line[1])
        if len(lines) > 1 and cells > _COMPARED_CELLS:
            break
    return lines


def _recurs(path: Path, dialect: Dialect, at: int) -> bool:
    """Return whether the first line's cell in a column occurs there again."""
    lines = (cells for _, cells in dialect.lines(path))
    first = next(lines)[at].strip()
    return any(len(cells) > at and cells[at].strip() == first for cells in lines)


def _read(text: TextFile) -> Table:
    """Read all rows, cell by cell."""
    columns, width, layout = text.columns, text.width, text.layout
    layout.require_whole_channels(str(text.path), len(columns.signal))
    before, after = ragged.count_around(text)
    values, lengths, lines = array("d"), array("q"), array("q")
    words: dict[int, list[str]] = {at: [] for at in text.texts}
    unequal = False
    for line, cells in text.rows():
        if len(cells) == width:
            signal = [cells[at] for at in columns.signal]
        else:
            if not unequal:
                ragged.require_clear_columns(text)
                unequal = True
            signal = cells[before : len(cells) - after]
        if (row := numbers(signal, text.dialect.decimal)) is None:
            at = next(at for at, cell in enumerate(signal) if numbers([cell], text.dialect.decimal) is None)
            raise no_number(text, line, columns.signal[at] if len(cells) == width else before + at, signal[at])
        values.extend(row)
        lengths.append(len(row))
        lines.append(line)
        for at, column in words.items():
            # Counted from the nearer end of the line, since lines may have unequal lengths.
            column.append(cells[at - width if at >= before else at])
    if not lines:
        raise InputError.unexpected(str(text.path), "a header and no row", "a row for each example")
    texts = {at: plain_words(np.array(column, object), text.dialect) for at, column in words.items()}
    # A cell at a time: in a file with decimal commas, 1.5 is no number, and must not become one.
    texts |= {at: numbers_or_texts(words[at], text.dialect) for at in columns.targets}
    return table_of(text, _series(text, np.frombuffer(values), np.array(lengths), lines, unequal), texts)


def _series(
    text: TextFile, values: NDArray[np.float64], lengths: NDArray[np.int64], lines: Sequence[int], unequal: bool
) -> Series:
    """Return the signals of all lines from their values one after another."""
    before, _ = ragged.count_around(text)

    def place(row: int, time: int | None, channel: int | None) -> str:
        where = f"{text.path}, line {lines[row]}"
        if time is None:
            return where
        if unequal:
            return f"{where}, column {before + time + 1}"
        return f"{where}, column {text.called(text.layout.column_of(text.columns.signal, time, channel or 0))}"

    # float64, to be cast after scaling: of 10 MHz ± 1 Hz float32 would keep only the 10 MHz.
    if unequal:
        return Series(ragged.padded(values, lengths, str(text.path))[:, :, np.newaxis], place, lengths)
    return Series(text.layout.shaped(values.reshape(len(lines), -1)), place)


def _require_an_example(table: Table, where: str) -> None:
    """Refuse a first line that may be a header: only its label occurs once in the file."""
    if table.labels is None:
        return
    counts = Counter(map(str, table.labels))
    first = str(table.labels[0])
    if len(counts) > 2 and counts.pop(first) == 1 and min(counts.values()) > 1:
        raise InputError.unexpected(
            where,
            f"the label {abbreviate(first)}, which no other line has",
            "a line that is clearly names of columns or clearly an example",
            "Say which it is: header: true for names, header: false for an example.",
        )
