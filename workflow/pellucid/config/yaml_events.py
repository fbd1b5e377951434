"""Check a YAML document event by event: its values are counted and checked, and never built."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from pellucid.config.plain_values import (
    DEEPEST,
    LARGEST_NUMBER,
    LONGEST_TEXT,
    MOST_VALUES,
    dotted,
    odd_key,
    too_deep,
    too_large,
    too_long,
    too_many,
)
from pellucid.errors import InputError
from pellucid.messages import abbreviate

# Keys by which a file would give Snakemake a command, and what Snakemake does at each.
COMMANDS = {"__use_yte__": "runs Python code of the file", "pathvars": "moves the results elsewhere"}
_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d*)")


@dataclass
class _Open:
    """A mapping or list that has begun and not ended.

    Attributes:
        mapping: whether it is a mapping.
        anchor: its name, if it has one.
        lines: the line of each key of a mapping so far.
        step: the key or position at which the events are.
        at_key: whether the next event of a mapping is a key.
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


class Events:
    """The part of a document that has been read."""

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
            InputError: the document is refused because of this event.
        """
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise InputError.unexpected(self._place(event), "a second document (---)", "one document in a file")
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
        # An anchor of this name that stood earlier in the file ends here: an alias inside would be the value itself.
        self.anchors.pop(event.anchor, None)
        self.open.append(_Open(mapping, event.anchor))
        self.total += 1
        if len(self.open) > DEEPEST:
            raise too_deep(self._where(event))

    def _alias(self, event: Any) -> None:
        self._step(event)
        if event.anchor not in self.anchors:
            found = f"*{event.anchor}, and no &{event.anchor} that ends before it"
            raise InputError.unexpected(self._where(event), found, "an anchor before its alias")
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
        """Take a key of a mapping: a text or a whole number that the mapping does not have yet."""
        mapping, key, line = self.open[-1], event.value, event.start_mark.line + 1
        mapping.step = ""
        self._value(event, tag if tag != "merge" else "str")
        if tag not in ("str", "int", "merge"):
            raise odd_key(self._where(event), key)
        if key in COMMANDS:
            raise command(self._where(event), key)
        name = str(int(key)) if tag == "int" else key
        if name in mapping.lines:
            found = f"the key {abbreviate(key)} twice, in line {mapping.lines[name]} and line {line}"
            raise InputError.unexpected(self._where(event), found, "each key once")
        mapping.lines[name] = line
        mapping.step = name
        mapping.at_key = False

    def _value(self, event: Any, tag: str) -> None:
        """Refuse a value that YAML reads differently from how it is written."""
        value = event.value
        if len(value) > LONGEST_TEXT:
            raise too_long(self._where(event), len(value))
        if tag == "int" and len(value) > len(str(LARGEST_NUMBER)):
            raise too_large(self._where(event), f"of {len(value):,} characters")
        if (tag == "int" and not _WHOLE.fullmatch(value)) or (tag == "float" and re.search("[_:]", value)):
            found = f"{value}, which YAML reads as {_number(value)}"
            raise InputError.unexpected(self._where(event), found, f'a number in plain digits, or "{value}" for a text')
        if tag not in ("str", "int", "float", "bool", "null"):
            found = f"{abbreviate(value)}, which YAML does not read as a text (but as a {tag})"
            raise InputError.unexpected(self._where(event), found, "it in quotes")

    def _step(self, event: Any) -> None:
        """Go on to the next entry of the list, or to a mapping's value; a key is never a list, mapping or alias."""
        if not self.open:
            return
        if self.open[-1].mapping and self.open[-1].at_key:
            raise odd_key(self._where(event), "that is a list, a mapping or an alias")
        if not self.open[-1].mapping:
            self.open[-1].step = str(int(self.open[-1].step or -1) + 1)

    def _add(self, event: Any, count: int, height: int) -> None:
        """Add the size of a value that has ended to the mapping or list that holds it."""
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
            raise InputError.unexpected(self._where(event), f"the tag {abbreviate(tag)}", "a value without a tag")

    def _path(self) -> tuple[str, ...]:
        return tuple(level.step for level in self.open if level.step)

    def _place(self, event: Any) -> str:
        return f"{self.name}, line {event.start_mark.line + 1}"

    def _where(self, event: Any) -> str:
        return f"{self._place(event)}: {dotted(self._path())}" if self._path() else self._place(event)


def _number(text: str) -> str:
    """Return the number that YAML reads a text as."""
    return abbreviate(yaml.safe_load(text))


def command(where: str, key: str) -> InputError:
    """Return the error about a key that is a command."""
    hint = "Read the whole file before you trust anything in it."
    return InputError.unexpected(where, f"the key {key}, at which Snakemake {COMMANDS[key]}", "values alone", hint)
