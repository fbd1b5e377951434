"""JSON Schema with messages for people: where, what was found, what was expected, and the nearest valid name."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from pellucid.wording import listing, nearest, shown

_CONFIG = Path(__file__).resolve().parent.parent / "schemas" / "config.schema.yaml"
# What JSON Schema calls them, in words.
_TYPES = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def _is_integer(checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker: Any, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# JSON Schema takes 5.0 for a whole number and infinity for a number; what is run does not.
_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer).redefine("number", _is_number),
)


@cache
def of_config() -> dict[str, Any]:
    """The schema of `config.yaml`."""
    content: dict[str, Any] = yaml.safe_load(_CONFIG.read_text(encoding="utf-8"))
    return content


def problems(content: Any, schema: Mapping[str, Any], path: str) -> list[str]:
    """All faults of `content`, one sentence each, in the order of the keys.

    Args:
        content: what the user wrote.
        schema: a JSON Schema.
        path: the key under which `content` stands, e.g. "experiments.digits.dataset".
    """
    errors = _Validator(schema).iter_errors(content)
    return [_sentence(error, path) for error in sorted(errors, key=lambda error: [str(key) for key in error.path])]


def parameters_schema(parameters: Mapping[str, Mapping[str, Any]], required: Iterable[str] = ()) -> dict[str, Any]:
    """The closed schema of a plugin's declared parameters."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": dict(parameters),
        "required": list(required),
    }


def with_defaults(content: Any, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """A copy of `content` in which every absent key that has a default holds it, at any depth."""
    root = schema if root is None else root
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    content = copy.deepcopy(content)
    if isinstance(content, dict):
        for key, child in schema.get("properties", {}).items():
            if key not in content and "default" in child:
                content[key] = copy.deepcopy(child["default"])
            if key in content:
                content[key] = with_defaults(content[key], child, root)
    return content


def _sentence(error: ValidationError, path: str) -> str:
    rule: Any = error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    where = ".".join([path, *(str(part) for part in error.absolute_path)]).strip(".") or "config.yaml"
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        unknown = [key for key in instance if key not in known]
        found = f"unknown key {listing(shown(key) for key in unknown)}"
        expected = f"one of {listing(known)}" if known else "no key at all"
        return f"{where}: found {found}; expected {expected}.{nearest(str(unknown[0]), known)}"
    if error.validator == "required":
        missing = [key for key in rule if key not in instance]
        found = listing(instance) or "nothing"
        return f"{where}: found {found}; expected the key {listing(missing)} as well."
    found = f"{shown(error.instance)} ({_TYPES.get(_type(error.instance), _type(error.instance))})"
    return f"{where}: found {found}; expected {_expected(error)}.{_hint(error)}"


def _type(content: Any) -> str:
    if isinstance(content, bool):
        return "boolean"
    if isinstance(content, int):
        return "integer"
    if isinstance(content, float) and not math.isfinite(content):
        return "not a finite number"
    names = {float: "number", str: "string", dict: "object", list: "array", type(None): "null"}
    return names.get(type(content), type(content).__name__)


def _expected(error: ValidationError) -> str:
    value: Any = error.validator_value
    match error.validator:
        case "type":
            return " or ".join(_TYPES[kind] for kind in ([value] if isinstance(value, str) else value))
        case "enum":
            return f"one of {listing(value)}"
        case "minimum":
            return f"at least {value}"
        case "maximum":
            return f"at most {value}"
        case "exclusiveMinimum":
            return f"more than {value}"
        case "exclusiveMaximum":
            return f"less than {value}"
        case "minItems" | "minProperties" | "minLength":
            return f"at least {value} of them" if error.validator != "minLength" else f"at least {value} character"
        case "uniqueItems":
            return "each entry once"
        case "anyOf" | "oneOf":
            return " or ".join(_expected_of(option) for option in value)
        case _:
            description = error.schema.get("description") if isinstance(error.schema, Mapping) else None
            return f"{error.validator} {value}" + (f" ({description})" if description else "")


def _expected_of(option: Mapping[str, Any]) -> str:
    if "enum" in option:
        return listing(option["enum"])
    kind = option.get("type", "")
    return _TYPES.get(kind, str(kind)) + (f" from {option['minimum']}" if "minimum" in option else "")


def _hint(error: ValidationError) -> str:
    if error.validator == "enum" and isinstance(error.instance, str):
        names: Any = error.validator_value
        return nearest(error.instance, [str(name) for name in names])
    if error.validator == "type" and isinstance(error.instance, str):
        try:
            number = float(error.instance)
        except ValueError:
            return ""
        # YAML 1.1 reads 1e-3 as a text: a number needs a point before the exponent.
        kind: Any = error.validator_value
        whole = "integer" in kind and number.is_integer()
        return f" YAML reads this as a text: write {int(number) if whole else number}."
    return ""
