"""NumPy's .npy format: what a file announces is compared with what it has before any value is read."""

from __future__ import annotations

import contextlib
import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.datasets.readers import bounds, zips
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError

_SUFFIX = ".npy"
_PLAIN = "Write it without compression: np.savez."
# Bytes in which the header ends: numpy itself reads at most 10,000 characters.
_BEGINNING = 2**16
_VERSIONS = ((1, 0), (2, 0), (3, 0))
_BLOCK = 2**20
_LAST_CHARACTER = 0x10FFFF


class Header(NamedTuple):
    """What an .npy says of its array.

    Attributes:
        shape, dtype: of the array.
        fortran: whether the first axis varies fastest.
        start: the byte at which the values begin.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int

    @property
    def order(self) -> Any:
        """As numpy names it."""
        return "F" if self.fortran else "C"


class Archive:
    """The arrays of an .npz, each of which is read when it is asked for."""

    def __init__(self, path: Path | str, archive: zipfile.ZipFile) -> None:
        self._path, self._zip = path, archive
        self._members: dict[str, list[zipfile.ZipInfo]] = {}
        for member in zips.members(archive):
            if member.filename.endswith(_SUFFIX):
                self._members.setdefault(member.filename.removesuffix(_SUFFIX), []).append(member)

    @property
    def names(self) -> list[str]:
        """Of the arrays."""
        return list(self._members)

    def header(self, name: str) -> Header:
        """What is announced of an array.

        Raises:
            InputError: no .npy, or one of another size than it announces.
        """
        member = self._member(name)
        with self._zip.open(member) as file:
            return read_header(file, member.file_size, self._path, name)

    def require_room(self, name: str, size: int, room: SpillBuffer) -> None:
        """Take the room of an array in memory, by its size in bytes.

        Raises:
            InputError: it is larger than the memory, or much larger than what it takes in the file.
        """
        bounds.require_room(size, self._member(name).compress_size, room, f"{self._path}, {name}", _PLAIN)

    def read(self, name: str, room: SpillBuffer | None = None) -> NDArray[Any]:
        """The values of an array, whose room is taken out of `room` where that was not done before.

        Raises:
            InputError: no .npy, one of another size than it announces, or one that is larger than `room`.
        """
        header, member = self.header(name), self._member(name)
        if room is not None:
            self.require_room(name, member.file_size, room)
        content = bytearray(member.file_size - header.start)
        with self._zip.open(member) as file:
            file.read(header.start)
            for at in range(0, len(content), _BLOCK):
                block = file.read(min(_BLOCK, len(content) - at))
                content[at : at + len(block)] = block
            # The checksum is compared where the member ends.
            file.read(1)
        values = np.frombuffer(content, header.dtype).reshape(header.shape, order=header.order)
        require_characters(values, f"{self._path}, {name}")
        return values

    def _member(self, name: str) -> zipfile.ZipInfo:
        return zips.only_one(self._members[name], name, self._path)


@contextlib.contextmanager
def opened(path: Path | str) -> Iterator[Archive]:
    """The arrays of an .npz.

    Raises:
        InputError: no archive of plain arrays.
    """
    with zips.opened(path, "an .npz archive of plain arrays") as archive:
        yield Archive(path, archive)


def read_header(file: IO[bytes], size: int, path: Path | str, name: str = "") -> Header:
    """What the .npy that begins here says of its array.

    Args:
        file: at the beginning of the .npy.
        size: bytes of the .npy.
        path: the file.
        name: of the array in it.

    Raises:
        InputError: no .npy; Python objects, which would have to be unpickled; another size than it announces.
    """
    beginning = io.BytesIO(file.read(_BEGINNING))
    try:
        shape, fortran, dtype = files.read_header(beginning)
        if (version := tuple(beginning.getvalue()[6:8])) not in _VERSIONS:
            raise ValueError(f"version {version} of the format")
        if dtype.kind in "OV" or dtype.itemsize == 0:
            raise ValueError(f"values of type {dtype}")
        if any(type(length) is not int or length < 0 for length in shape):
            raise ValueError(f"the shape {shape}")
        start = beginning.tell()
        if (announced := start + math.prod(shape) * dtype.itemsize) != size:
            raise ValueError(f"{size:,} bytes, where an array of {dtype} and shape {shape} has {announced:,}")
    # The header is a literal of Python: what is none may raise anything.
    except Exception as error:
        found = f"a file that cannot be read ({name}{': ' if name else ''}{str(error) or type(error).__name__})"
        expected = "an .npz archive of plain arrays" if name else "an .npy file of a plain array"
        raise InputError.unexpected(str(path), found, expected) from None
    return Header(shape, dtype, fortran, start)


def mapped(path: Path) -> NDArray[Any]:
    """An .npy, whose values are read from the file where they are used.

    Raises:
        InputError: no .npy of a plain array, or one of another size than it announces.
    """
    with path.open("rb") as file:
        header = read_header(file, path.stat().st_size, path)
    # Nothing cannot be mapped.
    if 0 in header.shape:
        return np.empty(header.shape, header.dtype)
    return np.memmap(path, header.dtype, "r", header.start, header.shape, header.order)


def require_characters(values: NDArray[Any], where: str) -> None:
    """Refuse texts of numbers that stand for no character.

    Raises:
        InputError: as said.
    """
    if values.dtype.kind == "U" and values.size:
        own = values.dtype.newbyteorder("=")
        numbers = np.ascontiguousarray(values.ravel().astype(own)).view(np.uint32)
        if ((numbers > _LAST_CHARACTER) | ((numbers >= 0xD800) & (numbers < 0xE000))).any():
            raise InputError.unexpected(where, "bytes that are no text", "texts, or whole numbers")
