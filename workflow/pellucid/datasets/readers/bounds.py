"""Limits on sizes: of a file, of what it unpacks to, and of what that takes in memory."""

from __future__ import annotations

from pathlib import Path

from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError

# Measured signals shrink to a third or a tenth. What shrinks much more is constant, or made to fill a machine.
_RATIO = 100
_ALWAYS_ALLOWED = 16 * 2**20  # bytes that any file may unpack to
_SMALL_FILE = 2**17  # bytes: of a header, a list of checksums, and the annotations of half an hour


def require_room(size: int, packed: int, room: SpillBuffer | None, where: str, hint: str) -> None:
    """Refuse data that are much larger than their file, or larger than the memory; reserve their memory.

    Args:
        size: bytes that the data take in memory, as the file announces.
        packed: bytes that they take in the file.
        room: the memory; None for data that are unpacked to the disk.
        where: the file, and the part of it, for messages.
        hint: how to write such data with less compression.

    Raises:
        InputError: the data are more than a hundred times larger than their file, or larger than the memory.
    """
    if size > (most := max(_ALWAYS_ALLOWED, _RATIO * packed)):
        problem = f"its {packed:,} bytes announce data of {size:,} bytes, where at most {most:,} are allowed."
        raise InputError(where, problem, hint)
    if room is not None:
        room.take(size, where)


def require_small(path: Path) -> None:
    """Refuse a text or annotation file that is too large to be one.

    Raises:
        InputError: the file has more than 128 KiB.
    """
    if (size := path.stat().st_size) > _SMALL_FILE:
        raise InputError.unexpected(str(path), f"a file of {size:,} bytes", f"at most {_SMALL_FILE:,}")
