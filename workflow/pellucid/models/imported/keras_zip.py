"""Open the zip archive of a `.keras` file: its three entries as `model.save` writes them, and nothing else.

The file is checked at planning and loaded by Keras in a job, and both readers must see the same content. So a file with
another format before or after its archive, or with anything unusual in it, is refused.
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
    """The content of an archive.

    Attributes:
        config: the bytes of `config.json`.
        weights: `model.weights.h5`, as a seekable file.
    """

    config: bytes
    weights: io.RawIOBase


@contextmanager
def opened(path: Path | str) -> Iterator[Content]:
    """Open a `.keras` file for a `with` block, after checking that no entry is damaged.

    Raises:
        OSError, ValueError, EOFError, zipfile.BadZipFile: the file has another format, is damaged, or is unusual.
    """
    if not str(path).endswith(".keras"):
        raise ValueError("its name does not end in .keras")
    if not Path(path).is_file():
        raise ValueError("it is no file")
    with Path(path).open("rb") as file, zipfile.ZipFile(file) as archive:
        starts = _starts(file, archive)
        # A truncated file has lost its list of contents, and no longer is a zip file; a damaged file fails here.
        if damaged := archive.testzip():
            raise ValueError(f"{damaged} is damaged")
        weights = archive.getinfo(WEIGHTS)
        yield Content(archive.read(CONFIG), _Section(file, starts[WEIGHTS], weights.file_size))


def _starts(file: BinaryIO, archive: zipfile.ZipFile) -> dict[str, int]:
    """Return where the bytes of each entry begin; refuse unusual entries and bytes between them (ValueError)."""
    place, starts = 0, dict[str, int]()
    gaps: tuple[int, ...] = (0,)
    for entry in sorted(archive.infolist(), key=lambda entry: entry.header_offset):
        _require_usual(entry)
        if entry.filename in starts:
            raise ValueError(f"it holds {entry.filename} twice")
        if entry.header_offset - place not in gaps:
            raise ValueError("it holds something besides its entries")
        starts[entry.filename] = files.start_of(file, entry)
        place = starts[entry.filename] + entry.file_size
        gaps = _DESCRIPTOR_BYTES if entry.flag_bits & _DESCRIPTOR else (0,)
    file.seek(-_END_BYTES, io.SEEK_END)
    # Without a comment, and with nothing after it.
    ends = file.read().startswith(_END) and not archive.comment
    if archive.start_dir - place not in gaps or not ends:
        raise ValueError("it holds something besides its entries")
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
    # The size of a compressed entry is not known before it is unpacked.
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise ValueError(f"{name} is compressed, which model.save(…) never does")
    if entry.file_size > (most := _MOST_BYTES.get(entry.filename, entry.file_size)):
        raise ValueError(f"{name} has {entry.file_size:,} bytes, and no model more than {most:,}")


class _Section(io.RawIOBase):
    """A section of an open file, as a file."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self._size, self._position = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._start + self._position)
        content = self._file.read(max(0, min(len(buffer), self._size - self._position)))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)


def of_hdf5(path: Path | str) -> str:
    """Return advice about a model in HDF5 format; "" for other files."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(8)
    except OSError:
        return ""
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return f'keras.models.load_model("{Path(path).name}").save("{Path(path).stem}.keras") converts it.'
    return ""
