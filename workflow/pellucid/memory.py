"""A bound on the memory of this process: whatever a file unpacks to, the machine goes on."""

from __future__ import annotations

import contextlib
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
        if sys.platform == "linux":
            most = (_taken() + memory_mb + _ROOM) * 2**20
            limits = [limit for limit in (soft, hard, most) if limit != resource.RLIM_INFINITY]
            resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
        yield
    except MemoryError:
        found = f"data that take more than {memory_mb + _ROOM:,} MB of memory"
        hint = "Raise memory_mb in the configuration, or give fewer data."
        raise InputError(where, found, "data that fit into memory_mb", hint) from None
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _taken() -> int:
    """MB of private memory that this process has asked for."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData")]
    return int(line.split()[1]) // 1024
