"""Read series from .arff files of the UCR and UEA archives: a head of @attribute lines, then a line for each series."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import completion
from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.dialect import bounded_lines, encoding, undecodable
from pellucid.datasets.readers.ragged import padded
from pellucid.datasets.readers.spelling import AROUND
from pellucid.datasets.readers.text_file import numbers
from pellucid.errors import InputError
from pellucid.messages import abbreviate

_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|\S+)\s+(.+)", re.IGNORECASE)
_NUMBERS = ("numeric", "real", "integer")
_EXPECTED = "numbers, perhaps as the channels of one relational attribute, and the class as the last attribute"


@dataclass(frozen=True)
class _Head:
    """What the lines before @data say: whether there are several channels, and a class."""

    relational: bool
    labelled: bool


def read(path: Path) -> tuple[Series, NDArray[Any] | None]:
    """Read an .arff file.

    Returns:
        The series, padded with NaN to the longest, and their labels as the file writes them; None where every
        attribute is a number.

    Raises:
        InputError: the file is no .arff file of series; a cell is no number; series have different numbers of channels,
            or channels different lengths.
    """
    try:
        with path.open(encoding=encoding(path), newline="") as file:
            stripped = ((number, line.strip(AROUND)) for number, line in enumerate(bounded_lines(file, path), 1))
            lines = ((number, line) for number, line in stripped if line and not line.startswith("%"))
            return _read(lines, _head(lines, path), path)
    except UnicodeDecodeError:
        raise undecodable(path) from None


def _head(lines: Iterator[tuple[int, str]], path: Path) -> _Head:
    kinds, inner = [], False
    for number, line in lines:
        word = line.split()[0].lower()
        if word == "@data":
            break
        if word == "@end":
            inner = False
        if word != "@attribute":
            continue
        match = _ATTRIBUTE.fullmatch(line)
        kind = match[2].strip().lower() if match else ""
        if kind not in (*_NUMBERS, "relational") and not (kind.startswith("{") and not inner):
            raise InputError.unexpected(f"{path.name}, line {number}", f"the attribute {abbreviate(line)}", _EXPECTED)
        if not inner:
            kinds.append("class" if kind.startswith("{") else kind)
        inner |= kind == "relational"
    else:
        raise InputError.unexpected(path.name, "no line @data", "an .arff file")
    labelled = kinds[-1:] == ["class"]
    signal = kinds[:-1] if labelled else kinds
    if not signal or "class" in signal or ("relational" in signal and len(signal) > 1):
        raise InputError.unexpected(path.name, f"{len(kinds)} attributes in another order", _EXPECTED)
    return _Head("relational" in signal, labelled)


def _read(lines: Iterator[tuple[int, str]], head: _Head, path: Path) -> tuple[Series, NDArray[Any] | None]:
    values, lengths, labels, places, channels = array("d"), array("q"), list[str](), array("q"), 0
    for number, line in lines:
        where = f"{path.name}, line {number}"
        if line.startswith("{"):
            raise InputError.unexpected(where, "a sparse row ({…})", "all values of the series")
        parts, label = _cells(line, head, where)
        if channels and len(parts) != channels:
            raise InputError.unexpected(where, f"{len(parts)} channel(s)", f"{channels}, as in the series before")
        channels = len(parts)
        rows = [_numbers(part, f"{where}, channel {at}") for at, part in enumerate(parts, 1)]
        for at, row in enumerate(rows, 1):
            if len(row) != len(rows[0]):
                expected = f"{len(rows[0])}, as in its first channel"
                raise InputError.unexpected(f"{where}, channel {at}", f"{len(row)} samples", expected)
            values.extend(row)
        lengths.append(len(rows[0]))
        labels.append(label)
        places.append(number)
    if not lengths:
        raise InputError.unexpected(path.name, "no series", "at least one")
    flat = padded(np.frombuffer(values), np.repeat(np.array(lengths), channels), path.name)
    x = np.ascontiguousarray(flat.reshape(len(lengths), channels, -1).swapaxes(1, 2))

    def place(row: int, time: int | None, channel: int | None) -> str:
        return completion.name_place(f"{path}, line {places[row]}", time, channel)

    return Series(x, place, np.array(lengths)), np.array(labels, object) if head.labelled else None


def _cells(line: str, head: _Head, where: str) -> tuple[list[str], str]:
    """Return the text of each channel, and the label ("" without a class)."""
    rest, label = line, ""
    if head.labelled:
        rest, comma, label = line.rpartition(",")
        label = label.strip(AROUND)
        if len(label) > 1 and label[0] == label[-1] and label[0] in "'\"":
            label = label[1:-1]
        if not comma:
            raise InputError.unexpected(where, "no comma", "the values of a series and its class")
    if not head.relational:
        return [rest], label
    rest = rest.strip(AROUND)
    if len(rest) < 2 or rest[0] not in "'\"" or rest[-1] != rest[0]:
        raise InputError.unexpected(where, "channels without quotes around them", "'1,2,3\\n4,5,6',class")
    return rest[1:-1].split("\\n"), label


def _numbers(text: str, where: str) -> list[float]:
    cells = [cell.strip(AROUND) for cell in text.split(",")]
    if (row := numbers(cells, ".")) is None:
        wrong = next(at for at, cell in enumerate(cells) if numbers([cell], ".") is None)
        raise InputError.unexpected(f"{where}, sample {wrong + 1}", abbreviate(cells[wrong]), "a number")
    return row
