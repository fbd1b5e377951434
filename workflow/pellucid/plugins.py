"""Find the plugins that can be named in `config.yaml`: data sources, architectures, methods, views, scores.

A plugin is a module with a `SPEC`. Its file name is its name in the config, so that adding one edits nothing central.
Importing a plugin must not import TensorFlow: the workflow reads every `SPEC` before it plans a single job.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any


@cache
def load(package: str) -> dict[str, ModuleType]:
    """Return the plugins of `pellucid.<package>` by name, sorted; modules without a `SPEC` are left out."""
    parent = importlib.import_module(f"pellucid.{package}")
    names = sorted(module.name for module in pkgutil.iter_modules(parent.__path__))
    modules = {name: importlib.import_module(f"pellucid.{package}.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "SPEC")}


def spec(package: str, name: str) -> Any:
    """Return the `SPEC` of one plugin."""
    return load(package)[name].SPEC


def own_parameters(entry: Mapping[str, Any], spec: Any) -> dict[str, Any]:
    """Return the plugin's parameters in a `dataset` or `model` entry, without its name and the checksums."""
    return {name: value for name, value in entry.items() if name in spec.parameters}
