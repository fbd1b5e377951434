"""Reading large CSV files of numbers in one pass, straight into float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError


def read_labelled_rows(
    path: Path | str, *, columns: int, classes: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read rows of `columns - 1` values and a class label in the last column; no header.

    Returns:
        x: float32 (rows, columns - 1); y: int64 (rows,).

    Raises:
        InputError: an empty file, a row of another length, a cell that is no finite number, a label that is no whole
            number from 0 to `classes` - 1; the message names the line.
    """
    import pandas as pd

    name = str(path)
    try:
        table: NDArray[np.float32] = pd.read_csv(path, header=None, dtype=np.float32).to_numpy()
    except pd.errors.EmptyDataError:
        raise InputError(name, "an empty file", f"rows of {columns} numbers") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise InputError(name, f"a file that cannot be parsed ({reason})", f"rows of {columns} numbers") from None
    except ValueError:
        raise _first_text(path, name) from None
    if table.shape[1] != columns:
        raise InputError(name, f"rows of {table.shape[1]} columns", f"rows of {columns} columns")
    if not np.isfinite(table).all():
        line, column = np.argwhere(~np.isfinite(table))[0] + 1
        raise InputError(f"{name}, line {line}, column {column}", "an empty cell, NaN or infinity", "a finite number")
    labels = table[:, -1]
    wrong = np.flatnonzero((labels != np.floor(labels)) | (labels < 0) | (labels >= classes))
    if wrong.size:
        where = f"{name}, line {wrong[0] + 1}, last column"
        raise InputError(where, f"the label {labels[wrong[0]]:g}", f"a whole number from 0 to {classes - 1}")
    return table[:, :-1], labels.astype(np.int64)


def _first_text(path: Path | str, name: str) -> InputError:
    """Find the cell that is no number, now that there is known to be one."""
    import pandas as pd

    frame = pd.read_csv(path, header=None, dtype=str, keep_default_na=False)
    for line, row in enumerate(frame.itertuples(index=False), 1):
        for column, cell in enumerate(row, 1):
            try:
                float(cell or "nan")
            except ValueError:
                return InputError(f"{name}, line {line}, column {column}", f'"{cell}"', "a number")
    return InputError(name, "a cell that is no number", "numbers alone")
