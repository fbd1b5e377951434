"""Keys that have another name now: the message names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def faults(content: Mapping[str, Any]) -> list[str]:
    """Return a fault for each old key of an experiment."""
    experiments = content.get("experiments")
    if not isinstance(experiments, Mapping):
        return []
    return [
        f"experiments.{name}.vary: this key is now sweep; write experiments.{name}.sweep."
        for name, entry in experiments.items()
        if isinstance(entry, Mapping) and "vary" in entry
    ]
