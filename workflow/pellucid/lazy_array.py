"""Arrays that may be larger than memory: some of their rows, scaled, and read block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Bytes of one block. Fixed, so that sums over blocks do not depend on `memory_mb`; with its float64 copies a block
# stays below the smallest budget that a configuration may name.
_BYTES = 2**20


@dataclass(frozen=True)
class LazyRows:
    """Rows of an array, scaled or not, that are read only when they are indexed.

    Attributes:
        source: (M, ...), in memory or mapped from a file; never changed.
        chosen: (N,) indices of the rows; None for all rows.
        offset, divisor: float64 (channels,), for the last axis; None leaves the values as they are.
        blank: bool, for the same rows, True where there is no value: 0, also after scaling; None for nowhere.
    """

    source: NDArray[Any]
    chosen: NDArray[np.int64] | None = None
    offset: NDArray[np.float64] | None = None
    divisor: NDArray[np.float64] | None = None
    blank: LazyRows | None = None

    def __len__(self) -> int:
        return len(self.source) if self.chosen is None else len(self.chosen)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the rows: (N, ...)."""
        return (len(self), *self.source.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values after scaling."""
        return self.source.dtype if self.offset is None else np.dtype(np.float32)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Read a slice of the rows, or the rows at some indices."""
        values: NDArray[Any] = self.source[rows if self.chosen is None else self.chosen[rows]]
        if self.offset is None or self.divisor is None:
            return values
        with np.errstate(over="ignore"):  # whoever writes the values refuses those that float32 cannot hold
            scaled: NDArray[np.float32] = ((values - self.offset) / self.divisor).astype(np.float32)
        if self.blank is not None:
            scaled[self.blank[rows]] = 0
        return scaled

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[:], dtype)

    def scaled(
        self, offset: NDArray[np.float64], divisor: NDArray[np.float64], blank: LazyRows | None = None
    ) -> LazyRows:
        """Return the rows as (value - offset) / divisor in float32, 0 where blank; computed when they are read."""
        return replace(self, offset=offset, divisor=divisor, blank=blank)

    def equal(self, value: int) -> LazyRows:
        """Return where the rows equal `value`: bool, computed when they are read."""
        return _Equal(self.source, self.chosen, value=value)


@dataclass(frozen=True)
class _Equal(LazyRows):
    """True where the rows equal `value`."""

    value: int = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.bool_)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        where: NDArray[np.bool_] = super().__getitem__(rows) == self.value
        return where


Array = NDArray[Any] | LazyRows


def blocks(x: Array) -> Iterator[NDArray[Any]]:
    """Yield all rows in order, in contiguous blocks of about a megabyte, at least one row each."""
    step = max(1, _BYTES // max(x.dtype.itemsize * math.prod(x.shape[1:]), 1))
    for start in range(0, len(x), step):
        yield np.ascontiguousarray(x[start : start + step])
