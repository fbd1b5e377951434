"""Reading large CSV files of numbers in one pass, block by block, straight into float32."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.scratch import Scratch
from pellucid.errors import InputError

_ROWS = 4096  # read at a time: of 188 columns 3 MB


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
    room, labels = scratch or Scratch(), list[NDArray[np.int64]]()

    def values() -> Iterator[NDArray[np.float32]]:
        line = 1
        for table in _tables(path, columns, room):
            _check(table, str(path), line, columns, classes)
            labels.append(table[:, -1].astype(np.int64))
            line += len(table)
            yield table[:, :-1]

    x = room.array(values())
    return x, np.concatenate(labels)


def _tables(path: Path | str, columns: int, room: Scratch) -> Iterator[NDArray[np.float32]]:
    """The rows as they are: at once where the file as text would fit into memory, else in blocks, which is slower."""
    import pandas as pd

    name, size = str(path), Path(path).stat().st_size
    try:
        # No file has more rows than bytes.
        rows = max(size, 1) if room.holds(size) else _ROWS
        with pd.read_csv(path, header=None, dtype=np.float32, chunksize=rows) as reader:
            for frame in reader:
                yield frame.to_numpy()
    except pd.errors.EmptyDataError:
        raise InputError(name, "an empty file", f"rows of {columns} numbers") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise InputError(name, f"a file that cannot be parsed ({reason})", f"rows of {columns} numbers") from None
    except ValueError:
        raise _first_text(path, name) from None


def _check(table: NDArray[np.float32], name: str, first: int, columns: int, classes: int) -> None:
    """Refuse rows, of which the first one is line `first` of the file."""
    if table.shape[1] != columns:
        raise InputError(name, f"rows of {table.shape[1]} columns", f"rows of {columns} columns")
    if not np.isfinite(table).all():
        line, column = np.argwhere(~np.isfinite(table))[0] + (first, 1)
        raise InputError(f"{name}, line {line}, column {column}", "an empty cell, NaN or infinity", "a finite number")
    labels = table[:, -1]
    wrong = np.flatnonzero((labels != np.floor(labels)) | (labels < 0) | (labels >= classes))
    if wrong.size:
        where = f"{name}, line {wrong[0] + first}, last column"
        raise InputError(where, f"the label {labels[wrong[0]]:g}", f"a whole number from 0 to {classes - 1}")


def _first_text(path: Path | str, name: str) -> InputError:
    """Find the cell that is no number, now that there is known to be one."""
    import pandas as pd

    line = 0
    with pd.read_csv(path, header=None, dtype=str, keep_default_na=False, chunksize=_ROWS) as reader:
        for frame in reader:
            for row in frame.itertuples(index=False):
                line += 1
                for column, cell in enumerate(row, 1):
                    try:
                        float(cell or "nan")
                    except ValueError:
                        return InputError(f"{name}, line {line}, column {column}", f'"{cell}"', "a number")
    return InputError(name, "a cell that is no number", "numbers alone")
