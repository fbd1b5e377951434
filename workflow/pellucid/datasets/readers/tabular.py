"""What the readers of tables have in common: the form in which they hand over what a file holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers.columns import NONE, Choice, Columns, choose
from pellucid.datasets.readers.completion import Series
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError

# Cells that are read before they are copied into the array.
_CELLS = 4_000_000
# Examples from which on a column that counts them is no chance.
_ROW_NUMBERS = 10


# Integers of which float64 holds each one.
_WHOLE = 2**53


def dtype_for(dtype: np.dtype[Any]) -> type[np.float32] | type[np.float64]:
    """The type of float that holds the values of a dtype; what float32 does not hold is cast once it is scaled."""
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
                where, found, "at most 2^53, up to which float64 holds every integer", "Take away an offset."
            )


def rows_at_a_time(columns: int) -> int:
    """LazyRows of so many cells that are read before they are copied into the array."""
    return max(1, _CELLS // columns)


@dataclass(frozen=True)
class Layout:
    """How the rows of a table are to be read; the parameters of `table` of the same names.

    Attributes:
        signal, label, group: see `columns.choose`; keys, in an .npz.
        channels: how many.
        time_major: whether the channels of one sample stand together, or else the samples of one channel.
        header: whether the first line of a text file names the columns; None to see from the line itself.
        ragged: whether lines may have unequal numbers of cells.
        like: the columns of the training file, for another file; None for the training file itself.
        room: the memory that all files together may take.
    """

    signal: str | list[Choice]
    label: Choice
    group: Choice
    channels: int
    time_major: bool
    header: bool | None
    ragged: bool
    like: Columns | None = None
    room: SpillBuffer = field(default_factory=SpillBuffer, compare=False)

    def choose(self, names: Sequence[str] | int, where: str, index: Collection[str] = ()) -> Columns:
        """The columns of signal, label and group, in a file with these names, or with so many columns.

        Args:
            names: the header, or the number of columns.
            where: the file.
            index: columns that the file itself calls row numbers.

        Raises:
            InputError: see `columns.choose`.
        """
        return choose(
            names,
            where,
            signal=self.signal,
            label=self.label,
            group=self.group,
            index=index,
            ragged=self.ragged and self.channels == 1,
            like=self.like,
        )

    @property
    def known_names(self) -> set[str]:
        """Names of columns that are known before a file is read; no patterns."""
        given = [self.label, self.group, *([] if isinstance(self.signal, str) else self.signal)]
        names = {name for name in given if isinstance(name, str)} - {NONE}
        return names | (set(self.like.names) if self.like and self.like.named else set())

    @property
    def label_at(self) -> int | None:
        """Position of the label, from 0 or from the end, where it is given by one."""
        return None if isinstance(self.label, str) else self.label - (self.label > 0)

    def require_whole_channels(self, where: str, columns: int) -> None:
        """Refuse columns that cannot be divided among the channels.

        Raises:
            InputError: as said.
        """
        if columns % self.channels:
            found = f"{self.channels} channels in {columns} columns of signal"
            raise InputError.unexpected(f"{where}, channels", found, "a number of columns that the channels divide")

    def column_of(self, signal: Sequence[int], time: int, channel: int) -> int:
        """Which of the columns of the signal, in their order, holds the value of a sample and a channel."""
        samples = len(signal) // self.channels
        return signal[time * self.channels + channel if self.time_major else channel * samples + time]

    def shaped(self, rows: NDArray[Any]) -> NDArray[Any]:
        """(N, columns of the signal) as (N, time, channels), without a copy."""
        if self.time_major:
            return rows.reshape(len(rows), -1, self.channels)
        return rows.reshape(len(rows), self.channels, -1).swapaxes(1, 2)


@dataclass
class Table:
    """What a file holds.

    Attributes:
        series: the signal.
        labels: (N,), numbers or texts as the file writes them.
        group: numbers or texts (N,), or None.
        label: what the file calls the label, for messages.
        columns: where the signal, the label and the group stand; None where each is an array of its own.
    """

    series: Series
    labels: NDArray[Any]
    group: NDArray[Any] | None
    label: str
    columns: Columns | None = None


def counting_columns(table: Table) -> tuple[str, ...]:
    """What is said of columns of the signal that hold each whole number of a range once, as row numbers do."""
    x = table.series.x
    if (rows := len(x)) < _ROW_NUMBERS or table.series.lengths is not None:
        return ()
    found = []
    for time, channel in np.argwhere(x.max(0) - x.min(0) == rows - 1):
        values = np.sort(x[:, time, channel])
        if (values == values[0] + np.arange(rows, dtype=np.float32)).all():
            found.append(table.series.place(0, int(time), int(channel)))
    return tuple(
        f"{place}: this column of the signal counts the examples; if it holds row numbers, leave it out: signal."
        for place in found
    )
