"""Reading Parquet files of one value per cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pellucid.datasets.columns import choose
from pellucid.datasets.completion import Series
from pellucid.datasets.tabular import Layout, Table
from pellucid.errors import InputError


def read(path: Path, layout: Layout) -> Table:
    """Read a Parquet file row group by row group into one float32 array.

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
    columns = choose(schema.names, str(path), signal=layout.signal, label=layout.label, group=layout.group)
    for at in columns.signal:
        kind = schema.types[at]
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
            raise InputError(f"{path}, column {columns.names[at]}", f"values of type {kind}", "numbers")
    layout.require_whole_channels(str(path), len(columns.signal))
    if (rows := file.metadata.num_rows) == 0:
        raise InputError(str(path), "no row", "a row for each example")
    x = np.empty((rows, len(columns.signal)), np.float32)
    labels: list[Any] = []
    groups: list[Any] = []
    count = 0
    for batch in file.iter_batches(batch_size=max(1, 4_000_000 // len(columns.names))):
        stop = count + batch.num_rows
        for target, at in enumerate(columns.signal):
            x[count:stop, target] = batch.column(at).cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False)
        labels += batch.column(columns.label).to_pylist()
        groups += batch.column(columns.group).to_pylist() if columns.group is not None else []
        count = stop
    name = columns.names[columns.label]
    for called, values in ((name, labels), (columns.names[columns.group or 0], groups)):
        if None in values:
            raise InputError(f"{path}, row {values.index(None) + 1}, column {called}", "no value", "one for each row")

    def place(row: int, time: int | None, channel: int | None) -> str:
        if time is None:
            return f"{path}, row {row + 1}"
        at = columns.signal[int(layout.columns_of(len(columns.signal) // layout.channels)[time, channel])]
        return f"{path}, row {row + 1}, column {columns.names[at]}"

    group = None if columns.group is None else np.array([str(one) for one in groups], np.str_)
    return Table(Series(layout.shaped(x), place), np.array(labels), group, f"{path}, column {name}")
