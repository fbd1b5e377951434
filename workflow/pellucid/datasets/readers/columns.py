"""Which columns of a table are signal, label and group, and which columns of another file are the same ones."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise

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
    """Positions of columns, from 0.

    Attributes:
        where: the file.
        names: of all columns; their numbers, from 1, where the file names none.
        named: whether the file names them.
        signal: those of the signal, in the order of the samples.
        label: that of the label.
        group: that of the group, or None.
        notes: what a reader must know of the choice, a sentence each.
    """

    where: str
    names: tuple[str, ...]
    named: bool
    signal: tuple[int, ...]
    label: int
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
        """The columns that are no row numbers."""
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
        names: the header; or, of a file without one, the number of columns.
        where: the file, for messages.
        signal: "all" others, a name, a pattern (`ecg_*`), or a list of names, patterns and positions.
        label: a name, or a position: from 1, or from the end (-1 is the last column that holds no row numbers). A
            number that is the name of a column is that column.
        group: the same, or "none".
        index: columns that the file itself calls row numbers; those known by their names are found without it.
        ragged: whether series may be of unequal lengths, and so have unequal numbers of columns.
        like: the columns of the training file, which are found here by their names; in their order.

    Raises:
        InputError: a column that is not there, is named twice, or has no name; one column for two things; no signal;
            a file whose columns have other names than the training file's, or none where that one's have.
    """
    header = _header(names, where, index)
    if like is not None:
        _require_alike(header, like)
        if header.named and not (ragged and len(header.others) != len(like.names)):
            return _matched(header, like, all_others=signal == "all")
        label, group = (_name_of(like, like.label), _name_of(like, like.group)) if header.named else (label, group)
    columns = _chosen(header, signal, label, group)
    if like is not None and header.named:
        _require_same_beginning(columns, like)
    return columns


def _header(names: Sequence[str] | int, where: str, index: Collection[str]) -> _Header:
    if isinstance(names, int):
        return _Header(where, tuple(str(number + 1) for number in range(names)), False, frozenset())
    header = tuple(name.strip() for name in names)
    for position, name in enumerate(header):
        if len(name) > _LONGEST_NAME:
            found = f"a name of {len(name):,} characters"
            raise InputError.unexpected(f"{where}, column {position + 1}", found, f"at most {_LONGEST_NAME:,}")
    if twice := sorted(name for name, count in Counter(header).items() if name and count > 1):
        places = _shortened(tuple(str(position + 1) for position, name in enumerate(header) if name == twice[0]))
        raise InputError.unexpected(
            where, f"the column {abbreviate(twice[0])} more than once (columns {places})", "each name once"
        )
    known = frozenset(at for at, name in enumerate(header) if names[at] in index or _INDEX.fullmatch(name))
    return _Header(where, header, True, known)


def _chosen(header: _Header, signal: str | Sequence[Choice], label: Choice, group: Choice) -> Columns:
    """The columns of one file, by what the parameters say."""
    names, where = header.names, header.where
    if header.named:
        _tell_keywords(names, where, signal, group)
    label_at = _one(header, "label", label)
    group_at = None if group == NONE else _one(header, "group", group)
    if group_at == label_at:
        raise InputError.unexpected(
            where, f"the column {abbreviate(names[label_at])} as label and as group", "a column for each"
        )
    taken = {label_at, group_at}
    if signal == "all":
        chosen = [position for position in header.others if position not in taken]
        _require_names(header, chosen)
    else:
        wanted = [signal] if isinstance(signal, str) else signal
        chosen = [position for one in wanted for position in _some(header, one, taken)]
    if clash := [names[position] for position in chosen if position in taken]:
        raise InputError.unexpected(
            where, f"the column {abbreviate(clash[0])} as signal and as label or group", "a column for each"
        )
    if len(set(chosen)) < len(chosen):
        twice = [names[position] for position, count in Counter(chosen).items() if count > 1]
        raise InputError.unexpected(where, f"the column {abbreviate(twice[0])} twice in the signal", "each column once")
    if not chosen:
        raise InputError.unexpected(where, f"no column for the signal among {len(names)}", "at least one")
    notes = []
    if signal == "all" and (left_out := [names[at] for at in sorted(header.index - taken)]):
        notes.append(f"{where}: the row numbers of a data frame are no part of the signal ({comma_list(left_out)}).")
    if isinstance(signal, str) and header.named and (first := _out_of_order([names[at] for at in chosen])):
        notes.append(
            f"{where}: the samples follow each other as their columns stand in the file, not as their names count "
            f"({comma_list(first)}); a list under signal gives another order."
        )
    return Columns(where, names, header.named, tuple(chosen), label_at, group_at, tuple(notes))


def _require_names(header: _Header, positions: Sequence[int]) -> None:
    if header.named and (unnamed := [position for position in positions if _UNNAMED.fullmatch(header.names[position])]):
        raise InputError.unexpected(
            f"{header.where}, column {unnamed[0] + 1}",
            "a column without a name",
            "a name for each",
            "A row number is no signal: write the file without it (pandas: index=False), or name the signal's "
            "columns: signal.",
        )


def _out_of_order(names: Sequence[str]) -> list[str]:
    """Three names of the signal that count otherwise than they stand (t1, t10, t2); none where they do not."""
    series: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if found := re.fullmatch(r"(.*?)([0-9]{1,18})", name):
            series.setdefault(found[1], []).append((int(found[2]), name))
    for members in series.values():
        steps = [second[0] > first[0] for first, second in pairwise(members)]
        if len(members) > 2 and any(steps) and not all(steps):
            turn = next(at for at, rises in enumerate(steps) if rises != steps[0])
            return [name for _, name in members[turn - 1 : turn + 2]]
    return []


def _tell_keywords(header: tuple[str, ...], where: str, signal: str | Sequence[Choice], group: Choice) -> None:
    """Say what a keyword means in a file that has a column of that name."""
    if signal == "all" and "all" in header:
        logger.info("%s: signal: all means every column; the one of this name is signal: [all]", where)
    if group == NONE and NONE in header:
        place = header.index(NONE) + 1
        logger.info("%s: group: none means no group; the column of this name is group: %d", where, place)


def _one(header: _Header, key: str, wanted: Choice) -> int:
    """The position of one column, by name or by position."""
    names, where = header.names, header.where
    if isinstance(wanted, int):
        return _at(header, key, wanted)
    if header.named and wanted in names:
        return names.index(wanted)
    if not header.named:
        expected = "a position: the file has no header, so that its columns have no names"
        raise InputError.unexpected(
            f"{where}, {key}", abbreviate(wanted), expected, "header: true takes the first line for names."
        )
    raise InputError.unexpected(
        f"{where}, {key}",
        f"no column {abbreviate(wanted)}",
        f"one of {_shortened(names)}",
        did_you_mean(wanted, names).strip(),
    )


def _at(header: _Header, key: str, wanted: int) -> int:
    """The column that a number says: the one of that name, or else the one at that position."""
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
        found = f"position {wanted}, which is the index {abbreviate(names[position])}"
        raise InputError.unexpected(
            f"{where}, {key}", found, "a column that holds no row numbers", "By its name it can be taken."
        )
    return position


def _some(header: _Header, wanted: Choice, taken: set[int | None]) -> list[int]:
    """The positions that one entry of `signal` names, in the order of the file."""
    names = header.names
    if isinstance(wanted, str) and header.named and wanted not in names and any(sign in wanted for sign in "*?["):
        found = [at for at in header.others if fnmatchcase(names[at], wanted) and at not in taken]
        if not found:
            raise InputError.unexpected(
                f"{header.where}, signal", f"no column like {abbreviate(wanted)}", f"one of {_shortened(names)}"
            )
        return found
    return [_one(header, "signal", wanted)]


def _require_alike(header: _Header, like: Columns) -> None:
    """Refuse a file with a header beside one without."""
    if header.named and not like.named:
        found = f"a header ({_shortened(header.names)})"
        expected = f"none, since the columns of {like.where} have no names to be matched with"
        raise InputError.unexpected(header.where, found, expected, "Give both files the same header.")
    if like.named and not header.named:
        expected = f"the columns of {like.where}: {_shortened(like.names)}"
        raise InputError.unexpected(header.where, "no names of columns", expected, "Give both files the same header.")


def _matched(header: _Header, like: Columns, all_others: bool) -> Columns:
    """The columns that have the names of those of the training file."""
    wanted = [*like.signal, like.label, *(() if like.group is None else (like.group,))]
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
        notes.append(f"{header.where}: {_shortened(tuple(new))} is left out, which {like.where} does not have.")
    signal = tuple(places[like.names[at]] for at in like.signal)
    group = None if like.group is None else places[like.names[like.group]]
    return Columns(header.where, header.names, True, signal, places[like.names[like.label]], group, tuple(notes))


def _require_same_beginning(columns: Columns, like: Columns) -> None:
    """Refuse series of another length whose columns do not begin as those of the training file."""
    for own, other in zip(columns.signal, like.signal, strict=False):
        if columns.names[own] != like.names[other]:
            raise InputError.unexpected(
                f"{columns.where}, column {own + 1}",
                abbreviate(columns.names[own]),
                f"{abbreviate(like.names[other])}, as in {like.where}",
                "Files of unequal numbers of columns hold their samples in the same order.",
            )


def _name_of(columns: Columns, position: int | None) -> str:
    return NONE if position is None else columns.names[position]


def _shortened(header: tuple[str, ...]) -> str:
    """The first and the last names of a long header."""
    names = header if len(header) <= 12 else (*header[:6], "…", *header[-3:])
    return comma_list(names)
