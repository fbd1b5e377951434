"""The header of a table: the names of its columns, and the columns that a parameter means by a name or a number."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any, NamedTuple

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean

logger = logging.getLogger(__name__)

Choice = str | int
NONE = "none"
# What pandas and pyarrow call row numbers: in a Parquet file, and in a CSV file that was saved, read and saved again.
_INDEX = re.compile(r"__index_level_[0-9]+__|Unnamed: 0(\.[0-9]+)*(_level_[0-9]+)?")
_LONGEST_NAME = 10_000  # characters
# So many columns of samples for each other column make it likely that the other ones are no samples.
_SAMPLES_FOR_ONE_OTHER = 8
# What pandas calls a column without a name.
_UNNAMED = re.compile(r"(Unnamed: [0-9]+(_level_[0-9]+)?)?")


class Targets(NamedTuple):
    """The columns of several labels or of values.

    Attributes:
        key: the parameter that names them: labels or values.
        entries: names, patterns and positions.
    """

    key: str
    entries: tuple[Choice, ...]


NO_TARGETS = Targets("labels", ())


@dataclass(frozen=True)
class Header:
    """The names of a file's columns, and which of them hold row numbers."""

    where: str
    names: tuple[str, ...]
    named: bool
    index: frozenset[int]

    @property
    def others(self) -> list[int]:
        """Return the columns that do not hold row numbers."""
        return [position for position in range(len(self.names)) if position not in self.index]


def header_of(names: Sequence[str] | int, where: str, index: Collection[str]) -> Header:
    """Return the header without blanks around names; refuse a name that is very long, or that occurs twice."""
    if isinstance(names, int):
        return Header(where, tuple(str(number + 1) for number in range(names)), False, frozenset())
    header = tuple(name.strip() for name in names)
    for position, name in enumerate(header):
        if len(name) > _LONGEST_NAME:
            found = f"a name of {len(name):,} characters"
            raise InputError.unexpected(f"{where}, column {position + 1}", found, f"at most {_LONGEST_NAME:,}")
    if twice := sorted(name for name, count in Counter(header).items() if name and count > 1):
        places = shortened(tuple(str(position + 1) for position, name in enumerate(header) if name == twice[0]))
        raise InputError(where, f"several columns ({places}) have the name {abbreviate(twice[0])}.", "Rename them.")
    row_numbers = frozenset(at for at, name in enumerate(header) if names[at] in index or _INDEX.fullmatch(name))
    return Header(where, header, True, row_numbers)


def require_names(header: Header, positions: Sequence[int]) -> None:
    if header.named and (unnamed := [position for position in positions if _UNNAMED.fullmatch(header.names[position])]):
        raise InputError.unexpected(
            f"{header.where}, column {unnamed[0] + 1}",
            "a column without a name",
            "a name for each",
            "If it holds row numbers, write the file without them (pandas: index=False); or name the columns of the "
            "signal: signal.",
        )


def require_no_odd_one(header: Header, positions: Sequence[int]) -> None:
    """Refuse a column without a number in its name among many samples that have one (t0, t1, …).

    Such a column is rather an age or the number of a recording than a sample, and the network would learn from it.

    Raises:
        InputError: a column is called otherwise than the samples, and there are few such columns.
    """
    odd = [at for at in positions if not header.names[at][-1:].isdigit()]
    if not header.named or not odd or len(odd) * _SAMPLES_FOR_ONE_OTHER > len(positions):
        return
    numbered = [header.names[at] for at in positions if at not in set(odd)]
    other = abbreviate(header.names[odd[0]])
    raise InputError(
        header.where,
        f"the column {other} would be signal, although its name is unlike those of the samples, "
        f"{abbreviate(numbered[0])} to {abbreviate(numbered[-1])}.",
        f"If it says which patient or recording an example is from, write group: {other}. To leave it out, write "
        'signal: "*[0-9]" (names that end in a digit); to keep it as signal, signal: "*".',
    )


def require_layout(where: str, names: Sequence[str], channels: int, time_major: bool) -> None:
    """Refuse a layout that the names of the columns contradict: the channels would be mixed.

    Args:
        where: the file.
        names: of the columns of the signal, in their order: `I_0, I_1, …, II_0, …` or `I_0, II_0, …, I_1, …`.
        channels: number of channels.
        time_major: the layout that the configuration says.

    Raises:
        InputError: with the other layout the names of each channel differ in one number only, and with this one not.
    """
    samples = len(names) // channels
    if samples < 2 or len(names) % channels:
        return
    side_by_side = [names[channel::channels] for channel in range(channels)]
    one_by_one = [names[channel * samples : (channel + 1) * samples] for channel in range(channels)]
    stated, other = (side_by_side, one_by_one) if time_major else (one_by_one, side_by_side)
    if all(map(_is_numbered, stated)) or not all(map(_is_numbered, other)):
        return
    found, wanted = ("time_major", "channel_major") if time_major else ("channel_major", "time_major")
    order = "one channel after the other" if time_major else "all channels of a sample side by side"
    raise InputError.unexpected(
        f"{where}, layout", f"{found}, but the columns ({shortened(tuple(names))}) have {order}", f"layout: {wanted}"
    )


def _is_numbered(names: Sequence[str]) -> bool:
    """Return whether names differ only in one of the numbers in them: t0, t1, … or V1_0, V1_1, …"""
    parts = [re.split(r"([0-9]+)", name) for name in names]
    if len({len(part) for part in parts}) > 1:
        return False
    varying = [at for at, texts in enumerate(zip(*parts, strict=True)) if len(set(texts)) > 1]
    return len(varying) == 1 and varying[0] % 2 == 1


def out_of_order(names: Sequence[str]) -> list[str]:
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


def tell_keywords(header: Sequence[str], where: str, signal: Any, others: Mapping[str, Choice]) -> None:
    """Log what a keyword means in a file that has a column of the same name."""
    if signal == "all" and "all" in header:
        logger.info("%s: signal: all means every column; the column named all is signal: [all]", where)
    for key, choice in others.items():
        if choice == NONE and NONE in header:
            number = header.index(NONE) + 1
            logger.info("%s: %s: none means no %s; the column named none is %s: %d", where, key, key, key, number)


def position_of(header: Header, key: str, wanted: Choice) -> int:
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
        f"one of {shortened(names)}",
        did_you_mean(wanted, names).strip(),
    )


def _numbered_position(header: Header, key: str, wanted: int) -> int:
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


def positions_of(header: Header, wanted: Choice, taken: set[int | None], key: str = "signal") -> list[int]:
    """Return the positions that one entry of `signal`, `labels` or `values` means, in the order of the file."""
    names = header.names
    if isinstance(wanted, str) and header.named and wanted not in names and any(sign in wanted for sign in "*?["):
        positions = [at for at in header.others if fnmatchcase(names[at], wanted) and at not in taken]
        if not positions:
            raise InputError.unexpected(
                f"{header.where}, {key}", f"no column like {abbreviate(wanted)}", f"one of {shortened(names)}"
            )
        return positions
    return [position_of(header, key, wanted)]


def shortened(header: tuple[str, ...]) -> str:
    """List the names of a header; of a long header only the first and the last."""
    names = header if len(header) <= 12 else (*header[:6], "…", *header[-3:])
    return comma_list(names)
