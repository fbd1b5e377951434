"""What may happen to a generated input, and what it cost."""

from __future__ import annotations

import resource
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.config.resolution import ConfigError
from pellucid.errors import InputError

LONGEST_MESSAGE = 500  # characters
LONGEST_TIME = 10  # seconds
MEMORY = 1024  # MB, what the topics give to sources as `memory_mb`
ROOM = 2048  # MB beside it


@dataclass(frozen=True)
class Outcome:
    """What one input gave.

    Attributes:
        message: what refused it; empty where it was read.
        seconds: how long that took.
        memory: MB by which the process grew beyond what it ever had.
    """

    message: str
    seconds: float
    memory: float


def outcome(use: Callable[[Any, Path], object], described: Any) -> Outcome:
    """Use one input in an empty folder.

    Raises:
        AssertionError: it took too long or too much memory, or its message is too long or has several lines.
        Exception: whatever is no message for the user: a traceback.
    """
    before = _peak()
    limit = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, ((_data() + MEMORY + ROOM) * 2**20, limit[1]))
    previous = signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_TIME)
    start = time.perf_counter()
    messages = [""]
    try:
        with tempfile.TemporaryDirectory() as folder:
            use(described, Path(folder))
    except InputError as error:
        messages = [str(error)]
    except ConfigError as error:
        messages = list(error.faults)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        resource.setrlimit(resource.RLIMIT_DATA, limit)
    seconds = time.perf_counter() - start
    for message in messages:
        assert len(message) <= LONGEST_MESSAGE, f"a message of {len(message)} characters: {message[:1000]}"
        assert len(message.splitlines()) <= 1, f"a message of several lines: {message}"
    return Outcome(max(messages, key=len), seconds, _peak() - before)


def _too_long(*_: object) -> None:
    raise AssertionError(f"an input that takes more than {LONGEST_TIME} s")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _data() -> int:
    """MB of private memory that this process has asked for, as RLIMIT_DATA counts them."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData")]
    return int(line.split()[1]) // 1024
