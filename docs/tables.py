"""Markdown of the reference pages, made from what the code declares, so that pages and code never differ.

Needs the package but not Sphinx: the tests call it as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from pellucid import plugins
from pellucid.config import schema_errors
from pellucid.explain.base import When
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
# How the requirements of a plugin read in a sentence.
_FEATURES = {
    "conv": "a convolution layer",
    "relu": "a ReLU, and no rectifier of another form",
    "gap": "global average pooling in front of the dense layer of the classes",
    "rescale_rule": "layers that DeepLIFT's rules cover (no LSTM)",
    "attention": "attention over time (`attention_lstm`)",
    "instances": "attention over windows (`mil_cnn`)",
    "layers": "layers that can be reached (no SavedModel)",
    "truth": "data whose evidence is known",
    "training": "a model that is trained here (`epochs` above 0)",
    "labels": "data with labels",
    "split": "data that are divided (`split` is not `none`)",
}


def plugin(package: str, name: str) -> str:
    """What one plugin declares about itself, and a table of its parameters."""
    module = plugins.load(package)[name]
    spec, required = module.SPEC, plugins.required(module)
    text = "\n".join(f"- {label}: {value}" for label, value in _facts(spec))
    rows = [_row(key, entry, key in required) for key, entry in plugins.parameters(module).items()]
    rows += [
        f"| `{key}_{kind}` | text | absent | {kind} checksum of `{key}`, compared before the file is used |"
        for key in getattr(spec, "files", ())
        for kind in ("sha256", "md5")
    ]
    return f"{_about(spec)}{text}\n\n{_table(rows)}"


def section(key: str) -> str:
    """Every key of one section of an experiment's settings, without the section's name.

    "experiment" stands for the keys of an experiment that are no section, "top" for those outside of experiments.
    """
    content = schema_errors.of_config()
    if key == "top":
        return _table(
            _row(name, entry, name in content["required"])
            for name, entry in _flat(content["properties"])
            if not name.startswith("defaults.")
        )
    settings = content["$defs"]["experiment"]["properties"]
    if key == "experiment":
        chosen = {name: settings[name] for name in ("seed", "title", "sweep", "repeats")}
        return _table(_row(name, entry, False) for name, entry in _flat(chosen))
    table = _table(_row(name, entry, False) for name, entry in _flat(settings[key]["properties"]))
    return f"{_cell(settings[key]['description'])}\n\n{table}"


def _flat(properties: Schema, before: str = "") -> Iterator[tuple[str, Schema]]:
    """Keys and their schemas, those of mappings by dotted keys behind the mapping itself."""
    for name, entry in properties.items():
        inner = entry.get("properties", {})
        if not inner or entry.get("description"):
            yield before + name, entry
        yield from _flat(inner, f"{before}{name}.")


def _about(spec: Any) -> str:
    return f"{_cell(spec.about)}\n\n" if hasattr(spec, "about") else ""


def _facts(spec: Any) -> Iterator[tuple[str, str]]:
    """What a SPEC says, in the words of the page."""
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
    for label, field in (("Paper", "paper"), ("Source", "source"), ("Licence", "licence"), ("Citation", "citation")):
        if value := getattr(spec, field, ""):
            yield label, _cell(value)
    if requires := getattr(spec, "requires", ()):
        yield "Needs", "; ".join(_FEATURES.get(feature, f"`{feature}`") for feature in requires)
    if features := getattr(spec, "features", ()):
        yield "Has", "; ".join(_FEATURES.get(feature, f"`{feature}`") for feature in features)


def _direction(better: str) -> str:
    return {"higher": "higher is better", "lower": "lower is better", "neither": "describes only"}[better]


def _depends(declared: bool | When) -> str:
    """A declaration such as `When("channels", "each")`, or plainly True, in words."""
    if isinstance(declared, bool):
        return "yes" if declared else "no"
    return f"with `{declared.parameter}: {' or '.join(str(value).lower() for value in declared.values)}`"


def _table(rows: Any) -> str:
    lines = list(rows)
    if not lines:
        return "It has no parameters.\n"
    return "\n".join(["| key | takes | default | meaning |", "|---|---|---|---|", *lines, ""])


def _row(name: str, entry: Schema, required: bool) -> str:
    default = "required" if required else "absent" if "default" not in entry else f"`{_yaml(entry['default'])}`"
    if entry.get("default") == {}:
        default = ""
    return f"| `{name}` | {_takes(entry)} | {default} | {_cell(entry.get('description', ''))} |"


def _takes(entry: Schema) -> str:
    """The values that a schema allows, in a few words."""
    if options := entry.get("anyOf"):
        return "; ".join(_takes(option) for option in options)
    if "enum" in entry:
        return ", ".join(f"`{_yaml(value)}`" for value in entry["enum"])
    kinds = entry.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    text = " or ".join(_TYPES.get(kind, "none") for kind in kinds)
    if "array" in kinds and "items" in entry:
        text += f" of {_takes(entry['items'])}"
    if "minimum" in entry and "maximum" in entry:
        return f"{text} from {entry['minimum']} to {entry['maximum']}"
    limits = " and ".join(f"{sign} {entry[limit]}" for limit, sign in _LIMITS.items() if limit in entry)
    return f"{text} {limits}".strip()


def _yaml(value: Any) -> str:
    if value == "":
        return '""'
    return value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True).split("\n...")[0].strip()


def _cell(text: str) -> str:
    """Text that Markdown does not read as a table's border, a link or a formula."""
    plain = " ".join(text.split())
    for mark in ("\\", "|", "[", "]", "<", "$", "*", "_"):
        plain = plain.replace(mark, f"\\{mark}")
    return plain
