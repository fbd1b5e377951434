"""Markdown of the reference pages, made from what the code declares, so that pages and code never differ.

Needs the package but not Sphinx: the tests call it as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pellucid import plugins
from pellucid.cli.plugin_facts import TEXTS, as_yaml, facts, takes
from pellucid.config import schema_errors

Schema = Mapping[str, Any]


def plugin(package: str, name: str) -> str:
    """What one plugin declares about itself, and a table of its parameters."""
    module = plugins.load(package)[name]
    spec, required = module.SPEC, plugins.required(module)
    text = "\n".join(f"- {label}: {_cell(value) if label in TEXTS else value}" for label, value in facts(spec))
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
        chosen = {name: settings[name] for name in ("seed", "title", "sweep", "repeats", "explain")}
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


def _table(rows: Any) -> str:
    lines = list(rows)
    if not lines:
        return "It has no parameters.\n"
    return "\n".join(["| key | takes | default | meaning |", "|---|---|---|---|", *lines, ""])


def _row(name: str, entry: Schema, required: bool) -> str:
    default = "required" if required else "absent" if "default" not in entry else f"`{as_yaml(entry['default'])}`"
    if entry.get("default") == {}:
        default = ""
    return f"| `{name}` | {takes(entry)} | {default} | {_cell(entry.get('description', ''))} |"


def _cell(text: str) -> str:
    """Return text that Markdown does not read as a table's border, a link or a formula; code in backticks stays."""
    parts = " ".join(text.split()).replace("|", r"\|").split("`")
    parts[::2] = [re.sub(r"[\\\[\]<$*_](?!\|)", r"\\\g<0>", part) for part in parts[::2]]
    return "`".join(parts)
