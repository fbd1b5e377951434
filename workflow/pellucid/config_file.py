"""A configuration file, checked as text before Snakemake reads it.

Snakemake takes all that YAML can say: a few lines of anchors may stand for a billion values, a tag for a Python
object, `__use_yte__` for Python code that it runs; of two equal keys it keeps the last. What such a file says is read
here event by event, and nothing of it is built.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pellucid.config_values import (
    DEEPEST,
    LARGEST_NUMBER,
    LONGEST_TEXT,
    MOST_VALUES,
    dotted,
    odd_key,
    plain,
    too_deep,
    too_large,
    too_long,
    too_many,
)
from pellucid.errors import InputError
from pellucid.wording import shown

MOST_BYTES = 400_000  # config.yaml as it comes has 21,000; Snakemake reads some 120,000 a second
# Keys by which a file would tell Snakemake what to do, and what that is.
_COMMANDS = {"__use_yte__": "runs Python code of the file", "pathvars": "moves the results elsewhere"}
_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d*)")


def check(path: Path | str) -> None:
    """Refuse a file that Snakemake would read otherwise than a person does, or could not read in bounded time.

    Raises:
        InputError: the first of its faults, with its line.
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
        raise InputError(name, f"the key {shown(twice[0])} twice in one mapping", "each key once")
    if not isinstance(content, dict):
        raise _no_mapping(name)
    try:
        plain(content)
    except InputError as error:
        raise _in_file(name, error) from None
    for key in _COMMANDS:
        if key in content:
            raise _command(name, key)


def check_entries(entries: Iterable[str] | None) -> None:
    """Refuse entries of --config (`key=value`) that say a thing twice; Snakemake would take the last.

    Raises:
        InputError: the first of the faults.
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
                found = f"{shown(said[whole])} and {shown(leaf)}"
                raise InputError(f"--config {dotted(whole)}", found, "one value")


def _text_of(path: Path, name: str) -> str:
    try:
        if not path.is_file():
            raise InputError(name, "no file of this name", "a file of YAML or JSON")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise InputError(name, f"a file of {size:,} bytes", f"at most {MOST_BYTES:,}")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}, line {line}", "a byte that is not UTF-8", "a file saved as UTF-8") from None
    except OSError as error:
        raise InputError(name, f"a file that cannot be read ({error.strerror})", "one that can") from None
    except ValueError:
        raise InputError(name, "a name with the character U+0000", "the name of a file") from None


def _pairs(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice.extend(key for key in content if keys.count(key) > 1)
    return content


def _check_yaml(text: str, name: str, kind: Any, top: bool = True) -> Any:
    """Read a document event by event; return its texts and numbers with their paths."""
    events = _Events(name)
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


@dataclass
class _Open:
    """A mapping or list that has begun and not ended.

    Attributes:
        mapping: whether it is a mapping.
        anchor: its name, if it has one.
        lines: the line of each key of a mapping so far.
        step: the key or position at which the events are.
        at_key: whether a mapping's next event is a key.
        count: values so far, those of aliases included.
        height: levels below it.
    """

    mapping: bool
    anchor: str | None
    lines: dict[str, int] = field(default_factory=dict)
    step: str = ""
    at_key: bool = True
    count: int = 1
    height: int = 1


class _Events:
    """What has been read of a document so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[int, int]] = {}
        self.leaves: list[tuple[tuple[str, ...], str]] = []
        self.documents = 0
        self.root = ""
        self.total = 0  # values, those of aliases included

    def take(self, event: Any, resolve: Any) -> None:
        """Take the next event.

        Raises:
            InputError: it makes the document one that is refused.
        """
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise InputError(self._place(event), "a second document (---)", "one document in a file")
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, resolve)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = self.open.pop()
            if ended.anchor:
                self.anchors[ended.anchor] = (ended.count, ended.height)
            self._add(event, ended.count, ended.height)

    def _begin(self, event: Any) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        self._step(event)
        self._untagged(event, ("map",) if mapping else ("seq",))
        self.root = self.root or ("mapping" if mapping else "list")
        # What an anchor stood for before is over: an alias inside would be the value itself.
        self.anchors.pop(event.anchor, None)
        self.open.append(_Open(mapping, event.anchor))
        self.total += 1
        if len(self.open) > DEEPEST:
            raise too_deep(self._where(event))

    def _alias(self, event: Any) -> None:
        self._step(event)
        if event.anchor not in self.anchors:
            found = f"*{event.anchor}, and no &{event.anchor} that ends before it"
            raise InputError(self._where(event), found, "an anchor before its alias")
        count, height = self.anchors[event.anchor]
        if len(self.open) + height > DEEPEST:
            raise too_deep(self._where(event))
        self.total += count
        self._add(event, count, height)

    def _scalar(self, event: Any, resolve: Any) -> None:
        self._untagged(event, ("str",))
        tag = (event.tag or resolve(yaml.ScalarNode, event.value, event.implicit)).removeprefix(_TAG)
        is_key = self._at_key()
        if is_key:
            self._key(event, tag)
        else:
            self._step(event)
            self._value(event, tag)
            self.leaves.append((self._path(), event.value))
        self.root = self.root or "text"
        if event.anchor:
            self.anchors[event.anchor] = (1, 0)
        if not is_key:
            self.total += 1
            self._add(event, 1, 0)

    def _key(self, event: Any, tag: str) -> None:
        """Take a key of a mapping, which must be a text or a whole number, and no key that it had before."""
        mapping, key, line = self.open[-1], event.value, event.start_mark.line + 1
        mapping.step = ""
        self._value(event, tag if tag != "merge" else "str")
        if tag not in ("str", "int", "merge"):
            raise odd_key(self._where(event), key)
        if key in _COMMANDS:
            raise _command(self._where(event), key)
        name = str(int(key)) if tag == "int" else key
        if name in mapping.lines:
            found = f"the key {shown(key)} twice, in line {mapping.lines[name]} and line {line}"
            raise InputError(self._where(event), found, "each key once")
        mapping.lines[name] = line
        mapping.step = name
        mapping.at_key = False

    def _value(self, event: Any, tag: str) -> None:
        """Refuse what YAML reads otherwise than it is written."""
        value = event.value
        if len(value) > LONGEST_TEXT:
            raise too_long(self._where(event), len(value))
        if tag == "int" and len(value) > len(str(LARGEST_NUMBER)):
            raise too_large(self._where(event), f"of {len(value):,} characters")
        if (tag == "int" and not _WHOLE.fullmatch(value)) or (tag == "float" and re.search("[_:]", value)):
            found = f"{value}, which YAML reads as {_number(value)}"
            raise InputError(self._where(event), found, f'a number in plain digits, or "{value}" for a text')
        if tag not in ("str", "int", "float", "bool", "null"):
            found = f"{shown(value)}, which YAML does not read as a text (but as a {tag})"
            raise InputError(self._where(event), found, "it in quotes")

    def _step(self, event: Any) -> None:
        """Go on to the next entry of the list, or to a mapping's value; a key is never a list, mapping or alias."""
        if not self.open:
            return
        if self.open[-1].mapping and self.open[-1].at_key:
            raise odd_key(self._where(event), "that is a list, a mapping or an alias")
        if not self.open[-1].mapping:
            self.open[-1].step = str(int(self.open[-1].step or -1) + 1)

    def _add(self, event: Any, count: int, height: int) -> None:
        """Count what has ended to what holds it."""
        if self.total > MOST_VALUES:
            raise too_many(self._where(event))
        if self.open:
            outer = self.open[-1]
            outer.at_key = True
            outer.count += count
            outer.height = max(outer.height, height + 1)

    def _at_key(self) -> bool:
        return bool(self.open) and self.open[-1].mapping and self.open[-1].at_key

    def _untagged(self, event: Any, allowed: tuple[str, ...]) -> None:
        if event.tag is not None and event.tag.removeprefix(_TAG) not in allowed:
            tag = event.tag.replace(_TAG, "!!")
            raise InputError(self._where(event), f"the tag {shown(tag)}", "a value without a tag")

    def _path(self) -> tuple[str, ...]:
        return tuple(level.step for level in self.open if level.step)

    def _place(self, event: Any) -> str:
        return f"{self.name}, line {event.start_mark.line + 1}"

    def _where(self, event: Any) -> str:
        return f"{self._place(event)}: {dotted(self._path())}" if self._path() else self._place(event)


def _number(text: str) -> str:
    """The number that YAML makes of a text."""
    return shown(yaml.safe_load(text))


def _no_mapping(name: str) -> InputError:
    return InputError(name, "no keys", "a mapping (key: value), as in config.yaml")


def _no_yaml(name: str, error: yaml.YAMLError) -> InputError:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}, line {mark.line + 1}" if mark else name
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "no YAML"
    return InputError(where, f"what is neither YAML nor JSON ({problem})", "YAML, with blanks and no tabs before keys")


def _command(where: str, key: str) -> InputError:
    hint = "Read the whole file before you trust anything in it."
    return InputError(where, f"the key {key}, at which Snakemake {_COMMANDS[key]}", "values alone", hint)


def _in_file(name: str, error: InputError) -> InputError:
    return InputError(f"{name}: {error.where}", error.found, error.expected, error.hint)
