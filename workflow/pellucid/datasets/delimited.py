"""Reading text files of any layout in one pass, the signal straight into one float64 array."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets import ragged
from pellucid.datasets.completion import Series
from pellucid.datasets.dialect import BLANKS, MISSING, Dialect, sniff, undecodable
from pellucid.datasets.headers import is_header
from pellucid.datasets.tabular import Layout, Table, rows_at_a_time
from pellucid.datasets.text_file import TextFile, first_text, measure, placer, plain_words, table_of
from pellucid.errors import InputError

# Lines that the first one is compared with, to see whether it is a header.
_COMPARED = 30


def read(path: Path, layout: Layout) -> Table:
    """Read a file of cells that are divided by commas, semicolons, tabs, bars or blanks.

    Raises:
        InputError: an empty file, a missing column, rows of another length, a cell that is no number; the message
            names line and column.
    """
    try:
        dialect = sniff(path)
        lines = list(islice(dialect.lines(path), _COMPARED + 1))
        if not lines:
            raise InputError(str(path), "an empty file", "a row for each example")
        line, first = lines[0]
        if len(first) == 1 and len(lines) > 1 and len(lines[1][1]) == 1:
            expected = "columns that are divided by commas, semicolons, tabs, bars or blanks"
            raise InputError(f"{path}, line {line}", "one column alone", expected)
        if len(first) == 1 and len(lines) > 1:
            expected = f"names of columns, or an example: line {lines[1][0]} has {len(lines[1][1])} cells"
            raise InputError(f"{path}, line {line}", "one cell alone", expected, "Leave out titles and comments.")
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
    except UnicodeDecodeError as error:
        raise undecodable(path, error) from None
    except csv.Error as error:
        raise InputError(str(path), f"a file that cannot be parsed ({error})", "rows of cells") from None


def _recurs(path: Path, dialect: Dialect, at: int) -> bool:
    """Whether what the first line has in a column stands there again."""
    lines = (cells for _, cells in dialect.lines(path))
    first = next(lines)[at].strip()
    return any(len(cells) > at and cells[at].strip() == first for cells in lines)


def _read(text: TextFile) -> Table:
    """Read all rows with pandas; those of unequal lengths cell by cell."""
    order = np.array(text.columns.signal)
    text.layout.require_whole_channels(str(text.path), len(order))
    size = measure(text.path, text.dialect)
    # Cast when they have been scaled: of 10 MHz ± 1 Hz float32 would keep the 10 MHz alone.
    x = np.empty((size.lines, len(order)), np.float64)
    words: dict[int, list[NDArray[Any]]] = {at: [] for at in text.texts}
    short, count = False, 0
    try:
        for chunk in _chunks(text):
            stop = count + len(chunk)
            x[count:stop] = chunk[order].to_numpy()
            for at, parts in words.items():
                parts.append(chunk[at].to_numpy(dtype=object))
            short = short or bool(chunk[text.width - 1].isna().any())
            count = stop
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError):  # a ParserError is one too
        if text.unequal():
            return ragged.read(text)
        raise first_text(text) or InputError(str(text.path), "a cell that is no number", "numbers alone") from None
    if count == 0:
        raise InputError(str(text.path), "a header and no row", "a row for each example")
    # The parser fills up what a line lacks and drops what it has too much; a comma in quotes is no fault.
    doubtful = short or text.dialect.delimiter == BLANKS or size.delimiters != (count + text.header) * (text.width - 1)
    if doubtful and text.unequal():
        return ragged.read(text)
    # It takes a column of True and False for 1 and 0.
    if size.truths and (fault := first_text(text)):
        raise fault
    found = {at: plain_words(np.concatenate(parts), text.dialect) for at, parts in words.items()}
    return table_of(text, Series(text.layout.shaped(x[:count]), placer(text)), found)


def _chunks(text: TextFile) -> Iterator[Any]:
    """Frames of rows, of the columns that are used."""
    import pandas as pd

    columns, delimiter = text.columns, text.dialect.delimiter
    # The last column shows which lines are short, whether it is asked for or not.
    used = sorted({*columns.signal, *text.texts, text.width - 1})
    yield from pd.read_csv(
        text.path,
        sep=r"\s+" if delimiter == BLANKS else delimiter,
        decimal=text.dialect.decimal,
        header=None,
        names=range(text.width),
        usecols=used,
        index_col=False,
        skiprows=text.first if text.header else 0,
        dtype={position: np.float64 if position in columns.signal else str for position in used},
        keep_default_na=False,
        na_values=dict.fromkeys(columns.signal, MISSING),
        encoding=text.dialect.encoding,
        chunksize=rows_at_a_time(text.width),
    )


def _require_an_example(table: Table, where: str) -> None:
    """Refuse a first line whose label no other line has, where every other label recurs: it may be a header.

    Raises:
        InputError: as said.
    """
    values, counts = np.unique(table.labels.astype(np.str_), return_counts=True)
    first = values == str(table.labels[0])
    if len(values) > 2 and counts[first].sum() == 1 and (counts[~first] > 1).all():
        raise InputError(
            where,
            f'the label "{table.labels[0]}", which no other line has',
            "a first line of which it is clear whether it is a header",
            "header: true takes the first line for names, header: false for an example.",
        )
