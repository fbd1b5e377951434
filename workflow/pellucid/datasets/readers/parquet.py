"""Read a table from a Parquet file with one value per cell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import damaged
from pellucid.datasets.readers.bounds import require_room
from pellucid.datasets.readers.columns import Columns
from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.parquet_footer import MOST_COLUMNS, require_flat, unpacked
from pellucid.datasets.readers.tabular import Layout, Table, Target, dtype_for, require_exact, rows_at_a_time
from pellucid.errors import InputError


def read(path: Path, layout: Layout) -> Table:
    """Read a Parquet file row group by row group into one array of floats.

    Raises:
        InputError: the file is no Parquet file, is damaged or larger than the memory, or lacks a column; a column of
            the signal holds no numbers.
    """
    with damaged.refuse_unreadable(path, "a Parquet file"):
        require_flat(path)
        return _read(path, layout)


def _read(path: Path, layout: Layout) -> Table:
    from pyarrow import parquet  # type: ignore[import-untyped]

    # Nothing is read ahead: only one row group of the used columns is in memory, in batches.
    with parquet.ParquetFile(
        path, pre_buffer=False, page_checksum_verification=True, thrift_container_size_limit=MOST_COLUMNS + 1
    ) as file:
        schema = file.schema_arrow
        names = schema.names
        columns = layout.choose(names, str(path), _index(schema))
        kinds = schema.types
        _require_kinds(columns, kinds, path)
        layout.require_whole_channels(str(path), len(columns.signal))
        read = _positions(columns, names)
        dtype = _dtype([kinds[at] for at in columns.signal])
        size = dtype.itemsize * len(columns.signal) + 8 * (len(read) - len(columns.signal))
        _require_room(file.metadata, {names[at] for at in read}, size, path, layout)
        x, words = _values(file, columns, read, dtype, path)
    for at, values in words.items():
        if None in values:
            where = f"{path}, row {values.index(None) + 1}, column {columns.names[at]}"
            raise InputError.unexpected(where, "no value", "one for each row")

    def place(row: int, time: int | None, channel: int | None) -> str:
        if time is None:
            return f"{path}, row {row + 1}"
        at = layout.column_of(columns.signal, time, channel or 0)
        return f"{path}, row {row + 1}, column {columns.names[at]}"

    label = str(path) if columns.label is None else f"{path}, column {columns.names[columns.label]}"
    labels, group = (None if at is None else _words(words[at]) for at in (columns.label, columns.group))
    targets = tuple(
        Target(columns.names[at], f"column {columns.names[at]}", _cells(words[at])) for at in columns.targets
    )
    return Table(Series(layout.shaped(x), place), labels, group, label, columns, targets)


def _require_kinds(columns: Columns, kinds: Sequence[Any], path: Path) -> None:
    """Refuse columns of a type that does not fit their use.

    Raises:
        InputError: label or group are no texts or numbers, or the signal holds no numbers.
    """
    from pyarrow import types

    for position in {at for at in (columns.label, columns.group) if at is not None}:
        if not _is_name(kinds[position]):
            found = f"values of type {kinds[position]}"
            raise InputError.unexpected(f"{path}, column {columns.names[position]}", found, "texts or whole numbers")
    for at in columns.targets:
        kind = kinds[at]
        numeric = types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind) or types.is_boolean(kind)
        if not numeric:
            raise InputError.unexpected(f"{path}, column {columns.names[at]}", f"values of type {kind}", "numbers")
    for at in columns.signal:
        kind = kinds[at]
        if not (types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind)):
            raise InputError.unexpected(f"{path}, column {columns.names[at]}", f"values of type {kind}", "numbers")


def _dtype(kinds: Sequence[Any]) -> np.dtype[Any]:
    """Return the float type that holds the values of the columns."""
    from pyarrow import types

    exact = all(not types.is_decimal(kind) and dtype_for(kind.to_pandas_dtype()) is np.float32 for kind in kinds)
    return np.dtype(np.float32 if exact else np.float64)


def _require_room(metadata: Any, names: set[str], size: int, path: Path, layout: Layout) -> None:
    """Refuse columns that the footer announces to be larger than the memory, or much larger than the file.

    Args:
        metadata: the footer.
        names: the columns that are read.
        size: bytes that a row of them takes in memory.
        path, layout: the file, and how it is read.

    Raises:
        InputError: the columns are too large, there is no row, or the numbers of rows contradict each other.
    """
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    if (rows := metadata.num_rows) == 0:
        raise InputError.unexpected(str(path), "no row", "a row for each example")
    if rows != sum(group.num_rows for group in groups) or any(group.num_rows < 0 for group in groups):
        found = f"{rows:,} rows announced, and {sum(group.num_rows for group in groups):,} in its parts"
        raise InputError.unexpected(str(path), found, "a Parquet file")
    chunks = [chunk for group in groups for chunk in map(group.column, range(group.num_columns))]
    used = [chunk for chunk in chunks if chunk.path_in_schema in names]
    hint = "Write it without compression and dictionaries."
    require_room(max(size * rows, unpacked(path, used)), path.stat().st_size, layout.room, str(path), hint)


def _values(
    file: Any, columns: Columns, read: Sequence[int], dtype: np.dtype[Any], path: Path
) -> tuple[NDArray[Any], dict[int, list[Any]]]:
    """Return the signal (rows, columns), and the values of label and group by their position.

    Raises:
        InputError: no float holds an integer exactly; the file has fewer or more rows than it announces.
    """
    import pyarrow as pa

    schema, rows = file.schema_arrow, file.metadata.num_rows
    kinds, all_names = schema.types, schema.names
    x = np.empty((rows, len(columns.signal)), dtype)
    words: dict[int, list[Any]] = {at: [] for at in columns.words}
    count = 0
    names = [all_names[at] for at in read] if len(read) < len(columns.names) else None
    for batch in file.iter_batches(batch_size=rows_at_a_time(len(read)), columns=names, use_threads=False):
        stop = count + batch.num_rows
        arrays = dict(zip(read, batch.columns, strict=True))
        for target, at in enumerate(columns.signal):
            if pa.types.is_integer(kinds[at]):
                require_exact(
                    arrays[at].drop_null().to_numpy(zero_copy_only=False), f"{path}, column {columns.names[at]}"
                )
            values = arrays[at].cast(pa.from_numpy_dtype(dtype), safe=False)
            x[count:stop, target] = values.to_numpy(zero_copy_only=False)
        for at, column in words.items():
            column += arrays[at].to_pylist()
        count = stop
    if count != rows:
        raise InputError.unexpected(str(path), f"{count:,} rows", f"{rows:,}, as its footer announces")
    return x, words


def _index(schema: Any) -> set[str]:
    """Return the columns that the metadata of pandas in the file call its index, usually row numbers."""
    try:
        described = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))["index_columns"]
    except (ValueError, KeyError, TypeError):
        return set()
    # An index that only counts is no column; a mapping describes it.
    return {name for name in described if isinstance(name, str)}


def _is_name(kind: Any) -> bool:
    """Return whether values of this type can name a class or a group."""
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return _is_name(kind.value_type)
    texts = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return bool(texts or numbers or types.is_date32(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def _words(values: list[Any]) -> NDArray[Any]:
    """Return labels or groups as an array: numbers as numbers, other values as texts."""
    if isinstance(values[0], bool | float):
        return np.array(values)
    if isinstance(values[0], int):
        # Where some numbers are beyond int64, numpy would choose floats, and make one label of several.
        return np.array(values, np.uint64 if max(values) >= 2**63 else np.int64)
    if isinstance(values[0], bytes):
        return np.array(values, np.bytes_)
    words = np.empty(len(values), object)
    words[:] = [str(value) for value in values]
    return words


def _cells(values: list[Any]) -> NDArray[Any]:
    """Return the numbers of a column of labels or values as floats, (N,)."""
    return np.array([float(value) for value in values], np.float64)


def _positions(columns: Columns, names: Sequence[str]) -> list[int]:
    """Return the columns to read, ascending: the used ones, if columns can be selected by name; else all."""
    # pyarrow takes a name with a point for a path into a nested column; and several columns may have no name.
    if len(set(names)) < len(names) or any("." in name for name in names):
        return list(range(len(names)))
    return sorted({*columns.signal, *columns.words})
