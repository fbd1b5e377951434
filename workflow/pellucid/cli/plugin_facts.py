"""The declarations of plugins in words: for `pellucid list` and for the reference pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from pellucid.explain.base import When
from pellucid.features import WORDS
from pellucid.score.base import ScoreSpec

Schema = Mapping[str, Any]
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true, false",
    "array": "list",
    "object": "keys",
}
_LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
# Facts that are texts of a SPEC; all others are composed here.
TEXTS = {"Paper": "paper", "Source": "source", "Licence": "licence", "Citation": "citation"}


def facts(spec: Any) -> Iterator[tuple[str, str]]:
    """Yield the facts of a SPEC, each with a label."""
    if isinstance(spec, ScoreSpec):
        names = (f"`{name}` ({_direction(metric.better)})" for name, metric in spec.metrics.items())
        yield "Family", spec.family
        yield "Columns", ", ".join(names)
    elif hasattr(spec, "family"):
        yield "Family", spec.family
        yield "Values", spec.unit
        yield "Channels have values of their own", _depends(spec.per_channel)
        yield "Values below zero speak against the class", _depends(spec.signed)
        if spec.checks:
            yield "Checks that it must pass", ", ".join(spec.checks)
    for label, field in TEXTS.items():
        if value := getattr(spec, field, ""):
            yield label, value
    if requires := getattr(spec, "requires", ()):
        yield "Needs", "; ".join(WORDS.get(feature, f"`{feature}`") for feature in requires)
    if features := getattr(spec, "features", ()):
        yield "Has", "; ".join(WORDS.get(feature, f"`{feature}`") for feature in features)


def takes(entry: Schema) -> str:
    """Return the values that a schema allows, in a few words."""
    if options := entry.get("anyOf"):
        return "; ".join(takes(option) for option in options)
    if "enum" in entry:
        return ", ".join(f"`{as_yaml(value)}`" for value in entry["enum"])
    kinds = entry.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    text = " or ".join(_TYPES.get(kind, "none") for kind in kinds)
    if "array" in kinds and "items" in entry:
        text += f" of {takes(entry['items'])}"
    if "minimum" in entry and "maximum" in entry:
        return f"{text} from {entry['minimum']} to {entry['maximum']}"
    limits = " and ".join(f"{sign} {entry[limit]}" for limit, sign in _LIMITS.items() if limit in entry)
    return f"{text} {limits}".strip()


def as_yaml(value: Any) -> str:
    """Return a value as config.yaml would state it."""
    if value == "":
        return '""'
    return value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True).split("\n...")[0].strip()


def _direction(better: str) -> str:
    return {"higher": "higher is better", "lower": "lower is better", "neither": "describes only"}[better]


def _depends(declared: bool | When) -> str:
    """Return a declaration such as `When("channels", "each")`, or plainly True, in words."""
    if isinstance(declared, bool):
        return "yes" if declared else "no"
    return f"with `{declared.parameter}: {' or '.join(str(value).lower() for value in declared.values)}`"
