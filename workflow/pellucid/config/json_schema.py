"""The JSON Schema of `config.yaml`, derived from the models of `keys`."""

from __future__ import annotations

from functools import cache
from typing import Any

from pellucid.config.keys import ConfigFile

# Kept under $defs, by the name that they have there: `defaults` and every experiment refer to them.
_KEPT = {"Settings": "settings", "Experiment": "experiment"}


@cache
def of_config() -> dict[str, Any]:
    """Return the schema of `config.yaml`; every section but settings and experiment stands where it is used."""
    derived = ConfigFile.model_json_schema()
    sections = derived.pop("$defs")
    content: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pellucid's config.yaml",
        **_plain(derived, sections),
    }
    content["description"] = " ".join(derived["description"].split())
    for section in sections.values():
        section.pop("description", None)
    content["$defs"] = {kept: _plain(sections[name], sections) for name, kept in _KEPT.items()}
    return content


def _without(schema: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in keys}


def _plain(schema: Any, sections: dict[str, Any]) -> Any:
    """Return a schema of pydantic's in the shorter form that the messages and the reference are made from."""
    if isinstance(schema, list):
        return [_plain(entry, sections) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    # Titles and docstrings of the models are for the reader of the code.
    schema = {key: value for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    if name := schema.get("$ref", "").removeprefix("#/$defs/"):
        del schema["$ref"]
        if name in _KEPT:
            section = {"$ref": f"#/$defs/{_KEPT[name]}"}
        else:
            section = {key: value for key, value in sections[name].items() if key not in ("title", "description")}
        # The keys of a section have defaults of their own.
        schema = {**section, **schema, **({"default": {}} if "default" in schema else {})}
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if [set(option) for option in options] == [{"$ref"}, {"const", "type"}]:
        # A section, or one word in its place.
        section = sections[options[0]["$ref"].removeprefix("#/$defs/")]
        words = {"type": ["object", "string"], "pattern": f"^({options[1]['const']})$"}
        schema = {**_without(section, "title", "description"), **_without(schema, "anyOf"), **words, "default": {}}
        options = []
    if len(options) == 1:
        del schema["anyOf"]
        schema = {**options[0], **schema}
        if "$ref" in schema:  # a section that may be absent
            return _plain(_without(schema, "default"), sections)
    elif options and all(set(option) == {"type"} for option in options):
        del schema["anyOf"]
        schema["type"] = [option["type"] for option in options]
    if "default" in schema and schema["default"] is None:
        del schema["default"]
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "enum" in schema:
        schema.pop("type", None)
    if schema.get("additionalProperties") is True:
        del schema["additionalProperties"]
    properties = schema.pop("properties", None)
    schema = {key: value if key == "default" else _plain(value, sections) for key, value in schema.items()}
    if properties is not None:
        schema["properties"] = {key: _plain(entry, sections) for key, entry in properties.items()}
    return schema
