"""What a small file may unpack to, and what data may take in memory."""

from __future__ import annotations

from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError

# Measured signals shrink to a third or a tenth. What shrinks much more is constant, or made to fill a machine.
_RATIO = 100
_SMALL = 16 * 2**20  # bytes that any file may unpack to


def require_room(size: int, packed: int, room: SpillBuffer | None, where: str, hint: str) -> None:
    """Refuse data that are much larger than their file, or larger than the memory; take their room in it.

    Args:
        size: bytes that the data take in memory, by what the file announces.
        packed: bytes that they take in the file.
        room: the memory; None for what is unpacked to the disk.
        where: the file, and the part of it.
        hint: how such data are written so that they take more room in the file.

    Raises:
        InputError: as said.
    """
    if size > (most := max(_SMALL, _RATIO * packed)):
        found = f"data of {size:,} bytes that are announced in {packed:,} bytes"
        raise InputError.unexpected(where, found, f"at most {most:,}", hint)
    if room is not None:
        room.take(size, where)
