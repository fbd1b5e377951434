"""Find out how a text file writes a table (encoding, delimiter, decimal sign), and split its lines into cells."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, TextIO

from pellucid.datasets.readers.spelling import AROUND, as_number
from pellucid.errors import InputError

# How a missing value is written in a column of numbers; in a column of texts each of these may be a name.
MISSING = ("", "NA", "N/A", "n/a", "nan", "NaN", "NAN", "null", "NULL", "None", "?")
# The delimiter of cells that are separated by any number of blanks.
BLANKS = " "
_DELIMITERS = ("\t", ";", ",", "|", BLANKS)
_SAMPLE = 20  # lines
_SAMPLE_OF_A_LINE = 10_000  # characters
# Limits beyond any table of series, which would fill the memory or take for ever.
_LONGEST_LINE = 2**25  # characters
_LONGEST_CELL = 1_000_000  # characters
_MOST_CELLS = 500_000  # in a line
_MOST_BLANK_LINES = 1_000_000  # in a row
_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")
_POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+([eE][+-]?[0-9]+)?")
# First bytes of files that are no text, whatever their name says.
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
_WIDE = "Store longer series in an .npz file."
# 1,234 may be 1234 or 1.234.
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+")
_POINT_AND_THREE = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Dialect:
    """How a file writes a table.

    Attributes:
        encoding: UTF-8 or UTF-16, with or without a byte order mark.
        delimiter: the character between cells; `BLANKS` for any number of spaces and tabs.
        decimal: the decimal sign.
    """

    encoding: str
    delimiter: str
    decimal: str = "."

    def number(self, cell: str) -> float | None:
        """Return the number in a cell, or None if it holds no number."""
        return as_number(cell, self.decimal)

    def lines(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """Yield the line number, from 1, and the cells of each line that is not blank.

        Raises:
            InputError: a line has too many cells or characters, a quote without its end, or a zero byte.
            UnicodeDecodeError: the file has bytes that are no text.
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
        """Refuse a quoted cell over several lines with as many delimiters as these lines would have.

        A missing or surplus quote makes one row of all lines up to the next quote.
        """
        for cell in cells:
            breaks = max(cell.count("\n"), cell.count("\r"))
            if breaks and len(cells) > 1 and cell.count(self.delimiter) >= breaks * (len(cells) - 1):
                problem = f"a quoted cell runs over {breaks + 1:,} lines and swallows their cells."
                raise InputError(where, problem, "A quote is missing, or there is one too many.")


def sniff(path: Path) -> Dialect:
    """Find out how a file is written, from its first lines.

    Raises:
        InputError: the file is no text, or the decimal sign of its numbers is not clear.
    """
    coded = encoding(path)
    with path.open(encoding=coded, newline="") as file:
        lines = list(islice((_beginning(line) for line in bounded_lines(file, path) if line.strip()), _SAMPLE))
    # The first line may be a header, which has no numbers.
    lines = lines[1:] or lines
    if path.suffix.lower() == ".tsv":
        delimiter = "\t"
    else:
        delimiter = max(_DELIMITERS, key=lambda delimiter: _share_of_numbers(lines, delimiter))
        if _share_of_numbers(lines, delimiter) == 0:
            delimiter = max(",;\t", key=(lines or [""])[0].count)
    return Dialect(coded, delimiter, _decimal(path, lines, delimiter))


def encoding(path: Path) -> str:
    """Return the encoding of a text file, by its first bytes.

    Raises:
        InputError: the file is of another kind, or holds zero bytes.
    """
    with path.open("rb") as file:
        start = file.read(1 << 16)
    for beginning, kind in _OTHER_FILES.items():
        # The header of a table may begin with PAR1 or BZh too.
        if start.startswith(beginning) and not (beginning.isalnum() and _is_plain(start)):
            raise InputError.unexpected(str(path), kind, "a text file in UTF-8", "Unpack it, or save it as CSV.")
    wide = start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE))
    if not wide and start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start:
        found = "zero bytes (UTF-32, UTF-16 without its byte order mark, or no text)"
        raise InputError.unexpected(str(path), found, "a text file in UTF-8")
    return "utf-8-sig"


def _is_plain(content: bytes) -> bool:
    """Return whether all bytes are printable ASCII."""
    return all(31 < byte < 127 or byte in b"\t\r\n" for byte in content)


def bounded_lines(file: TextIO, path: Path) -> Iterator[str]:
    """Yield the lines of a file, within limits.

    Raises:
        InputError: a line is too long or holds a zero byte, or there are very many blank lines in a row.
    """
    blank = 0
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), ""), 1):
        if len(line) == _LONGEST_LINE:
            found = f"a line of more than {_LONGEST_LINE:,} characters"
            raise InputError.unexpected(f"{path}, line {number}", found, "a line for each example", _WIDE)
        if "\0" in line:
            raise InputError.unexpected(
                f"{path}, line {number}", "a zero byte, which no text has", "a text file in UTF-8"
            )
        blank = blank + 1 if line.isspace() else 0
        if blank > _MOST_BLANK_LINES:
            raise InputError.unexpected(f"{path}, line {number}", f"{blank:,} blank lines in a row", "rows of cells")
        yield line


def _beginning(line: str) -> str:
    """Return the beginning of a line, cut between cells: in the middle of 1,234 would be another number."""
    if len(line) <= _SAMPLE_OF_A_LINE:
        return line
    return line[: max(line.rfind(delimiter, 0, _SAMPLE_OF_A_LINE) for delimiter in _DELIMITERS)]


def _cells(lines: Iterable[str], delimiter: str, strict: bool = True) -> Any:
    """Return a csv reader of the cells of each line; lines may be cut off unless `strict`."""
    if delimiter == BLANKS:
        stripped = (line.strip(AROUND).replace("\t", " ") for line in lines)
        return csv.reader(stripped, delimiter=" ", skipinitialspace=True, strict=strict)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def _unparsed(where: str, error: csv.Error) -> InputError:
    """Return the error of a line that is no row of cells."""
    if "field larger" in str(error):
        found = f"a cell of more than {_LONGEST_CELL:,} characters"
        return InputError.unexpected(where, found, "a number or a name", "A quote may be missing.")
    if "unexpected end" in str(error):
        return InputError.unexpected(where, "a quote without its end", "quotes that end in their cell")
    hint = (
        "Remove everything between a closing quote and the next delimiter, also blanks."
        if "after" in str(error)
        else ""
    )
    return InputError.unexpected(where, f"a line that cannot be parsed ({error})", "rows of cells", hint)


def _share_of_numbers(lines: Sequence[str], delimiter: str) -> float:
    """Return the share of cells that are numbers with this delimiter; 0 if no line has the delimiter."""
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
    """Return the decimal sign: a comma if it is not the delimiter and no number has a point.

    Raises:
        InputError: the commas may as well separate thousands.
    """
    if delimiter == ",":
        return "."
    rows = [[cell.strip() for cell in row] for row in _cells(lines, delimiter, strict=False)]
    _require_no_thousands(path, rows)
    cells = [cell for row in rows for cell in row]
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    if not commas or any(_POINT.fullmatch(cell) for cell in cells):
        return "."
    if all(_THOUSANDS.fullmatch(cell) for cell in commas):
        raise InputError.unexpected(
            str(path),
            f'numbers such as "{commas[0]}", whose comma may be a decimal sign or separate thousands',
            "numbers with a decimal point and without marks between thousands",
        )
    return ","


def _require_no_thousands(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Refuse points that separate thousands: 500, 1.500 and 2.250 in one column are no decimals of a fixed number.

    Raises:
        InputError: all points stand before three digits, and a column has whole numbers below 1000 as well.
    """
    points = [cell for row in rows for cell in row if _POINT.fullmatch(cell)]
    if not points or not all(_POINT_AND_THREE.fullmatch(cell) for cell in points):
        return
    for column in zip_longest(*rows, fillvalue=""):
        whole = [cell for cell in column if _WHOLE.fullmatch(cell)]
        if whole and any(cell in points for cell in column) and all(len(cell.lstrip("+-")) <= 3 for cell in whole):
            raise InputError.unexpected(
                str(path),
                f'numbers such as "{points[0]}" and "{whole[0]}" in one column, whose point may separate thousands',
                "numbers with a decimal point and without marks between thousands",
                "If the point is the decimal sign, write all numbers of the column with it.",
            )


def undecodable(path: Path) -> InputError:
    """Return the error that names the line of the first bytes that are no text."""
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
    hint = "It may have an older encoding: save it as UTF-8."
    return InputError.unexpected(
        str(path), f"bytes that are no text in line {line} ({reason})", "a text file in UTF-8", hint
    )
