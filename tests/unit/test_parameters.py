"""Every plugin's parameters, which the signature of its function defines."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field

from pellucid import parameters, plugins
from pellucid.config import schema_errors

PACKAGES = ("datasets", "models", "explain", "views", "score")
PLUGINS = {f"{package}.{name}": module for package in PACKAGES for name, module in plugins.load(package).items()}
# Keyword-only arguments that the workflow gives, as the contracts say.
OF_THE_WORKFLOW = {"measured", "training", "scratch", "known", "task", "explained"}
HOOKS = ("check", "fits", "fill", "features", "addresses", "axes", "reference", "expected", "suits")


def function(module: ModuleType) -> Any:
    return getattr(module, module.SPEC.function)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_parameter_has_a_description_and_a_default_of_its_type(plugin):
    module = PLUGINS[plugin]
    for name, declared in plugins.parameters(module).items():
        Draft202012Validator.check_schema(declared)
        assert declared["description"], name
        if "default" in declared:
            assert schema_errors.problems(declared["default"], declared, name) == []
    assert plugins.defaults(module) == {
        name: declared["default"] for name, declared in plugins.parameters(module).items() if "default" in declared
    }


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_other_keyword_comes_from_the_workflow(plugin):
    module = PLUGINS[plugin]
    keywords = {name for name, argument in inspect.signature(function(module)).parameters.items() if argument.kind == 3}
    known = {*plugins.names(module), *getattr(module.SPEC, "files", ()), *OF_THE_WORKFLOW}
    assert keywords <= known
    # A required parameter stands among the arguments, or is a file.
    assert set(plugins.required(module)) <= {*keywords, *getattr(module.SPEC, "files", ())}


def _read(module: ModuleType) -> set[str]:
    """The parameters that the plugin's function or one of its hooks uses, or the drawing of a view."""
    used = set()
    for name in (module.SPEC.function, *HOOKS):
        if callable(hook := getattr(module, name, None)):
            body = ast.parse(inspect.getsource(hook)).body[0].body
            used |= {node.id for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)}
    package, name = module.__name__.split(".")[1:]
    if package == "views":
        drawing = Path(module.__file__).parents[1] / "draw" / "views" / f"{name}.py"
        nodes = ast.walk(ast.parse(drawing.read_text(encoding="utf-8")))
        used |= {node.value for node in nodes if isinstance(node, ast.Constant)}  # parameters["shown"]
    return used


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_parameter_is_used(plugin):
    module = PLUGINS[plugin]
    arguments = set(plugins.names(module)) - set(getattr(module.SPEC, "files", ()))
    # How long the model on random labels is trained is the rule's to read, which the score comes after.
    unread = {"score.random_labels": {"epochs"}}.get(plugin, set())
    assert arguments - _read(module) == unread


@pytest.mark.parametrize("plugin", PLUGINS)
def test_hooks_state_no_default_of_their_own(plugin):
    module = PLUGINS[plugin]
    for name in HOOKS:
        if callable(hook := getattr(module, name, None)) and hook.__module__.startswith("pellucid"):
            signature = inspect.signature(hook).parameters.values()
            # None: what may be absent.
            assert all(argument.default in (argument.empty, None) for argument in signature if argument.kind == 3), name


def test_hooks_that_a_plugin_lacks_do_nothing():
    method, source, model = PLUGINS["explain.smoothgrad"], PLUGINS["datasets.mnist"], PLUGINS["models.digit_cnn"]
    assert plugins.hook(method, "check")(samples=3) is None
    assert plugins.hook(method, "fits")((3,), mode="signed") is None
    assert plugins.hook(PLUGINS["datasets.table"], "axes")(file="a.csv") is None
    assert plugins.hook(source, "fill")(file="a.npz") == {}
    assert plugins.hook(source, "addresses")(file="a.npz") == {"file": "a.npz"}
    assert plugins.hook(PLUGINS["models.vgg16"], "addresses")(weights="none") == {}
    assert plugins.hook(model, "features")(dropout=0.5) == model.SPEC.features


def test_a_signature_becomes_a_schema():
    def function(
        first: int,
        *,
        count: Annotated[int, Field(ge=1, lt=5, description="how many")],
        size: Annotated[Annotated[int, Field(ge=1)] | Literal["auto"], Field(description="of each")] = "auto",
        names: Annotated[
            str | Annotated[Sequence[str], Field(min_length=1)],
            Field(description="of all", json_schema_extra=parameters.UNIQUE),
        ] = ("a", "b"),
        kind: Annotated[str, parameters.one_of(("x", "y")), Field(description="which")] = "x",
        rate: Annotated[float | None, Field(gt=0, description="in Hz")] = None,
        labels: Annotated[Mapping[str, str], Field(description="by name")] = MappingProxyType({"a": "b"}),
        measured: Any = None,
    ) -> None: ...

    read = parameters.read(function)
    assert [name for name, parameter in read.items() if parameter.required] == ["count"]
    assert parameters.schemas(read) == {
        "count": {"type": "integer", "minimum": 1, "exclusiveMaximum": 5, "description": "how many"},
        "size": {
            "anyOf": [{"type": "integer", "minimum": 1}, {"enum": ["auto"]}],
            "description": "of each",
            "default": "auto",
        },
        "names": {
            "type": ["string", "array"],
            "items": {"type": "string"},
            "minItems": 1,
            "uniqueItems": True,
            "description": "of all",
            "default": ["a", "b"],
        },
        "kind": {"enum": ["x", "y"], "description": "which", "default": "x"},
        "rate": {"type": "number", "exclusiveMinimum": 0, "description": "in Hz"},
        "labels": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "by name",
            "default": {"a": "b"},
        },
    }
