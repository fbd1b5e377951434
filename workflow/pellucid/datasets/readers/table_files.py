"""The files of a table, read by their suffixes: the training file or files, and the test file with the same columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import delimited, file_classes, file_list, labels, numpy_files, parquet, series_file
from pellucid.datasets.readers.column_header import NONE, Targets
from pellucid.datasets.readers.tabular import Layout, Table
from pellucid.errors import InputError

READERS = {
    ".csv": delimited.read,
    ".tsv": delimited.read,
    ".txt": delimited.read,
    ".parquet": parquet.read,
    ".npz": numpy_files.read_archive,
    ".npy": numpy_files.read_array,
    ".ts": series_file.read_ts,
    ".arff": series_file.read_arff,
}

# Files whose targets are an array or a number of their own, and not in columns.
_WITH_ONE_TARGET = (".npz", ".ts", ".arff")
# For `label`: each file is a class.
BY_FILE = "file"


def read_all(files: Mapping[str, Path], layout: Layout, by_file: bool) -> tuple[dict[str, Table], list[str]]:
    """Read the training file or files, and the test file with the same columns; return notes about several files."""
    paths = [path for name, path in files.items() if name != "test"]
    first = _read(paths[0], layout)
    parts = [first]
    for path in [*paths[1:], *([files["test"]] if "test" in files else [])]:
        parts.append(_read(path, replace(layout, like=first.columns)))
        _require_alike(first, parts[-1], paths[0], path)
    tables, names, notes = parts[: len(paths)], [path.name for path in paths], []
    values = None if first.labels is None else np.concatenate([labels_of(table).astype(object) for table in tables])
    if by_file:
        if first.columns is not None and first.columns.named and BY_FILE in first.columns.names:
            found = "file, which is a column, too"
            raise InputError.unexpected(
                f"{paths[0]}, label", found, "the position of the column, or another name for it"
            )
        if layout.signal == "all":
            file_classes.require_no_label_column(tables, names)
        if not layout.several:  # one input may be equal where the others are not
            file_classes.require_different_examples([(table.series.x, table.series.place) for table in tables])
        counts = [len(table.series.x) for table in tables]
        values = np.repeat(np.array([file_list.class_of(str(path)) for path in paths], object), counts)
    elif len(tables) > 1 and values is not None:
        notes.append(file_list.about_labels(tables, names))
    if len(tables) > 1:
        first = file_list.joined(tables, values)
    return {"train": first, **({"test": parts[-1]} if "test" in files else {})}, notes


def labels_of(table: Table) -> NDArray[Any]:
    assert table.labels is not None
    return table.labels


def _read(path: Path, layout: Layout) -> Table:
    suffix = path.suffix.lower()
    if layout.whole and suffix not in _WITH_ONE_TARGET:
        # The column `label` has the values; the first file has found its name.
        layout = replace(layout, targets=Targets(layout.targets.key, (layout.label,)), label=NONE, whole=False)
    return READERS[suffix](path, layout)


def _require_alike(first: Table, other: Table, first_path: Path, path: Path) -> None:
    """Refuse two files of which only one names its columns (InputError)."""
    named = [table.columns is not None and table.columns.named for table in (first, other)]
    if named[0] != named[1]:
        has, lacks = ("", "not ") if named[1] else ("not ", "")
        problem = f"it does {has}name its columns, but {first_path} does {lacks}name them."
        raise InputError(str(path), problem, "Columns are matched by name: both files need names.")


def group_names(table: Table) -> NDArray[np.str_] | None:
    """Return the names of the groups; refuse an example without a group (InputError)."""
    if table.group is None:
        return None
    groups = labels.group_names(table.group, f"{table.series.place(0, None, None)}, group")
    if (without := np.flatnonzero(groups == "")).size:
        raise InputError.unexpected(table.series.place(int(without[0]), None, None), "no group", "one for each example")
    return groups
