"""A table in several files: which files, the class of each, and all of them as one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.spelling import normalised
from pellucid.datasets.readers.tabular import Table, Target
from pellucid.downloads import is_local, local_path, place
from pellucid.errors import InputError
from pellucid.messages import comma_list

_SIGNS = "*?["


def expand(named: str | Sequence[str], where: str) -> list[str]:
    """Return the paths and addresses that one text or a list of them names, those of a pattern in their order.

    Raises:
        InputError: a pattern that no file fits, or a file that is named twice.
    """
    found: list[str] = []
    for text in [named] if isinstance(named, str) else named:
        # A file of this very name is meant, whatever signs are in it.
        is_pattern = any(sign in text for sign in _SIGNS) and is_local(text, where)
        path = local_path(text, where) if is_pattern else Path()
        if not is_pattern or path.is_file():
            found.append(text)
            continue
        fitting = _fitting(path)
        if not fitting:
            raise InputError.unexpected(where, f'no file like "{text}"', "a pattern that some file fits")
        found += fitting
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise InputError.unexpected(where, f'"{twice[0]}" twice', "each file once")
    return found


def _fitting(pattern: Path) -> list[str]:
    """Return the files that a pattern fits, by name, without those whose name begins with a point."""
    root = Path(pattern.anchor)
    paths = sorted(root.glob(str(pattern.relative_to(root))))
    return [str(path) for path in paths if path.is_file() and not path.name.startswith(".")]


def class_of(address: str) -> str:
    """Return the name of a file without its folder and its suffix: its class, where each file is one."""
    return Path(local_path(address) if is_local(address) else place(address)).stem


def require_classes(addresses: Sequence[str], where: str) -> None:
    """Refuse files that cannot each be a class of their own.

    Raises:
        InputError: there is one file, or two have the same name.
    """
    if len(addresses) < 2:
        raise InputError.unexpected(
            where, "one file, and label: file", "several, each with the examples of one class", "A list, or a pattern."
        )
    first: dict[str, str] = {}
    for address in addresses:
        if (other := first.setdefault(class_of(address), address)) != address:
            raise InputError.unexpected(
                where,
                f'"{other}" and "{address}", both of the class "{class_of(address)}"',
                "names that differ, since label: file makes each file a class",
                "Rename one, or put the rows of both into one file.",
            )


def joined(tables: Sequence[Table], labels: NDArray[Any] | None) -> Table:
    """Return the rows of several tables one after another.

    Args:
        tables: at least one; all have a group, or none.
        labels: of all rows.

    Raises:
        InputError: the tables have different numbers of channels, labels or values.
    """
    first = tables[0]
    channels = [table.series.x.shape[2] for table in tables]
    for table, count in zip(tables, channels, strict=True):
        if count != channels[0]:
            where = table.series.place(0, None, None)
            raise InputError.unexpected(where, f"{count} channel(s)", f"{channels[0]}, as in the first file")
    for table in tables:
        require_numbers(first, table)
        if len(table.targets) != len(first.targets):
            found, expected = f"{len(table.targets)} labels or values", f"{len(first.targets)}, as in the first file"
            raise InputError.unexpected(table.series.place(0, None, None), found, expected)
    groups = [table.group for table in tables if table.group is not None]
    return Table(
        _all_series([table.series for table in tables]),
        labels,
        np.concatenate([group.astype(object) for group in groups]) if groups else None,
        first.label,
        first.columns,
        tuple(_joined_target(columns) for columns in zip(*(table.targets for table in tables), strict=True)),
        first.numbers,
        first.notes,
    )


def _joined_target(columns: Sequence[Target]) -> Target:
    return columns[0]._replace(cells=np.concatenate([column.cells for column in columns]))


def _all_series(parts: Sequence[Series]) -> Series:
    """Return series one after another, those of shorter files followed by NaN."""
    times = [part.x.shape[1] for part in parts]
    starts = np.cumsum([0, *(len(part.x) for part in parts)])

    def place(row: int, time: int | None, channel: int | None) -> str:
        number = int(np.searchsorted(starts, row, "right")) - 1
        return parts[number].place(row - int(starts[number]), time, channel)

    lengths = None
    if len(set(times)) > 1 or any(part.lengths is not None for part in parts):
        lengths = np.concatenate(
            [np.full(len(part.x), part.x.shape[1]) if part.lengths is None else part.lengths for part in parts]
        )
    longest, x = max(times), []
    for part in parts:
        short = longest - part.x.shape[1]
        x.append(np.pad(part.x, ((0, 0), (0, short), (0, 0)), constant_values=np.nan) if short else part.x)
    return Series(np.concatenate(x) if len(x) > 1 else x[0], place, lengths)


def only(table: Table, rows: NDArray[np.int64]) -> Table:
    """Return the table, which has one label for each example, with these rows alone."""
    labels, group = (None if values is None else values[rows] for values in (table.labels, table.group))
    series = table.series.only(rows)
    return Table(series, labels, group, table.label, table.columns, numbers=table.numbers, notes=table.notes)


def require_numbers(first: Table, other: Table) -> None:
    """Refuse a file whose arrays hold other numbers without an order than those of the first file (InputError)."""
    if other.numbers != first.numbers:
        found, expected = (f"the numbers {comma_list(table.numbers[:20])}" for table in (other, first))
        raise InputError.unexpected(other.series.place(0, None, None), found, f"{expected}, as in the first file")


def about_labels(tables: Sequence[Table], names: Sequence[str]) -> str:
    """Return a sentence that says where the classes of several labelled files (of these names) come from."""
    kinds = [sorted({str(label) for label in table.labels}) for table in tables if table.labels is not None]
    # In one spelling for all files: 1.0 and 1.000e+00 are one label.
    single = normalised([kind[0] for kind in kinds if len(kind) == 1], {})
    if len(single) == len(tables) == len(set(single)):
        pairs = comma_list(f"{kind} ({name})" for kind, name in zip(single, names, strict=True))
        return f"Each file has one label: {pairs}."
    return f"The {len(tables)} files are parts of one table: the classes are those of its column of labels."
