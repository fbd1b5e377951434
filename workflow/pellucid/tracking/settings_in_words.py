"""Settings and devices as a run in MLflow holds them: short words, and dotted names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.config.variants import without_effect


def device_of(device: Mapping[str, Any]) -> str:
    """Return the device of a training in words: its name and its driver."""
    return f"{device['name']} (driver {device['driver']})" if "driver" in device else str(device["name"])


def target_in_words(target: Any) -> str:
    """Return what is explained of each example, as a reader searches for it: `examples.target` in one line."""
    if not isinstance(target, Mapping):
        return str(target)
    return str(target["class"]) if "class" in target else f"{target['why']}, not {target['not']}"


def effective(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that a variant of a method reads: others would be axes of MLflow's comparison of runs."""
    idle = without_effect(parameters)
    return {name: value for name, value in parameters.items() if name not in idle}


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested settings to dotted names."""
    dotted: dict[str, Any] = {}
    for key, value in settings.items():
        dotted |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return dotted
