"""The topics, each with its share of the inputs."""

from __future__ import annotations

import importlib
from typing import Any

SHARES = {
    "delimited": 2,
    "ts_files": 1,
    "heartbeat_rows": 1,
    "arrays": 1,
    "parquet_files": 1,
    "wfdb_records": 1,
    "configurations": 1,
    "image_folders": 1,
    "ucr_zips": 0.5,
    "keras_archives": 1,
}


def topic(name: str) -> Any:
    """Import a topic's module."""
    return importlib.import_module(f"tests.fuzz.{name}")


def number(name: str, total: int) -> int:
    """How many of `total` inputs are of this topic."""
    return max(1, round(total * SHARES[name] / sum(SHARES.values())))
