"""Refuse files of one class each if something other than the signal would tell the classes."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers.tabular import Table
from pellucid.errors import InputError

# Names the place of (example, sample, channel), as `Series.place` does.
Place = Callable[[int, int | None, int | None], str]


def require_no_label_column(tables: Sequence[Table], names: Sequence[str]) -> None:
    """Refuse a column that holds one value in every row of a file, and another one in another file.

    Args:
        tables: one for each class.
        names: of their files.

    Raises:
        InputError: such a column: it is a label, or tells the class as one does.
    """
    if min(len(table.series.x) for table in tables) < 2 or len({table.series.x.shape[1:] for table in tables}) > 1:
        return
    with warnings.catch_warnings():
        # Where a column holds nothing at all.
        warnings.simplefilter("ignore", RuntimeWarning)
        low = np.stack([np.nanmin(table.series.x, 0) for table in tables])
        high = np.stack([np.nanmax(table.series.x, 0) for table in tables])
    telling = (low == high).all(0) & (low != low[0]).any(0)
    if not telling.any():
        return
    time, channel = (int(number) for number in np.argwhere(telling)[-1])
    values = low[:, time, channel]
    other = int(np.flatnonzero(values != values[0])[0])
    raise InputError.unexpected(
        tables[0].series.place(0, time, channel),
        f"{values[0]:g} in this and every other row, and {values[other]:g} in every row of {names[other]}",
        "a signal: this column alone tells the class",
        "If it is the label, name it (label: -1 is the last column) in place of label: file; if it belongs to the "
        "signal, name the columns of the signal: signal.",
    )


def require_different_examples(classes: Sequence[tuple[Iterable[NDArray[Any]], Place]]) -> None:
    """Refuse an example that lies in the files of two classes.

    Args:
        classes: the examples of each class, and what names the place of one of them.

    Raises:
        InputError: it names both.
    """
    seen: dict[bytes, tuple[int, int]] = {}
    for number, (examples, place) in enumerate(classes):
        for row, example in enumerate(examples):
            digest = hashlib.blake2b(np.ascontiguousarray(example, np.float64).data, digest_size=16).digest()
            before, first = seen.setdefault(digest, (number, row))
            if before != number:
                raise InputError.unexpected(
                    place(row, None, None),
                    f"the same example as in {classes[before][1](first, None, None)}, of another class",
                    "each example in one class",
                    "Take it out of one file.",
                )
