"""Parameters that the user states and that have no effect beside the others: the map would be another than meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import plugins
from pellucid.config.variants import ONLY_WITH, variants, without_effect
from pellucid.messages import comma_list, counted


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


def repeated(method: str, stated: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return how many variants of a method repeat another one, and the swept parameters that they do not read.

    Args:
        method: its name.
        stated: its parameters, complete, and `sweep`.
    """
    runs = list(variants(method, stated).values())
    read = [{name: value for name, value in run.items() if name not in without_effect(run)} for run in runs]
    repeats = [run for place, run in enumerate(runs) if read[place] in read[:place]]
    swept = stated.get("sweep") or {}
    return len(repeats), [name for name in swept if any(name in without_effect(run) for run in repeats)]


def notes(name: str, methods: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each such parameter of the methods of an experiment, and for each sweep that repeats maps."""
    lines = [
        f"{name}: methods.{method}.{unread} has no effect: only {key}: {needed} reads it."
        for method, stated in methods.items()
        for unread, (key, needed) in parameters(method, stated).items()
    ]
    for method, stated in methods.items():
        count, unread = repeated(method, stated)
        # What no variant reads at all is told above.
        keys = [key for key in unread if key in ONLY_WITH and key not in parameters(method, stated)]
        if keys:
            reasons = comma_list(f"only {ONLY_WITH[key][0]}: {ONLY_WITH[key][1]} reads {key}" for key in keys)
            lines.append(f"{name}: methods.{method}.sweep computes {counted(count, 'map')} twice: {reasons}.")
    return lines
