"""Read the examples for `pellucid explain`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import delimited
from pellucid.datasets.readers.columns import NONE
from pellucid.datasets.readers.tabular import Layout, counting_columns
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean, first_line

logger = logging.getLogger(__name__)

_TABLES = (".csv", ".tsv")


def read(
    path: Path, label: str, explained: str = ""
) -> tuple[NDArray[Any] | dict[str, NDArray[Any]], NDArray[Any] | None]:
    """Return the examples (N, …) of a file, and their classes where it holds them.

    Args:
        path: an .npy, .npz, .csv or .tsv file.
        label: the column of a table that holds the classes: its name, or its position from 1; empty for none.
        explained: name of the explained one of several inputs, which an .npz holds by name: then a mapping is returned.

    Raises:
        InputError: another kind of file, a column that is no number, or no such column.
    """
    if explained and path.suffix != ".npz":
        raise InputError("--input", f"{path.name} holds one input.", "Several inputs stand in an .npz, by their names.")
    if label and path.suffix not in _TABLES:
        raise InputError("--label", f"{path.name} has no columns.", "An .npz holds the classes as y.")
    if path.suffix in _TABLES:
        x, y = _table(path, label)
    elif explained:
        return _by_name(path, explained)
    elif path.suffix in (".npy", ".npz"):
        x, y = _arrays(path)
    else:
        raise InputError.unexpected(str(path), f'a name that ends in "{path.suffix}"', ".npy, .npz, .csv or .tsv")
    # A row is a series of one channel.
    return (x[..., np.newaxis] if x.ndim == 2 else x), y


def _by_name(path: Path, explained: str) -> tuple[dict[str, NDArray[Any]], NDArray[Any] | None]:
    """Return all arrays of a file but y, by name, the explained one first; and y where there is one."""
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content}
    except (OSError, EOFError, ValueError) as error:
        raise InputError.unexpected(str(path), first_line(error), "arrays of numbers, as NumPy saves them") from None
    y = arrays.pop("y", None) if explained != "y" else None
    if explained not in arrays:
        hint = did_you_mean(explained, arrays).strip()
        expected = f"the name of one of its arrays: {comma_list(arrays)}"
        raise InputError.unexpected("--input", abbreviate(explained), expected, hint)
    return arrays, y


def _arrays(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    try:
        content = np.load(path, allow_pickle=False)
        if path.suffix == ".npy":
            return content, None
        with content:
            if "x" not in content:
                hint = "--input names the explained one of several inputs." if len(content) > 1 else ""
                raise InputError.unexpected(str(path), f"arrays {comma_list(content)}", "x, and perhaps y", hint)
            return content["x"], content.get("y")
    except (OSError, EOFError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError.unexpected(str(path), first_line(error), "arrays of numbers, as NumPy saves them") from None


def _table(path: Path, label: str) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read a table as the data source `table` reads it: row numbers of a data frame are not in the signal."""
    layout = Layout(
        signal="all",
        label=int(label) if label.isdecimal() else label or NONE,
        group=NONE,
        channels=1,
        time_major=True,
        header=None,
        ragged=False,
    )
    try:
        table = delimited.read(path, layout)
    except InputError as error:
        if label or not error.hint:
            raise
        # The reader's own hint names keys of the configuration alone.
        raise error.hinting(f"{error.hint} --label names the column of the classes.") from None
    for note in (*table.all_notes, *counting_columns(table)):
        logger.warning(note)
    return table.series.x, None if table.labels is None else _numbers_or_names(table.labels)


def _numbers_or_names(labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels as numbers if all of them are."""
    try:
        return labels.astype(np.float64)
    except ValueError:
        return labels
