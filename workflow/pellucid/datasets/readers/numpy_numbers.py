"""Read numbers without an order from the arrays of an .npz, each (N,) or (N, numbers), and put them side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pellucid.datasets.readers.columns import Choice
from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.npy import Archive
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.datasets.readers.tabular import dtype_for, require_exact
from pellucid.errors import InputError

# Each is a bar of a figure, and a name in `data.json`.
MOST_NUMBERS = 10_000


def keys(signal: str | list[Choice]) -> list[str | list[Choice]]:
    """Return the entries of a list of keys one by one."""
    return [signal] if isinstance(signal, str) else [[entry] for entry in signal]


def require(arrays: Archive, names: Sequence[str], path: Path, room: SpillBuffer) -> None:
    """Refuse arrays that are no numbers (N,) or (N, numbers) of the same examples; reserve their memory.

    Raises:
        InputError: such an array, or arrays larger than the memory.
    """
    rows, total = arrays.header(names[0]).shape[:1], 0
    for name in names:
        header = arrays.header(name)
        found = f"an array of {header.dtype} and shape {header.shape}"
        if len(header.shape) not in (1, 2) or header.dtype.kind not in "fiub" or 0 in header.shape:
            expected = "numbers of shape (N,) or (N, numbers)"
            hint = "A series is written as {signal: KEY}." if len(header.shape) == 3 else ""
            raise InputError.unexpected(f"{path}, {name}", found, expected, hint)
        if header.shape[:1] != rows:
            expected = f"{rows[0]:,} rows, as in {names[0]}: a row for each example"
            raise InputError.unexpected(f"{path}, {name}", found, expected)
        total += math.prod(header.shape[1:])
        arrays.require_room(name, math.prod(header.shape) * np.dtype(dtype_for(header.dtype)).itemsize, room)
    if total > MOST_NUMBERS:
        raise InputError.unexpected(f"{path}, {names[0]}", f"{total:,} numbers", f"at most {MOST_NUMBERS:,}")


def read(arrays: Archive, names: Sequence[str], path: Path) -> tuple[Series, tuple[str, ...]]:
    """Return the numbers as (N, numbers, 1), and their names: the key, or the key and a number from 1."""
    columns, called = [], list[str]()
    for name in names:
        values = arrays.read(name)
        require_exact(values, f"{path}, {name}")
        columns.append(values.reshape(len(values), -1).astype(dtype_for(values.dtype)))
        width = columns[-1].shape[1]
        called += [name] if values.ndim == 1 else [f"{name} {number}" for number in range(1, width + 1)]
    x = np.concatenate(columns, axis=1)[:, :, np.newaxis]

    def place(row: int, time: int | None, channel: int | None) -> str:
        where = f"{path}, example {row + 1}"
        return where if time is None else f"{where}, {called[time]}"

    return Series(np.ascontiguousarray(x), place), tuple(called)
