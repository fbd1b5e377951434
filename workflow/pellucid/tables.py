"""Write and read tables as CSV; every word of the user is read back as it was written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pellucid import files
from pellucid.user_text import from_cell, in_cell

if TYPE_CHECKING:
    import pandas as pd

# The columns that hold words. pandas would take "NA" for a missing value, "01" for a number and "True" for a truth.
WORDS = ("explanation", "class", "member")
# Values of the column `over`: a row is over all examples or of one class, whatever the class is called.
OVER = "over"
ALL = "all"
CLASS = "class"
_EXPECTED = "a CSV table, as the workflow writes it"


def write(path: Path | str, table: pd.DataFrame, *, index: bool = False) -> None:
    """Write a table; an apostrophe stands before each text that a spreadsheet would read as a formula."""
    files.write(
        path, lambda temporary: temporary.write_text(as_text(table, index=index), "utf-8", "backslashreplace", "")
    )


def as_text(table: pd.DataFrame, *, index: bool = False, **options: Any) -> str:
    """Return the table as the text of a CSV file; see `write`."""
    safe = table.copy()
    for place, kind in enumerate(safe.dtypes):
        if kind.kind not in "biufcmM":
            safe.isetitem(place, [_cell(value) for value in safe.iloc[:, place]])
    safe.columns = [_cell(name) for name in safe.columns]
    if index:
        name = safe.index.name
        safe.index = [_cell(value) for value in safe.index]
        safe.index.name = name
    return str(safe.to_csv(index=index, lineterminator="\n", **options))


def read(path: Path | str, *, index: str | None = None, words: Iterable[str] = WORDS) -> pd.DataFrame:
    """Read a table that `write` wrote; `index` names the column that becomes the index.

    Raises:
        InputError: the file is no such table.
    """
    with files.reading(path, _EXPECTED):
        table = parse(path, words)
        return table if index is None else table.set_index(index)


def parse(source: Path | str | TextIO, words: Iterable[str] = WORDS) -> pd.DataFrame:
    """Return the table of a file that `write` wrote, or of the open text of one; `words` names its columns of words."""
    import pandas as pd

    # The default way to read numbers is off by a bit in the last place.
    return pd.read_csv(source, converters=dict.fromkeys(words, from_cell), float_precision="round_trip")


def read_square(path: Path | str) -> tuple[list[str], list[list[int]]]:
    """Read a table whose rows and columns have the same names; return the names and the counts.

    Raises:
        InputError: the file is no such table.
    """
    import csv

    with files.reading(path, _EXPECTED), Path(path).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
        names, counts = [from_cell(name) for name in header[1:]], [[int(count) for count in row[1:]] for row in rows]
        if [len(row) for row in counts] != [len(names)] * len(names):
            raise ValueError(f"{len(rows)} rows below {len(names)} columns")
    return names, counts


def over_all(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table that are over all examples."""
    return rows[over(rows) == ALL]


def over(rows: pd.DataFrame) -> pd.Series:
    """Return the column that tells rows over all examples from rows of one class."""
    if OVER in rows:
        return rows[OVER]
    # A table that was written before this column existed.
    return rows["class"].where(rows["class"] == ALL, CLASS)


def _cell(value: Any) -> Any:
    return in_cell(value) if isinstance(value, str) else value
