"""Turn whatever a library raises for a damaged file into one InputError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pellucid.errors import InputError
from pellucid.messages import first_line


@contextmanager
def refuse_unreadable(path: Path | str, expected: str, kind: str = "a file") -> Iterator[None]:
    """Turn whatever the block raises while it reads a file into an InputError.

    zlib, struct, pyarrow, wfdb and Pillow raise their own errors and pass on others, so any kind is possible. An
    InputError passes unchanged, and so does a lack of memory, because it is not the file's fault
    (`prepare.memory.bounded`).

    Args:
        path: the file that is read inside the block.
        expected: what the file should be.
        kind: what the file is called where it cannot be read.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError.unexpected(str(path), f"{kind} that cannot be read ({first_line(error)})", expected) from None
