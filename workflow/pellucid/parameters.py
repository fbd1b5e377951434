"""Reads the parameters of a plugin from the signature of its function, the one place where each of them is defined.

A keyword-only argument whose annotation has a pydantic `Field(description=…)` is a parameter of the user:

    steps: Annotated[int, Field(ge=1, le=100_000, description="intervals of the line")] = 50

The annotation gives the type and the limits. Without a default the parameter is required; with the default None it may
be absent. Other keyword-only arguments come from the workflow. A file that a plugin reads is declared as a `File`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import GenericAlias
from typing import Any, get_args

from pydantic import Field, TypeAdapter
from pydantic.fields import FieldInfo

# For `Field(json_schema_extra=…)` of a list whose entries differ, which pydantic has no word for.
UNIQUE = {"uniqueItems": True}


@dataclass(frozen=True)
class File:
    """A parameter that names a file: a path, a file:// or an http(s):// address.

    Attributes:
        description: what the file holds.
        default: "none" for a file that may be left out, None for one that is required.
        of_user: whether the user names it; otherwise the hook `addresses` does.
        many: whether it may be a list of files as well.
    """

    description: str
    default: str | None = None
    of_user: bool = True
    many: bool = False

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the parameter."""
        schema: dict[str, Any] = {"type": "string", "minLength": 1, "description": self.description}
        if self.many:
            schema |= {
                "type": ["string", "array"],
                "minItems": 1,
                "items": {"type": "string", "minLength": 1},
                **UNIQUE,
            }
        return schema if self.default is None else {**schema, "default": self.default}


def stated(files: Iterable[str], parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the paths and addresses that the parameters state for these files; "none" is none."""
    return {name: parameters[name] for name in files if parameters[name] != "none"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a function.

    Attributes:
        annotation: its type, with the limits and the description.
        default: None where it may be absent; `inspect.Parameter.empty` where it is required.
    """

    annotation: Any
    default: Any

    @property
    def required(self) -> bool:
        """Whether the user must state it."""
        return self.default is inspect.Parameter.empty

    @property
    def has_default(self) -> bool:
        """Whether it has a value where the user states none."""
        return not self.required and self.default is not None


def one_of(names: Iterable[Any]) -> Any:
    """Return a `Field` that allows these values alone, for names that only a table in the code knows."""
    return Field(json_schema_extra={"enum": list(names)})


@cache
def read(function: Callable[..., Any]) -> Mapping[str, Parameter]:
    """Return the parameters of a function by name, in the order of its signature.

    Only annotations of keyword-only arguments are evaluated: what those need must be imported when the workflow runs.
    """
    parameters = {}
    for name, argument in inspect.signature(function).parameters.items():
        if argument.kind is not argument.KEYWORD_ONLY:
            continue
        annotation = argument.annotation
        if isinstance(annotation, str):
            annotation = eval(annotation, inspect.unwrap(function).__globals__)
        if any(isinstance(entry, FieldInfo) for entry in get_args(annotation)[1:]):
            parameters[name] = Parameter(annotation, argument.default)
    return parameters


def schemas(parameters: Mapping[str, Parameter]) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each parameter, with its description and, if it has one, its default."""
    if not parameters:
        return {}
    # One adapter for all takes half the time of one for each.
    together: Any = GenericAlias(tuple, tuple(parameter.annotation for parameter in parameters.values()))
    described = _simplify(TypeAdapter(together).json_schema()["prefixItems"])
    return {
        name: {**schema, "default": plain(parameter.default)} if parameter.has_default else schema
        for (name, parameter), schema in zip(parameters.items(), described, strict=True)
    }


def plain(value: Any) -> Any:
    """Return a value as YAML would give it: lists for tuples, dictionaries for other mappings."""
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def _simplify(schema: Any) -> Any:
    """Return pydantic's schema in the few words that the messages of `config.schema_errors` know."""
    if isinstance(schema, list):
        return [_simplify(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _simplify(value) for key, value in schema.items() if key != "title"}
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "enum" in schema:
        schema.pop("type", None)
    # That a parameter may be absent does not make null a value of it.
    if options := [option for option in schema.pop("anyOf", ()) if option != {"type": "null"}]:
        schema |= _joined(options)
    return schema


def _joined(options: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one schema for several: with a list of types where limits of numbers do not have to be told apart."""
    types = [option.get("type") for option in options]
    if len(options) == 1:
        return options[0]
    limits = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "anyOf"}
    if not all(isinstance(kind, str) for kind in types) or any(limits & set(option) for option in options):
        return {"anyOf": options}
    return {key: value for option in options for key, value in option.items()} | {"type": types}
