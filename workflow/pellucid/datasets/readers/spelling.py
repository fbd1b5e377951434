"""How files spell numbers, labels and names of groups: "1", " 1" and "1.0" may be one, or three."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import abbreviate

# Python's float accepts more than a table means by a number: 1_1, digits of other scripts.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# Blanks that may surround a number; other blanks make it a text.
AROUND = " \t\r\n\v\f"
NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
# Whole numbers; and as pandas ("1.0") and numpy ("1.000000e+00") write them where they are stored as floats.
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_AS_FLOAT = re.compile(r"(-?(0|[1-9][0-9]*))\.0*|-?[0-9]\.[0-9]+[eE][+-][0-9]+")


def as_number(text: str, decimal: str = ".") -> float | None:
    """Return the number that a text writes in plain digits, or None if it is no number; nan and inf are numbers."""
    text = text.strip(AROUND)
    if decimal != ".":
        # If a comma is the decimal sign, a point may separate thousands.
        text = text.replace(".", "_").replace(decimal, ".")
    if _NUMBER.fullmatch(text) or NOT_FINITE.fullmatch(text):
        return float(text)
    return None


def distinct_texts(labels: NDArray[Any], where: str) -> tuple[list[str], NDArray[np.intp]]:
    """Return the different values as texts, as they are written, and for each example (N,) the index of its value.

    A missing value is an empty text.

    Raises:
        InputError: the values are neither numbers nor texts.
    """
    if labels.dtype.kind == "O":
        # A dictionary tells "a" from "a\0"; arrays of texts and pandas do not.
        numbers: dict[str, int] = {}
        index = np.array([numbers.setdefault(str(label), len(numbers)) for label in labels], np.intp)
        return list(numbers), index
    if labels.dtype.kind not in "biufSU" and labels.dtype.name != "datetime64[D]":
        raise InputError.unexpected(where, f"values of type {labels.dtype}", "texts or whole numbers")
    values, index = np.unique(labels, return_inverse=True)
    if labels.dtype.kind == "S":
        try:
            return [value.decode("utf-8") for value in values.tolist()], index
        except UnicodeDecodeError as error:
            raise InputError.unexpected(where, f"bytes that are no text ({error.reason})", "texts in UTF-8") from None
    if labels.dtype.kind == "f":
        return ["" if np.isnan(value) else _as_text(float(value)) for value in values], index
    return ["" if str(value) == "NaT" else str(value) for value in values], index


def _as_text(value: float) -> str:
    return str(int(value)) if value.is_integer() else str(value)


def require_short(texts: Sequence[str], where: str, kind: str, most: int) -> None:
    """Refuse a text of more than `most` characters."""
    if long := [text for text in texts if len(text) > most]:
        found = f"{kind} of {len(long[0]):,} characters ({abbreviate(long[0])})"
        raise InputError.unexpected(where, found, f"at most {most:,}", "Check that this is the right column.")


def normalised(texts: Sequence[str], class_names: Mapping[str, Any]) -> list[str]:
    """Strip blanks around texts; and write floats as whole numbers, if all texts are whole and no two become equal."""
    stripped = [text.strip() for text in texts]
    if class_names and set(stripped) <= set(class_names):
        return stripped
    if all(_WHOLE.fullmatch(text) or _AS_FLOAT.fullmatch(text) for text in stripped):
        whole = [as_whole_number(text) for text in stripped]
        if len(set(whole)) == len(set(stripped)):
            return whole
    return stripped


def as_whole_number(text: str) -> str:
    """Write a float that is whole as a whole number: 1 for "1.0" and "1.000e+00"; return other texts as they are."""
    match = _AS_FLOAT.fullmatch(text)
    if not match:
        return text
    if match[1]:
        return "0" if match[1] == "-0" else match[1]
    number = float(text)
    return str(int(number)) if np.isfinite(number) and number.is_integer() else text
