"""`null` in a configuration: the key is as if nobody had written it, so that a file of one's own can take it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.config.plugin_selection import PACKAGES


def unset(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration without the keys that are null in `defaults` and in an experiment, at any depth.

    An empty line behind the name of a method, a view or a score means the method, and stays.
    """
    changed = dict(content)
    if isinstance(changed.get("defaults"), Mapping):
        changed["defaults"] = _of_settings(changed["defaults"])
    if isinstance(changed.get("experiments"), Mapping):
        changed["experiments"] = {
            name: _of_settings(entry) if isinstance(entry, Mapping) else entry
            for name, entry in changed["experiments"].items()
        }
    return changed


def _of_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {name: _without_nulls(value) for name, value in written.items()}
        if key in PACKAGES and isinstance(written, Mapping)
        else _without_nulls(written)
        for key, written in settings.items()
        if written is not None
    }


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
