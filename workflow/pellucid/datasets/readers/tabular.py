"""What the readers of tables share: the layout to read, and the table that they return."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers.column_header import NO_TARGETS, Targets, require_layout
from pellucid.datasets.readers.columns import NONE, Choice, Columns, choose
from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError

# Cells that are read before they are copied into the array.
_CELLS = 4_000_000
# With so many examples, a column that counts them is no coincidence.
_ROW_NUMBERS = 10


# Up to this integer float64 holds every integer.
_WHOLE = 2**53


def dtype_for(dtype: np.dtype[Any]) -> type[np.float32] | type[np.float64]:
    """Return the float type that holds the values of a dtype; float64 values are cast after scaling."""
    return np.float32 if np.can_cast(dtype, np.float32) else np.float64


def require_exact(values: NDArray[Any], where: str) -> None:
    """Refuse integers that float64 cannot tell from their neighbours.

    Raises:
        InputError: an integer beyond 2^53.
    """
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8 and values.size:
        low, high = int(values.min()), int(values.max())
        if max(high, -low) > _WHOLE:
            found = f"the integer {high if high >= -low else low}"
            raise InputError.unexpected(
                where, found, "at most 2^53, up to which float64 holds every integer", "Subtract an offset."
            )


def rows_at_a_time(columns: int) -> int:
    """Return how many rows to read before they are copied into the array."""
    return max(1, _CELLS // columns)


@dataclass(frozen=True)
class Layout:
    """How to read the rows of a table: the parameters of `table` with the same names.

    Attributes:
        signal, label, group, targets: see `columns.choose`; keys, in an .npz.
        channels: the number of channels.
        time_major: whether all channels of a sample stand side by side, or else all samples of a channel.
        header: whether the first line of a text file names the columns; None to decide by the line itself.
        ragged: whether lines may have unequal numbers of cells.
        like: the columns of the training file, for another file; None for the training file itself.
        several: whether this is one of several inputs, of which an example has more.
        numbers: whether the signal is numbers without an order, (N, numbers, 1) in `Table.series`: columns, or arrays
            (N,) and (N, numbers) of an .npz.
        whole: whether the label is a value: a column of numbers, an array (N, outputs) of an .npz, or the number of a
            series in a .ts.
        room: the memory for all files together.
    """

    signal: str | list[Choice]
    label: Choice
    group: Choice
    channels: int
    time_major: bool
    header: bool | None
    ragged: bool
    like: Columns | None = None
    targets: Targets = NO_TARGETS
    whole: bool = False
    several: bool = False
    numbers: bool = False
    room: SpillBuffer = field(default_factory=SpillBuffer, compare=False)

    def choose(self, names: Sequence[str] | int, where: str, index: Collection[str] = ()) -> Columns:
        """Find the columns of signal, label and group.

        Args:
            names: the header, or the number of columns.
            where: the file.
            index: columns that the file itself calls row numbers.

        Raises:
            InputError: see `columns.choose`.
        """
        columns = choose(
            names,
            where,
            signal=self.signal,
            label=self.label,
            group=self.group,
            targets=self.targets,
            index=index,
            ragged=self.ragged and self.channels == 1,
            like=self.like,
        )
        if columns.named and self.channels > 1:
            require_layout(where, [columns.names[at] for at in columns.signal], self.channels, self.time_major)
        return columns

    @property
    def known_names(self) -> set[str]:
        """Return the names of columns that are known before a file is read; no patterns."""
        entries = [self.label, self.group, *self.targets.entries]
        entries += [] if isinstance(self.signal, str) else self.signal
        names = {name for name in entries if isinstance(name, str)} - {NONE}
        return names | (set(self.like.names) if self.like and self.like.named else set())

    @property
    def label_at(self) -> int | None:
        """Return the position of the label, from 0 or from the end; None if it is given by name."""
        return None if isinstance(self.label, str) else self.label - (self.label > 0)

    def require_whole_channels(self, where: str, columns: int) -> None:
        """Refuse a number of columns that is no multiple of the channels (InputError)."""
        if columns % self.channels:
            found = f"{self.channels} channels in {columns} columns of signal"
            raise InputError.unexpected(f"{where}, channels", found, "a multiple of the number of channels")

    def column_of(self, signal: Sequence[int], time: int, channel: int) -> int:
        """Return the column of a sample and a channel, among the columns `signal` of the signal, in their order."""
        samples = len(signal) // self.channels
        return signal[time * self.channels + channel if self.time_major else channel * samples + time]

    def shaped(self, rows: NDArray[Any]) -> NDArray[Any]:
        """View rows (N, columns of the signal) as (N, time, channels), without a copy."""
        if self.time_major:
            return rows.reshape(len(rows), -1, self.channels)
        return rows.reshape(len(rows), self.channels, -1).swapaxes(1, 2)


class Target(NamedTuple):
    """A column of one of several labels, or of values.

    Attributes:
        name: of the label or value; "" where the file gives it none.
        called: the column, for messages.
        cells: (N,), numbers, or texts where the file has no number.
    """

    name: str
    called: str
    cells: NDArray[Any]


@dataclass
class Table:
    """The content of a file.

    Attributes:
        series: the signal.
        labels: (N,), numbers or texts as the file writes them; None where none are read.
        group: numbers or texts (N,), or None.
        label: the place of the label in the file, for messages.
        columns: where signal, label and group stand; None if they are separate arrays.
        targets: the columns of several labels or of values.
        numbers: names of the numbers, where the signal is numbers without an order that stand in arrays.
        notes: what a reader must know of how the file was read, a sentence each; those of its columns are in `columns`.
    """

    series: Series
    labels: NDArray[Any] | None
    group: NDArray[Any] | None
    label: str
    columns: Columns | None = None
    targets: tuple[Target, ...] = ()
    numbers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def all_notes(self) -> tuple[str, ...]:
        """Return the notes on the file and on its columns."""
        return (*self.notes, *(self.columns.notes if self.columns else ()))


def counting_columns(table: Table) -> tuple[str, ...]:
    """Return a note on each column of the signal that holds every whole number of a range once, as row numbers do."""
    x = table.series.x
    if (rows := len(x)) < _ROW_NUMBERS or table.series.lengths is not None:
        return ()
    places = []
    for time, channel in np.argwhere(x.max(0) - x.min(0) == rows - 1):
        values = np.sort(x[:, time, channel])
        if (values == values[0] + np.arange(rows, dtype=np.float32)).all():
            places.append(table.series.place(0, int(time), int(channel)))
    return tuple(
        f"{place}: this column of the signal counts the examples; if it holds row numbers, leave it out: signal."
        for place in places
    )
