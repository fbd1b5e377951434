"""Read the values of `--config` as those of a file: Snakemake passes the values inside a mapping or a list as texts."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import yaml

# A class named "no", a time "1:30" and "017", which YAML reads as 15, stay texts.
_NUMBER_OR_TRUTH = re.compile(r"[+-]?(0|[1-9]\d{0,14})|[+-]?\d*\.\d+([eE][+-]\d+)?|true|false")


def typed(content: Any, quoted: Collection[tuple[str | int, ...]] = (), path: tuple[str | int, ...] = ()) -> Any:
    """Return `content` with the texts that are numbers or truths read as such: "16", "0.5", "true".

    Args:
        content: what Snakemake has read from --config.
        quoted: paths of the texts that stood in quotes (`quoted_texts`); these stay texts.
        path: the path of the content itself.
    """
    if isinstance(content, Mapping):
        return {key: typed(value, quoted, (*path, key)) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [typed(value, quoted, (*path, position)) for position, value in enumerate(content)]
    if isinstance(content, str) and path not in quoted and _NUMBER_OR_TRUTH.fullmatch(content):
        return yaml.safe_load(content)
    return content


def quoted_texts(entries: Iterable[str] | None) -> set[tuple[str | int, ...]]:
    """Return the paths of the texts that stand in quotes in the entries of --config, e.g. `x={label: "40"}`."""
    paths: set[tuple[str | int, ...]] = set()

    def walk(node: yaml.Node | None, path: tuple[str | int, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                walk(value, (*path, str(key.value)))
        elif isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                walk(value, (*path, position))
        elif isinstance(node, yaml.ScalarNode):
            # Of two entries for one key the later one counts.
            (paths.add if node.style in ("'", '"') else paths.discard)(path)

    for entry in entries or ():
        key, _, value = entry.partition("=")
        with contextlib.suppress(yaml.YAMLError):
            # Snakemake leaves out quotes around the whole.
            walk(yaml.compose(value.strip("'\""), yaml.BaseLoader), (key,))
    return paths
