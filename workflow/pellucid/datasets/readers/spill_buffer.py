"""Arrays that a source builds block by block: in memory while there is room, beyond that in a file without a name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError


class SpillBuffer:
    """The room that a source has for its arrays.

    Args:
        folder: where files lie that are larger than the memory. On the disk of the results, not among the system's
            temporary files, which can themselves be in memory.
        memory_mb: for all arrays together; None for as much as they need.
    """

    def __init__(self, folder: Path | str = ".", memory_mb: int | None = None) -> None:
        self._folder = Path(folder)
        self._left = float("inf") if memory_mb is None else memory_mb * 2**20

    def holds(self, size: int) -> bool:
        """Whether so many bytes still fit into memory."""
        return size <= self._left

    def take(self, size: int, where: str) -> None:
        """Take room in memory for data that cannot wait on disk.

        Args:
            size: in bytes.
            where: the file, and the part of it.

        Raises:
            InputError: there is less.
        """
        if not self.holds(size):
            found = f"data that take {size / 2**20:,.0f} MB in memory"
            expected = f"at most {max(self._left, 0) / 2**20:,.0f} MB, which are left of memory_mb"
            raise InputError.unexpected(
                where, found, expected, "Raise memory_mb in the configuration, or give fewer data."
            )
        self._left -= size

    def array(self, blocks: Iterable[NDArray[Any]]) -> NDArray[Any]:
        """Join blocks (n, ...) of one dtype, of which there is one at least, to an array (N, ...).

        Args:
            blocks: each is asked for when the one before has been put away.

        Returns:
            An array in memory, or one that maps a file. The file has no name: it is gone with the array, also when the
            process is killed.
        """
        source, kept, size = iter(blocks), list[NDArray[Any]](), 0
        for block in source:
            # A copy where the block is a part of something larger, which need not stay.
            kept.append(np.ascontiguousarray(block))
            size += block.nbytes
            # Joining them takes as much again.
            if not self.holds(2 * size):
                return self._mapped(chain(_emptied(kept), source))
        self._left -= size
        return np.concatenate(kept) if len(kept) > 1 else kept[0]

    def _mapped(self, blocks: Iterator[NDArray[Any]]) -> NDArray[Any]:
        self._folder.mkdir(parents=True, exist_ok=True)
        rows = 0
        with tempfile.TemporaryFile(dir=self._folder) as file:
            for block in blocks:
                file.write(np.ascontiguousarray(block).data)
                rows, shape, dtype = rows + len(block), block.shape[1:], block.dtype
            file.flush()
            return np.memmap(file, dtype, "r", shape=(rows, *shape))


def _emptied(blocks: list[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    # From its end a list gives one up at once, however many there are.
    blocks.reverse()
    while blocks:
        yield blocks.pop()
