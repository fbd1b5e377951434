"""Check what a Parquet file announces, before pyarrow trusts it.

pyarrow ends the process if a schema is nested too deep, and allocates a page of the announced size before unpacking.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_MAGIC = b"PAR1"
MOST_COLUMNS = 50_000
_DEPTH = 50
_LARGEST = 2**26  # bytes
# Types of Thrift's compact protocol, which footers use.
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
# Fields of Parquet's FileMetaData and SchemaElement.
_SCHEMA, _CHILDREN = 2, 5
# Fields of PageHeader.
_UNPACKED, _PACKED = 2, 3


def require_flat(path: Path) -> None:
    """Refuse a footer whose schema is nested too deep, or has too many columns.

    Raises:
        ValueError: the schema is nested too deep or has too many columns, or the footer is damaged.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 8, 0))
        end = file.read()
        if end[4:] != _MAGIC:
            raise ValueError("no Parquet file: its last four bytes are not PAR1")
        (length,) = struct.unpack("<I", end[:4])
        if length > min(size - 12, _LARGEST):
            raise ValueError(f"a footer of {length:,} bytes in a file of {size:,}")
        file.seek(size - 8 - length)
        footer = _Compact(file.read(length))
    try:
        elements: list[dict[int, Any]] = next((value for field, value in footer.fields() if field == _SCHEMA), [])
        children = [int(element.get(_CHILDREN, 0)) for element in elements]
    except (IndexError, RecursionError, TypeError, AttributeError):
        raise ValueError("a footer that is damaged") from None
    # The first element is the table itself.
    if len(children) - 1 > MOST_COLUMNS:
        raise ValueError(f"{len(children) - 1:,} columns, where {MOST_COLUMNS:,} can be read")
    open_groups: list[int] = []
    for count in children:
        while open_groups and open_groups[-1] == 0:
            open_groups.pop()
        if open_groups:
            open_groups[-1] -= 1
        if count > 0:
            open_groups.append(count)
        if len(open_groups) > _DEPTH:
            raise ValueError(f"columns nested {len(open_groups)} deep, where {_DEPTH} can be read")


def unpacked(path: Path, chunks: Iterable[Any]) -> int:
    """Return the unpacked bytes of all pages of some column chunks, as the page headers announce them.

    Raises:
        ValueError: a page is damaged.
    """
    total = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for chunk in chunks:
            first = chunk.dictionary_page_offset or chunk.data_page_offset
            at = min(first, chunk.data_page_offset)
            stop = at + chunk.total_compressed_size
            while at < stop:
                header = _Compact(content, at)
                try:
                    sizes = dict(header.fields())
                    packed, size = int(sizes[_PACKED]), int(sizes[_UNPACKED])
                except (IndexError, KeyError, RecursionError, TypeError):
                    raise ValueError("a page that is damaged") from None
                if min(packed, size) < 0:
                    raise ValueError(f"a page of {packed:,} bytes that unpacks to {size:,}")
                total, at = total + size, header.end + packed
    return total


class _Compact:
    """Reads values in Thrift's compact protocol, from byte `at` on."""

    def __init__(self, content: bytes | mmap.mmap, at: int = 0) -> None:
        self._content, self._at = content, at

    @property
    def end(self) -> int:
        """Return the position after the last byte read."""
        return self._at

    def fields(self) -> Iterator[tuple[int, Any]]:
        """Yield number and value of each field of a struct."""
        number = 0
        while kind := self._byte():
            number = number + (kind >> 4) if kind >> 4 else self._integer()
            yield number, self._field(kind & 15)

    def _field(self, kind: int) -> Any:
        # In a struct the type tells true from false; in a list a byte does.
        return kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind)

    def _value(self, kind: int) -> Any:
        if kind in (_LIST, _SET):
            head = self._byte()
            return [self._value(head & 15) for _ in range(head >> 4 if head >> 4 < 15 else self._varint())]
        if kind == _STRUCT:
            return dict(self.fields())
        if kind == _MAP:
            count = self._varint()
            kinds = self._byte() if count else 0
            return [(self._value(kinds >> 4), self._value(kinds & 15)) for _ in range(count)]
        if kind in (_BINARY, _DOUBLE):
            length = self._varint() if kind == _BINARY else 8
            self._at += length
            return None
        return self._byte() if kind in (_TRUE, _FALSE, _BYTE) else self._integer()

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _varint(self) -> int:
        number, shift = 0, 0
        while (byte := self._byte()) & 128:
            number, shift = number | (byte & 127) << shift, shift + 7
        return number | byte << shift

    def _integer(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)
