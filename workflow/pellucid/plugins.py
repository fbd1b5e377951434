"""Find the plugins that can be named in `config.yaml`: data sources, architectures, methods, views, scores.

A plugin is a module with a `SPEC`. Its file name is its name in the config, so that adding one edits nothing central.
Importing a plugin must not import TensorFlow: the workflow reads every `SPEC` before it plans a single job.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import ModuleType
from typing import Any

from pellucid.parameters import Parameter, plain, read, schemas


@cache
def load(package: str) -> dict[str, ModuleType]:
    """Return the plugins of `pellucid.<package>` by name, sorted; modules without a `SPEC` are left out."""
    parent = importlib.import_module(f"pellucid.{package}")
    present = sorted(module.name for module in pkgutil.iter_modules(parent.__path__))
    modules = {name: importlib.import_module(f"pellucid.{package}.{name}") for name in present}
    return {name: module for name, module in modules.items() if hasattr(module, "SPEC")}


def spec(package: str, name: str) -> Any:
    """Return the `SPEC` of one plugin."""
    return load(package)[name].SPEC


@cache
def parameters(plugin: ModuleType) -> Mapping[str, Mapping[str, Any]]:
    """Return the JSON Schema of each parameter of a plugin: of the files it reads, and of its function's arguments."""
    files = {name: file.schema() for name, file in _files(plugin).items()}
    return {**files, **schemas(_arguments(plugin))}


def names(plugin: ModuleType) -> list[str]:
    """Return the names of a plugin's parameters, which take less time to read than `parameters`."""
    return [*_files(plugin), *_arguments(plugin)]


def required(plugin: ModuleType) -> tuple[str, ...]:
    """Return the parameters that the user must state."""
    files = (name for name, file in _files(plugin).items() if file.default is None)
    return (*files, *(name for name, parameter in _arguments(plugin).items() if parameter.required))


def defaults(plugin: ModuleType) -> dict[str, Any]:
    """Return the default of each parameter that has one, as the config would state it."""
    files = {name: file.default for name, file in _files(plugin).items() if file.default is not None}
    arguments = {
        name: plain(parameter.default) for name, parameter in _arguments(plugin).items() if parameter.has_default
    }
    return {**files, **arguments}


def own_parameters(entry: Mapping[str, Any], plugin: ModuleType) -> dict[str, Any]:
    """Return the plugin's parameters in a `dataset` or `model` entry, without its name and the checksums."""
    known = names(plugin)
    return {name: value for name, value in entry.items() if name in known}


def hook(plugin: ModuleType, name: str) -> Callable[..., Any]:
    """Return an optional function of a plugin or, where it has none, the default that its contract states.

    The contract is the Protocol in the package's `base.py`. Hooks always get all parameters of the plugin.
    """
    own: Callable[..., Any] | None = getattr(plugin, name, None)
    return own or partial(getattr(plugin.SPEC.contract, name), plugin)


def _arguments(plugin: ModuleType) -> Mapping[str, Parameter]:
    return read(getattr(plugin, plugin.SPEC.function))


def _files(plugin: ModuleType) -> dict[str, Any]:
    """Return the files that the user names: methods, views and scores read none."""
    files: Mapping[str, Any] = getattr(plugin.SPEC, "files", {})
    return {name: file for name, file in files.items() if file.of_user}
