"""Tables between stages and for people, as CSV: whatever the user's words are, each is read as it was written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid import files
from pellucid.user_text import from_cell, in_cell

if TYPE_CHECKING:
    import pandas as pd

# The columns that hold words. pandas would take "NA" for a missing value, "01" for a number and "True" for a truth.
WORDS = ("explanation", "class", "member")
# In the column `over`, which tells a row over all examples from that of a class, whatever the class is called.
OVER = "over"
ALL = "all"
CLASS = "class"
_EXPECTED = "a CSV table, as the workflow writes it"


def write(path: Path | str, table: pd.DataFrame, *, index: bool = False) -> None:
    """Write a table in which no text is a formula to a spreadsheet: an apostrophe stands before those that would be."""
    files.write(
        path, lambda temporary: temporary.write_text(as_text(table, index=index), "utf-8", "backslashreplace", "")
    )


def as_text(table: pd.DataFrame, *, index: bool = False, **options: Any) -> str:
    """The table as the text of a CSV file; see `write`."""
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
    import pandas as pd

    with files.reading(path, _EXPECTED):
        # The default way to read numbers is off by a bit in the last place.
        table = pd.read_csv(path, converters=dict.fromkeys(words, from_cell), float_precision="round_trip")
        return table if index is None else table.set_index(index)


def read_square(path: Path | str) -> tuple[list[str], list[list[int]]]:
    """Read a table whose rows and columns have the same names, which are any words: the names, and the counts.

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
    """The rows of a table that are over all examples."""
    return rows[over(rows) == ALL]


def over(rows: pd.DataFrame) -> pd.Series:
    """The column that tells rows over all examples from those of a class."""
    if OVER in rows:
        return rows[OVER]
    # A table that was written before there was the column, and is not computed any more.
    return rows["class"].where(rows["class"] == ALL, CLASS)


def _cell(value: Any) -> Any:
    return in_cell(value) if isinstance(value, str) else value
