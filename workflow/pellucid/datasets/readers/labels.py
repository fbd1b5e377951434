"""Turn labels, as a file writes them, into class numbers and names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.readers.spelling import (
    NOT_FINITE,
    as_number,
    as_whole_number,
    distinct_texts,
    normalised,
    require_short,
)
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.parameters import UNIQUE

Names = Sequence[Any] | Mapping[str, Any] | None

# The parameter `class_names` of the sources whose labels are the user's own.
ClassNames = Annotated[
    Sequence[str | int] | Mapping[str, str | int],
    Field(
        json_schema_extra=UNIQUE,
        description="names of the labels: a list, in the order of the sorted labels, or a mapping from label to name. "
        "Labels with the same name become one class. Absent: the labels are the names",
    ),
]
NO_NAMES: Mapping[str, str | int] = MappingProxyType({})

_SORTED_AS_NUMBER = re.compile(r"[+-]?[0-9]{1,300}")
_SHOWN_PAIRS = 5
_LONGEST_LABEL = 10_000  # characters
_LONGEST_GROUP = 200  # characters: in the array of all names, each takes as much room as the longest


class Labels(NamedTuple):
    """Labels as class numbers.

    Attributes:
        numbers: int64 (N,), by part ("train", "test").
        classes: the names of the classes.
        notes: sentences on how texts became classes, if a reader may be surprised.
    """

    numbers: dict[str, NDArray[np.int64]]
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def encode(
    parts: Mapping[str, NDArray[Any]], where: str, class_names: Names = None, known: Collection[str] = ()
) -> Labels:
    """Number the classes in the order of their labels: whole numbers by size, texts by the alphabet.

    Two different texts are two classes, even if they mean the same number. There are two exceptions: blanks around a
    text do not count; and if all labels are whole numbers stored as floats ("1.0"), they are these whole numbers ("1").

    Args:
        parts: the labels (N,) of "train" and of any other part, as numbers or as texts.
        where: the file and the column or key, for messages.
        class_names: a name for each label in this order, or a mapping from label to name; labels of one name become
            one class. Without names, the labels are the names.
        known: labels, or names of labels, that a later part may have even if no training example has them.

    Raises:
        InputError: labels have a fraction, or hardly repeat; only a later part has a label; there are too few or too
            many names, or a name of no label.
    """
    mapping = class_names if isinstance(class_names, Mapping) else {}
    places = {part: where if part == "train" else f"{where}, {part}" for part in parts}
    texts = {part: distinct_texts(labels, places[part]) for part, labels in parts.items()}
    for part, (values, index) in texts.items():
        _require_labels(values, index, places[part], class_names)
    written, first = texts["train"]
    trained = normalised(written, mapping)
    later = [text for part, (values, _) in texts.items() if part != "train" for text in values]
    labels = sorted({*trained, *_only_known(later, trained, mapping, known)}, key=_order([*trained, *later]))
    if len(labels) > max(2, len(first) // 2):
        raise InputError(
            where,
            f"its {len(first):,} examples have {len(labels):,} different labels; a class needs several examples.",
            "If this is not the column of the label, name the right one: label.",
        )
    names = dict(zip(labels, _names_of(labels, where, class_names), strict=True))
    classes = tuple(dict.fromkeys(names.values()))
    notes = [*_about_blanks(written), *_about_pairs(names)]
    numbers = {}
    for part, (values, index) in texts.items():
        spelled = trained if part == "train" else _trained_labels(values, labels, places[part])
        notes += _about_spelling(values, spelled, written, set(trained), part) if part != "train" else ()
        numbers[part] = np.array([classes.index(names[label]) for label in spelled], np.int64)[index]
    return Labels(numbers, classes, tuple(dict.fromkeys(notes)))


# The parameter `classes` of the same sources.
KeptClasses = Annotated[
    Sequence[str | int],
    Field(
        json_schema_extra=UNIQUE,
        description="names of the classes to keep (as class_names gives them); the examples of all other classes are "
        "left out. Absent: all are kept",
    ),
]


def keep(labels: Labels, classes: Sequence[str | int], where: str) -> tuple[dict[str, NDArray[np.intp]], Labels]:
    """Return the rows of each part whose class is kept, and the labels of these rows, numbered in the same order.

    Args:
        labels: of all rows.
        classes: the names of the classes to keep; none for all.
        where: the file, for messages.

    Raises:
        InputError: a class that the data do not have.
    """
    if not classes:
        return {part: np.arange(len(numbers)) for part, numbers in labels.numbers.items()}, labels
    kept = [str(name) for name in classes]
    for name in kept:
        if name not in labels.classes:
            raise InputError.unexpected(
                f"{where}, classes",
                f"no class {abbreviate(name)}",
                f"some of {comma_list(labels.classes[:20])}",
                did_you_mean(name, labels.classes).strip(),
            )
    order = [name for name in labels.classes if name in kept]
    number_of = np.array([order.index(name) if name in kept else -1 for name in labels.classes])
    rows = {part: np.flatnonzero(number_of[numbers] >= 0) for part, numbers in labels.numbers.items()}
    numbers = {part: number_of[labels.numbers[part][rows[part]]] for part in rows}
    notes = list(labels.notes)
    if dropped := sum(len(labels.numbers[part]) - len(rows[part]) for part in rows):
        others = comma_list(abbreviate(name) for name in labels.classes if name not in kept)
        notes.append(f"{dropped:,} examples of other classes ({others}) are left out.")
    return rows, Labels(numbers, tuple(order), tuple(notes))


def group_names(groups: NDArray[Any], where: str) -> NDArray[np.str_]:
    """Return the names of groups (N,) in one spelling: without blanks around them, and 7 for 7.0 among floats.

    Raises:
        InputError: the values are neither numbers nor texts, or very long.
    """
    values, index = distinct_texts(groups, where)
    require_short(values, where, "a group's name", _LONGEST_GROUP)
    return np.array(normalised(values, {}), np.str_)[index]


def _require_labels(values: Sequence[str], index: NDArray[np.intp], where: str, class_names: Names) -> None:
    """Refuse missing labels; and numbers with a fraction, unless the user names each of them."""
    texts = [value.strip() for value in values]
    require_short(texts, where, "a label", _LONGEST_LABEL)
    numbers = [as_number(text) for text in texts]
    numeric = None not in numbers
    known = [text for text in texts if not NOT_FINITE.fullmatch(text)]
    for text, number in zip(texts, numbers, strict=True):
        # Among numbers "nan" is not a name: numpy writes it for a missing label.
        if text == "" or (numeric and known and NOT_FINITE.fullmatch(text)):
            example = int(np.flatnonzero(index == texts.index(text))[0]) + 1
            found = f" ({abbreviate(text)})" if text else ""
            raise InputError(where, f"example {example} has no label{found}.")
        fraction = number is not None and np.isfinite(number) and not number.is_integer()
        if numeric and fraction and not (class_names and (text in class_names or not isinstance(class_names, Mapping))):
            raise InputError.unexpected(
                where,
                f"the label {abbreviate(text)}",
                "whole numbers or texts",
                "Numbers with a fraction are measurements, not classes: name another column as the label, replace them "
                "by classes, or give each of them a name: class_names. If each file is one class: label: file. If "
                "there are no labels: label: none.",
            )


def _only_known(
    texts: Iterable[str], labels: Sequence[str], class_names: Mapping[str, Any], known: Collection[str]
) -> list[str]:
    """Return the labels of later parts that no training example has, but the model knows."""
    spellings = [{text.strip(), as_whole_number(text.strip())} for text in texts]
    new = [text for spelled in spellings if not spelled & set(labels) for text in spelled]
    return [text for text in new if {text, str(class_names.get(text, text))} & set(known)]


def _trained_labels(texts: Sequence[str], labels: Sequence[str], where: str) -> list[str]:
    """Return the training label that each text of another part means.

    Raises:
        InputError: a text is no training label.
    """
    known = set(labels)
    matched = [text.strip() for text in texts]
    matched = [text if text in known else as_whole_number(text) for text in matched]
    if new := sorted(set(matched) - known):
        raise InputError(
            where,
            f"no training example has the label {abbreviate(new[0])}; they have {comma_list(labels[:20])}.",
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
    """Yield a note on labels that another part spells differently from the training examples."""
    seen = {text.strip() for text in written}
    other = [
        f"{abbreviate(text.strip())} is read as {abbreviate(label)}"
        for text, label in zip(texts, labels, strict=True)
        if text.strip() not in seen and text.strip() != label
    ]
    other += [
        f"{abbreviate(label)} is {abbreviate(next(text for text in seen if as_whole_number(text) == label))} in train"
        for text, label in zip(texts, labels, strict=True)
        if text.strip() == label and label in trained and label not in seen
    ]
    if other:
        yield f"Labels of {part} are whole numbers in another spelling: {comma_list(other[:_SHOWN_PAIRS])}."


def _about_pairs(names: Mapping[str, str]) -> Iterable[str]:
    """Yield a note on different labels that look like one: F and f, 1 and 01, é in one character or in two."""

    def value(text: str) -> Hashable:
        try:
            return float(text)
        except ValueError:
            return text

    alike = _groups(names, lambda text: unicodedata.normalize("NFKC", text).casefold())
    alike += [group for group in _groups(names, value) if group not in alike]
    if alike := [group for group in alike if len({names[text] for text in group}) == len(group)]:
        yield (
            f"Labels that look alike are different classes, since their texts differ: {_pairs(alike)}; if they mean "
            "the same class, join them with class_names."
        )


def _groups(texts: Iterable[str], key: Callable[[str], Hashable]) -> list[list[str]]:
    """Return the texts that have the same key as another text, grouped by key."""
    groups: dict[Hashable, list[str]] = {}
    for text in texts:
        groups.setdefault(key(text), []).append(text)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _pairs(groups: Sequence[Sequence[str]]) -> str:
    pairs = [" and ".join(abbreviate(text) for text in group) for group in groups[:_SHOWN_PAIRS]]
    return comma_list(pairs) + (", …" if len(groups) > _SHOWN_PAIRS else "")


def _order(values: Sequence[str]) -> Callable[[str], Any]:
    """Return the sorting key of labels: by size if all are whole numbers, else by the alphabet."""
    if all(_SORTED_AS_NUMBER.fullmatch(value) for value in values):
        return lambda text: (int(text), text)
    return str


def _names_of(values: Sequence[str], where: str, class_names: Names) -> list[str]:
    """Return the name of each label.

    Raises:
        InputError: `class_names` has too few or too many names, or names a label that is not there.
    """
    if not class_names:
        return list(values)
    if isinstance(class_names, Mapping):
        for label in class_names:
            if str(label) not in values:
                raise InputError(
                    f"{where}, class_names",
                    f"no training example has the label {abbreviate(str(label))}; they have {comma_list(values[:20])}.",
                    did_you_mean(str(label), values).strip(),
                )
        if missing := [value for value in values if value not in class_names]:
            raise InputError(f"{where}, class_names", f"the label {abbreviate(missing[0])} has no name.")
        return [str(class_names[value]) for value in values]
    if len(class_names) != len(values):
        expected = f"{len(values)}, in the order {comma_list(values[:20])}"
        raise InputError.unexpected(f"{where}, class_names", f"{len(class_names)} names", expected)
    return [str(name) for name in class_names]
