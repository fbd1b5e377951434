"""Reading JSON of unknown origin within bounds, before anything is made of it."""

from __future__ import annotations

import json
import math
from typing import Any

# Far above what a model has, and far below what harms the machine.
MOST_BYTES = 64 * 2**20
_MOST_VALUES = 1_000_000
_MOST_LEVELS = 100
_MOST_DIGITS = 19  # of whole numbers: 64 bits


def loads(raw: bytes) -> Any:
    """The content of a JSON text.

    Raises:
        ValueError: no JSON in UTF-8, or one that is too large, too deep, or holds numbers that are.
    """
    if len(raw) > MOST_BYTES:
        raise ValueError(f"its {len(raw):,} bytes are more than the {MOST_BYTES:,} of any model")
    # Every value but the first has one of these before it.
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > _MOST_VALUES:
        raise ValueError(f"it holds more than {_MOST_VALUES:,} values")
    try:
        content = json.loads(raw.decode(), parse_int=_whole, parse_float=_finite)
        _require_shallow(content)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return content


def _require_shallow(content: Any) -> None:
    level = [content]
    for _ in range(_MOST_LEVELS):
        below = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [value for values in below for value in values]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {_MOST_LEVELS} levels")


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > _MOST_DIGITS:
        raise ValueError(f"it holds a number of {len(text):,} digits")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds the number {text[:20]}, which is too large")
    return number
