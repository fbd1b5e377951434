"""How a text file writes its table: its encoding, what stands between cells, and the decimal sign."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pellucid.datasets.labels import as_number
from pellucid.errors import InputError

# What stands for a value that is missing, in a column of numbers; in one of texts each may be a name.
MISSING = ("", "NA", "N/A", "n/a", "nan", "NaN", "NAN", "null", "NULL", "None", "?")
# Where cells are divided by any number of blanks.
BLANKS = " "
_DELIMITERS = ("\t", ";", ",", "|", BLANKS)
_SAMPLE = 20  # lines
_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")
_POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+([eE][+-]?[0-9]+)?")
# 1,234 may be a thousand or one and a bit.
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+")


@dataclass(frozen=True)
class Dialect:
    """The way in which a file writes a table.

    Attributes:
        encoding: UTF-8 or UTF-16, with or without the mark that spreadsheets put first.
        delimiter: what stands between cells; `BLANKS` for any number of spaces and tabs.
        decimal: the decimal sign.
    """

    encoding: str
    delimiter: str
    decimal: str = "."

    def number(self, cell: str) -> float | None:
        """The number that a cell says, if it says one."""
        return as_number(cell, self.decimal)

    def lines(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """Line number, from 1, and cells of each line that is not blank."""
        csv.field_size_limit(2**27)
        with path.open(encoding=self.encoding, newline="") as file:
            reader = _cells(file, self.delimiter)
            for cells in reader:
                if any(cell.strip() for cell in cells) or len(cells) > 1:
                    yield reader.line_num, cells


def sniff(path: Path) -> Dialect:
    """Find out how a file is written, from its first lines.

    Raises:
        InputError: bytes that are no text, or numbers of which the decimal sign is not clear.
    """
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        lines = list(islice((line for line in file if line.strip()), _SAMPLE))
    # The header, if there is one, says nothing of the numbers below.
    lines = lines[1:] or lines
    if path.suffix.lower() == ".tsv":
        delimiter = "\t"
    else:
        delimiter = max(_DELIMITERS, key=lambda one: _share_of_numbers(lines, one))
        if _share_of_numbers(lines, delimiter) == 0:
            delimiter = max(",;\t", key=(lines or [""])[0].count)
    return Dialect(encoding, delimiter, _decimal(path, lines, delimiter))


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(1 << 16)
    wide = start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE))
    if not wide and start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start:
        found = "zero bytes (UTF-32, UTF-16 without its mark, or no text)"
        raise InputError(str(path), found, "a text file in UTF-8")
    return "utf-8-sig"


def _cells(lines: Iterable[str], delimiter: str) -> Any:
    """A reader of the cells of each line."""
    if delimiter == BLANKS:
        stripped = (line.strip().replace("\t", " ") for line in lines)
        return csv.reader(stripped, delimiter=" ", skipinitialspace=True)
    return csv.reader(lines, delimiter=delimiter)


def _share_of_numbers(lines: Sequence[str], delimiter: str) -> float:
    """How much of the cells are numbers, if this is what stands between them; 0 where nothing is divided by it."""
    try:
        rows = list(_cells(lines, delimiter))
    except csv.Error:
        return 0
    if max((len(row) for row in rows), default=0) < 2:
        return 0
    cells = [cell for row in rows for cell in row if cell.strip()]
    decimal = "." if delimiter == "," else ","
    return sum(as_number(cell, decimal) is not None for cell in cells) / max(1, len(cells))


def _decimal(path: Path, lines: Sequence[str], delimiter: str) -> str:
    """The decimal sign: a comma where cells are divided by something else and no number has a point.

    Raises:
        InputError: commas that may as well divide thousands.
    """
    if delimiter == ",":
        return "."
    cells = [cell.strip() for row in _cells(lines, delimiter) for cell in row]
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    if not commas or any(_POINT.fullmatch(cell) for cell in cells):
        return "."
    if all(_THOUSANDS.fullmatch(cell) for cell in commas):
        raise InputError(
            str(path),
            f'numbers such as "{commas[0]}", whose comma may be a decimal sign or divide thousands',
            "numbers with a decimal point and without marks between thousands",
        )
    return ","


def undecodable(path: Path, error: UnicodeDecodeError) -> InputError:
    """Say in which line the first bytes are that are no text."""
    line = ""
    with path.open("rb") as file:
        for number, content in enumerate(file, 1):
            try:
                content.decode("utf-8")
            except UnicodeDecodeError:
                line = f" in line {number}"
                break
    hint = "Older programs often write another encoding: save it as UTF-8."
    return InputError(str(path), f"bytes that are no text{line} ({error.reason})", "a text file in UTF-8", hint)
