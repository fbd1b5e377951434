"""How a text file writes its table: its encoding, what stands between cells, and the decimal sign."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from pellucid.datasets.readers.spelling import AROUND, as_number
from pellucid.errors import InputError

# What stands for a value that is missing, in a column of numbers; in one of texts each may be a name.
MISSING = ("", "NA", "N/A", "n/a", "nan", "NaN", "NAN", "null", "NULL", "None", "?")
# Where cells are divided by any number of blanks.
BLANKS = " "
_DELIMITERS = ("\t", ";", ",", "|", BLANKS)
_SAMPLE = 20  # lines
_SAMPLE_OF_A_LINE = 10_000  # characters
# What no table of series has, and what would fill the memory or take for ever.
_LONGEST_LINE = 2**25  # characters
_LONGEST_CELL = 1_000_000  # characters
_MOST_CELLS = 500_000  # in a line
_MOST_BLANK_LINES = 1_000_000  # behind each other
_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")
_POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+([eE][+-]?[0-9]+)?")
# How files begin that are no text, whatever their name says.
_OTHER_FILES = {
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip file (or a workbook, .xlsx)",
    b"PK\x05\x06": "an empty zip file",
    b"\xd0\xcf\x11\xe0": "an old workbook (.xls)",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"7z\xbc\xaf": "a 7z file",
    b"PAR1": "a Parquet file",
    b"\x93NUMPY": "a NumPy file",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF file",
    b"{\\rtf": "a file of a word processor (.rtf)",
}
_WIDE = "Longer series belong into an .npz file."
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
        """Line number, from 1, and cells of each line that is not blank.

        Raises:
            InputError: a line of more cells or characters than any series has, a quote without its end, a zero byte.
            UnicodeDecodeError: bytes that are no text.
        """
        csv.field_size_limit(_LONGEST_CELL)
        with path.open(encoding=self.encoding, newline="") as file:
            reader = _cells(bounded_lines(file, path), self.delimiter)
            before = 0
            try:
                for cells in reader:
                    if len(cells) > _MOST_CELLS:
                        expected = f"at most {_MOST_CELLS:,}"
                        raise InputError.unexpected(
                            f"{path}, line {reader.line_num}", f"{len(cells):,} cells", expected, _WIDE
                        )
                    if reader.line_num > before + 1:
                        self._require_one_row(cells, f"{path}, line {before + 1}")
                    before = reader.line_num
                    if len(cells) > 1 or any(cell.strip() for cell in cells):
                        yield reader.line_num, cells
            except csv.Error as error:
                raise _unparsed(f"{path}, line {before + 1}", error) from None

    def _require_one_row(self, cells: Sequence[str], where: str) -> None:
        """Refuse a cell in quotes that runs over several lines and holds as many delimiters as these lines would.

        Raises:
            InputError: as said: a quote that stands alone, and the next one, make one row of many.
        """
        for cell in cells:
            breaks = max(cell.count("\n"), cell.count("\r"))
            if breaks and len(cells) > 1 and cell.count(self.delimiter) >= breaks * (len(cells) - 1):
                found = f"a cell in quotes that runs over {breaks + 1:,} lines and holds the cells of these"
                raise InputError.unexpected(
                    where, found, "quotes that end in their cell", "A quote may be missing, or too much."
                )


def sniff(path: Path) -> Dialect:
    """Find out how a file is written, from its first lines.

    Raises:
        InputError: bytes that are no text, or numbers of which the decimal sign is not clear.
    """
    coded = encoding(path)
    with path.open(encoding=coded, newline="") as file:
        lines = list(islice((_beginning(line) for line in bounded_lines(file, path) if line.strip()), _SAMPLE))
    # The header, if there is one, says nothing of the numbers below.
    lines = lines[1:] or lines
    if path.suffix.lower() == ".tsv":
        delimiter = "\t"
    else:
        delimiter = max(_DELIMITERS, key=lambda one: _share_of_numbers(lines, one))
        if _share_of_numbers(lines, delimiter) == 0:
            delimiter = max(",;\t", key=(lines or [""])[0].count)
    return Dialect(coded, delimiter, _decimal(path, lines, delimiter))


def encoding(path: Path) -> str:
    """The encoding of a text file, by its first bytes.

    Raises:
        InputError: a file of another kind, or zero bytes.
    """
    with path.open("rb") as file:
        start = file.read(1 << 16)
    for beginning, kind in _OTHER_FILES.items():
        # A header of a table may begin with PAR1 or BZh too.
        if start.startswith(beginning) and not (beginning.isalnum() and _is_plain(start)):
            raise InputError.unexpected(str(path), kind, "a text file in UTF-8", "Unpack it, or save it as CSV.")
    wide = start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE))
    if not wide and start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start:
        found = "zero bytes (UTF-32, UTF-16 without its mark, or no text)"
        raise InputError.unexpected(str(path), found, "a text file in UTF-8")
    return "utf-8-sig"


def _is_plain(content: bytes) -> bool:
    """Whether there are only letters, digits and signs of ASCII."""
    return all(31 < byte < 127 or byte in b"\t\r\n" for byte in content)


def bounded_lines(file: TextIO, path: Path) -> Iterator[str]:
    """The lines of a file, none of which is longer than any table's.

    Raises:
        InputError: a longer one, a zero byte, or nothing but blank lines.
    """
    blank = 0
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), ""), 1):
        if len(line) == _LONGEST_LINE:
            found = f"a line of more than {_LONGEST_LINE:,} characters"
            raise InputError.unexpected(f"{path}, line {number}", found, "a line for each example", _WIDE)
        if "\0" in line:
            raise InputError.unexpected(
                f"{path}, line {number}", "a zero byte, which is in no text", "a text file in UTF-8"
            )
        blank = blank + 1 if line.isspace() else 0
        if blank > _MOST_BLANK_LINES:
            raise InputError.unexpected(
                f"{path}, line {number}", f"{blank:,} blank lines behind each other", "rows of cells"
            )
        yield line


def _beginning(line: str) -> str:
    """As much of a line as says how it is written; no cell is cut, since 1,2 is another number than 1,234."""
    if len(line) <= _SAMPLE_OF_A_LINE:
        return line
    return line[: max(line.rfind(delimiter, 0, _SAMPLE_OF_A_LINE) for delimiter in _DELIMITERS)]


def _cells(lines: Iterable[str], delimiter: str, strict: bool = True) -> Any:
    """A reader of the cells of each line; unless strict, the lines may be cut."""
    if delimiter == BLANKS:
        stripped = (line.strip(AROUND).replace("\t", " ") for line in lines)
        return csv.reader(stripped, delimiter=" ", skipinitialspace=True, strict=strict)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def _unparsed(where: str, error: csv.Error) -> InputError:
    """Say what is wrong with a line that is no row of cells."""
    if "field larger" in str(error):
        found = f"a cell of more than {_LONGEST_CELL:,} characters"
        return InputError.unexpected(where, found, "a number or a name", "A quote may be missing.")
    if "unexpected end" in str(error):
        return InputError.unexpected(where, "a quote without its end", "quotes that end in their cell")
    hint = (
        "Remove what stands between a closing quote and the next cell, blanks included."
        if "after" in str(error)
        else ""
    )
    return InputError.unexpected(where, f"a line that cannot be parsed ({error})", "rows of cells", hint)


def _share_of_numbers(lines: Sequence[str], delimiter: str) -> float:
    """How much of the cells are numbers, if this is what stands between them; 0 where nothing is divided by it."""
    try:
        rows = list(_cells(lines, delimiter, strict=False))
    except csv.Error:
        return 0
    if max((len(row) for row in rows), default=0) < 2:
        return 0
    cells = [cell for row in rows for cell in row if cell.strip()]
    signs = "." if delimiter == "," else ".,"
    return sum(any(as_number(cell, sign) is not None for sign in signs) for cell in cells) / max(1, len(cells))


def _decimal(path: Path, lines: Sequence[str], delimiter: str) -> str:
    """The decimal sign: a comma where cells are divided by something else and no number has a point.

    Raises:
        InputError: commas that may as well divide thousands.
    """
    if delimiter == ",":
        return "."
    cells = [cell.strip() for row in _cells(lines, delimiter, strict=False) for cell in row]
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    if not commas or any(_POINT.fullmatch(cell) for cell in cells):
        return "."
    if all(_THOUSANDS.fullmatch(cell) for cell in commas):
        raise InputError.unexpected(
            str(path),
            f'numbers such as "{commas[0]}", whose comma may be a decimal sign or divide thousands',
            "numbers with a decimal point and without marks between thousands",
        )
    return ","


def undecodable(path: Path) -> InputError:
    """Say in which line the first bytes are that are no text."""
    decoder, line, reason = codecs.getincrementaldecoder(encoding(path))(), 1, "no text"
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 16), None):
            try:
                line += decoder.decode(block, final=not block).count("\n")
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                reason = error.reason
                break
            if not block:
                break
    hint = "Older programs often write another encoding: save it as UTF-8."
    return InputError.unexpected(
        str(path), f"bytes that are no text in line {line} ({reason})", "a text file in UTF-8", hint
    )
