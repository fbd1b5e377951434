"""Limit the memory of this process, so that a file that unpacks to too much data does not stop the machine."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path

from pellucid.errors import InputError

# MB in addition to `memory_mb`, for copies and libraries.
_MORE_MB = 2000


@contextlib.contextmanager
def bounded(memory_mb: int, where: str) -> Iterator[None]:
    """Let this process take `memory_mb` and 2,000 MB more than it has now; no limit on systems other than Linux.

    Args:
        memory_mb: of the configuration.
        where: name of the data, for the message.

    Raises:
        InputError: the process asks for more.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        if sys.platform == "linux" and (taken := _taken()) is not None:
            most = (taken + memory_mb + _MORE_MB) * 2**20
            limits = [limit for limit in (soft, hard, most) if limit != resource.RLIM_INFINITY]
            resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
        yield
    except (MemoryError, OSError, RuntimeError) as error:
        # Threads and mapped files raise other errors where there is no memory.
        no_memory = getattr(error, "errno", None) == errno.ENOMEM or "can't start new thread" in str(error)
        if not (isinstance(error, MemoryError) or no_memory):
            raise
        found = f"data that take more than {memory_mb + _MORE_MB:,} MB of memory"
        hint = "Raise memory_mb in the configuration, or give fewer data."
        raise InputError.unexpected(where, found, "data that fit into memory_mb", hint) from None
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _taken() -> int | None:
    """Return the MB of private memory that this process has asked for; None where the system does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmData")), None)
