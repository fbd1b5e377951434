"""Read the files of PTB-XL out of a folder or out of the zip archive, each checked against the published checksums."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.heartbeats import ptbxl_signals
from pellucid.datasets.heartbeats.ptbxl_tables import DATABASE, Record
from pellucid.datasets.readers import published_sums, zips
from pellucid.errors import InputError

SUMS = "SHA256SUMS.txt"
# Bytes of the largest file: the list of checksums has 8 MB, the table of records 7 MB.
_LARGEST = 2**26
_HINT = "Download the files again: https://physionet.org/content/ptb-xl/1.0.3/"


class Place(Protocol):
    """Where the files of the database are."""

    def read(self, name: str) -> bytes:
        """Return the content of a file, by its name below the folder of the database."""

    def where(self, name: str) -> str:
        """Return what a message calls the file."""

    def has(self, name: str) -> bool:
        """Return whether there is such a file."""


class Folder:
    """The database in a local folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes:
        path = self._folder / name
        if not path.is_file():
            raise InputError(self.where(name), "there is no such file.", _HINT)
        _require_size(path.stat().st_size, self.where(name))
        return path.read_bytes()

    def where(self, name: str) -> str:
        return str(self._folder / name)

    def has(self, name: str) -> bool:
        return (self._folder / name).is_file()


class Archive:
    """The database in a zip archive, all of it in one folder."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive, self._path = archive, path
        self._members = {member.filename: member for member in zips.members(archive)}
        tables = [name for name in self._members if name.rpartition("/")[2] == DATABASE]
        if len(tables) != 1:
            found = f"{len(tables) or 'no'} file(s) named {DATABASE}"
            raise InputError.unexpected(str(path), found, "one, of PTB-XL 1.0.3", _HINT)
        self._root = tables[0].removesuffix(DATABASE)

    def read(self, name: str) -> bytes:
        if not self.has(name):
            raise InputError(self.where(name), "there is no such file in the archive.", _HINT)
        member = self._members[self._root + name]
        _require_size(member.file_size, self.where(name))
        return self._archive.read(member)

    def where(self, name: str) -> str:
        return f"{self._path}, {name}"

    def has(self, name: str) -> bool:
        return self._root + name in self._members


@contextlib.contextmanager
def opened(folder: Path | None, archive: Path | None) -> Iterator[Place]:
    """Yield the place of the files: the folder, or else the archive.

    Raises:
        InputError: the archive is damaged, or holds another database.
    """
    if folder is not None:
        yield Folder(folder)
        return
    path = Path(str(archive))
    with zips.opened(path, "the zip archive of PTB-XL 1.0.3") as content:
        yield Archive(content, path)


class Checked:
    """The files of a place, each compared with its published SHA-256 when it is read.

    Args:
        place: of the files.
        checksums: False to compare nothing.

    Raises:
        InputError: checksums are wanted, and there is no list of them.
    """

    def __init__(self, place: Place, checksums: bool) -> None:
        self.place = place
        self._sums: Mapping[str, str] | None = None
        if checksums:
            hint = "With checksums: false the files are used unchecked."
            if not place.has(SUMS):
                raise InputError(place.where(SUMS), "there is no list of checksums.", hint)
            listed = published_sums.parsed(place.read(SUMS), place.where(SUMS))
            self._sums = {name.removeprefix("./"): checksum for name, checksum in listed.items()}

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            InputError: there is no such file; it is not listed, or has another checksum.
        """
        content = self.place.read(name)
        if self._sums is None:
            return content
        hint = "With checksums: false the files are used unchecked."
        if name not in self._sums:
            raise InputError(self.place.where(SUMS), f"there is no checksum of {name}.", hint)
        if (checksum := hashlib.sha256(content).hexdigest()) != self._sums[name]:
            raise InputError.unexpected(
                self.place.where(name),
                f"a file of {len(content):,} bytes with SHA-256 {checksum}",
                f"SHA-256 {self._sums[name]}, as {SUMS} says",
                hint,
            )
        return content


def blocks(
    source: Checked, records: Sequence[Record], leads: Sequence[str], rate: int, size: int = 128
) -> Iterator[NDArray[np.float32]]:
    """Yield the signals of the records, a block (n, time, leads) in mV after the other.

    Args:
        source: of the files.
        records: at least one.
        leads: their names, in the order of the channels.
        rate: sampling rate in Hz.
        size: records of a block.

    Raises:
        InputError: a file is missing, broken or not as published, lacks a lead, or has a missing sample.
    """
    for first in range(0, len(records), size):
        members = records[first : first + size]
        yield np.stack([signal(source, record.name, leads, rate) for record in members])


def signal(source: Checked, name: str, leads: Sequence[str], rate: int) -> NDArray[np.float32]:
    """Return the signal (time, leads) of one record, in mV.

    Raises:
        InputError: as `blocks`.
    """
    stem = name.rpartition("/")[2]
    files = {suffix: f"{name}.{suffix}" for suffix in ("hea", "dat")}
    announced = ptbxl_signals.header(source.read(files["hea"]), source.place.where(files["hea"]), stem, rate)
    content = source.read(files["dat"])
    return ptbxl_signals.millivolts(content, source.place.where(files["dat"]), announced, leads, rate)


def _require_size(size: int, where: str) -> None:
    """Refuse a file that is larger than any of the database."""
    if size > _LARGEST:
        raise InputError.unexpected(where, f"a file of {size:,} bytes", f"at most {_LARGEST:,}")
