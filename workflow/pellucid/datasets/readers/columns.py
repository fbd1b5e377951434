"""Find the columns of signal, label and group in a table, and the same columns in another file."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean

logger = logging.getLogger(__name__)

Choice = str | int
NONE = "none"
# What pandas and pyarrow call row numbers: in a Parquet file, and in a CSV file that was saved, read and saved again.
_INDEX = re.compile(r"__index_level_[0-9]+__|Unnamed: 0(\.[0-9]+)*(_level_[0-9]+)?")
_LONGEST_NAME = 10_000  # characters
# What pandas calls a column without a name.
_UNNAMED = re.compile(r"(Unnamed: [0-9]+(_level_[0-9]+)?)?")


@dataclass(frozen=True)
class Columns:
    """Where a file has its signal, label and group: positions of columns, from 0.

    Attributes:
        where: the file.
        names: the names of all columns; or their numbers, from 1, where the file names none.
        named: whether the file names its columns.
        signal: the columns of the signal, in the order of the samples.
        label, group: the columns of label and group, or None.
        notes: what a reader must know of this choice, a sentence each.
    """

    where: str
    names: tuple[str, ...]
    named: bool
    signal: tuple[int, ...]
    label: int | None
    group: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Header:
    """The names of a file's columns, and which of them hold row numbers."""

    where: str
    names: tuple[str, ...]
    named: bool
    index: frozenset[int]

    @property
    def others(self) -> list[int]:
        """Return the columns that do not hold row numbers."""
        return [position for position in range(len(self.names)) if position not in self.index]


def choose(
    names: Sequence[str] | int,
    where: str,
    *,
    signal: str | Sequence[Choice],
    label: Choice,
    group: Choice,
    index: Collection[str] = (),
    ragged: bool = False,
    like: Columns | None = None,
) -> Columns:
    """Find the columns that the parameters of `table` name.

    Args:
        names: the header; or the number of columns of a file without a header.
        where: the file, for messages.
        signal: "all" other columns, a name, a pattern (`ecg_*`), or a list of names, patterns and positions.
        label: a name, or a position: from 1, or from the end (-1 is the last column without row numbers). A number
            that is the name of a column means that column. Or "none".
        group: a name or a position, or "none".
        index: columns that the file itself calls row numbers; usual names of row numbers are found without it.
        ragged: whether series may have unequal lengths, and so unequal numbers of columns.
        like: the columns of the training file, which are found here by their names, in the order that they have there.

    Raises:
        InputError: a column is missing, is named twice, has no name, or is to be two things; there is no signal; the
            columns have other names than in the training file, or only one of both files names them.
    """
    header = _header(names, where, index)
    if like is not None:
        _require_alike(header, like)
        if header.named and not (ragged and len(header.others) != len(like.names)):
            return _same_columns(header, like, all_others=signal == "all")
        label, group = (_name_of(like, like.label), _name_of(like, like.group)) if header.named else (label, group)
    columns = _chosen_columns(header, signal, label, group)
    if like is not None and header.named:
        _require_same_beginning(columns, like)
    return columns


def _header(names: Sequence[str] | int, where: str, index: Collection[str]) -> _Header:
    """Return the header without blanks around names; refuse a name that is very long, or there twice."""
    if isinstance(names, int):
        return _Header(where, tuple(str(number + 1) for number in range(names)), False, frozenset())
    header = tuple(name.strip() for name in names)
    for position, name in enumerate(header):
        if len(name) > _LONGEST_NAME:
            found = f"a name of {len(name):,} characters"
            raise InputError.unexpected(f"{where}, column {position + 1}", found, f"at most {_LONGEST_NAME:,}")
    if twice := sorted(name for name, count in Counter(header).items() if name and count > 1):
        places = _shortened(tuple(str(position + 1) for position, name in enumerate(header) if name == twice[0]))
        raise InputError(where, f"several columns ({places}) have the name {abbreviate(twice[0])}.", "Rename them.")
    row_numbers = frozenset(at for at, name in enumerate(header) if names[at] in index or _INDEX.fullmatch(name))
    return _Header(where, header, True, row_numbers)


def _chosen_columns(header: _Header, signal: str | Sequence[Choice], label: Choice, group: Choice) -> Columns:
    """Find the columns of a file by the parameters."""
    names, where = header.names, header.where
    if header.named:
        _tell_keywords(names, where, signal, {"label": label, "group": group})
    label_at = None if label == NONE else _position_of(header, "label", label)
    group_at = None if group == NONE else _position_of(header, "group", group)
    if group_at is not None and group_at == label_at:
        problem = f"the column {abbreviate(names[group_at])} cannot be both label and group."
        raise InputError(where, problem, "Name another column for one of them.")
    taken = {label_at, group_at}
    if signal == "all":
        samples = [position for position in header.others if position not in taken]
        _require_names(header, samples)
    else:
        wanted = [signal] if isinstance(signal, str) else signal
        samples = [position for entry in wanted for position in _positions_of(header, entry, taken)]
    if clash := [names[position] for position in samples if position in taken]:
        problem = f"the column {abbreviate(clash[0])} cannot be both signal and label or group."
        raise InputError(where, problem, "Leave it out of signal, or name another label or group.")
    if len(set(samples)) < len(samples):
        twice = [names[position] for position, count in Counter(samples).items() if count > 1]
        raise InputError(where, f"signal has the column {abbreviate(twice[0])} twice.", "Name each column once.")
    if not samples:
        raise InputError(where, f"none of its {len(names)} column(s) is left for the signal.")
    notes = []
    if signal == "all" and (left_out := [names[at] for at in sorted(header.index - taken)]):
        notes.append(f"{where}: the row numbers of a data frame are not in the signal ({comma_list(left_out)}).")
    if isinstance(signal, str) and header.named and (first := _out_of_order([names[at] for at in samples])):
        notes.append(
            f"{where}: the samples are in the order of their columns, not of the numbers in their names "
            f"({comma_list(first)}); a list under signal gives another order."
        )
    return Columns(where, names, header.named, tuple(samples), label_at, group_at, tuple(notes))


def _require_names(header: _Header, positions: Sequence[int]) -> None:
    if header.named and (unnamed := [position for position in positions if _UNNAMED.fullmatch(header.names[position])]):
        raise InputError.unexpected(
            f"{header.where}, column {unnamed[0] + 1}",
            "a column without a name",
            "a name for each",
            "If it holds row numbers, write the file without them (pandas: index=False); or name the columns of the "
            "signal: signal.",
        )


def _out_of_order(names: Sequence[str]) -> list[str]:
    """Return three names whose numbers are not in the order of the columns (t1, t10, t2); or none."""
    series: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if match := re.fullmatch(r"(.*?)([0-9]{1,18})", name):
            series.setdefault(match[1], []).append((int(match[2]), name))
    for members in series.values():
        steps = [second[0] > first[0] for first, second in pairwise(members)]
        if len(members) > 2 and any(steps) and not all(steps):
            turn = next(at for at, rises in enumerate(steps) if rises != steps[0])
            return [name for _, name in members[turn - 1 : turn + 2]]
    return []


def _tell_keywords(header: Sequence[str], where: str, signal: Any, others: Mapping[str, Choice]) -> None:
    """Log what a keyword means in a file that has a column of the same name."""
    if signal == "all" and "all" in header:
        logger.info("%s: signal: all means every column; the column named all is signal: [all]", where)
    for key, choice in others.items():
        if choice == NONE and NONE in header:
            number = header.index(NONE) + 1
            logger.info("%s: %s: none means no %s; the column named none is %s: %d", where, key, key, key, number)


def _position_of(header: _Header, key: str, wanted: Choice) -> int:
    """Return the position of a column that is given by its name or its number."""
    names, where = header.names, header.where
    if isinstance(wanted, int):
        return _numbered_position(header, key, wanted)
    if header.named and wanted in names:
        return names.index(wanted)
    if not header.named:
        expected = "a position: the file has no header, so that its columns have no names"
        hint = "With header: true the first line names the columns."
        raise InputError.unexpected(f"{where}, {key}", abbreviate(wanted), expected, hint)
    raise InputError.unexpected(
        f"{where}, {key}",
        f"no column {abbreviate(wanted)}",
        f"one of {_shortened(names)}",
        did_you_mean(wanted, names).strip(),
    )


def _numbered_position(header: _Header, key: str, wanted: int) -> int:
    """Return the column that has a number as its name; or else the column at that position."""
    names, where, others = header.names, header.where, header.others
    position = None
    if 0 < wanted <= len(names):
        position = wanted - 1
    elif -len(others) <= wanted < 0:
        position = others[wanted]
    if header.named and str(wanted) in names:
        named = names.index(str(wanted))
        if wanted < 0 and position not in (None, named):
            raise InputError.unexpected(
                f"{where}, {key}",
                f"{wanted}, which is the name of column {named + 1} and the position of column {(position or 0) + 1} "
                f"({comma_list([names[position or 0]])})",
                f'a name in quotes: "{wanted}" or {abbreviate(names[position or 0])}',
            )
        return named
    if position is None:
        expected = f"a position from 1 to {len(names)}, or from -1 back to -{len(others)}"
        raise InputError.unexpected(f"{where}, {key}", f"position {wanted}", expected)
    if position in header.index:
        problem = f"position {wanted} is the column {abbreviate(names[position])}, which holds row numbers."
        raise InputError(f"{where}, {key}", problem, "If you mean this column, write its name.")
    return position


def _positions_of(header: _Header, wanted: Choice, taken: set[int | None]) -> list[int]:
    """Return the positions that one entry of `signal` means, in the order of the file."""
    names = header.names
    if isinstance(wanted, str) and header.named and wanted not in names and any(sign in wanted for sign in "*?["):
        positions = [at for at in header.others if fnmatchcase(names[at], wanted) and at not in taken]
        if not positions:
            raise InputError.unexpected(
                f"{header.where}, signal", f"no column like {abbreviate(wanted)}", f"one of {_shortened(names)}"
            )
        return positions
    return [_position_of(header, "signal", wanted)]


def _require_alike(header: _Header, like: Columns) -> None:
    """Refuse two files of which only one has a header."""
    if header.named != like.named:
        has, lacks = ("a", "no") if header.named else ("no", "a")
        names = _shortened(header.names if header.named else like.names)
        problem = f"it has {has} header, but {like.where} has {lacks} header (names of the columns: {names})."
        raise InputError(header.where, problem, "Give both files the same header.")


def _same_columns(header: _Header, like: Columns, all_others: bool) -> Columns:
    """Find the columns of the training file by their names."""
    wanted = [*like.signal, *(at for at in (like.label, like.group) if at is not None)]
    places = {name: position for position, name in enumerate(header.names)}
    known = {*like.names, *(header.names[at] for at in header.index)}
    for position in sorted(wanted):
        if (name := like.names[position]) not in places:
            new = [other for other in header.names if other and other not in known]
            hint = did_you_mean(name, new).strip() or (f"{like.where} has no {comma_list(new[:3])}." if new else "")
            where = f"{header.where}, column {position + 1}"
            raise InputError.unexpected(
                where, f"no column {abbreviate(name)}", f"the columns of {like.where}, in any order", hint
            )
    notes = []
    if all_others and (new := [abbreviate(name) for name in header.names if name not in known]):
        notes.append(f"{header.where}: left out is {_shortened(tuple(new))}, which {like.where} does not have.")
    signal = tuple(places[like.names[at]] for at in like.signal)
    label, group = (None if at is None else places[like.names[at]] for at in (like.label, like.group))
    return Columns(header.where, header.names, True, signal, label, group, tuple(notes))


def _require_same_beginning(columns: Columns, like: Columns) -> None:
    """Refuse series of another length whose columns do not begin with the names of the training file's."""
    for here, there in zip(columns.signal, like.signal, strict=False):
        if columns.names[here] != like.names[there]:
            raise InputError.unexpected(
                f"{columns.where}, column {here + 1}",
                abbreviate(columns.names[here]),
                f"{abbreviate(like.names[there])}, as in {like.where}",
                "Where files have unequal numbers of columns, both must have their samples in the same order.",
            )


def _name_of(columns: Columns, position: int | None) -> str:
    return NONE if position is None else columns.names[position]


def _shortened(header: tuple[str, ...]) -> str:
    """List the names of a header; of a long header only the first and the last."""
    names = header if len(header) <= 12 else (*header[:6], "…", *header[-3:])
    return comma_list(names)
