"""Open zip archives, and choose their members before anything is unpacked."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pellucid.datasets.readers import damaged
from pellucid.errors import InputError


@contextlib.contextmanager
def opened(path: Path | str, expected: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive, and refuse it if it turns out to be damaged while it is read.

    Args:
        path: the archive.
        expected: what it should be, for messages.

    Raises:
        InputError: the archive cannot be read, or needs a password.
    """
    with damaged.refuse_unreadable(path, expected), Path(path).open("rb") as file, zipfile.ZipFile(file) as archive:
        # zipfile looks from the end: another file, which other readers would see, may stand before the zip.
        file.seek(0)
        if file.read(4) not in (b"PK\3\4", b"PK\5\6"):
            raise zipfile.BadZipFile("File is not a zip file")
        yield archive


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members that are files."""
    return [member for member in archive.infolist() if not member.is_dir()]


def only_one(named: list[zipfile.ZipInfo], name: str, path: Path | str) -> zipfile.ZipInfo:
    """Return the only member with a name.

    Raises:
        InputError: several members have the name: different readers would take different ones.
    """
    if len(named) > 1:
        raise InputError.unexpected(str(path), f"{len(named)} members named {name}", "each name once")
    return named[0]
