"""A bound on the memory of this process: whatever a file unpacks to, the machine goes on."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path

from pellucid.errors import InputError

# MB beside `memory_mb`, for copies and for what libraries take.
_ROOM = 2000


@contextlib.contextmanager
def bounded(memory_mb: int, where: str) -> Iterator[None]:
    """Let this process take `memory_mb` and 2,000 MB more than it has; where no kernel holds to it, as much as it will.

    Args:
        memory_mb: of the configuration.
        where: whose data are read, for the message.

    Raises:
        InputError: it asks for more.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        if sys.platform == "linux" and (taken := _taken()) is not None:
            most = (taken + memory_mb + _ROOM) * 2**20
            limits = [limit for limit in (soft, hard, most) if limit != resource.RLIM_INFINITY]
            resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
        yield
    except (MemoryError, OSError, RuntimeError) as error:
        # A thread or a mapped file that finds no room has errors of its own.
        no_room = getattr(error, "errno", None) == errno.ENOMEM or "can't start new thread" in str(error)
        if not (isinstance(error, MemoryError) or no_room):
            raise
        found = f"data that take more than {memory_mb + _ROOM:,} MB of memory"
        hint = "Raise memory_mb in the configuration, or give fewer data."
        raise InputError.unexpected(where, found, "data that fit into memory_mb", hint) from None
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _taken() -> int | None:
    """MB of private memory that this process has asked for; None where the system does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmData")), None)
