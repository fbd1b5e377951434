"""Reading series from NumPy's .npz and .npy files, which never hold pickled objects here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.columns import NONE, Choice
from pellucid.datasets.completion import Series, placed
from pellucid.datasets.tabular import Layout, Table, dtype_for, require_exact
from pellucid.errors import InputError
from pellucid.files import map_array, read_arrays
from pellucid.wording import listing, nearest, shown

# The keys of an archive where the parameters are at their defaults.
SIGNAL, LABEL = "x", "y"


def read_archive(path: Path, layout: Layout) -> Table:
    """Read an .npz: x (N, time), (N, time, channels) or (N, channels, time); y (N,); perhaps a group (N,).

    Raises:
        InputError: no archive of plain arrays, a key that is not there, arrays of another shape or type.
    """
    arrays = read_arrays(path)
    x = _array(arrays, path, "signal", SIGNAL if layout.signal == "all" else layout.signal)
    key = LABEL if layout.label == -1 else layout.label
    y = _array(arrays, path, "label", key)
    group = None if layout.group == NONE else _array(arrays, path, "group", layout.group)
    for name, array in (("label", y), ("group", group)):
        if array is not None and array.shape != x.shape[:1]:
            found = f"an array of shape {array.shape} beside a signal of shape {x.shape}"
            raise InputError(f"{path}, {name}", found, f"the shape ({len(x) if x.ndim else 'N'},)")
    return Table(_series(x, path, layout), y, group, f"{path}, {key}")


def read_array(path: Path, layout: Layout) -> Table:
    """Read an .npy: a table (N, columns) of numbers, of which one column is the label.

    Raises:
        InputError: no plain array of two axes, a column that is not there.
    """
    try:
        table = map_array(path)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(str(path), f"a file that cannot be read ({error})", "an .npy file of a plain array") from None
    if table.ndim != 2 or table.dtype.kind not in "fiu":
        raise InputError(
            str(path),
            f"an array of {table.dtype} and shape {table.shape}",
            "numbers of shape (N, columns), one column being the label",
            "An .npz takes signal, label and group as arrays of their own.",
        )
    columns = layout.choose(table.shape[1], str(path))
    group = None if columns.group is None else table[:, columns.group]
    label = f"{path}, column {columns.names[columns.label]}"
    return Table(_series(table[:, list(columns.signal)], path, layout), table[:, columns.label], group, label, columns)


def _array(
    arrays: dict[str, NDArray[Any]], path: Path, parameter: str, key: str | Choice | list[Choice]
) -> NDArray[Any]:
    key = key[0] if isinstance(key, list) and len(key) == 1 else key
    key = str(key) if isinstance(key, int) and str(key) in arrays else key
    if not isinstance(key, str):
        raise InputError(f"{path}, {parameter}", str(key), f"a key of the archive: {listing(arrays)}")
    if key not in arrays:
        hint = nearest(key, arrays).strip()
        raise InputError(f"{path}, {parameter}", f"no array {shown(key)}", f"one of {listing(arrays) or 'some'}", hint)
    return arrays[key]


def _series(x: NDArray[Any], path: Path, layout: Layout) -> Series:
    if x.ndim not in (2, 3) or x.dtype.kind not in "fiu" or 0 in x.shape:
        expected = "numbers of shape (N, time), (N, time, channels) or, with layout: channel_major, (N, channels, time)"
        raise InputError(f"{path}, signal", f"an array of {x.dtype} and shape {x.shape}", expected)
    require_exact(x, f"{path}, signal")
    wanted = dtype_for(x.dtype)
    whole = np.array(x, wanted) if x.dtype != wanted or not x.flags.writeable else x
    if x.ndim == 3:
        shaped = whole if layout.time_major else whole.swapaxes(1, 2)
    else:
        layout.require_whole_channels(str(path), x.shape[1])
        shaped = layout.shaped(whole)

    def place(row: int, time: int | None, channel: int | None) -> str:
        return placed(f"{path}, example {row + 1}", time, channel)

    return Series(shaped, place)
