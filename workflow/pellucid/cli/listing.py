"""`pellucid list`: methods, models, data sources, views and scores, each from its own definition."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import click

# Names of the kinds of plugins for users, and the packages that hold them.
KINDS = {"methods": "explain", "models": "models", "data": "datasets", "views": "views", "scores": "score"}
_WIDTH = 100


def complete(package: str, incomplete: str) -> list[str]:
    """Return the names of plugins that begin like this."""
    from pellucid import plugins

    return [name for name in plugins.load(package) if name.startswith(incomplete)]


def _complete_name(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return complete(KINDS[context.params["kind"]], incomplete) if context.params.get("kind") in KINDS else []


@click.command("list", short_help="List methods, models, data, views, scores.")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name", required=False, shell_complete=_complete_name)
def listing(kind: str, name: str | None) -> None:
    """List what config.yaml may name, or describe one of them: its paper, its parameters, their defaults and limits."""
    from pellucid import plugins
    from pellucid.errors import InputError
    from pellucid.messages import abbreviate, comma_list, did_you_mean

    modules = plugins.load(KINDS[kind])
    if name is None:
        width = max(map(len, modules))
        for each, module in modules.items():
            click.echo(f"{each:<{width}}  {module.SPEC.title}")
    elif name in modules:
        click.echo("\n".join(_description(name, modules[name])))
    else:
        hint = did_you_mean(name, modules).strip()
        raise InputError.unexpected(f"list {kind}", abbreviate(name), f"one of {comma_list(modules)}", hint)


def _description(name: str, module: ModuleType) -> Iterator[str]:
    """Yield the lines that describe a plugin."""
    from pellucid import plugins
    from pellucid.cli.plugin_facts import facts

    spec, required = module.SPEC, plugins.required(module)
    yield f"{name}: {spec.title}"
    if about := getattr(spec, "about", ""):
        yield from _wrapped(about, "  ")
    for label, value in facts(spec):
        yield from _wrapped(f"{label}: {value}", "  ")
    parameters = plugins.parameters(module)
    yield "Parameters:" if parameters else "It has no parameters."
    for key, entry in parameters.items():
        yield from _parameter(key, entry, key in required)
    for key in getattr(spec, "files", ()):
        yield from _wrapped(f"{key}_sha256, {key}_md5: checksums of `{key}`, compared before it is used", "  ")


def _parameter(key: str, entry: Any, required: bool) -> Iterator[str]:
    from pellucid.cli.plugin_facts import as_yaml, takes

    default = "required" if required else f"default {as_yaml(entry['default'])}" if "default" in entry else "optional"
    yield from _wrapped(f"{key} ({default}): {takes(entry)}", "  ")
    yield from _wrapped(entry.get("description", ""), "      ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ")
