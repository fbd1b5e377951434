"""From labels as a file writes them to class numbers and names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.wording import listing, nearest, shown

Names = Sequence[Any] | Mapping[str, Any] | None

# The parameter `class_names` of the sources whose labels are the user's own.
CLASS_NAMES: Mapping[str, Any] = {
    "type": ["array", "object"],
    "items": {"type": ["string", "integer"]},
    "additionalProperties": {"type": ["string", "integer"]},
    "uniqueItems": True,
    "default": {},
    "description": "names of the sorted labels in a list, or a mapping from label to name; labels of one name become "
    "one class. Absent, the labels are the names",
}


def encode(
    parts: Mapping[str, NDArray[Any]], where: str, class_names: Names = None, known: Collection[str] = ()
) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
    """Number the classes in their order: whole numbers by size, texts by the alphabet.

    Args:
        parts: the labels (N,) of "train" and of any other part, as numbers or as texts.
        where: the file and the column or key, for messages.
        class_names: a name for each label in this order, or a mapping from label to name; labels of one name become
            one class. None takes the labels themselves.
        known: labels, or names of labels, that a later part may have though no training example has them.

    Returns:
        int64 (N,) per part, and the names of the classes.

    Raises:
        InputError: labels that are no whole numbers, or that hardly recur; a label that only a later part has; names
            that are too few, too many, or of no label.
    """
    written = {part: _written(labels, where) for part, labels in parts.items()}
    found, first = written["train"]
    # Only a mapping tells the name of a label before the labels are sorted.
    names = {str(label): str(name) for label, name in class_names.items()} if isinstance(class_names, Mapping) else {}
    later = {label for others, _ in written.values() for label in others if {label, names.get(label)} & set(known)}
    values = sorted({*found, *later}, key=_order([*found, *later]))
    if len(values) > max(2, len(first) // 2):
        raise InputError(
            where,
            f"{len(values):,} different labels in {len(first):,} examples",
            "classes of several examples each",
            "If this is not the label, name the one that is: label.",
        )
    for part, (others, _) in written.items():
        if new := sorted(set(others) - set(values)):
            raise InputError(
                f"{where}, {part}",
                f"the label {shown(new[0])}, which no training example has",
                f"labels of the training examples: {listing(values[:20])}",
            )
    named = _named(values, where, class_names)
    classes = tuple(dict.fromkeys(named))
    number = {value: classes.index(name) for value, name in zip(values, named, strict=True)}
    return {
        part: np.array([number[value] for value in others], np.int64)[index]
        for part, (others, index) in written.items()
    }, classes


def _written(labels: NDArray[Any], where: str) -> tuple[list[str], NDArray[np.intp]]:
    """The different labels as texts, and (N,) the index of each example's into them."""
    labels = labels.astype(np.str_) if labels.dtype.kind == "S" else labels
    values, index = np.unique(labels, return_inverse=True)
    if values.dtype.kind == "f":
        return [_whole(str(value), where) for value in values], index
    texts = [str(value).strip() for value in values]
    if "" in texts:
        example = int(np.flatnonzero(index == texts.index(""))[0])
        raise InputError(where, f"no label for example {example + 1}", "a label for each")
    if all(as_number(text) is not None for text in texts):
        texts = [_whole(text, where) for text in texts]
    return texts, index


def as_number(text: str) -> float | None:
    """The number that a text says, if it says one."""
    try:
        return float(text)
    except ValueError:
        return None


def _whole(text: str, where: str) -> str:
    """The whole number that `text` says, in its plain form: 1 for "1.0", and for "01"."""
    try:
        return str(int(text))  # of any size
    except ValueError:
        number = float(text)
    if not number.is_integer():
        raise InputError(
            where,
            f"the label {text}",
            "whole numbers or texts",
            "Numbers with a fraction are measurements, not classes: name another column as the label, or make classes.",
        )
    return str(int(number))


def _order(values: Sequence[str]) -> Any:
    whole = all(value.lstrip("+-").isdigit() for value in values)
    return int if whole else str


def _named(values: Sequence[str], where: str, class_names: Names) -> list[str]:
    if not class_names:
        return list(values)
    if isinstance(class_names, Mapping):
        for label in class_names:
            if str(label) not in values:
                raise InputError(
                    f"{where}, class_names",
                    f"a name for the label {shown(str(label))}, which no training example has",
                    f"names for {listing(values[:20])}",
                    nearest(str(label), values).strip(),
                )
        if missing := [value for value in values if value not in class_names]:
            raise InputError(f"{where}, class_names", f"no name for the label {missing[0]}", "one for each label")
        return [str(class_names[value]) for value in values]
    if len(class_names) != len(values):
        expected = f"{len(values)}, in the order {listing(values[:20])}"
        raise InputError(f"{where}, class_names", f"{len(class_names)} names", expected)
    return [str(name) for name in class_names]
