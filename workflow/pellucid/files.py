"""Writing and reading files between stages: whole or not at all, and the same bytes for the same content."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError

# The earliest time that a zip archive can hold: numpy's own savez writes the time of day, and two equal runs differ.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write(path: Path | str, save: Callable[[Path], object]) -> None:
    """Let `save` write to a temporary name beside `path`, then move it into place in one step."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers such as Keras and matplotlib choose the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    # What a killed process left of this very file: `noise=1` is not to touch what another job writes for `noise=1.5`.
    mine = re.compile(rf"\.{re.escape(path.stem)}\.\d+\.partial{re.escape(path.suffix)}")
    for left in path.parent.iterdir():
        if mine.fullmatch(left.name):
            left.unlink(missing_ok=True)
    try:
        save(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path | str, content: Any) -> None:
    """Write JSON in the order of the keys; NaN and infinity are refused, since JSON has neither."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    write(path, lambda temporary: temporary.write_text(text + "\n", encoding="utf-8"))


def read_json(path: Path | str) -> Any:
    """Read JSON."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_arrays(path: Path | str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an uncompressed `.npz` without pickle, whose bytes depend on the arrays alone."""

    def save(temporary: Path) -> None:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name, array in sorted(arrays.items()):
                with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as entry:
                    _save(entry, np.asanyarray(array))

    write(path, save)


def read_arrays(path: Path | str) -> dict[str, NDArray[Any]]:
    """Read all arrays of an `.npz`.

    Raises:
        InputError: the file is not an archive of plain arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise InputError(
            str(path), f"a file that cannot be read ({error})", "an .npz archive of plain arrays"
        ) from None


def write_array(path: Path | str, array: NDArray[Any]) -> None:
    """Write one `.npy`, to be mapped into memory by the stages that follow."""

    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            _save(file, array)

    write(path, save)


def _save(file: Any, array: NDArray[Any]) -> None:
    np.lib.format.write_array(file, array, allow_pickle=False)  # type: ignore[no-untyped-call]


def map_array(path: Path | str) -> NDArray[Any]:
    """Map a `.npy` read-only: pages are read when touched, and shared by the processes that map them."""
    mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def sha256(path: Path | str) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path: Path | str) -> str:
    """MD5 of a file, in hexadecimal: against a broken transfer, not against malice."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).hexdigest()


def digest(content: Any) -> str:
    """SHA-256 of anything that JSON can say, and of arrays by dtype, shape and bytes."""
    hasher = hashlib.sha256()
    _feed(hasher.update, content)
    return hasher.hexdigest()


def _feed(update: Callable[[bytes], object], content: Any) -> None:
    if isinstance(content, np.ndarray):
        update(f"array {content.dtype.str} {content.shape}".encode())
        update(np.ascontiguousarray(content).tobytes())
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
