"""Check an HDF5 file before any array is read from it: such a file can point to other files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pellucid.errors import InputError
from pellucid.messages import abbreviate, first_line

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# The most that an array may be larger than its stored bytes: weights hardly compress, zeros 1,000 times.
_EXPANSION, _FREE = 100, 2**20
_MOST_OBJECTS = 100_000
# Integers, floats and booleans. Other types (texts, references, records) may be of any length.
_NUMBERS = "iufb"


@contextmanager
def opened(source: Any, where: str, expected: str) -> Iterator[Any]:
    """Open an HDF5 file that holds nothing but plain arrays of numbers, for a `with` block.

    Args:
        source: a path, or a seekable file.
        where: name of the file in messages.
        expected: what the file should be, for messages.

    Raises:
        InputError: the file is missing or damaged (also where the block notices it), links to other files or to other
            places in itself, or has arrays far larger than the file.
    """
    import h5py  # type: ignore[import-untyped]

    try:
        if _start(source) != _SIGNATURE:  # HDF5 itself would also find a signature further on, after another format
            raise ValueError("it does not begin as HDF5 does")
        with h5py.File(source, "r") as file:
            for name, dataset in _datasets(file):
                _require_plain(name, dataset)
            yield file
    except InputError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        found = f"a file that cannot be read ({first_line(error)})"
        raise InputError.unexpected(where, found, expected) from None


def shapes(file: Any) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array in an opened file, by its path."""
    return {name: tuple(dataset.shape) for name, dataset in _datasets(file)}


def _start(source: Any) -> bytes:
    if hasattr(source, "read"):
        source.seek(0)
        return bytes(source.read(len(_SIGNATURE)))
    with Path(source).open("rb") as file:
        return file.read(len(_SIGNATURE))


def _datasets(file: Any) -> Iterator[tuple[str, Any]]:
    """Iterate over the arrays with their paths; refuse links other than plain ones (ValueError)."""
    import h5py

    waiting, seen = [("", file)], set[int]()
    while waiting:
        path, group = waiting.pop()
        for key in group:
            name = f"{path}/{key}"
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ValueError(f"{abbreviate(name)} is a link to another place")
            item = group[key]
            address = h5py.h5o.get_info(item.id).addr
            # A group that contains itself would never end.
            if address in seen or len(seen) >= _MOST_OBJECTS:
                raise ValueError(
                    f"{abbreviate(name)} is there twice" if address in seen else f"more than {len(seen):,} arrays"
                )
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append((name, item))
            elif isinstance(item, h5py.Dataset):
                yield name, item
            else:
                raise ValueError(f"{abbreviate(name)} is neither a group nor an array")


def _require_plain(name: str, dataset: Any) -> None:
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{abbreviate(name)} takes its values from another file")
    # Keras writes bfloat16, which HDF5 lacks, as two opaque bytes.
    is_small_float = dataset.dtype.kind == "V" and dataset.dtype.names is None and "dtype" in dataset.attrs
    if not (dataset.dtype.kind in _NUMBERS or is_small_float) or dataset.shape is None:
        raise ValueError(f"{abbreviate(name)} does not hold plain numbers")
    size = math.prod(dataset.shape) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if size > _FREE + _EXPANSION * stored:
        raise ValueError(f"{abbreviate(name)} would have {size:,} bytes, of which {stored:,} are in the file")
