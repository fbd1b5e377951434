"""What the readers of tables have in common: the form in which they hand over what a file holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.columns import Choice
from pellucid.datasets.completion import Series
from pellucid.errors import InputError


@dataclass(frozen=True)
class Layout:
    """How the rows of a table are to be read; the parameters of `table` of the same names.

    Attributes:
        signal, label, group: see `columns.choose`; keys, in an .npz.
        channels: how many.
        time_major: whether the channels of one sample stand together, or else the samples of one channel.
        header: whether the first line of a text file names the columns; None to see from the line itself.
        ragged: whether lines may have unequal numbers of cells.
    """

    signal: str | list[Choice]
    label: Choice
    group: Choice
    channels: int
    time_major: bool
    header: bool | None
    ragged: bool

    def require_whole_channels(self, where: str, columns: int) -> None:
        """Refuse columns that cannot be divided among the channels.

        Raises:
            InputError: as said.
        """
        if columns % self.channels:
            found = f"{self.channels} channels in {columns} columns of signal"
            raise InputError(f"{where}, channels", found, "a number of columns that the channels divide")

    def columns_of(self, samples: int) -> NDArray[np.int64]:
        """(samples, channels): which column of the signal holds the value."""
        numbers = np.arange(samples * self.channels)
        return numbers.reshape(samples, self.channels) if self.time_major else numbers.reshape(self.channels, samples).T

    def shaped(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
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
        group: texts (N,), or None.
        label: what the file calls the label, for messages.
    """

    series: Series
    labels: NDArray[Any]
    group: NDArray[np.str_] | None
    label: str
