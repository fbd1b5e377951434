"""Read files of series that say themselves which numbers are the signal and which text is the class: .ts and .arff."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pellucid.datasets.readers import arff_file, ts_file
from pellucid.datasets.readers.columns import NONE
from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.tabular import Layout, Table
from pellucid.errors import InputError


def read_ts(path: Path, layout: Layout) -> Table:
    """Read a .ts file.

    Raises:
        InputError: `ts_file.read` refuses the file, or the layout names columns, which it has not.
    """
    return _table(path, layout, lambda: ts_file.read(path, labelled=layout.label != NONE))


def read_arff(path: Path, layout: Layout) -> Table:
    """Read an .arff file.

    Raises:
        InputError: `arff_file.read` refuses the file, or the layout names columns, which it has not.
    """
    return _table(path, layout, lambda: arff_file.read(path))


def _table(path: Path, layout: Layout, read: Callable[[], tuple[Series, NDArray[Any] | None]]) -> Table:
    named = {"signal": layout.signal != "all", "label": layout.label not in (-1, NONE), "group": layout.group != NONE}
    if wrong := next((key for key, is_named in named.items() if is_named), ""):
        raise InputError.unexpected(
            f"{path}, {wrong}", "the name of a column", "none: the file itself tells the signal from the class"
        )
    series, labels = read()
    if layout.label == NONE:
        labels = None
    elif labels is None:
        raise InputError.unexpected(str(path), "series without classes", "a class for each", "label: none reads it.")
    return Table(series, labels, None, f"{path}, class")
