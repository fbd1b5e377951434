"""Reading Parquet files of one value per cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

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
    columns = layout.choose(schema.names, str(path))
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
    read = _positions(columns)
    names = [columns.names[at] for at in read] if len(read) < len(columns.names) else None
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

    group = None if columns.group is None else np.array([str(one) for one in groups], np.str_)
    return Table(Series(layout.shaped(x), place), np.array(labels), group, f"{path}, column {name}")


def _positions(columns: Columns) -> list[int]:
    """Which columns to read, ascending: those that are used, if all columns can be asked for by name."""
    names = columns.names
    # A name with a point is a path into a nested column there; columns without a name may be several.
    if len(set(names)) < len(names) or any("." in name for name in names):
        return list(range(len(names)))
    return sorted({*columns.signal, columns.label, *([] if columns.group is None else [columns.group])})
