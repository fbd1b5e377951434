"""Read the examples for `pellucid explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean, first_line

_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def read(path: Path, label: str) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return the examples (N, …) of a file, and their classes where it holds them.

    Args:
        path: an .npy, .npz, .csv or .tsv file.
        label: the column of a table that holds the classes: its name, or its position from 1; empty for none.

    Raises:
        InputError: another kind of file, a column that is no number, or no such column.
    """
    if label and path.suffix not in _SEPARATORS:
        raise InputError("--label", f"{path.name} has no columns.", "An .npz holds the classes as y.")
    if path.suffix in _SEPARATORS:
        x, y = _table(path, label)
    elif path.suffix in (".npy", ".npz"):
        x, y = _arrays(path)
    else:
        raise InputError.unexpected(str(path), f'a name that ends in "{path.suffix}"', ".npy, .npz, .csv or .tsv")
    # A row is a series of one channel.
    return (x[..., np.newaxis] if x.ndim == 2 else x), y


def _arrays(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    try:
        content = np.load(path, allow_pickle=False)
        if path.suffix == ".npy":
            return content, None
        with content:
            if "x" not in content:
                raise InputError.unexpected(str(path), f"arrays {comma_list(content)}", "x, and perhaps y")
            return content["x"], content.get("y")
    except (OSError, EOFError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError.unexpected(str(path), first_line(error), "arrays of numbers, as NumPy saves them") from None


def _table(path: Path, label: str) -> tuple[NDArray[Any], NDArray[Any] | None]:
    import pandas as pd

    read = {"sep": _SEPARATORS[path.suffix], "encoding": "utf-8-sig"}
    try:
        first = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, **read).iloc[0]
        titled = not all(_is_number(cell) for i, cell in enumerate(first) if str(i + 1) != label)
        table = pd.read_csv(path, header=0 if titled else None, **read)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError.unexpected(str(path), first_line(error), "a table with an example in each row") from None
    table.columns = [str(name) for name in table.columns] if titled else [str(i + 1) for i in range(table.shape[1])]
    y = None
    if label:
        position = _position(list(table.columns), label, path)
        y = table.iloc[:, position].to_numpy()
        table = table.drop(columns=table.columns[position])
    if words := [name for name in table.columns if table[name].dtype.kind not in "biuf"]:
        hint = "--label names the column of the classes." if not label else ""
        raise InputError.unexpected(str(path), f"words in the column {abbreviate(words[0])}", "numbers", hint)
    return table.to_numpy(np.float64), y


def _position(names: list[str], label: str, path: Path) -> int:
    """Return the position of the column of the classes.

    Raises:
        InputError: there is none, or several.
    """
    if names.count(label) == 1:
        return names.index(label)
    if label.isdecimal() and label not in names and 1 <= int(label) <= len(names):
        return int(label) - 1
    hint = did_you_mean(label, names).strip()
    raise InputError("--label", f"{path.name} has {names.count(label)} columns {abbreviate(label)}.", hint)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
