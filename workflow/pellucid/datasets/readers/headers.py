"""Decide whether the first line of a text file names its columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

from pellucid.datasets.readers.dialect import MISSING
from pellucid.errors import InputError
from pellucid.messages import comma_list

# So many rising numbers in a line may be names, such as wavelengths; fewer if they count from 0 or 1.
_RISING = 8
_COUNTING = 3


def is_header(
    first: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    number: Callable[[str], float | None],
    recurs: Callable[[int], bool],
    label: int | None,
    known: Collection[str],
    where: str,
) -> bool:
    """Decide by a comparison of the first line with the lines below it.

    Args:
        first: the cells of the first line.
        rows: the cells of some of the lines below.
        number: returns the number in a cell, or None.
        recurs: returns whether the first line's cell in a column occurs there again, anywhere in the file.
        label: position of the label, from 0 or (-1) from the end, if it is given by position.
        known: known names of columns: from the parameters, or from another file.
        where: file and line, for messages.

    Raises:
        InputError: the first line holds numbers that may be names or an example.
    """
    cells = [cell.strip() for cell in first]
    numbers = [number(cell) for cell in cells]
    # One known name is enough if it is no number: a number may be a value.
    if any(cell in known and numbers[at] is None for at, cell in enumerate(cells)) or (known and {*known} <= {*cells}):
        return True
    texts = [at for at, cell in enumerate(cells) if numbers[at] is None and cell not in MISSING]
    numeric = _numeric(rows, len(cells), number)
    among = set(numeric)
    if not numeric:
        return 2 * len(texts) >= len(cells) and bool(texts)
    over = [value for at in numeric if (value := numbers[at]) is not None]
    if any(len(row) != len(cells) for row in rows):
        # Series of unequal lengths: the label may stand above samples of other lines.
        above = [at for at in texts if at in among]
        return 2 * len(above) >= len(numeric) or (_counts(over) and len(over) >= _RISING)
    label_at = label if label is None or label >= 0 else label + len(cells)
    if above := [at for at in texts if at in among]:
        # Texts above numbers are names; but a single text among numbers may be a broken value.
        if 2 * len(above) >= len(numeric) or (len(over) > 1 and _rising(over)):
            return True
        return label_at in above and not recurs(label_at)
    if len(over) < 2 or not _rising(over) or all(_rising_row(row, numeric, number) for row in rows):
        return False
    if label_at is not None and label_at not in among and 0 <= label_at < len(cells):
        # The class of an example occurs again; a name does not.
        return not recurs(label_at)
    return _are_names(over, cells, where)


def _are_names(values: Sequence[float], cells: Sequence[str], where: str) -> bool:
    """Return whether the rising numbers of the first line are names.

    Raises:
        InputError: it is not clear.
    """
    if _counts(values) and len(values) >= _RISING:
        return True
    if len(values) >= (_COUNTING if _counts(values) and len(values) == len(cells) else _RISING):
        raise InputError(
            where,
            f"its rising numbers ({comma_list(cells[:3])}, …) may be names of columns or an example.",
            "Say which they are: header: true for names, header: false for an example.",
        )
    return False


def _numeric(rows: Sequence[Sequence[str]], width: int, number: Callable[[str], float | None]) -> list[int]:
    """Return the columns that hold only numbers in these lines."""
    numeric = []
    for at in range(width):
        cells = [row[at].strip() for row in rows if len(row) > at]
        present = [cell for cell in cells if cell not in MISSING]
        if present and all(number(cell) is not None for cell in present):
            numeric.append(at)
    return numeric


def _counts(values: Sequence[float]) -> bool:
    """Return whether the values are 0, 1, 2, … or 1, 2, 3, …, as pandas names the columns of an array."""
    return bool(values) and values[0] in (0, 1) and list(values) == [values[0] + step for step in range(len(values))]


def _rising(values: Sequence[float]) -> bool:
    """Return whether the values rise, or fall, at every step."""
    steps = [second - first for first, second in pairwise(values)]
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)


def _rising_row(row: Sequence[str], numeric: Sequence[int], number: Callable[[str], float | None]) -> bool:
    """Return whether the numbers of a line rise, or fall, at every step."""
    values = [value for at in numeric if at < len(row) and (value := number(row[at])) is not None]
    return _rising(values)
