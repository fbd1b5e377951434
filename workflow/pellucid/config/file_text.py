"""Check a configuration file as text, before Snakemake reads it.

Snakemake accepts everything that YAML allows: a few lines of anchors may stand for a billion values, a tag for a
Python object, and `__use_yte__` for Python code that it runs; of two equal keys it keeps the last. Here the file is
read event by event, and none of its values is built.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from pellucid.config.plain_values import dotted, plain, too_deep
from pellucid.config.yaml_events import COMMANDS, Events, command
from pellucid.errors import InputError
from pellucid.messages import abbreviate

MOST_BYTES = 400_000  # config.yaml as it comes has 21,000; Snakemake reads some 120,000 a second


def check(path: Path | str) -> None:
    """Refuse a file that Snakemake would not read as a person does, or could not read in bounded time.

    Raises:
        InputError: the first fault of the file, with its line.
    """
    name = str(path)
    text = _text_of(Path(path), name)
    twice: list[str] = []
    try:
        # Snakemake tries JSON first.
        content = json.loads(text, object_pairs_hook=lambda pairs: _pairs(pairs, twice))
    except RecursionError:
        raise too_deep(name) from None
    except ValueError:
        _check_yaml(text, name, yaml.FullLoader)
        return
    if twice:
        raise InputError.unexpected(name, f"the key {abbreviate(twice[0])} twice in one mapping", "each key once")
    if not isinstance(content, dict):
        raise _no_mapping(name)
    try:
        plain(content)
    except InputError as error:
        raise _in_file(name, error) from None
    for key in COMMANDS:
        if key in content:
            raise command(name, key)


def check_arguments(arguments: Sequence[str]) -> None:
    """Check the files that follow --configfile among Snakemake's arguments.

    Raises:
        InputError: as `check` does.
    """
    option = ""
    for argument in arguments:
        if argument.startswith("-"):
            option, _, argument = argument.partition("=")
        # Snakemake takes any beginning of an option's name that no other has.
        if option.startswith("--configf") and argument and Path(argument).exists():
            check(argument)


def check_entries(entries: Iterable[str] | None) -> None:
    """Refuse entries of --config (`key=value`) that give one key two values; Snakemake would take the last.

    Raises:
        InputError: the first key with two values.
    """
    said: dict[tuple[str, ...], str] = {}
    for entry in entries or ():
        key, _, value = entry.partition("=")
        try:
            leaves = list(_check_yaml(value, f"--config {key}", yaml.BaseLoader, top=False))
        except yaml.YAMLError:
            leaves = [((), value)]
        for path, leaf in leaves:
            whole = (key, *path)
            if said.setdefault(whole, leaf) != leaf:
                found = f"{abbreviate(said[whole])} and {abbreviate(leaf)}"
                raise InputError.unexpected(f"--config {dotted(whole)}", found, "one value")


def _text_of(path: Path, name: str) -> str:
    try:
        size = path.stat().st_size if path.is_file() else -1
        text = path.read_text(encoding="utf-8") if 0 <= size <= MOST_BYTES else ""
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError.unexpected(
            f"{name}, line {line}", "a byte that is not UTF-8", "a file saved as UTF-8"
        ) from None
    except OSError as error:
        raise InputError.unexpected(name, f"a file that cannot be read ({error.strerror})", "one that can") from None
    if size < 0:
        raise InputError.unexpected(name, "no file of this name", "a file of YAML or JSON")
    if size > MOST_BYTES:
        raise InputError.unexpected(name, f"a file of {size:,} bytes", f"at most {MOST_BYTES:,}")
    return text


def _pairs(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            twice.append(key)
        content[key] = value
    return content


def _check_yaml(text: str, name: str, kind: Any, top: bool = True) -> Any:
    """Read a document event by event; return its texts and numbers with their paths."""
    events = Events(name)
    try:
        loader = kind(text)
        while loader.check_event():
            events.take(loader.get_event(), loader.resolve)
    except yaml.YAMLError as error:
        if not top:
            raise
        raise _no_yaml(name, error) from None
    if top and events.root != "mapping":
        raise _no_mapping(name)
    return events.leaves


def _no_mapping(name: str) -> InputError:
    return InputError.unexpected(name, "no keys", "a mapping (key: value), as in config.yaml")


def _no_yaml(name: str, error: yaml.YAMLError) -> InputError:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}, line {mark.line + 1}" if mark else name
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "no YAML"
    return InputError.unexpected(
        where,
        f"what is neither YAML nor JSON ({problem})",
        "YAML, with blanks and no tabs before keys",
        "Keys of one mapping must begin in the same column; look at this line and at the one above it." if mark else "",
    )


def _in_file(name: str, error: InputError) -> InputError:
    return error.at(f"{name}: {error.where}")
