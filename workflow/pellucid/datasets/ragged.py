"""Text files whose lines are of unequal lengths, read cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.completion import Series
from pellucid.datasets.dialect import MISSING
from pellucid.datasets.tabular import Table
from pellucid.datasets.text_file import TextFile, plain_words, table_of
from pellucid.errors import InputError


def read(text: TextFile) -> Table:
    """Rows of unequal lengths, cell by cell: label and group are found from the end at which they stand.

    Raises:
        InputError: as `_require_findable`; a cell that is no number; a line without a signal.
    """
    columns, width, path = text.columns, text.width, text.path
    lines = list(text.rows())
    counts = [len(cells) for _, cells in lines]
    before = sum(at < min(columns.signal) for at in text.texts)
    after = len(text.texts) - before
    _require_findable(text, lines, before, after)
    lengths = np.array([count - len(text.texts) for count in counts], np.int64)
    if lengths.min() < 1:
        line = lines[int(lengths.argmin())][0]
        raise InputError(f"{path}, line {line}", f"{counts[int(lengths.argmin())]} cell(s)", "a signal and a label")
    x = np.full((len(lines), int(lengths.max())), np.nan, np.float64)
    for row, (line, cells) in enumerate(lines):
        for at, cell in enumerate(cells[before : len(cells) - after]):
            if cell.strip() not in MISSING:
                x[row, at] = _value(text, cell, f"{path}, line {line}, column {before + at + 1}")

    def words(at: int) -> NDArray[Any]:
        from_end = at - width if at >= before else at
        return plain_words(np.array([cells[from_end] for _, cells in lines], object), text.dialect)

    def place(row: int, time: int | None, channel: int | None) -> str:
        return f"{path}, line {lines[row][0]}" + ("" if time is None else f", column {before + time + 1}")

    return table_of(text, Series(x[:, :, np.newaxis], place, lengths), {at: words(at) for at in text.texts})


def _require_findable(text: TextFile, lines: Sequence[tuple[int, list[str]]], before: int, after: int) -> None:
    """Refuse lines of unequal lengths of which it is not clear which cell belongs to which column.

    Raises:
        InputError: as said, or lengths that are to be refused.
    """
    columns, width, path, layout = text.columns, text.width, text.path, text.layout
    counts = [len(cells) for _, cells in lines]
    usual = max(set(counts), key=counts.count)
    if usual > width and min(counts) == usual:
        expected = f"{usual}, as many as every line below has cells"
        raise InputError(
            f"{path}, line {text.first}", f"{width} names", expected, "A row number needs a name of its own."
        )
    hint = ""
    if not layout.ragged:
        hint = "lengths: pad or crop takes lines of unequal lengths."
    elif columns.signal != tuple(range(before, width - after)) or layout.channels > 1:
        hint = "Lines can be of unequal lengths where they hold a signal of one channel, the label and the group alone."
    elif text.header and (after or max(counts) > width):
        hint = "Under a header, lines may only end early, and the label and the group stand before the signal."
    if hint:
        usual = width if text.header else usual
        line, count = next((line, len(cells)) for line, cells in lines if len(cells) != usual)
        expected = f"{usual}, as {'the header has' if text.header else 'most lines have'}"
        raise InputError(f"{path}, line {line}", f"{count} cells", expected, hint)


def _value(text: TextFile, cell: str, where: str) -> float:
    if (value := text.dialect.number(cell)) is None:
        raise InputError(where, f'"{cell}"', "a number")
    return value
