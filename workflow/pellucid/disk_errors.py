"""Describe an error of the disk in one line: which file, why, and how much room is left."""

from __future__ import annotations

import errno
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from pellucid.errors import InputError

# HDF5 gives the error number only in its text.
_NUMBER_IN_TEXT = re.compile(r"errno = (\d+)")
# numpy gives no error number, but how many values were written.
_TOO_FEW_WRITTEN = re.compile(r"(\d+) requested and (\d+) written")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_OF_DISKS = (
    *_NO_ROOM,
    *(errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ESTALE, errno.ENXIO, errno.ENODEV),
    *(errno.EMFILE, errno.ENFILE, errno.ENOTDIR, errno.EISDIR, errno.ETIMEDOUT),
)


def refusal(error: Exception, path: Path, partial: Path | None = None) -> InputError | None:
    """Return the message for an error of the disk; None for every other error.

    Args:
        error: as it was raised.
        path: the file to be written, for errors that name no file.
        partial: its partial file.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (match := _NUMBER_IN_TEXT.search(str(error))):
        number = int(match[1])
    elif number is None and _TOO_FEW_WRITTEN.fullmatch(str(error)):
        number = errno.ENOSPC
    if number not in _OF_DISKS:
        return None
    named = getattr(error, "filename", None)
    if named and (partial is None or Path(os.fsdecode(named)) != partial):
        path = Path(os.fsdecode(named))
    why = os.strerror(number or 0)
    if number not in _NO_ROOM:
        return InputError.unexpected(
            str(path), f"a file that the disk refuses ({why})", "one that can be read and written"
        )
    return InputError.unexpected(
        str(path), f"no room for it ({why}{_room(path, partial)})", "a disk, or a quota, with more room"
    )


def _room(path: Path, partial: Path | None) -> str:
    text = ""
    with suppress(OSError):
        if partial is not None:
            text += f"; {partial.stat().st_size:,} bytes of it were written"
    with suppress(OSError):
        folder = next(parent for parent in path.absolute().parents if parent.is_dir())
        text += f"; the disk has {shutil.disk_usage(folder).free:,} bytes left"
    return text
