"""Reading CSV and TSV files of any layout in one pass, the signal straight into one float64 array."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.columns import Columns
from pellucid.datasets.completion import Series
from pellucid.datasets.labels import as_number
from pellucid.datasets.tabular import Layout, Table, rows_at_a_time
from pellucid.errors import InputError

# What stands for a value that is missing, in a column of numbers; in one of texts each may be a name.
MISSING = ("", "NA", "N/A", "n/a", "nan", "NaN", "NAN", "null", "NULL", "None", "?")
# Numbers in a row that count from 0 or 1, from which on they are names and no signal.
_COUNTED = 8
# utf-8, with or without the mark that spreadsheets put before it.
_ENCODING = "utf-8-sig"


def read(path: Path, layout: Layout) -> Table:
    """Read a CSV or TSV file.

    Raises:
        InputError: an empty file, a missing column, rows of another length, a cell that is no number; the message
            names line and column.
    """
    try:
        delimiter = _delimiter(path)
        first = next(_lines(path, delimiter), None)
        if first is None:
            raise InputError(str(path), "an empty file", "a row for each example")
        header = _is_header(first[1]) if layout.header is None else layout.header
        names = [name.strip() for name in first[1]] if header else len(first[1])
        return _read(path, delimiter, header, layout.choose(names, str(path)), layout)
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"bytes that are no text ({error.reason})", "a text file in UTF-8") from None
    except csv.Error as error:
        raise InputError(str(path), f"a file that cannot be parsed ({error})", "rows of cells") from None


def _read(path: Path, delimiter: str, header: bool, columns: Columns, layout: Layout) -> Table:
    import pandas as pd

    width = len(columns.names)
    order = np.array(columns.signal)
    layout.require_whole_channels(str(path), len(order))
    texts = [columns.label] if columns.group is None else [columns.label, columns.group]
    # The last column shows which lines are short, whether it is asked for or not.
    used = sorted({*columns.signal, *texts, width - 1})
    lines, delimiters = _count(path, delimiter)
    # Cast when they have been scaled: of 10 MHz ± 1 Hz float32 would keep the 10 MHz alone.
    x = np.empty((lines, len(order)), np.float64)
    short = False
    labels: list[NDArray[Any]] = []
    groups: list[str] = []
    count = 0
    try:
        chunks = pd.read_csv(
            path,
            sep=delimiter,
            header=None,
            names=range(width),
            usecols=used,
            index_col=False,
            skiprows=next(_lines(path, delimiter))[0] if header else 0,
            dtype={position: np.float64 if position in columns.signal else str for position in used},
            keep_default_na=False,
            na_values=dict.fromkeys(columns.signal, MISSING),
            encoding=_ENCODING,
            chunksize=rows_at_a_time(width),
        )
        for chunk in chunks:
            stop = count + len(chunk)
            x[count:stop] = chunk[order].to_numpy()
            labels.append(chunk[columns.label].to_numpy(dtype=object))
            groups += chunk[columns.group].tolist() if columns.group is not None else []
            short = short or bool(chunk[width - 1].isna().any())
            count = stop
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError):  # a ParserError is one too
        if _unequal(path, delimiter, width):
            return _ragged(path, delimiter, header, columns, layout)
        raise _first_text(path, delimiter, header, columns) from None
    if count == 0:
        raise InputError(str(path), "a header and no row", "a row for each example")
    # The parser fills up what a line lacks and drops what it has too much; a comma in quotes is no fault.
    if (short or delimiters != (count + header) * (width - 1)) and _unequal(path, delimiter, width):
        return _ragged(path, delimiter, header, columns, layout)
    place = _placer(path, delimiter, header, columns, layout)
    label = f"{path}, column {_called(columns, columns.label)}"
    group = None if columns.group is None else np.array([str(one).strip() for one in groups], np.str_)
    return Table(Series(layout.shaped(x[:count]), place), np.concatenate(labels).astype(np.str_), group, label)


def _ragged(path: Path, delimiter: str, header: bool, columns: Columns, layout: Layout) -> Table:
    """Rows of unequal lengths, cell by cell: label and group are found from the end at which they stand."""
    width = len(columns.names)
    lines = list(_lines(path, delimiter))[1 if header else 0 :]
    counts = [len(cells) for _, cells in lines]
    fixed = [at for at in (columns.label, columns.group) if at is not None]
    before = sum(at < min(columns.signal) for at in fixed)
    after = len(fixed) - before
    usual = max(set(counts), key=counts.count)
    if usual > width and min(counts) == usual:
        first = next(_lines(path, delimiter))[0]
        expected = f"{usual}, as many as every line below has cells"
        raise InputError(f"{path}, line {first}", f"{width} names", expected, "A row number needs a name of its own.")
    hint = ""
    if not layout.ragged:
        hint = "lengths: pad or crop takes lines of unequal lengths."
    elif columns.signal != tuple(range(before, width - after)) or layout.channels > 1:
        hint = "Lines can be of unequal lengths where they hold a signal of one channel, the label and the group alone."
    elif header and (after or max(counts) > width):
        hint = "Under a header, lines may only end early, and the label and the group stand before the signal."
    if hint:
        usual = width if header else usual
        line, count = next((line, len(cells)) for line, cells in lines if len(cells) != usual)
        expected = f"{usual}, as {'the header has' if header else 'most lines have'}"
        raise InputError(f"{path}, line {line}", f"{count} cells", expected, hint)
    lengths = np.array([count - len(fixed) for count in counts], np.int64)
    if lengths.min() < 1:
        line = lines[int(lengths.argmin())][0]
        raise InputError(f"{path}, line {line}", f"{counts[int(lengths.argmin())]} cell(s)", "a signal and a label")
    x = np.full((len(lines), int(lengths.max())), np.nan, np.float64)
    for row, (line, cells) in enumerate(lines):
        for at, cell in enumerate(cells[before : len(cells) - after]):
            if cell.strip() not in MISSING:
                x[row, at] = _value(cell, f"{path}, line {line}, column {before + at + 1}")

    def text(at: int) -> NDArray[np.str_]:
        from_end = at - width if at >= before else at
        return np.array([cells[from_end].strip() for _, cells in lines], np.str_)

    def place(row: int, time: int | None, channel: int | None) -> str:
        return f"{path}, line {lines[row][0]}" + ("" if time is None else f", column {before + time + 1}")

    label = f"{path}, column {_called(columns, columns.label)}"
    group = None if columns.group is None else text(columns.group)
    return Table(Series(x[:, :, np.newaxis], place, lengths), text(columns.label), group, label)


def _delimiter(path: Path) -> str:
    """A tab in .tsv; elsewhere the one of , ; and tab that the first line has most of."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    with path.open(encoding=_ENCODING, newline="") as file:
        line = next((line for line in file if line.strip()), "")
    return max(",;\t", key=line.count)


def _lines(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line number, from 1, and cells of each line that is not blank."""
    csv.field_size_limit(2**27)
    with path.open(encoding=_ENCODING, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        for cells in reader:
            if any(cell.strip() for cell in cells) or len(cells) > 1:
                yield reader.line_num, cells


def _is_header(cells: list[str]) -> bool:
    """Most cells are no numbers, or they count: 0, 1, 2, … as pandas names the columns of an array."""
    numbers = [as_number(cell) for cell in cells]
    known = [number for number in numbers if number is not None]
    if 2 * len(known) <= len(cells):
        # A row of empty cells is a row of missing values.
        return any(number is None and cell.strip() not in MISSING for number, cell in zip(numbers, cells, strict=True))
    return len(known) >= _COUNTED and known[0] in (0, 1) and known == [known[0] + step for step in range(len(known))]


def _value(cell: str, where: str) -> float:
    if (value := as_number(cell)) is None:
        raise InputError(where, f'"{cell}"', "a number")
    return value


def _count(path: Path, delimiter: str) -> tuple[int, int]:
    """At least as many lines as there are rows, and the delimiters in them."""
    lines, delimiters = 1, 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            lines += max(block.count(b"\n"), block.count(b"\r"))
            delimiters += block.count(delimiter.encode())
    return lines, delimiters


def _unequal(path: Path, delimiter: str, width: int) -> bool:
    return any(len(cells) != width for _, cells in _lines(path, delimiter))


def _first_text(path: Path, delimiter: str, header: bool, columns: Columns) -> InputError:
    """Find the cell that is no number, now that there is known to be one."""
    signal = sorted(columns.signal)
    for number, (line, cells) in enumerate(_lines(path, delimiter)):
        if header and number == 0:
            continue
        for at in signal:
            if at < len(cells) and cells[at].strip() not in MISSING and as_number(cells[at]) is None:
                return InputError(
                    f"{path}, line {line}, column {_called(columns, at)}",
                    f'"{cells[at]}"',
                    "a number",
                    "If this column is no part of the signal, make it the label or the group, or name those that are: "
                    "signal.",
                )
    return InputError(str(path), "a cell that is no number", "numbers alone")


def _called(columns: Columns, at: int) -> str:
    name = columns.names[at]
    return str(at + 1) if name == str(at + 1) else f"{at + 1} ({name})"


def _placer(path: Path, delimiter: str, header: bool, columns: Columns, layout: Layout) -> Any:
    """Names line and column of a value; the file is read once more for it, since blank lines are no rows."""

    def place(row: int, time: int | None, channel: int | None) -> str:
        wanted = row + (1 if header else 0)
        line = next(line for number, (line, _) in enumerate(_lines(path, delimiter)) if number == wanted)
        if time is None:
            return f"{path}, line {line}"
        at = layout.column_of(columns.signal, time, channel or 0)
        return f"{path}, line {line}, column {_called(columns, at)}"

    return place
