"""Read JSON of unknown origin within limits, before it is used."""

from __future__ import annotations

import json
import math
from typing import Any

# Limits far above those of any model, and far below what harms the machine.
MOST_BYTES = 64 * 2**20
_MOST_VALUES = 1_000_000
_MOST_LEVELS = 100
_MOST_DIGITS = 19  # of whole numbers: 64 bits


def loads(raw: bytes) -> Any:
    """Return the content of a JSON text.

    Raises:
        ValueError: the text is not JSON in UTF-8, is too large or nested too deep, or holds too large a number.
    """
    if len(raw) > MOST_BYTES:
        raise ValueError(f"its {len(raw):,} bytes are more than the {MOST_BYTES:,} of any model")
    # One of these characters comes before every value but the first.
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
        inner = [
            value.values() if isinstance(value, dict) else value for value in level if isinstance(value, dict | list)
        ]
        level = [value for values in inner for value in values]
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
