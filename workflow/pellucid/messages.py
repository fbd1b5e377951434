"""Format names, values and errors for messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Any

from pellucid.credentials import masked
from pellucid.user_text import in_figure, readable

# With more classes than this, tables and figures show the classes that occur, and of each example the most probable.
MANY_CLASSES = 20
MOST_PROBABLE = 5
_READ = 10_000  # characters in which a password is looked for
_LONGEST = 60  # characters of a user's word in a message
_LONGEST_COMPARED = 100  # characters of a name
_MOST_COMPARED = 10_000  # names
_MOST_NUMBERS = 10  # in a list


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a sentence that offers the most similar of `names`; empty if none is similar."""
    # Comparing takes time: long names are left out, and so are names beyond the first 10,000.
    short = islice((other for other in names if len(other) <= _LONGEST_COMPARED), _MOST_COMPARED)
    close = difflib.get_close_matches(name, list(short), n=1, cutoff=0.5) if len(name) <= _LONGEST_COMPARED else []
    return f' Did you mean "{close[0]}"?' if close else ""


def comma_list(names: Iterable[Any]) -> str:
    """Join names by commas."""
    return ", ".join(in_figure(str(name), _LONGEST) for name in names)


def counted(number: int, word: str) -> str:
    """Return a number with a word in the singular or plural: 1 example, 2,000 examples, 0 classes."""
    plural = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{number:,} {word if number == 1 else plural}"


def numbers_list(numbers: Iterable[int], most: int = _MOST_NUMBERS) -> str:
    """Return numbers separated by commas; of more than `most` the first ones, and how many others there are."""
    words = [str(number) for number in numbers]
    more = [f"and {len(words) - most:,} more"] if len(words) > most else []
    return ", ".join(words[:most] + more)


def format_shape(sizes: Iterable[int | None]) -> str:
    """Format sizes as 28 × 28 × 1, with ? for None."""
    return " × ".join("?" if size is None else str(size) for size in sizes)


def first_line(error: BaseException) -> str:
    """Return the first non-blank line of an error's text, or the name of its type."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)


def abbreviate(content: Any) -> str:
    """Format a value as the user would recognise it: text in quotes, long content cut, passwords hidden."""
    # Long text is cut before the search for passwords, far behind what is shown, so that no half of one can remain.
    text = content[:_READ] if isinstance(content, str) else str(content)[:_READ]
    text = readable(masked(f'"{text}"' if isinstance(content, str) else text))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
