"""Which columns of a table are signal, label and group."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pellucid.errors import InputError
from pellucid.wording import listing, nearest, shown

logger = logging.getLogger(__name__)

Choice = str | int
NONE = "none"


@dataclass(frozen=True)
class Columns:
    """Positions of columns, from 0.

    Attributes:
        names: of all columns; their numbers, from 1, where the file names none.
        signal: those of the signal, in the order of the samples.
        label: that of the label.
        group: that of the group, or None.
    """

    names: tuple[str, ...]
    signal: tuple[int, ...]
    label: int
    group: int | None


def choose(
    names: Sequence[str] | int, where: str, *, signal: str | Sequence[Choice], label: Choice, group: Choice
) -> Columns:
    """Find the columns that the parameters of `table` name.

    Args:
        names: the header; or, of a file without one, the number of columns.
        where: the file, for messages.
        signal: "all" others, a name, a pattern (`ecg_*`), or a list of names, patterns and positions.
        label: a name, or a position: from 1, or from the end (-1 is the last column).
        group: the same, or "none".

    Raises:
        InputError: a column that is not there, is named twice, or has no name; one column for two things; no signal.
    """
    named = not isinstance(names, int)
    header = tuple(names) if not isinstance(names, int) else tuple(str(number + 1) for number in range(names))
    if named and (twice := sorted({name for name in header if name and header.count(name) > 1})):
        places = listing(position + 1 for position, name in enumerate(header) if name == twice[0])
        raise InputError(where, f'the column "{twice[0]}" more than once (columns {places})', "each name once")
    if named:
        _tell_keywords(header, where, signal, group)
    label_at = _one(header, where, "label", label, named)
    group_at = None if group == NONE else _one(header, where, "group", group, named)
    if group_at == label_at:
        raise InputError(where, f'the column "{header[label_at]}" as label and as group', "a column for each")
    taken = {label_at, group_at}
    if signal == "all":
        chosen = [position for position in range(len(header)) if position not in taken]
        if unnamed := [position for position in chosen if not header[position]]:
            raise InputError(
                f"{where}, column {unnamed[0] + 1}",
                "a column without a name",
                "a name for each",
                "A row number is no signal: write the file without it (pandas: index=False), or name the signal's "
                "columns: signal.",
            )
    else:
        wanted = [signal] if isinstance(signal, str) else signal
        chosen = [position for one in wanted for position in _some(header, where, one, named, taken)]
    if clash := [header[position] for position in chosen if position in taken]:
        raise InputError(where, f'the column "{clash[0]}" as signal and as label or group', "a column for each")
    if len(set(chosen)) < len(chosen):
        twice = [header[position] for position in chosen if chosen.count(position) > 1]
        raise InputError(where, f'the column "{twice[0]}" twice in the signal', "each column once")
    if not chosen:
        raise InputError(where, f"no column for the signal among {len(header)}", "at least one")
    return Columns(header, tuple(chosen), label_at, group_at)


def _tell_keywords(header: tuple[str, ...], where: str, signal: str | Sequence[Choice], group: Choice) -> None:
    """Say what a keyword means in a file that has a column of that name."""
    if signal == "all" and "all" in header:
        logger.info("%s: signal: all means every column; the one of this name is signal: [all]", where)
    if group == NONE and NONE in header:
        place = header.index(NONE) + 1
        logger.info("%s: group: none means no group; the column of this name is group: %d", where, place)


def _one(header: tuple[str, ...], where: str, key: str, wanted: Choice, named: bool) -> int:
    """The position of one column, by name or by position."""
    if isinstance(wanted, int):
        position = wanted - 1 if wanted > 0 else wanted + len(header)
        if wanted == 0 or not 0 <= position < len(header):
            expected = f"a position from 1 to {len(header)}, or from -1 back to -{len(header)}"
            raise InputError(f"{where}, {key}", f"position {wanted}", expected)
        return position
    if named and wanted in header:
        return header.index(wanted)
    if not named:
        expected = "a position: the file has no header, so that its columns have no names"
        raise InputError(f"{where}, {key}", shown(wanted), expected, "header: true takes the first line for names.")
    raise InputError(
        f"{where}, {key}",
        f"no column {shown(wanted)}",
        f"one of {_shortened(header)}",
        nearest(wanted, header).strip(),
    )


def _some(header: tuple[str, ...], where: str, wanted: Choice, named: bool, taken: set[int | None]) -> list[int]:
    """The positions that one entry of `signal` names, in the order of the file."""
    if isinstance(wanted, str) and named and wanted not in header and any(sign in wanted for sign in "*?["):
        found = [at for at, name in enumerate(header) if fnmatchcase(name, wanted) and at not in taken]
        if not found:
            raise InputError(f"{where}, signal", f"no column like {shown(wanted)}", f"one of {_shortened(header)}")
        return found
    return [_one(header, where, "signal", wanted, named)]


def _shortened(header: tuple[str, ...]) -> str:
    """The first and the last names of a long header."""
    names = header if len(header) <= 12 else (*header[:6], "…", *header[-3:])
    return listing(names)
