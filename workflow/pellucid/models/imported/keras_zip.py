"""Opening the zip archive that a `.keras` file is: its three entries as `model.save` writes them, and nothing else.

Every reader must see the same content in a file that is checked at planning and loaded by Keras in a job. So a file
that has a second format before or behind its archive, or anything unusual in it, is refused.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pellucid import files
from pellucid.messages import abbreviate
from pellucid.models.imported import bounded_json

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MOST_BYTES = {CONFIG: bounded_json.MOST_BYTES, METADATA: 2**20}
_END, _END_BYTES = b"PK\x05\x06", 22
_ENCRYPTED, _DESCRIPTOR = 1, 8  # flags of an entry
_DESCRIPTOR_BYTES = (12, 16, 20, 24)


@dataclass(frozen=True)
class Content:
    """What an archive holds.

    Attributes:
        config: the bytes of `config.json`.
        weights: `model.weights.h5`, as a file that can be read at any place.
    """

    config: bytes
    weights: io.RawIOBase


@contextmanager
def opened(path: Path | str) -> Iterator[Content]:
    """Open a `.keras` file for a `with` block, once all bytes of its entries are known to be whole.

    Raises:
        OSError, ValueError, EOFError, zipfile.BadZipFile: another file, a damaged one, or an unusual one.
    """
    if not str(path).endswith(".keras"):
        raise ValueError("its name does not end in .keras")
    if not Path(path).is_file():
        raise ValueError("it is no file")
    with Path(path).open("rb") as file, zipfile.ZipFile(file) as archive:
        starts = _starts(file, archive)
        # A truncated file has lost its list of contents, and is no zip at all; a damaged one fails here.
        if damaged := archive.testzip():
            raise ValueError(f"{damaged} is damaged")
        weights = archive.getinfo(WEIGHTS)
        yield Content(archive.read(CONFIG), _Part(file, starts[WEIGHTS], weights.file_size))


def _starts(file: BinaryIO, archive: zipfile.ZipFile) -> dict[str, int]:
    """Where the bytes of each entry begin, in an archive whose entries are the usual ones and fill the file."""
    place, starts = 0, dict[str, int]()
    gaps: tuple[int, ...] = (0,)
    for entry in sorted(archive.infolist(), key=lambda entry: entry.header_offset):
        _require_usual(entry)
        if entry.filename in starts:
            raise ValueError(f"it holds {entry.filename} twice")
        if entry.header_offset - place not in gaps:
            raise ValueError("it holds something beside its entries")
        starts[entry.filename] = files.start_of(file, entry)
        place = starts[entry.filename] + entry.file_size
        gaps = _DESCRIPTOR_BYTES if entry.flag_bits & _DESCRIPTOR else (0,)
    file.seek(-_END_BYTES, io.SEEK_END)
    # Without a comment, and with nothing behind it.
    ends = file.read().startswith(_END) and not archive.comment
    if archive.start_dir - place not in gaps or not ends:
        raise ValueError("it holds something beside its entries")
    if missing := [name for name in (CONFIG, WEIGHTS) if name not in starts]:
        raise ValueError(f"There is no {missing[0]} in the archive")
    return starts


def _require_usual(entry: zipfile.ZipInfo) -> None:
    name = abbreviate(entry.filename)
    if entry.filename not in (CONFIG, METADATA, WEIGHTS):
        raise ValueError(f"it holds {name}")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.flag_bits & _ENCRYPTED or kind not in (0, stat.S_IFREG):
        raise ValueError(f"{name} is {'encrypted' if entry.flag_bits & _ENCRYPTED else 'no plain file'}")
    # Of a compressed entry nobody knows how large it is before it is unpacked.
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise ValueError(f"{name} is compressed, which model.save(…) never does")
    if entry.file_size > (most := _MOST_BYTES.get(entry.filename, entry.file_size)):
        raise ValueError(f"{name} has {entry.file_size:,} bytes, and no model more than {most:,}")


class _Part(io.RawIOBase):
    """A stretch of an open file, as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self._size, self._place = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._start + self._place)
        content = self._file.read(max(0, min(len(buffer), self._size - self._place)))
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)
