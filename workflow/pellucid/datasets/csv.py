"""Reading large CSV files of numbers in one pass, block by block, straight into float32."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.dialect import MISSING, Dialect, encoding, undecodable
from pellucid.datasets.labels import as_number
from pellucid.datasets.scratch import Scratch
from pellucid.errors import InputError
from pellucid.wording import shown

_ROWS = 4096  # read at a time: of 188 columns 3 MB
_LONGEST_LINE = 2**20  # bytes
_DIALECT = Dialect("utf-8-sig", ",")
# What numbers in plain digits are made of; and what may stand around them.
_PLAIN, _HARMLESS = b"0123456789.,+-eE\r\n", b' \t"\xef\xbb\xbf'
# Beginnings of numbers that need care: signs, and zeros before the first digit that counts. The zero of the published
# files, of which a half is nothing else, needs none.
_CARE = (b",-", b",+", b",0000000", b",.000000")
_ZEROS, _ZERO = b",0.000000", b",0.000000000000000000e+00"


def read_labelled_rows(
    path: Path | str, *, columns: int, classes: int, scratch: Scratch | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read rows of `columns - 1` values and a class label in the last column; no header.

    Args:
        path: the file.
        columns: the label's included.
        classes: how many there are.
        scratch: where the values are put; in memory without it.

    Returns:
        x: float32 (rows, columns - 1), mapped where the scratch has put it into a file; y: int64 (rows,).

    Raises:
        InputError: an empty file, a row of another length, a cell that is no finite number, a label that is no whole
            number from 0 to `classes` - 1; the message names the line.
    """
    path, room, labels = Path(path), scratch or Scratch(), list[NDArray[np.int64]]()

    def values() -> Iterator[NDArray[np.float32]]:
        row = 0
        for table in _tables(path, columns, room):
            _check(table, path, row, columns, classes)
            labels.append(table[:, -1].astype(np.int64))
            row += len(table)
            yield table[:, :-1]

    try:
        x = room.array(values())
    except UnicodeDecodeError:
        raise undecodable(path) from None
    return x, np.concatenate(labels)


def _tables(path: Path, columns: int, room: Scratch) -> Iterator[NDArray[np.float32]]:
    """The rows as they are: at once where the file as text would fit into memory, else in blocks, which is slower."""
    import pandas as pd

    name, size = str(path), path.stat().st_size
    precision = _precision(path, columns)
    try:
        # No file has more rows than bytes.
        rows = max(size, 1) if room.holds(size) else _ROWS
        # The text itself is read, whatever the name says: unpacked, it may be of any size.
        with pd.read_csv(
            path, header=None, dtype=np.float32, chunksize=rows, compression=None, float_precision=precision
        ) as reader:
            for frame in reader:
                yield frame.to_numpy()
    except pd.errors.EmptyDataError:
        raise InputError(name, "an empty file", f"rows of {columns} numbers") from None
    except pd.errors.ParserError as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise InputError(name, f"a file that cannot be parsed ({reason})", f"rows of {columns} numbers") from None
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError):
        raise _first_text(path) or InputError(name, "a cell that is no number", "numbers alone") from None


def _precision(path: Path, columns: int) -> Literal["round_trip"] | None:
    """How pandas has to read the numbers: in its fast way, or in its exact one, which takes four times as long.

    Its fast way reads "1e 5" as 100000, True as 1, and of a number with many zeros before its first digit a few digits
    alone.

    Raises:
        InputError: a file that is no text, a first line of another length, a cell that is no number.
    """
    if encoding(path) == "utf-16":
        raise InputError(str(path), "a text in UTF-16", "a text file in UTF-8")
    with path.open("rb") as file:
        cells = file.readline(_LONGEST_LINE).count(b",") + 1
        if cells != columns and path.stat().st_size:
            raise InputError(str(path), f"rows of {cells:,} columns", f"rows of {columns} columns")
        file.seek(0)
        end, exact = b",", False
        while block := file.read(1 << 20):
            # Whole numbers, each behind a comma: what follows the last comma comes with the next block.
            numbers, _, end = (end + block.replace(b"\n", b",")).rpartition(b",")
            end = b"," + end
            exact = exact or any(begin in numbers for begin in _CARE) or numbers.count(_ZEROS) != numbers.count(_ZERO)
            if other := block.translate(None, _PLAIN):
                exact = True
                if other.translate(None, _HARMLESS) and (fault := _first_text(path)):
                    raise fault
            if len(end) > _LONGEST_LINE:
                raise InputError(str(path), f"a cell of more than {_LONGEST_LINE:,} characters", "a number")
    return "round_trip" if exact else None


def _check(table: NDArray[np.float32], path: Path, first: int, columns: int, classes: int) -> None:
    """Refuse rows, of which the first one is row `first` of the file."""
    if table.shape[1] != columns:
        raise InputError(str(path), f"rows of {table.shape[1]} columns", f"rows of {columns} columns")
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        where = f"{path}, line {_line(path, first + int(row))}, column {column + 1}"
        raise InputError(where, "an empty cell, NaN or infinity", "a finite number")
    labels = table[:, -1]
    wrong = np.flatnonzero((labels != np.floor(labels)) | (labels < 0) | (labels >= classes))
    if wrong.size:
        where = f"{path}, line {_line(path, first + int(wrong[0]))}, last column"
        raise InputError(where, f"the label {labels[wrong[0]]:g}", f"a whole number from 0 to {classes - 1}")


def _line(path: Path, row: int) -> int:
    """The line of the file in which a row stands: blank lines are no rows."""
    return next((line for line, _ in islice(_DIALECT.lines(path), row, None)), row + 1)


def _first_text(path: Path) -> InputError | None:
    """Find the first cell that is no number."""
    for line, cells in _DIALECT.lines(path):
        for column, cell in enumerate(cells, 1):
            if cell.strip() and cell not in MISSING and as_number(cell) is None:
                return InputError(f"{path}, line {line}, column {column}", shown(cell), "a number")
    return None
