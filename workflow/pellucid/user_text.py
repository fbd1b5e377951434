"""Make the user's words (names, titles, labels, units) fit for the place where they are written, a function each.

Words are data: in no place may a part of them be read as a command. What a function changes can still be read by
people, and two different words never become one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

LONGEST_NAME = 40  # letters of a class, a channel or a layer in a figure; tables have the whole
LONGEST_TITLE = 110  # letters of a title in a figure

# Line ends, tabs and the characters without a shape, which no figure, page or XML file can show: signs that every font
# has, and their numbers.
_PICTURES: dict[int, str] = {code: f"\\x{code:02x}" for code in (*range(32), 0x7F)}
_PICTURES |= dict.fromkeys((0x0A, 0x0D, 0x85, 0x2028, 0x2029), "↵") | {0x09: "⇥"}
# What turns the direction of all that follows it, be it the user's or not; right-to-left letters need none of them.
_PICTURES |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_UNREADABLE = re.compile("[\x80-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# A spreadsheet computes a cell that begins so, blanks before it or not.
_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# What Markdown reads as mark-up: anywhere, the colon of an address included; and at the beginning of a line.
_MARKDOWN = re.compile(r"[\\`*_\[\]!|~#]|:(?=\S)")
_MARKDOWN_BEGINNING = re.compile(r"^(\s*\d*)([+=.)-])")
# What MLflow allows in the name of a parameter or a metric.
_NO_KEY = re.compile(r"[^\w./ -]")
_LONGEST_KEY = 250


def readable(text: str) -> str:
    """Return the text in one line that can be shown anywhere: line ends and control characters become signs."""
    return _UNREADABLE.sub("\ufffd", text.translate(_PICTURES))


def in_figure(text: str, longest: int = LONGEST_NAME) -> str:
    """Return the text for a figure: in one line, cut to `longest` letters."""
    # A name may have millions of letters: only the first are looked at.
    line = readable(text[: 4 * longest])
    return line if len(line) <= longest else f"{_whole_letters(line, longest - 1)}…"


def names_in_figure(names: Sequence[str], longest: int = LONGEST_NAME) -> list[str]:
    """Return names for a figure; names that would be cut to the same text get a number."""
    short = [in_figure(name, longest) for name in names]
    for place, name in enumerate(names):
        twins = [other for other in range(len(names)) if short[other] == short[place] and names[other] != name]
        if twins:
            number = f"… #{place + 1}"
            short[place] = f"{_whole_letters(readable(name), longest - len(number))}{number}"
    return short


def in_legend(name: str) -> str:
    """Return the name for a legend. Matplotlib hides labels that begin with _: a zero-width blank comes before them."""
    return f"\u200b{name}" if name.startswith("_") else name


def in_rst(text: str) -> str:
    """Return the text for a page in reStructuredText, with a backslash before each special character."""
    return "".join(letter if letter.isalnum() or letter == " " else f"\\{letter}" for letter in readable(text))


def in_markdown(text: str) -> str:
    """Return the text for one line of a note in Markdown: no mark-up, no HTML, no link."""
    line = _MARKDOWN_BEGINNING.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\g<0>", readable(text)))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def in_cell(text: str) -> str:
    """Return the text for a cell of a CSV file: an apostrophe before what a spreadsheet would compute. Numbers stay."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def from_cell(cell: str) -> str:
    """Return the text whose cell `in_cell` made."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell


def in_file_name(text: str) -> str:
    """Return the text for a file name, with - for characters that Snakemake or a shell would read as a pattern."""
    safe = re.sub(r"[^\w.,=+-]", "-", readable(text))
    return safe if len(safe.encode()) <= 120 else f"{safe[:20]}-{_mark(text)}"


def as_keys(names: Iterable[str], punctuation: str = "") -> dict[str, str]:
    """Return a key for each name that MLflow accepts; no two are equal.

    A key that lost more than `punctuation`, or that two names share, ends with a digest of the name.
    """
    given = list(dict.fromkeys(names))
    plain = {name: " ".join(_NO_KEY.sub(" ", name).split()) for name in given}
    counts = {key.casefold(): 0 for key in plain.values()}
    for key in plain.values():
        counts[key.casefold()] += 1
    keys: dict[str, str] = {}
    for name in given:
        kept = "".join(letter for letter in name if letter not in punctuation)
        lost = _NO_KEY.search(kept) is not None or "  " in name or name != name.strip()
        if lost or counts[plain[name].casefold()] > 1 or not _is_key(plain[name]):
            keys[name] = f"{_path(plain[name])[:200]} {_mark(name)}".strip()
        else:
            keys[name] = plain[name]
    return keys


def _is_key(key: str) -> bool:
    """Return whether MLflow accepts the key: short enough, and no path that leads elsewhere."""
    return bool(key) and len(key) <= _LONGEST_KEY and key == _path(key)


def _path(key: str) -> str:
    """Remove from a key what makes a path lead elsewhere: empty parts, `.`, `..`, a `/` at an end."""
    return "/".join(part for part in key.split("/") if part.strip(" .")).strip()


# Stands for "<" in the parameters of rules; of Unicode's private letters, which no text means anything by.
_LESS = "\ue03c"


def in_params(value: Any) -> Any:
    """Return a parameter of a rule, with its texts such that they cannot end a script of Snakemake's report.

    The report holds the parameters of all jobs in a script of its page, where `</script>` in a text would end it and
    what follows would run. `from_params` gives the value as it was.
    """
    return _replaced(value, "<", _LESS)


def from_params(value: Any) -> Any:
    """Return a parameter of a rule as it was before `in_params`."""
    return _replaced(value, _LESS, "<")


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, Mapping):
        return {_replaced(key, old, new): _replaced(entry, old, new) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_replaced(entry, old, new) for entry in value)
    return value


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def _whole_letters(line: str, length: int) -> str:
    """Return the beginning of a line, without separating a letter from its combining marks."""
    while 1 < length < len(line) and (
        unicodedata.combining(line[length]) or line[length] in "\u200d\ufe0f" or line[length - 1] == "\u200d"
    ):
        length -= 1
    return line[:length]
