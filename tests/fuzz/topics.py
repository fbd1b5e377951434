"""The topics, each with its share of the inputs."""

from __future__ import annotations

import importlib
from typing import Any

SHARES = {
    "delimited": 4,
    "ts_files": 2,
    "heartbeat_rows": 2,
}


def topic(name: str) -> Any:
    """Import a topic's module."""
    return importlib.import_module(f"tests.fuzz.{name}")


def number(name: str, total: int) -> int:
    """How many of `total` inputs are of this topic."""
    return max(1, round(total * SHARES[name] / sum(SHARES.values())))
