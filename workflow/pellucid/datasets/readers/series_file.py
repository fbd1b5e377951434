"""Read .ts and .arff files: they say themselves which numbers are the signal and which text is the class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import arff_file, ts_file
from pellucid.datasets.readers.columns import NONE
from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.spelling import as_number
from pellucid.datasets.readers.tabular import Layout, Table, Target
from pellucid.errors import InputError


def read_ts(path: Path, layout: Layout) -> Table:
    """Read a .ts file.

    Raises:
        InputError: `ts_file.read` refuses the file, or the layout names columns, which it has not.
    """
    return _table(path, layout, lambda: ts_file.read(path, labelled=layout.label != NONE, numbered=layout.whole))


def read_arff(path: Path, layout: Layout) -> Table:
    """Read an .arff file.

    Raises:
        InputError: `arff_file.read` refuses the file, or the layout names columns, which it has not.
    """
    return _table(path, layout, lambda: arff_file.read(path))


def _table(path: Path, layout: Layout, read: Callable[[], tuple[Series, NDArray[Any] | None]]) -> Table:
    if layout.targets.entries:
        key = layout.targets.key
        raise InputError.unexpected(f"{path}, {key}", "names of columns", "none: the file has no names of columns")
    named = {"signal": layout.signal != "all", "label": layout.label not in (-1, NONE), "group": layout.group != NONE}
    if wrong := next((key for key, is_named in named.items() if is_named), ""):
        raise InputError.unexpected(
            f"{path}, {wrong}", "the name of a column", "none: the file itself tells the signal from the class"
        )
    series, labels = read()
    if layout.label == NONE:
        labels = None
    elif labels is None:
        hint = "A .ts file with @targetlabel has a number for each." if layout.whole else "label: none reads it."
        raise InputError.unexpected(str(path), "series without classes", "a class for each", hint)
    if layout.whole and labels is not None:
        return Table(series, None, None, f"{path}, class", targets=(Target("", "the last value", _numbers(labels)),))
    return Table(series, labels, None, f"{path}, class")


def _numbers(texts: NDArray[Any]) -> NDArray[Any]:
    """Return texts (N,) as floats where they are numbers, and else as they are."""
    cells = np.empty(len(texts), object)
    cells[:] = [text if (number := as_number(str(text))) is None else number for text in texts]
    return cells
