"""Write and read the files between stages: whole or not at all, the same bytes for the same content."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shlex
import struct
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid import disk_errors
from pellucid.errors import InputError
from pellucid.lazy_array import Array, LazyRows, blocks

# The earliest time that a zip archive can hold: numpy's own savez writes the time of day, and two equal runs differ.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
_DAY = 86_400  # seconds
RESULTS = "results"


def write(path: Path | str, save: Callable[[Path], object]) -> None:
    """Let `save` write to a temporary name beside `path`, then move it into place in one step.

    Raises:
        InputError: the disk is full, or refuses the file for another reason.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_file = temporary(path)
    try:
        save(partial_file)
        os.replace(partial_file, path)
    except Exception as error:
        if refused := disk_errors.refusal(error, path, partial_file):
            raise refused from None
        raise
    finally:
        partial_file.unlink(missing_ok=True)


def temporary(path: Path) -> Path:
    """Return the name under which this process writes a file, after removing what killed processes left of it.

    The name holds the host and the process: a killed Snakemake leaves jobs running, and its successor may start the
    same job again. Files of living processes of this host stay. Files of other hosts, whose processes cannot be asked,
    stay until they are a day old.
    """
    # The suffix stays last: writers such as Keras and matplotlib choose the format by it.
    name = rf"\.{re.escape(path.stem)}\.([0-9a-f]{{8}})\.(\d+)\.partial{re.escape(path.suffix)}"
    for left in path.parent.iterdir():
        if (writer := re.fullmatch(name, left.name)) and _is_abandoned(left, writer[1], int(writer[2])):
            left.unlink(missing_ok=True)
    return path.with_name(f".{path.stem}.{_HOST}.{os.getpid()}.partial{path.suffix}")


def _is_abandoned(path: Path, host: str, process: int) -> bool:
    """Return whether no process is writing a partial file any more."""
    if host != _HOST:
        try:
            return time.time() - path.stat().st_mtime > _DAY
        except FileNotFoundError:
            return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # alive, and somebody else's
        return False
    return False


def write_json(path: Path | str, content: Any) -> None:
    """Write JSON in the order of the keys; NaN and infinity are refused, since JSON has neither."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    write(path, lambda temporary: temporary.write_text(text + "\n", "utf-8", "backslashreplace", ""))


def read_json(path: Path | str) -> Any:
    """Read JSON.

    Raises:
        InputError: the file is no JSON.
    """
    with reading(path, "JSON"):
        return json.loads(Path(path).read_text(encoding="utf-8"))


@contextmanager
def reading(path: Path | str, expected: str) -> Iterator[None]:
    """Raise an InputError for whatever a damaged file makes a parser raise, with the command that makes it again.

    Args:
        path: the file that the block reads; the block does nothing else.
        expected: what the file should be.
    """
    try:
        yield
    except (FileNotFoundError, InputError):
        raise
    except Exception as error:  # there are as many kinds as parsers
        raise InputError.unexpected(
            str(path), f"a file that cannot be read ({error})", expected, remedy(path)
        ) from None


def remedy(path: Path | str) -> str:
    """Return a sentence with the command that makes a file of `results/` again; empty for any other file."""
    path = in_results(path)
    if path.parts[:1] != (RESULTS,):
        return ""
    # Options such as --configfile are part of the command: without them the file may be none of the workflow's.
    command = f"snakemake --cores 4 --forcerun {shlex.quote(str(path))}"
    return f"To make it again: {command} (with --configfile and --config as before)"


def in_results(path: Path | str) -> Path:
    """Return the path of a file as the configuration names it, beginning with "results".

    Args:
        path: of the file itself, or of the copy that Snakemake keeps of a file in a storage:
            `.snakemake/storage/<provider>/<place in the storage>/results/…`. Another path below this folder is
            returned relative to it, and any other as it is.
    """
    relative = Path(os.path.relpath(path))
    if relative.parts[:2] == (".snakemake", "storage") and RESULTS in relative.parts:
        return Path(*relative.parts[relative.parts.index(RESULTS) :])
    return Path(path) if relative.parts[:1] == (os.pardir,) else relative


def write_arrays(path: Path | str, arrays: Mapping[str, Array]) -> None:
    """Write an uncompressed `.npz` without pickle, whose bytes depend on the arrays alone."""

    def save(temporary: Path) -> None:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name, array in sorted(arrays.items()):
                with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as entry:
                    _save(entry, array)

    write(path, save)


def read_arrays(path: Path | str) -> dict[str, NDArray[Any]]:
    """Read all arrays of an `.npz`.

    Raises:
        InputError: the file is not an archive of plain arrays.
    """
    with reading(path, "an .npz archive of plain arrays"), np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def map_arrays(path: Path | str) -> dict[str, NDArray[Any]]:
    """Map the arrays of an `.npz` read-only, as `map_array` does; compressed arrays are left out.

    Raises:
        InputError: the file is not an archive of plain arrays.
    """
    expected = "an .npz archive of plain arrays"
    with reading(path, expected), zipfile.ZipFile(path) as archive, Path(path).open("rb") as file:
        stored = [entry for entry in archive.infolist() if entry.compress_type == zipfile.ZIP_STORED]
        return {entry.filename.removesuffix(".npy"): _mapped(file, entry) for entry in stored}


def start_of(file: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Return the byte of a zip file at which the content of an entry begins.

    Raises:
        ValueError: the entry's own header is not where the archive's list of contents says.
    """
    # The header has 30 bytes, of which the last four say how long the name and the extra field after it are.
    file.seek(entry.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise ValueError(f"{entry.filename} is not where the list of contents says")
    name, extra = struct.unpack("<HH", header[26:])
    return int(entry.header_offset + len(header) + name + extra)


def _mapped(file: BinaryIO, entry: zipfile.ZipInfo) -> NDArray[Any]:
    file.seek(start_of(file, entry))
    shape, fortran, dtype = read_header(file)
    if dtype.hasobject:
        raise ValueError(f"{entry.filename} holds objects")
    # An array without values cannot be mapped.
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.memmap(file, dtype, "r", file.tell(), shape, "F" if fortran else "C")


def read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an `.npy`: shape, whether in Fortran's order, dtype. The file is left where the data begin.

    Raises:
        ValueError: not the beginning of an `.npy`.
    """
    version = np.lib.format.read_magic(file)  # type: ignore[no-untyped-call]
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    header: tuple[tuple[int, ...], bool, np.dtype[Any]] = read(file)  # type: ignore[no-untyped-call]
    return header


def write_array(path: Path | str, array: Array) -> None:
    """Write one `.npy`, to be mapped by later stages; `LazyRows` are written block by block."""

    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            _save(file, array)

    write(path, save)


def _save(file: Any, array: Array) -> None:
    if not isinstance(array, LazyRows):
        np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)  # type: ignore[no-untyped-call]
        return
    write_header(file, array.shape, array.dtype)
    for block in blocks(array):
        file.write(block.data)


def write_header(file: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Write the beginning of an `.npy`; the values follow in C's order."""
    descr = np.lib.format.dtype_to_descr(dtype)  # type: ignore[no-untyped-call]
    content = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, content)  # type: ignore[no-untyped-call]


def map_array(path: Path | str) -> NDArray[Any]:
    """Map a `.npy` read-only: pages are read when touched, and shared by the processes that map them.

    Raises:
        InputError: the file is no plain array, or shorter than it says.
    """
    with reading(path, "an .npy of a plain array"):
        mapped: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")  # type: ignore[no-untyped-call]
        return mapped


def sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path: Path | str) -> str:
    """Return the MD5 of a file, in hexadecimal: it shows a broken transfer, not malice."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).hexdigest()


def digest(content: Any) -> str:
    """Return the SHA-256 of any JSON content, and of arrays by dtype, shape and bytes."""
    hasher = hashlib.sha256()
    _feed(hasher.update, content)
    return hasher.hexdigest()


def _feed(update: Callable[[bytes], object], content: Any) -> None:
    if isinstance(content, np.ndarray | LazyRows):
        update(f"array {content.dtype.str} {content.shape}".encode())
        for block in blocks(content) if content.shape else [np.asarray(content)]:
            update(block.tobytes())
    elif isinstance(content, Mapping):
        update(b"{")
        for key in sorted(content):
            update(json.dumps(key).encode())
            _feed(update, content[key])
        update(b"}")
    elif isinstance(content, list | tuple):
        update(b"[")
        for item in content:
            _feed(update, item)
        update(b"]")
    else:
        update(json.dumps(content).encode() + b";")
