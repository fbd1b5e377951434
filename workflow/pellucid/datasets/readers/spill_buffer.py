"""Build arrays block by block: in memory while there is room, else in a temporary file without a name."""

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
    """The memory, and the folder beyond it, for the arrays of a source.

    Args:
        folder: for the files of arrays beyond the memory. On the disk of the results, not among the system's
            temporary files, which can themselves be in memory.
        memory_mb: the memory of all arrays together; None for no limit.
    """

    def __init__(self, folder: Path | str = ".", memory_mb: int | None = None) -> None:
        self._folder = Path(folder)
        self._left = float("inf") if memory_mb is None else memory_mb * 2**20

    def holds(self, size: int) -> bool:
        """Return whether `size` bytes still fit into memory."""
        return size <= self._left

    def take(self, size: int, where: str) -> None:
        """Reserve memory for data that cannot lie on disk.

        Args:
            size: in bytes.
            where: the file, and the part of it, for messages.

        Raises:
            InputError: less memory is left.
        """
        if not self.holds(size):
            found = f"data that take {size / 2**20:,.0f} MB in memory"
            expected = f"at most {max(self._left, 0) / 2**20:,.0f} MB, which are left of memory_mb"
            raise InputError.unexpected(
                where, found, expected, "Raise memory_mb in the configuration, or use less data."
            )
        self._left -= size

    def array(self, blocks: Iterable[NDArray[Any]]) -> NDArray[Any]:
        """Join blocks (n, ...) of one dtype, at least one, to an array (N, ...).

        Args:
            blocks: each is computed after the previous one has been stored.

        Returns:
            An array in memory, or mapped from a file without a name, which vanishes with the array, even if the process
            is killed.
        """
        source, stored, size = iter(blocks), list[NDArray[Any]](), 0
        for block in source:
            # A copy, where the block is a view of a larger array, which can then be freed.
            stored.append(np.ascontiguousarray(block))
            size += block.nbytes
            # To join them takes as much memory again.
            if not self.holds(2 * size):
                return self._mapped(chain(_emptied(stored), source))
        self._left -= size
        return np.concatenate(stored) if len(stored) > 1 else stored[0]

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
    """Yield the blocks and free each one; they are taken from the end of a list, which is fast for any length."""
    blocks.reverse()
    while blocks:
        yield blocks.pop()
