"""Reading large CSV files of numbers in one pass, into float32, without holding them twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError

_CHUNK = 8192  # rows parsed at a time: their float64 is all that is held beside the result


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
    values: list[NDArray[np.float32]] = []
    labels: list[NDArray[np.int64]] = []
    line = 1
    try:
        for frame in pd.read_csv(path, header=None, chunksize=_CHUNK):
            chunk = _numbers(frame, name, line, columns)
            y = chunk[:, -1]
            wrong = np.flatnonzero((y != np.floor(y)) | (y < 0) | (y >= classes))
            if wrong.size:
                where = f"{name}, line {line + wrong[0]}, last column"
                raise InputError(where, f"the label {y[wrong[0]]:g}", f"a whole number from 0 to {classes - 1}")
            values.append(chunk[:, :-1].astype(np.float32))
            labels.append(y.astype(np.int64))
            line += len(chunk)
    except pd.errors.EmptyDataError:
        raise InputError(name, "an empty file", f"rows of {columns} numbers") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise InputError(name, f"a file that cannot be parsed ({reason})", f"rows of {columns} numbers") from None
    return np.concatenate(values), np.concatenate(labels)


def _numbers(frame, name: str, line: int, columns: int) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    import pandas as pd

    if frame.shape[1] != columns:
        raise InputError(name, f"rows of {frame.shape[1]} columns", f"rows of {columns} columns")
    texts = [column for column in frame.columns if frame[column].dtype.kind not in "if"]
    for column in texts:
        numbers = pd.to_numeric(frame[column], errors="coerce")
        row = int(np.flatnonzero(numbers.isna())[0]) if numbers.isna().any() else 0
        where = f"{name}, line {line + row}, column {column + 1}"
        raise InputError(where, f'"{frame[column].iloc[row]}"', "a number")
    chunk: NDArray[np.float64] = frame.to_numpy(np.float64)
    if not np.isfinite(chunk).all():
        row, column = np.argwhere(~np.isfinite(chunk))[0]
        where = f"{name}, line {line + row}, column {column + 1}"
        raise InputError(where, "an empty cell, NaN or infinity", "a finite number")
    return chunk
