"""Parameters that the user states and that have no effect beside the others: the map would be another than meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import plugins
from pellucid.config.variants import ONLY_WITH, variants


def parameters(method: str, stated: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the parameters of a method that no variant reads, each with the parameter and the value that it needs.

    Args:
        method: its name.
        stated: its parameters, complete, and `sweep`; one that has its default counts as not stated.
    """
    declared, runs = plugins.parameters(plugins.load("explain")[method]), list(variants(method, stated).values())
    found = {}
    for name, (key, needed) in ONLY_WITH.items():
        known = name in declared and key in declared
        if (
            known
            and all(run[key] != needed for run in runs)
            and any(run[name] != declared[name]["default"] for run in runs)
        ):
            found[name] = (key, needed)
    return found


def notes(name: str, methods: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each such parameter of the methods of an experiment."""
    return [
        f"{name}: methods.{method}.{unread} has no effect: only {key}: {needed} reads it."
        for method, stated in methods.items()
        for unread, (key, needed) in parameters(method, stated).items()
    ]
