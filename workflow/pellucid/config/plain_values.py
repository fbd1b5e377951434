"""Copy the values of a configuration as plain ones, and refuse too many, too deep and too long ones.

A file from a stranger, or a typing error, must not make the checks that follow, or Snakemake, run without end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.errors import InputError

MOST_VALUES = 25_000  # keys not counted; config.yaml as it comes has some 500
DEEPEST = 40
LONGEST_TEXT = 4000  # characters; a path has at most 4,095 bytes
LARGEST_NUMBER = 10**15


def plain(content: Any) -> Any:
    """Return a copy in plain dictionaries and lists, with texts as keys: YAML reads the key 1 as a number.

    Raises:
        InputError: too many values, or one that is nested too deeply, too long, or of a type that JSON does not have.
    """
    return _plain(content, (), [MOST_VALUES])


def ordered(content: Any) -> Any:
    """Return a copy with sorted keys: Snakemake compares parameters as text, and their order must not count."""
    if isinstance(content, Mapping):
        return {key: ordered(content[key]) for key in sorted(content)}
    return [ordered(value) for value in content] if isinstance(content, list) else content


def _plain(content: Any, path: tuple[str, ...], left: list[int]) -> Any:
    left[0] -= 1
    where = dotted(path)
    if left[0] < 0:
        raise too_many(where)
    if len(path) > DEEPEST:
        raise too_deep(where)
    if isinstance(content, Mapping):
        copied: dict[str, Any] = {}
        for key, value in content.items():
            name = _key(key, where)
            if name in copied:
                raise InputError.unexpected(
                    where, f"the keys {name} and {name!r}, a number and a text", "each key once"
                )
            copied[name] = _plain(value, (*path, name), left)
        return copied
    if isinstance(content, list | tuple):
        return [_plain(value, (*path, str(position)), left) for position, value in enumerate(content)]
    if isinstance(content, str):
        return _text(content, where)
    if isinstance(content, int) and abs(content) >= LARGEST_NUMBER:
        # A bool is an int, too, but never a large one; str() refuses numbers of more than 4,300 digits.
        raise too_large(where, f"of {content.bit_length()} bits")
    if content is None or isinstance(content, int | float):
        return content
    raise InputError.unexpected(
        where, f"a value of type {type(content).__name__}", "a text, which stands in quotes, or a number"
    )


def _key(key: Any, where: str) -> str:
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise odd_key(where, str(key)[:100])
    return _text(key, where) if isinstance(key, str) else str(_plain(key, (), [1]))


def _text(text: str, where: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise too_long(where, len(text))
    for letter in ("\0", *(letter for letter in text if "\ud800" <= letter <= "\udfff")):
        if letter in text:
            expected = "a text without it"
            raise InputError.unexpected(
                where, f"the character U+{ord(letter):04X}, which no file can have in its name", expected
            )
    return text


def dotted(path: tuple[str, ...]) -> str:
    """Return the path of a value as messages name it."""
    return ".".join(path[:DEEPEST]) or "config.yaml"


def too_many(where: str) -> InputError:
    """Return the error about too many values."""
    return InputError.unexpected(
        where,
        f"more than {MOST_VALUES:,} values in all (those of an anchor count each time that it is used)",
        f"at most {MOST_VALUES:,}",
    )


def too_deep(where: str) -> InputError:
    """Return the error about deep nesting, and about a value that contains itself."""
    return InputError.unexpected(where, f"values nested more than {DEEPEST} levels deep", f"at most {DEEPEST} levels")


def too_long(where: str, length: int) -> InputError:
    """Return the error about a long text."""
    return InputError.unexpected(where, f"a text of {length:,} characters", f"at most {LONGEST_TEXT:,}")


def too_large(where: str, size: str) -> InputError:
    """Return the error about a large whole number."""
    return InputError.unexpected(where, f"a whole number {size}", f"less than {LARGEST_NUMBER:,}")


def odd_key(where: str, key: str) -> InputError:
    """Return the error about a key that YAML reads neither as a name nor as a whole number."""
    return InputError.unexpected(
        where, f"the key {key}, which YAML does not read as a text", "a name", "Put it in quotes."
    )
