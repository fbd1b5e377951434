"""The key `explain` of a study: which members are explained, rather than trained and evaluated alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pellucid.config.plugin_selection import PACKAGES
from pellucid.messages import comma_list

# Members that differ in nothing but these sections are the same network.
_OF_EXPLANATIONS = ("examples", "figures", "tune", *PACKAGES)


def choice(name: str, entry: Mapping[str, Any], swept: Collection[str]) -> tuple[str, list[str]]:
    """Return which members of a study are explained, "all", "first" or "none", and the faults of `explain`.

    Args:
        name: of the study.
        entry: as the user wrote it.
        swept: the dotted keys that vary.
    """
    compared = [key for key in swept if key.partition(".")[0] in _OF_EXPLANATIONS]
    explain = entry.get("explain", "all" if compared else "first")
    if compared and explain != "all":
        return explain, [
            f'experiments.{name}.explain: found "{explain}", and a sweep over {comma_list(compared)}; expected all: '
            "members that differ in nothing else are the same network."
        ]
    return explain, []


def outside(name: str, entry: Mapping[str, Any]) -> list[str]:
    """Return the fault of `explain` in an entry that is no study."""
    if "explain" not in entry:
        return []
    return [
        f'experiments.{name}.explain: found "{entry["explain"]}", and neither sweep nor repeats; expected explain in a '
        "study alone. What is explained of an experiment stands under methods; methods: none leaves all of it out."
    ]


def note(name: str, entry: Mapping[str, Any], members: int, explained: int) -> list[str]:
    """Return what a study leaves out where its entry does not say it, one line or none."""
    if "explain" in entry or explained == members:
        return []
    return [f"{name}: of its {members} members the first alone is explained; with explain: all every member is."]
