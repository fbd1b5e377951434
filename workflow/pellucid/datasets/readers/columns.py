"""Find the columns of signal, label, group and targets in a table, and the same columns in another file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pellucid.datasets.readers.column_header import (
    NO_TARGETS,
    Header,
    Targets,
    header_of,
    out_of_order,
    position_of,
    positions_of,
    require_names,
    require_no_odd_one,
    shortened,
    tell_keywords,
)
from pellucid.datasets.readers.column_header import NONE as NONE
from pellucid.datasets.readers.column_header import Choice as Choice
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean


@dataclass(frozen=True)
class Columns:
    """Where a file has its signal, label and group: positions of columns, from 0.

    Attributes:
        where: the file.
        names: the names of all columns; or their numbers, from 1, where the file names none.
        named: whether the file names its columns.
        signal: the columns of the signal, in the order of the samples.
        label, group: the columns of label and group, or None.
        targets: the columns of several labels, or of values, in the order of the parameter that names them.
        notes: what a reader must know of this choice, a sentence each.
    """

    where: str
    names: tuple[str, ...]
    named: bool
    signal: tuple[int, ...]
    label: int | None
    group: int | None
    notes: tuple[str, ...] = ()
    targets: tuple[int, ...] = ()

    @property
    def words(self) -> tuple[int, ...]:
        """Return the columns of label, group and targets, whose cells are kept as the file writes them."""
        return (*(at for at in (self.label, self.group) if at is not None), *self.targets)

    def called(self, at: int) -> str:
        """Return a column's position and name, for messages; only the position beyond the end of the first line."""
        name = self.names[at] if at < len(self.names) else str(at + 1)
        return str(at + 1) if name == str(at + 1) else f"{at + 1} ({comma_list([name])})"


def choose(
    names: Sequence[str] | int,
    where: str,
    *,
    signal: str | Sequence[Choice],
    label: Choice,
    group: Choice,
    targets: Targets = NO_TARGETS,
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
        targets: the parameter that names the columns of several labels or of values, and its entries: names, patterns
            and positions.
        index: columns that the file itself calls row numbers; usual names of row numbers are found without this.
        ragged: whether series may have unequal lengths, and so unequal numbers of columns.
        like: the columns of the training file, which are found here by their names, in the order that they have there.

    Raises:
        InputError: a column is missing, is named twice, has no name, or has two uses; there is no signal; the columns
            have other names than in the training file, or only one of both files names them.
    """
    header = header_of(names, where, index)
    if like is not None:
        _require_alike(header, like)
        if header.named and not (ragged and len(header.others) != len(like.names)):
            return _same_columns(header, like, all_others=signal == "all")
        if header.named:
            label, group = _name_of(like, like.label), _name_of(like, like.group)
            targets = Targets(targets.key, tuple(like.names[at] for at in like.targets))
    columns = _chosen_columns(header, signal, label, group, targets)
    if like is not None and header.named:
        _require_same_beginning(columns, like)
    return columns


def _chosen_columns(
    header: Header, signal: str | Sequence[Choice], label: Choice, group: Choice, targets: Targets
) -> Columns:
    """Find the columns of a file by the parameters."""
    names, where = header.names, header.where
    if header.named:
        tell_keywords(names, where, signal, {"label": label, "group": group})
    label_at = None if label == NONE else position_of(header, "label", label)
    group_at = None if group == NONE else position_of(header, "group", group)
    if group_at is not None and group_at == label_at:
        problem = f"the column {abbreviate(names[group_at])} cannot be both label and group."
        raise InputError(where, problem, "Name another column for one of them.")
    taken: set[int | None] = {label_at, group_at}
    wanted_targets = _target_positions(header, targets, taken)
    taken |= set(wanted_targets)
    if signal == "all":
        samples = [position for position in header.others if position not in taken]
        require_names(header, samples)
        require_no_odd_one(header, samples)
    else:
        wanted = [signal] if isinstance(signal, str) else signal
        samples = [position for entry in wanted for position in positions_of(header, entry, taken)]
    if clash := [names[position] for position in samples if position in taken]:
        roles = f"label, group or one of {targets.key}" if wanted_targets else "label or group"
        problem = f"the column {abbreviate(clash[0])} cannot be both signal and {roles}."
        raise InputError(where, problem, "Leave it out of signal, or name another label or group.")
    if len(set(samples)) < len(samples):
        twice = [names[position] for position, count in Counter(samples).items() if count > 1]
        raise InputError(where, f"signal has the column {abbreviate(twice[0])} twice.", "Name each column once.")
    if not samples:
        raise InputError(where, f"none of its {len(names)} column(s) is left for the signal.")
    notes = []
    if signal == "all" and (left_out := [names[at] for at in sorted(header.index.difference(taken))]):
        notes.append(f"{where}: the row numbers of a data frame are not in the signal ({comma_list(left_out)}).")
    if isinstance(signal, str) and header.named and (first := out_of_order([names[at] for at in samples])):
        notes.append(
            f"{where}: the samples are in the order of their columns, not of the numbers in their names "
            f"({comma_list(first)}); a list under signal gives another order."
        )
    return Columns(where, names, header.named, tuple(samples), label_at, group_at, tuple(notes), wanted_targets)


def _target_positions(header: Header, targets: Targets, taken: set[int | None]) -> tuple[int, ...]:
    """Return the columns of several labels or of values; refuse one that is there twice, or has another use."""
    found = [at for entry in targets.entries for at in positions_of(header, entry, taken, targets.key)]
    for at in found:
        called = abbreviate(header.names[at])
        if at in taken:
            problem = f"the column {called} cannot be both one of {targets.key} and the label or the group."
            raise InputError(header.where, problem, "Name each column for one use.")
        if found.count(at) > 1:
            raise InputError(header.where, f"{targets.key} has the column {called} twice.", "Name each column once.")
    return tuple(found)


def _require_alike(header: Header, like: Columns) -> None:
    """Refuse two files of which only one has a header."""
    if header.named != like.named:
        has, lacks = ("a", "no") if header.named else ("no", "a")
        names = shortened(header.names if header.named else like.names)
        problem = f"it has {has} header, but {like.where} has {lacks} header (names of the columns: {names})."
        raise InputError(header.where, problem, "Give both files the same header.")


def _same_columns(header: Header, like: Columns, all_others: bool) -> Columns:
    """Find the columns of the training file by their names."""
    wanted = [*like.signal, *like.words]
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
        notes.append(f"{header.where}: left out is {shortened(tuple(new))}, which {like.where} does not have.")
    signal = tuple(places[like.names[at]] for at in like.signal)
    label, group = (None if at is None else places[like.names[at]] for at in (like.label, like.group))
    targets = tuple(places[like.names[at]] for at in like.targets)
    return Columns(header.where, header.names, True, signal, label, group, tuple(notes), targets)


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
