"""`python -m pellucid.config.editor_schema`: write the schema by which editors complete and check `config.yaml`.

It is the schema of the configuration with the parameters of every plugin in their places.
"""

from __future__ import annotations

import copy
import json
import sys
from typing import Any

from pellucid import plugins
from pellucid.config import json_schema, plugin_checks
from pellucid.config.named_files import FILES
from pellucid.config.plugin_selection import PACKAGES, sets
from pellucid.config.schema_errors import parameters_schema
from pellucid.places import SCHEMA


def editor_schema() -> dict[str, Any]:
    """Return the schema of `config.yaml` with the parameters of all plugins."""
    content = copy.deepcopy(json_schema.of_config())
    definitions = content["$defs"]
    # A file that is merged over config.yaml need not say everything.
    content.pop("required")
    definitions["experiment"].pop("required")
    for key in PACKAGES:
        definitions |= _selection(key)
        for owner in ("settings", "experiment"):
            section = definitions[owner]["properties"][key]
            section.pop("anyOf")
            section["$ref"] = f"#/$defs/{key}"
    for key in FILES:
        description = definitions["experiment"]["properties"][key]["description"]
        definitions["experiment"]["properties"][key] = {"description": description, **_entry(key)}
    return content


def _selection(key: str) -> dict[str, Any]:
    """Return the definitions of `methods`, `views` or `scores` (a set, a list, or a mapping) and of each name in it."""
    names = list(plugins.load(PACKAGES[key]))
    one_name = {"enum": names}
    definitions = {
        f"{key}.{name}": {
            "description": getattr(plugins.spec(PACKAGES[key], name), "about", ""),
            "anyOf": [{"type": ["boolean", "null"]}, plugin_checks.selected_schema(key, name)],
        }
        for name in names
    }
    entries = {name: {"$ref": f"#/$defs/{key}.{name}"} for name in names}
    inherited = {
        "only": {
            "description": "These alone.",
            "anyOf": [{"enum": [*sets(key)]}, {"type": "array", "items": one_name}],
        },
        "without": {"description": "These do not run.", "type": "array", "items": one_name},
    }
    in_list = {"type": "object", "additionalProperties": False, "maxProperties": 1, "properties": entries}
    forms = [
        {"enum": [*sets(key)]},
        {"type": "array", "items": {"anyOf": [one_name, in_list]}},
        {"type": "object", "additionalProperties": False, "properties": {**inherited, **entries}},
    ]
    return {key: {"anyOf": forms}, **definitions}


def _entry(key: str) -> dict[str, Any]:
    """Return the schema of `dataset` or `model`: which keys are allowed depends on the plugin that it names."""
    selector, package = FILES[key]
    names = list(plugins.load(package))
    cases = [
        {
            "if": {"properties": {selector: {"const": name}}, "required": [selector]},
            "then": parameters_schema(plugin_checks.entry_parameters(key, name)),
        }
        for name in names
    ]
    return {"type": "object", "properties": {selector: {"enum": names}}, "allOf": cases}


def text() -> str:
    """Return what the file holds."""
    return json.dumps(editor_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA.parent.mkdir(exist_ok=True)
    SCHEMA.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"Wrote {SCHEMA}.\n")
