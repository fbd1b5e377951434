"""Read .ts files of the UCR and UEA archives: a head of @ lines, then a line of numbers and a class for each series."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import completion
from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.dialect import bounded_lines, encoding
from pellucid.datasets.readers.ragged import padded
from pellucid.datasets.readers.spelling import AROUND
from pellucid.datasets.readers.text_file import numbers
from pellucid.errors import InputError
from pellucid.messages import abbreviate


def read(path: Path, *, labelled: bool = True, numbered: bool = False) -> tuple[Series, NDArray[Any]]:
    """Read a .ts file.

    Args:
        path: the file.
        labelled: whether every series must have a class; without it a file that has no classes is read as well.
        numbered: whether every series must have a number instead (@targetlabel), as sets for regression have it.

    Returns:
        The series, padded with NaN to the longest, and their labels as the file writes them ("" for none).

    Raises:
        InputError: the file is no .ts file, has no classes, or has time stamps; a cell is no number; series have
            different numbers of channels, or channels different lengths, where they should not.
    """
    coded = encoding(path)
    try:
        return _read(path, coded, labelled, numbered)
    except UnicodeDecodeError:
        # Names in the comments of older sets are not in UTF-8.
        return _read(path, "latin-1", labelled, numbered)


def _read(path: Path, coded: str, labelled: bool, numbered: bool) -> tuple[Series, NDArray[Any]]:
    with path.open(encoding=coded, newline="") as file:
        lines = ((number, line.strip(AROUND)) for number, line in enumerate(bounded_lines(file, path), 1))
        head = _head(lines, path.name, labelled, numbered)
        values, lengths, labels, channels = array("d"), array("q"), list[str](), 0
        for number, line in lines:
            if not line:
                continue
            where = f"{path.name}, line {number}"
            parts = line.split(":")
            label = parts.pop() if numbered or _has_classes(head) else ""
            _require_channels(len(parts), channels, head, where)
            channels = len(parts)
            counts = [_append(values, part, f"{where}, channel {at}") for at, part in enumerate(parts, 1)]
            usual = lengths[0] if lengths and head.get("equallength", "true") == "true" else counts[0]
            for at, count in enumerate(counts, 1):
                if count != usual:
                    expected = f"{usual}, as in {'its other channels' if at > 1 else 'the first series'}"
                    raise InputError.unexpected(f"{where}, channel {at}", f"{count} samples", expected)
            lengths.append(counts[0])
            labels.append(label)
    if not labels:
        raise InputError.unexpected(path.name, "no series", "at least one")
    flat = padded(np.frombuffer(values), np.repeat(np.array(lengths), channels), path.name)
    x = np.ascontiguousarray(flat.reshape(len(labels), channels, -1).swapaxes(1, 2))

    def place(row: int, time: int | None, channel: int | None) -> str:
        return completion.name_place(f"{path.name}, series {row + 1}", time, channel)

    return Series(x, place, np.array(lengths)), np.array(labels, object)


def _has_classes(head: Mapping[str, str]) -> bool:
    return head.get("targetlabel") != "true" and head.get("classlabel", "true").split(" ")[0] == "true"


def _head(lines: Iterator[tuple[int, str]], name: str, labelled: bool, numbered: bool) -> dict[str, str]:
    """Return the content of the lines before @data, by their first word in small letters.

    Raises:
        InputError: there is no line @data, or the series have no classes, or have time stamps.
    """
    head: dict[str, str] = {}
    for _, line in lines:
        if line.lower() == "@data":
            break
        if line.startswith("@"):
            key, _, words = line[1:].lower().replace("\t", " ").partition(" ")
            head[key] = words.strip()
    else:
        raise InputError.unexpected(name, "no line @data", "a .ts file of the archive")
    if head.get("timestamps") == "true":
        raise InputError.unexpected(name, "series with time stamps", "series of equal steps, each with its class")
    if numbered:
        if head.get("targetlabel") != "true":
            found = "no line @targetlabel true: a set for classification"
            raise InputError.unexpected(name, found, "a number for each series", "task: single_label reads classes.")
        return head
    if head.get("targetlabel") == "true" or (labelled and not _has_classes(head)):
        found = "no classes (a set for regression or clustering?)"
        raise InputError.unexpected(name, found, "series of equal steps, each with its class")
    return head


def _require_channels(count: int, before: int, head: Mapping[str, str], where: str) -> None:
    if count == 0:
        raise InputError.unexpected(
            where, "no colon", "the samples of each channel and the class, with colons between them"
        )
    if before and count != before:
        raise InputError.unexpected(where, f"{count} channel(s)", f"{before}, as in the series before")
    if count > 1 and head.get("univariate") == "true":
        raise InputError.unexpected(where, f"{count} channels", "one, since @univariate is true")


def _append(values: array[float], text: str, where: str) -> int:
    """Append the numbers of one channel, and return their count."""
    cells = [cell.strip(AROUND) for cell in text.split(",")]
    row = numbers(cells, ".")
    if row is None:
        wrong = next(at for at, cell in enumerate(cells) if numbers([cell], ".") is None)
        raise InputError.unexpected(f"{where}, sample {wrong + 1}", abbreviate(cells[wrong]), "a number")
    values.extend(row)
    return len(row)
