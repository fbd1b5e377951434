"""JSON Schema with messages for people: where, what was found, what was expected, and the nearest valid name."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from pellucid.config.json_schema import of_config as of_config
from pellucid.messages import abbreviate, comma_list, did_you_mean

_MOST_HINTS = 20
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


def _unique(validator: Any, wanted: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Compare by hash: of thousands of entries jsonschema compares each with each."""
    if wanted and isinstance(instance, list) and len({_hashable(entry) for entry in instance}) < len(instance):
        yield ValidationError("")


def _hashable(content: Any) -> Any:
    if isinstance(content, Mapping):
        return frozenset((key, _hashable(value)) for key, value in content.items())
    if isinstance(content, list):
        return tuple(map(_hashable, content))
    return ("truth", content) if isinstance(content, bool) else content


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Let $ be the end of the text: to Python it is the place before a last line end as well."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError("")


# JSON Schema takes 5.0 for a whole number and infinity for a number; what is run does not.
_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"uniqueItems": _unique, "pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer).redefine("number", _is_number),
)


def problems(content: Any, schema: Mapping[str, Any], path: str) -> list[str]:
    """All faults of `content`, one sentence each, in the order of the keys.

    Args:
        content: what the user wrote.
        schema: a JSON Schema.
        path: the key under which `content` stands, e.g. "experiments.digits.dataset".
    """
    errors = sorted(_Validator(schema).iter_errors(content), key=lambda error: [str(key) for key in error.path])
    # Which name is the nearest is asked for those that are told: a list may have thousands.
    return [
        _sentence(error, path, did_you_mean if place < _MOST_HINTS else _no_hint) for place, error in enumerate(errors)
    ]


def parameters_schema(parameters: Mapping[str, Mapping[str, Any]], required: Iterable[str] = ()) -> dict[str, Any]:
    """The closed schema of a plugin's declared parameters."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": dict(parameters),
        "required": list(required),
    }


def with_defaults(content: Any, schema: Mapping[str, Any]) -> Any:
    """A copy of `content` in which every absent key that has a default holds it, at any depth."""
    return _filled(copy.deepcopy(content), schema, schema)


def _filled(content: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    if isinstance(content, dict):
        for key, child in schema.get("properties", {}).items():
            if key not in content and "default" in child:
                content[key] = copy.deepcopy(child["default"])
            if key in content:
                content[key] = _filled(content[key], child, root)
    return content


def _no_hint(name: str, names: Iterable[str]) -> str:
    return ""


def _sentence(error: ValidationError, path: str, did_you_mean: Callable[[str, Iterable[str]], str]) -> str:
    rule: Any = error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    where = ".".join([path, *(str(part) for part in error.absolute_path)]).strip(".") or "config.yaml"
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        unknown = [key for key in instance if key not in known]
        found = f"unknown key {comma_list(abbreviate(key) for key in unknown)}"
        expected = f"one of {comma_list(known)}" if known else "no key at all"
        return f"{where}: found {found}; expected {expected}.{did_you_mean(str(unknown[0]), known)}"
    if error.validator == "required":
        missing = [key for key in rule if key not in instance]
        found = comma_list(instance) or "nothing"
        return f"{where}: found {found}; expected the key {comma_list(missing)} as well."
    found = f"{abbreviate(error.instance)} ({_TYPES.get(_type(error.instance), _type(error.instance))})"
    return f"{where}: found {found}; expected {_expected(error)}.{_hint(error, did_you_mean)}"


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
            return f"one of {comma_list(value)}"
        case "minimum":
            return f"at least {value}"
        case "maximum":
            return f"at most {value}"
        case "exclusiveMinimum":
            return f"more than {value}"
        case "exclusiveMaximum":
            return f"less than {value}"
        case "maxItems" | "maxProperties":
            return f"at most {value} of them"
        case "maxLength":
            return f"at most {value} characters"
        case "minItems" | "minProperties" | "minLength":
            return f"at least {value} of them" if error.validator != "minLength" else f"at least {value} character"
        case "uniqueItems":
            return "each entry once"
        case "pattern" if isinstance(error.schema, Mapping) and "properties" in error.schema:
            return f"{value[2:-2]}, or a mapping (key: value)"
        case "anyOf" | "oneOf":
            return " or ".join(dict.fromkeys(_expected_of(option, error.instance) for option in value))
        case _:
            description = error.schema.get("description") if isinstance(error.schema, Mapping) else None
            return f"{error.validator} {value}" + (f" ({description})" if description else "")


def _expected_of(option: Mapping[str, Any], instance: Any) -> str:
    if "enum" in option:
        return comma_list(option["enum"])
    kind = option.get("type", "")
    if kind == "object" and (keys := option.get("required")):
        return f"a mapping of {' and '.join(keys)}"
    if _is_number(None, instance) and instance > option.get("maximum", instance):
        return f"{_TYPES[kind]} of at most {option['maximum']}"
    return _TYPES.get(kind, str(kind)) + (f" from {option['minimum']}" if "minimum" in option else "")


def _hint(error: ValidationError, did_you_mean: Callable[[str, Iterable[str]], str]) -> str:
    if error.validator == "enum" and isinstance(error.instance, str):
        names: Any = error.validator_value
        return did_you_mean(error.instance, [str(name) for name in names])
    wanted: Any = error.validator_value
    if error.validator == "type" and isinstance(error.instance, bool) and "string" in wanted:
        return " YAML reads yes, no, on and off as true and false: put a text in quotes."
    if error.validator == "type" and wanted == "array" and isinstance(error.instance, str):
        short = re.fullmatch(r"[\w-]{1,40}", error.instance)
        return f" Put it in square brackets: [{error.instance}]." if short else ""
    if error.validator == "type" and isinstance(error.instance, str):
        try:
            number = float(error.instance)
        except ValueError:
            return ""
        # YAML 1.1 reads 1e-3 as a text: a number needs a point before the exponent.
        whole = "integer" in wanted and number.is_integer()
        return f" YAML reads this as a text: write {int(number) if whole else number}."
    return ""
