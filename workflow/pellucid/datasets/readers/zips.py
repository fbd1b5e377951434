"""Zip archives, whose members are looked at before anything is unpacked."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pellucid.datasets.readers import damaged
from pellucid.errors import InputError


@contextlib.contextmanager
def opened(path: Path | str, expected: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive, and refuse one that turns out to be damaged while it is read.

    Args:
        path: the archive.
        expected: what it should be, for messages.

    Raises:
        InputError: it cannot be read, or needs a password.
    """
    with damaged.refuse_unreadable(path, expected), Path(path).open("rb") as file, zipfile.ZipFile(file) as archive:
        # A zip is found from its end: what stands before it may be another file, for other readers.
        file.seek(0)
        if file.read(4) not in (b"PK\3\4", b"PK\5\6"):
            raise zipfile.BadZipFile("File is not a zip file")
        yield archive


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members that are files."""
    return [member for member in archive.infolist() if not member.is_dir()]


def only_one(found: list[zipfile.ZipInfo], name: str, path: Path | str) -> zipfile.ZipInfo:
    """The member of some name, of those that have it.

    Raises:
        InputError: there are several, of which each reader takes another.
    """
    if len(found) > 1:
        raise InputError.unexpected(str(path), f"{len(found)} members named {name}", "each name once")
    return found[0]
