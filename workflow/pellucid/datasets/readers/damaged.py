"""Files that a library cannot read, told in one message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pellucid.errors import InputError
from pellucid.messages import first_line


@contextmanager
def told(path: Path | str, expected: str, kind: str = "a file") -> Iterator[None]:
    """Make one message of whatever a library raises for broken bytes.

    zlib, struct, pyarrow, wfdb and Pillow have errors of their own and give others on: any kind may come. Messages
    pass, and so does a lack of memory, which is no fault of the file (`memory.bounded`).

    Args:
        path: the file that is read inside the block.
        expected: what it should be.
        kind: what it is in any case.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError.unexpected(str(path), f"{kind} that cannot be read ({first_line(error)})", expected) from None
