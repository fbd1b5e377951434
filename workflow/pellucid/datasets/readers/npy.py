"""Read arrays from .npy and .npz files, after a comparison of the announced size with the actual one."""

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
# Bytes within which the header ends: numpy itself reads at most 10,000 characters.
_BEGINNING = 2**16
_VERSIONS = ((1, 0), (2, 0), (3, 0))
_BLOCK = 2**20
_LAST_CHARACTER = 0x10FFFF


class Header(NamedTuple):
    """The header of an .npy.

    Attributes:
        shape, dtype: shape and type of the array.
        fortran: whether the first axis varies fastest.
        start: the byte at which the values begin.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int

    @property
    def order(self) -> Any:
        """Return numpy's name of the order of the values."""
        return "F" if self.fortran else "C"


class Archive:
    """The arrays of an .npz, each read on request."""

    def __init__(self, path: Path | str, archive: zipfile.ZipFile) -> None:
        self._path, self._zip = path, archive
        self._members: dict[str, list[zipfile.ZipInfo]] = {}
        for member in zips.members(archive):
            if member.filename.endswith(_SUFFIX):
                self._members.setdefault(member.filename.removesuffix(_SUFFIX), []).append(member)

    @property
    def names(self) -> list[str]:
        """Return the names of the arrays."""
        return list(self._members)

    def header(self, name: str) -> Header:
        """Return the header of an array.

        Raises:
            InputError: it is no .npy, or has another size than it announces.
        """
        member = self._member(name)
        with self._zip.open(member) as file:
            return read_header(file, member.file_size, self._path, name)

    def require_room(self, name: str, size: int, room: SpillBuffer) -> None:
        """Reserve the memory of an array of `size` bytes.

        Raises:
            InputError: the array is larger than the memory, or much larger than its compressed form.
        """
        bounds.require_room(size, self._member(name).compress_size, room, f"{self._path}, {name}", _PLAIN)

    def read(self, name: str, room: SpillBuffer | None = None) -> NDArray[Any]:
        """Return an array; its memory is reserved in `room`, unless that was done before.

        Raises:
            InputError: it is no .npy, has another size than it announces, or is larger than `room`.
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
            # zipfile compares the checksum at the end of the member.
            file.read(1)
        values = np.frombuffer(content, header.dtype).reshape(header.shape, order=header.order)
        require_characters(values, f"{self._path}, {name}")
        return values

    def _member(self, name: str) -> zipfile.ZipInfo:
        return zips.only_one(self._members[name], name, self._path)


@contextlib.contextmanager
def opened(path: Path | str) -> Iterator[Archive]:
    """Open an .npz.

    Raises:
        InputError: the file is no archive of plain arrays.
    """
    with zips.opened(path, "an .npz archive of plain arrays") as archive:
        yield Archive(path, archive)


def read_header(file: IO[bytes], size: int, path: Path | str, name: str = "") -> Header:
    """Read the header of the .npy that begins here.

    Args:
        file: at the beginning of the .npy.
        size: bytes of the .npy.
        path: the file.
        name: the name of the array in an .npz.

    Raises:
        InputError: it is no .npy, holds Python objects (which only unpickling reads), or has another size than it
            announces.
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
    # The header is a Python literal: a damaged one may raise anything.
    except Exception as error:
        found = f"a file that cannot be read ({name}{': ' if name else ''}{str(error) or type(error).__name__})"
        expected = "an .npz archive of plain arrays" if name else "an .npy file of a plain array"
        raise InputError.unexpected(str(path), found, expected) from None
    return Header(shape, dtype, fortran, start)


def mapped(path: Path) -> NDArray[Any]:
    """Map an .npy, so that its values are read from the file where they are used.

    Raises:
        InputError: the file is no .npy of a plain array, or has another size than it announces.
    """
    with path.open("rb") as file:
        header = read_header(file, path.stat().st_size, path)
    # A file without values cannot be mapped.
    if 0 in header.shape:
        return np.empty(header.shape, header.dtype)
    return np.memmap(path, header.dtype, "r", header.start, header.shape, header.order)


def require_characters(values: NDArray[Any], where: str) -> None:
    """Refuse texts with numbers that are no Unicode character.

    Raises:
        InputError: a text has such a number.
    """
    if values.dtype.kind == "U" and values.size:
        native = values.dtype.newbyteorder("=")
        numbers = np.ascontiguousarray(values.ravel().astype(native)).view(np.uint32)
        if ((numbers > _LAST_CHARACTER) | ((numbers >= 0xD800) & (numbers < 0xE000))).any():
            raise InputError.unexpected(where, "bytes that are no text", "texts, or whole numbers")
