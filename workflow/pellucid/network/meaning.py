"""Tell when two functions from different calls do the same: the traced form of one then serves for the other."""

from __future__ import annotations

from collections.abc import Hashable
from types import FunctionType, MethodType, NoneType
from typing import Any

import numpy as np


def meaning(value: Any) -> Hashable:
    """Return a key that is equal for two functions only if they do the same: their code, and what it refers to.

    An object counts as itself, not by its content. Values of a container are taken one by one.
    """
    if isinstance(value, FunctionType):
        cells = tuple(meaning(cell.cell_contents) for cell in value.__closure__ or ())
        return (value.__code__, meaning(value.__defaults__), meaning(value.__kwdefaults__), cells)
    if isinstance(value, MethodType):
        return (value.__func__, _Itself(value.__self__))
    if isinstance(value, list | tuple):
        return (type(value), tuple(map(meaning, value)))
    if isinstance(value, dict):
        return (type(value), tuple((name, meaning(part)) for name, part in value.items()))
    if isinstance(value, bool | int | float | str | np.number | NoneType):
        return (type(value), repr(value))
    return _Itself(value)


class _Itself:
    """An object as a key, whatever its own equality; it is kept, so that no other one gets its identity."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)
