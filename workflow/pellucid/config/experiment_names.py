"""Patterns of the names of experiments, by which a rule is one of some experiments alone."""

from __future__ import annotations

import re
from collections.abc import Collection


def one_of(names: Collection[str]) -> str:
    """Return a pattern of these names; of none, one that never fits."""
    return f"(?:{'|'.join(map(re.escape, names))})" if names else "(?!)"


def none_of(names: Collection[str] = ()) -> str:
    """Return a pattern of all other names of experiments."""
    return f"(?!(?:{one_of(names)})/)[a-z][a-z0-9_]*"
