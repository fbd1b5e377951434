"""Reading Parquet files of one value per cell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.columns import Columns
from pellucid.datasets.completion import Series
from pellucid.datasets.tabular import Layout, Table, dtype_for, require_exact, rows_at_a_time
from pellucid.errors import InputError


def read(path: Path, layout: Layout) -> Table:
    """Read a Parquet file row group by row group into one array of floats.

    Raises:
        InputError: a file that is none, a missing column, a column of the signal that holds no numbers.
    """
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        schema = file.schema_arrow
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(str(path), f"a file that cannot be read ({error})", "a Parquet file") from None
    columns = layout.choose(schema.names, str(path), _index(schema))
    for position in {columns.label, columns.label if columns.group is None else columns.group}:
        if not _is_name(schema.types[position]):
            told = f"values of type {schema.types[position]}"
            raise InputError(f"{path}, column {columns.names[position]}", told, "texts or whole numbers")
    for at in columns.signal:
        kind = schema.types[at]
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
            raise InputError(f"{path}, column {columns.names[at]}", f"values of type {kind}", "numbers")
    layout.require_whole_channels(str(path), len(columns.signal))
    if (rows := file.metadata.num_rows) == 0:
        raise InputError(str(path), "no row", "a row for each example")
    kinds = [schema.types[at] for at in columns.signal]
    exact = all(not pa.types.is_decimal(kind) and dtype_for(kind.to_pandas_dtype()) is np.float32 for kind in kinds)
    x = np.empty((rows, len(columns.signal)), np.float32 if exact else np.float64)
    labels: list[Any] = []
    groups: list[Any] = []
    count = 0
    read = _positions(columns, schema.names)
    names = [schema.names[at] for at in read] if len(read) < len(columns.names) else None
    for batch in file.iter_batches(batch_size=rows_at_a_time(len(read)), columns=names):
        stop = count + batch.num_rows
        found = dict(zip(read, batch.columns, strict=True))
        for target, at in enumerate(columns.signal):
            if pa.types.is_integer(schema.types[at]):
                require_exact(
                    found[at].drop_null().to_numpy(zero_copy_only=False), f"{path}, column {columns.names[at]}"
                )
            values = found[at].cast(pa.float32() if exact else pa.float64(), safe=False)
            x[count:stop, target] = values.to_numpy(zero_copy_only=False)
        labels += found[columns.label].to_pylist()
        groups += found[columns.group].to_pylist() if columns.group is not None else []
        count = stop
    name = columns.names[columns.label]
    for called, values in ((name, labels), (columns.names[columns.group or 0], groups)):
        if None in values:
            raise InputError(f"{path}, row {values.index(None) + 1}, column {called}", "no value", "one for each row")

    def place(row: int, time: int | None, channel: int | None) -> str:
        if time is None:
            return f"{path}, row {row + 1}"
        at = layout.column_of(columns.signal, time, channel or 0)
        return f"{path}, row {row + 1}, column {columns.names[at]}"

    group = None if columns.group is None else _words(groups)
    return Table(Series(layout.shaped(x), place), _words(labels), group, f"{path}, column {name}", columns)


def _index(schema: Any) -> set[str]:
    """The columns that pandas' own note in the file calls its index: row numbers, or what stood in their place."""
    try:
        described = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))["index_columns"]
    except (ValueError, KeyError, TypeError):
        return set()
    # An index that only counts is no column, and described by a mapping.
    return {name for name in described if isinstance(name, str)}


def _is_name(kind: Any) -> bool:
    """Whether values of this type can name a class or a group."""
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return _is_name(kind.value_type)
    texts = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return bool(texts or numbers or types.is_date32(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def _words(values: list[Any]) -> NDArray[Any]:
    """Labels or groups as an array; numbers as such, all others as the texts that they are."""
    if isinstance(values[0], bool | int | float):
        return np.array(values)
    if isinstance(values[0], bytes):
        return np.array(values, np.bytes_)
    words = np.empty(len(values), object)
    words[:] = [str(value) for value in values]
    return words


def _positions(columns: Columns, names: Sequence[str]) -> list[int]:
    """Which columns to read, ascending: those that are used, if all columns can be asked for by name."""
    # A name with a point is a path into a nested column there; columns without a name may be several.
    if len(set(names)) < len(names) or any("." in name for name in names):
        return list(range(len(names)))
    return sorted({*columns.signal, columns.label, *([] if columns.group is None else [columns.group])})
