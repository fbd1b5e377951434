"""From labels as a file writes them to class numbers and names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.parameters import UNIQUE

Names = Sequence[Any] | Mapping[str, Any] | None

# The parameter `class_names` of the sources whose labels are the user's own.
ClassNames = Annotated[
    Sequence[str | int] | Mapping[str, str | int],
    Field(
        json_schema_extra=UNIQUE,
        description="names of the sorted labels in a list, or a mapping from label to name; labels of one name become "
        "one class. Absent, the labels are the names",
    ),
]
NO_NAMES: Mapping[str, str | int] = MappingProxyType({})

# Python's float takes more for a number than any table means by one: 1_1, digits of other scripts.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# Blanks that may stand around a number; others make a text of it.
AROUND = " \t\r\n\v\f"
_NO_NUMBER = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_SORTED_AS_NUMBER = re.compile(r"[+-]?[0-9]{1,300}")
# Whole numbers, and how pandas ("1.0") and numpy ("1.000000e+00") write them where they are kept as floats.
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_AS_FLOAT = re.compile(r"(-?(0|[1-9][0-9]*))\.0*|-?[0-9]\.[0-9]+[eE][+-][0-9]+")
_SHOWN_PAIRS = 5
_LONGEST_LABEL = 10_000  # characters
_LONGEST_GROUP = 200  # characters: the names of all groups are one array, in which each takes as much as the longest


class Labels(NamedTuple):
    """Labels as class numbers.

    Attributes:
        numbers: int64 (N,) per part.
        classes: their names.
        notes: what a reader must know of how texts became classes, a sentence each.
    """

    numbers: dict[str, NDArray[np.int64]]
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def encode(
    parts: Mapping[str, NDArray[Any]], where: str, class_names: Names = None, known: Collection[str] = ()
) -> Labels:
    """Number the classes in their order: whole numbers by size, texts by the alphabet.

    Two different texts are two classes, whatever numbers they may say. Two exceptions: blanks around a text do not
    count, and labels that are all whole numbers kept as floats ("1.0") are those numbers ("1").

    Args:
        parts: the labels (N,) of "train" and of any other part, as numbers or as texts.
        where: the file and the column or key, for messages.
        class_names: a name for each label in this order, or a mapping from label to name; labels of one name become
            one class. None takes the labels themselves.
        known: labels, or names of labels, that a later part may have though no training example has them.

    Raises:
        InputError: labels that are no whole numbers, or that hardly recur; a label that only a later part has; names
            that are too few, too many, or of no label.
    """
    chosen = class_names if isinstance(class_names, Mapping) else {}
    texts = {part: distinct(labels, f"{where}, {part}" if part != "train" else where) for part, labels in parts.items()}
    for part, (values, index) in texts.items():
        _require_labels(values, index, where if part == "train" else f"{where}, {part}", class_names)
    written, first = texts["train"]
    plain = _plain(written, chosen)
    later = [text for part, (values, _) in texts.items() if part != "train" for text in values]
    labels = sorted({*plain, *_only_known(later, plain, chosen, known)}, key=_order([*plain, *later]))
    if len(labels) > max(2, len(first) // 2):
        raise InputError.unexpected(
            where,
            f"{len(labels):,} different labels in {len(first):,} examples",
            "classes of several examples each",
            "If this is not the label, name the one that is: label.",
        )
    names = dict(zip(labels, _named(labels, where, class_names), strict=True))
    classes = tuple(dict.fromkeys(names.values()))
    notes = [*_about_blanks(written), *_about_pairs(names)]
    numbers = {}
    for part, (values, index) in texts.items():
        own = plain if part == "train" else _matched(values, labels, f"{where}, {part}")
        notes += _about_spelling(values, own, written, set(plain), part) if part != "train" else ()
        numbers[part] = np.array([classes.index(names[label]) for label in own], np.int64)[index]
    return Labels(numbers, classes, tuple(dict.fromkeys(notes)))


def distinct(labels: NDArray[Any], where: str) -> tuple[list[str], NDArray[np.intp]]:
    """Return the different values as texts, as they are written, and (N,) the index of each example's into them.

    A value that is missing is an empty text.

    Raises:
        InputError: values that are neither numbers nor texts.
    """
    if labels.dtype.kind == "O":
        # In a dictionary, since arrays of texts and pandas do not tell "a" from "a\0".
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


def group_names(groups: NDArray[Any], where: str) -> NDArray[np.str_]:
    """Return the names of groups (N,) in one spelling: without blanks around them, and 7 for a 7.0 among floats.

    Raises:
        InputError: values that are neither numbers nor texts, or very long ones.
    """
    values, index = distinct(groups, where)
    _require_short(values, where, "a group's name", _LONGEST_GROUP)
    return np.array(_plain(values, {}), np.str_)[index]


def as_number(text: str, decimal: str = ".") -> float | None:
    """Return the number that a text says in plain digits, if it says one; nan and inf are taken for numbers."""
    text = text.strip(AROUND)
    if decimal != ".":
        # Where a comma is the decimal sign, a point may divide thousands.
        text = text.replace(".", "_").replace(decimal, ".")
    if _NUMBER.fullmatch(text) or _NO_NUMBER.fullmatch(text):
        return float(text)
    return None


def _require_labels(values: Sequence[str], index: NDArray[np.intp], where: str, class_names: Names) -> None:
    """Refuse missing labels, and measurements unless each has a name."""
    texts = [value.strip() for value in values]
    _require_short(texts, where, "a label", _LONGEST_LABEL)
    numbers = [as_number(text) for text in texts]
    numeric = None not in numbers
    known = [text for text in texts if not _NO_NUMBER.fullmatch(text)]
    for text, number in zip(texts, numbers, strict=True):
        # Among numbers "nan" is no name: it is what numpy writes for a label that is missing.
        if text == "" or (numeric and known and _NO_NUMBER.fullmatch(text)):
            example = int(np.flatnonzero(index == texts.index(text))[0]) + 1
            found = f"no label for example {example}" + (f" ({abbreviate(text)})" if text else "")
            raise InputError.unexpected(where, found, "a label for each")
        fraction = number is not None and np.isfinite(number) and not number.is_integer()
        if numeric and fraction and not (class_names and (text in class_names or not isinstance(class_names, Mapping))):
            raise InputError.unexpected(
                where,
                f"the label {abbreviate(text)}",
                "whole numbers or texts",
                "Numbers with a fraction are measurements, not classes: name another column as the label, make "
                "classes, or give each its name: class_names.",
            )


def _require_short(texts: Sequence[str], where: str, kind: str, most: int) -> None:
    if long := [text for text in texts if len(text) > most]:
        found = f"{kind} of {len(long[0]):,} characters ({abbreviate(long[0])})"
        raise InputError.unexpected(where, found, f"at most {most:,}", "Is this the column that it should be?")


def _plain(texts: Sequence[str], class_names: Mapping[str, Any]) -> list[str]:
    """Texts without the blanks around them; whole numbers that are written as floats as such, if all are and none
    becomes another's.
    """
    stripped = [text.strip() for text in texts]
    if class_names and set(stripped) <= set(class_names):
        return stripped
    if all(_WHOLE.fullmatch(text) or _AS_FLOAT.fullmatch(text) for text in stripped):
        whole = [_without_point(text) for text in stripped]
        if len(set(whole)) == len(set(stripped)):
            return whole
    return stripped


def _without_point(text: str) -> str:
    """The whole number that a float says: 1 for "1.0" and "1.000e+00"; other texts as they are."""
    found = _AS_FLOAT.fullmatch(text)
    if not found:
        return text
    if found[1]:
        return "0" if found[1] == "-0" else found[1]
    number = float(text)
    return str(int(number)) if np.isfinite(number) and number.is_integer() else text


def _only_known(
    texts: Iterable[str], labels: Sequence[str], class_names: Mapping[str, Any], known: Collection[str]
) -> list[str]:
    """Labels of later parts that no training example has, but the model knows."""
    spellings = [{text.strip(), _without_point(text.strip())} for text in texts]
    new = [text for spelled in spellings if not spelled & set(labels) for text in spelled]
    return [text for text in new if {text, str(class_names.get(text, text))} & set(known)]


def _matched(texts: Sequence[str], labels: Sequence[str], where: str) -> list[str]:
    """The training label that each text of another part is.

    Raises:
        InputError: a text that is none of them.
    """
    known = set(labels)
    matched = [text.strip() for text in texts]
    matched = [text if text in known else _without_point(text) for text in matched]
    # Written as whole numbers here, and in a column of mixed spellings there.
    if new := sorted(set(matched) - known):
        raise InputError.unexpected(
            where,
            f"the label {abbreviate(new[0])}, which no training example has",
            f"labels of the training examples: {comma_list(labels[:20])}",
            did_you_mean(new[0], labels).strip(),
        )
    return matched


def _about_blanks(texts: Sequence[str]) -> Iterable[str]:
    alike = _groups(texts, str.strip)
    if alike:
        yield f"Blanks around a label do not count: {_pairs(alike)} are one class."


def _about_spelling(
    texts: Sequence[str], labels: Sequence[str], written: Sequence[str], trained: Collection[str], part: str
) -> Iterable[str]:
    """What is said of labels that another part spells otherwise than the training examples."""
    seen = {text.strip() for text in written}
    other = [
        f"{abbreviate(text.strip())} is taken for {abbreviate(label)}"
        for text, label in zip(texts, labels, strict=True)
        if text.strip() not in seen and text.strip() != label
    ]
    other += [
        f"{abbreviate(label)} is the "
        f"{abbreviate(next(text for text in seen if _without_point(text) == label))} of train"
        for text, label in zip(texts, labels, strict=True)
        if text.strip() == label and label in trained and label not in seen
    ]
    if other:
        yield f"Labels of {part} are whole numbers in another spelling: {comma_list(other[:_SHOWN_PAIRS])}."


def _about_pairs(names: Mapping[str, str]) -> Iterable[str]:
    """What is said of labels that a reader may take for one: F and f, 1 and 01, é in one character or in two."""

    def value(text: str) -> Hashable:
        try:
            return float(text)
        except ValueError:
            return text

    alike = _groups(names, lambda text: unicodedata.normalize("NFKC", text).casefold())
    alike += [group for group in _groups(names, value) if group not in alike]
    if alike := [group for group in alike if len({names[text] for text in group}) == len(group)]:
        yield (
            f"Labels that look alike are different classes, since their texts differ: {_pairs(alike)}; class_names "
            "makes them one where they mean one."
        )


def _groups(texts: Iterable[str], key: Callable[[str], Hashable]) -> list[list[str]]:
    groups: dict[Hashable, list[str]] = {}
    for text in texts:
        groups.setdefault(key(text), []).append(text)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _pairs(groups: Sequence[Sequence[str]]) -> str:
    told = [" and ".join(abbreviate(text) for text in group) for group in groups[:_SHOWN_PAIRS]]
    return comma_list(told) + (", …" if len(groups) > _SHOWN_PAIRS else "")


def _order(values: Sequence[str]) -> Callable[[str], Any]:
    if all(_SORTED_AS_NUMBER.fullmatch(value) for value in values):
        return lambda text: (int(text), text)
    return str


def _named(values: Sequence[str], where: str, class_names: Names) -> list[str]:
    if not class_names:
        return list(values)
    if isinstance(class_names, Mapping):
        for label in class_names:
            if str(label) not in values:
                raise InputError.unexpected(
                    f"{where}, class_names",
                    f"a name for the label {abbreviate(str(label))}, which no training example has",
                    f"names for {comma_list(values[:20])}",
                    did_you_mean(str(label), values).strip(),
                )
        if missing := [value for value in values if value not in class_names]:
            found = f"no name for the label {abbreviate(missing[0])}"
            raise InputError.unexpected(f"{where}, class_names", found, "one for each label")
        return [str(class_names[value]) for value in values]
    if len(class_names) != len(values):
        expected = f"{len(values)}, in the order {comma_list(values[:20])}"
        raise InputError.unexpected(f"{where}, class_names", f"{len(class_names)} names", expected)
    return [str(name) for name in class_names]
