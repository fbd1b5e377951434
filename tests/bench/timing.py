"""Timing in turn."""

from __future__ import annotations

import time
from collections.abc import Callable

_clock = time.perf_counter


def count_processor_time() -> None:
    """From now on count what this process computes, of all threads, instead of the time that passes."""
    global _clock
    _clock = time.process_time


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    started = _clock()
    work()
    return _clock() - started


def in_turn(*works: Callable[[], object], rounds: int = 5) -> list[float]:
    """The least time of each work, measured round by round so that all meet the same machine."""
    taken = [[seconds(work) for work in works] for _ in range(rounds)]
    return [min(column) for column in zip(*taken, strict=True)]


def row(*cells: object) -> None:
    """Print one line of a table."""
    first, *rest = cells
    print(f"  {first!s:<52}", *(f"{cell:>12.4g}" if isinstance(cell, float) else f"{cell!s:>12}" for cell in rest))
