"""Read a table from NumPy's .npz and .npy files, and refuse pickled objects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import npy, numpy_numbers
from pellucid.datasets.readers.columns import NONE, Choice
from pellucid.datasets.readers.completion import Series, name_place
from pellucid.datasets.readers.tabular import Layout, Table, Target, dtype_for, require_exact
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean

# The default keys of an archive.
SIGNAL, LABEL = "x", "y"
_COLUMNS = 1_000_000


def read_archive(path: Path, layout: Layout) -> Table:
    """Read an .npz: x (N, time), (N, time, channels) or (N, channels, time); y (N,); perhaps a group (N,).

    Raises:
        InputError: the file is no archive of plain arrays, lacks a key, or has arrays of another shape or type, or
            larger than the memory.
    """
    with npy.opened(path) as arrays:
        wanted_signal = SIGNAL if layout.signal == "all" else layout.signal
        keys = numpy_numbers.keys(wanted_signal) if layout.numbers else [wanted_signal]
        signals = [_key(arrays.names, path, "signal", key) for key in keys]
        signal, x = signals[0], arrays.header(signals[0])
        wanted = LABEL if layout.label == -1 else layout.label
        label = None if wanted == NONE else _key(arrays.names, path, "label", wanted)
        targets = [_key(arrays.names, path, layout.targets.key, entry) for entry in layout.targets.entries]
        group = None if layout.group == NONE else _key(arrays.names, path, "group", layout.group)
        if layout.numbers:
            numpy_numbers.require(arrays, signals, path, layout.room)
        else:
            _require_numbers(x.shape, x.dtype, path)
            arrays.require_room(signal, _converted(x.shape, x.dtype), layout.room)
        for name, key in (("label", label), ("group", group), *((layout.targets.key, key) for key in targets)):
            if key is None:
                continue
            words = arrays.header(key)
            several = name == "label" and layout.whole and len(words.shape) == 2
            if several and words.shape[:1] == x.shape[:1] and words.shape[1] > _COLUMNS:
                raise InputError.unexpected(f"{path}, {key}", f"{words.shape[1]:,} columns", f"at most {_COLUMNS:,}")
            if words.shape[: 1 if several else None] != x.shape[:1]:
                found = f"an array of shape {words.shape} beside a signal of shape {x.shape}"
                shapes = f"the shape ({x.shape[0]},)" + (f" or ({x.shape[0]}, outputs)" if layout.whole else "")
                raise InputError.unexpected(f"{path}, {name}", found, shapes)
            # Texts are sorted, and become texts of Python.
            arrays.require_room(key, 4 * math.prod(words.shape) * words.dtype.itemsize, layout.room)
        labels, groups = (None if key is None else arrays.read(key) for key in (label, group))
        columns = tuple(Target(key, f"array {key}", _numeric(arrays.read(key), f"{path}, {key}")) for key in targets)
        if layout.whole and labels is not None and label is not None:
            columns, labels = _columns_of(_numeric(labels, f"{path}, {label}"), label), None
        about = f"{path}, {label or signal}"
        if layout.numbers:
            series, names = numpy_numbers.read(arrays, signals, path)
            return Table(series, labels, groups, about, targets=columns, numbers=names)
        notes = _about_axes(x.shape, f"{path}, {signal}", layout)
        return Table(_series(arrays.read(signal), path, layout), labels, groups, about, targets=columns, notes=notes)


def read_array(path: Path, layout: Layout) -> Table:
    """Read an .npy: a table (N, columns) of numbers, of which one column is the label.

    Without label and group it may also be the signal, (N, time, channels) or (N, channels, time).

    Raises:
        InputError: the file is no plain array of two axes, lacks a column, or is larger than the memory.
    """
    table = npy.mapped(path)
    if table.ndim == 3 and (layout.label, layout.group, layout.signal) == (NONE, NONE, "all"):
        _require_numbers(table.shape, table.dtype, path)
        layout.room.take(_converted(table.shape, table.dtype), str(path))
        notes = _about_axes(table.shape, str(path), layout)
        return Table(_series(table, path, layout), None, None, str(path), notes=notes)
    if table.ndim != 2 or table.dtype.kind not in "fiu":
        raise InputError.unexpected(
            str(path),
            f"an array of {table.dtype} and shape {table.shape}",
            "numbers of shape (N, columns), one column being the label",
            "An .npz holds signal, label and group as separate arrays; an array of three axes needs label: none.",
        )
    if table.shape[1] > _COLUMNS:
        raise InputError.unexpected(str(path), f"{table.shape[1]:,} columns", f"at most {_COLUMNS:,}")
    columns = layout.choose(table.shape[1], str(path))
    layout.room.take(_converted(table.shape, table.dtype), str(path))
    label = str(path) if columns.label is None else f"{path}, column {columns.names[columns.label]}"
    labels, group = (None if at is None else table[:, at] for at in (columns.label, columns.group))
    targets = tuple(Target("", f"column {columns.names[at]}", table[:, at]) for at in columns.targets)
    return Table(_series(table[:, list(columns.signal)], path, layout), labels, group, label, columns, targets)


def _columns_of(array: NDArray[Any], key: str) -> tuple[Target, ...]:
    """Return the columns of an array (N,) or (N, outputs) of labels or values."""
    if array.ndim == 1:
        return (Target("", f"array {key}", array),)
    return tuple(Target("", f"array {key}, column {at + 1}", array[:, at]) for at in range(array.shape[1]))


def _numeric(array: NDArray[Any], where: str) -> NDArray[Any]:
    """Return an array of labels or values; refuse one of another type than numbers (InputError)."""
    if array.dtype.kind not in "biuf":
        raise InputError.unexpected(where, f"an array of {array.dtype}", "numbers")
    return array


def _key(names: Sequence[str], path: Path, parameter: str, key: str | Choice | list[Choice]) -> str:
    """Return the name of the array that a parameter means.

    Raises:
        InputError: no array has this name.
    """
    key = key[0] if isinstance(key, list) and len(key) == 1 else key
    key = str(key) if isinstance(key, int) and str(key) in names else key
    if not isinstance(key, str):
        raise InputError.unexpected(f"{path}, {parameter}", str(key), f"a key of the archive: {comma_list(names)}")
    if key not in names:
        hint = did_you_mean(key, names).strip() or ("label: none reads it without." if parameter == "label" else "")
        raise InputError.unexpected(
            f"{path}, {parameter}", f"no array {abbreviate(key)}", f"one of {comma_list(names) or 'some'}", hint
        )
    return key


def _converted(shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """Return the bytes of an array after conversion to floats."""
    return math.prod(shape) * np.dtype(dtype_for(dtype)).itemsize


def _require_numbers(shape: Sequence[int], dtype: np.dtype[Any], path: Path) -> None:
    if len(shape) not in (2, 3) or dtype.kind not in "fiu" or 0 in shape:
        expected = "numbers of shape (N, time), (N, time, channels) or, with layout: channel_major, (N, channels, time)"
        raise InputError.unexpected(f"{path}, signal", f"an array of {dtype} and shape {tuple(shape)}", expected)


def _about_axes(shape: Sequence[int], where: str, layout: Layout) -> tuple[str, ...]:
    """Return a note on an array of three axes that has more channels than samples: they are often exchanged.

    A user who names the channels has told which axis they are: another number of names is refused.
    """
    if len(shape) != 3 or layout.channels > 1:
        return ()
    samples, channels = shape[1:] if layout.time_major else shape[:0:-1]
    if samples >= channels:
        return ()
    other = "channel_major" if layout.time_major else "time_major"
    axes = ", ".join(f"{size:,}" for size in shape)
    return (
        f"{where}: the array ({axes}) is read as {samples:,} samples of {channels:,} channels; if it has {samples:,} "
        f"channels, write layout: {other}.",
    )


def _series(x: NDArray[Any], path: Path, layout: Layout) -> Series:
    _require_numbers(x.shape, x.dtype, path)
    require_exact(x, f"{path}, signal")
    dtype = dtype_for(x.dtype)
    values = np.array(x, dtype) if x.dtype != dtype or not x.flags.writeable else x
    if x.ndim == 3:
        shaped = values if layout.time_major else values.swapaxes(1, 2)
    else:
        layout.require_whole_channels(str(path), x.shape[1])
        shaped = layout.shaped(values)

    def place(row: int, time: int | None, channel: int | None) -> str:
        return name_place(f"{path}, example {row + 1}", time, channel)

    return Series(shaped, place)
