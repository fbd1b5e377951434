"""The settings of the examples that are shown, apart from those of the examples that are measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The keys of `examples` that say nothing about the examples that are shown.
OF_MEASURED = ("summarise", "parts", "align", "scored")
SHOWN = "shown"


def shown(examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the examples that are shown: a change of the others reruns and records nothing of them."""
    return {key: value for key, value in examples.items() if key not in OF_MEASURED}


def told(examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the examples that are shown, and where others are scored, which: `scored`, `summarise`."""
    scored = examples.get("scored", SHOWN)
    return shown(examples) | ({} if scored == SHOWN else {key: examples[key] for key in ("summarise", "scored")})
