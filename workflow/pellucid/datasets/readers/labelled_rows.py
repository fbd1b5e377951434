"""Read large CSV files of numbers with a class number in the last column, block by block, into float32."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers.dialect import MISSING, Dialect, encoding, undecodable
from pellucid.datasets.readers.spelling import as_number
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError
from pellucid.messages import abbreviate, first_line

_BLOCK = 2**20  # bytes of text
_LONGEST_LINE = 2**20  # bytes
_DIALECT = Dialect("utf-8-sig", ",")


def read_labelled_rows(
    path: Path | str, *, columns: int, classes: int, scratch: SpillBuffer | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read rows of `columns - 1` values and a class label in the last column; no header.

    Args:
        path: the file.
        columns: number of columns, with the label's.
        classes: number of classes.
        scratch: where the values are put; in memory without it.

    Returns:
        x: float32 (rows, columns - 1), mapped from a file if the scratch has put it into one; y: int64 (rows,).

    Raises:
        InputError: the file is empty, a row has another length, a cell is no finite number, or a label is no whole
            number from 0 to `classes` - 1; the message names the line.
    """
    path, room, labels = Path(path), scratch or SpillBuffer(), list[NDArray[np.int64]]()

    def values() -> Iterator[NDArray[np.float32]]:
        row = 0
        for table in _tables(path, columns):
            _check(table, path, row, classes)
            labels.append(table[:, -1].astype(np.int64))
            row += len(table)
            yield table[:, :-1]
        if not row:
            raise InputError.unexpected(str(path), "an empty file", f"rows of {columns} numbers")

    try:
        x = room.array(values())
    except UnicodeDecodeError:
        raise undecodable(path) from None
    return x, np.concatenate(labels)


def _tables(path: Path, columns: int) -> Iterator[NDArray[np.float32]]:
    """Yield the rows of about a megabyte of text at a time.

    Arrow rounds every number correctly, and accepts nothing but numbers.

    Raises:
        InputError: the file is no text in UTF-8, a row has another length, or a cell is no number.
    """
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import csv

    name = str(path)
    if encoding(path) == "utf-16":
        raise InputError.unexpected(name, "a text in UTF-16", "a text file in UTF-8")
    with path.open("rb") as file:
        cells = file.readline(_LONGEST_LINE).count(b",") + 1
    if not path.stat().st_size:
        return
    if cells != columns:
        raise InputError.unexpected(name, f"rows of {cells:,} columns", f"rows of {columns} columns")
    names = [str(number) for number in range(columns)]
    try:
        # Read the bytes as they are: by the name of a file Arrow would unpack it, to any size.
        with pa.OSFile(name) as text:
            reader = csv.open_csv(
                text,
                read_options=csv.ReadOptions(column_names=names, block_size=_BLOCK),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.float32()), null_values=sorted(MISSING), check_utf8=False
                ),
            )
            for batch in reader:
                yield np.column_stack([column.to_numpy(zero_copy_only=False) for column in batch.columns])
    except pa.ArrowInvalid as error:
        reason = first_line(error)
        raise _first_fault(path, columns) or InputError.unexpected(
            name, f"a file that cannot be parsed ({reason})", f"rows of {columns} numbers"
        ) from None


def _check(table: NDArray[np.float32], path: Path, first: int, classes: int) -> None:
    """Refuse values that are not finite, and labels that are no class; `first` is the table's first row in the file."""
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        where = f"{path}, line {_line(path, first + int(row))}, column {column + 1}"
        raise InputError.unexpected(where, "an empty cell, NaN or infinity", "a finite number")
    labels = table[:, -1]
    wrong = np.flatnonzero((labels != np.floor(labels)) | (labels < 0) | (labels >= classes))
    if wrong.size:
        where = f"{path}, line {_line(path, first + int(wrong[0]))}, last column"
        raise InputError.unexpected(where, f"the label {labels[wrong[0]]:g}", f"a whole number from 0 to {classes - 1}")


def _line(path: Path, row: int) -> int:
    """Return the line number of a row: blank lines are no rows."""
    return next((line for line, _ in islice(_DIALECT.lines(path), row, None)), row + 1)


def _first_fault(path: Path, columns: int) -> InputError | None:
    """Return the error of the first row of another length, or of the first cell that is no number."""
    for line, cells in _DIALECT.lines(path):
        where = f"{path}, line {line}"
        if len(cells) != columns:
            return InputError.unexpected(where, f"{len(cells):,} columns", f"{columns}")
        for column, cell in enumerate(cells, 1):
            if cell not in MISSING and as_number(cell) is None:
                return InputError.unexpected(f"{where}, column {column}", abbreviate(cell), "a number")
    return None
