"""Refuse data that no model can learn from, and report what makes test scores look better than they are."""

from __future__ import annotations

import numpy as np

from pellucid.datasets.base import RawData
from pellucid.errors import InputError
from pellucid.lazy_array import Array, blocks
from pellucid.messages import abbreviate, comma_list
from pellucid.prepare import target_checks
from pellucid.tasks import SINGLE_LABEL

_SHOWN_GROUPS = 6


def check(raw: RawData, source: str, least: int = 2, *, divided: bool = True) -> None:
    """Refuse data that no model can learn from.

    Args:
        raw: what the source gave.
        source: its name.
        least: the fewest classes of the training examples; a model with its own list of classes needs one.
        divided: whether the examples are divided into splits, each of which needs some of every class.

    Raises:
        InputError: no examples, values that are not finite, labels out of range, too few classes or examples, or
            values that do not differ.
    """
    for name, examples in (("train", raw.train), ("validation", raw.validation), ("test", raw.test)):
        if examples is None:
            continue
        where = f"{source}, {name}"
        if len(examples.x) == 0:
            raise InputError.unexpected(where, "no examples", "at least one")
        if (index := first_not_finite(examples.x)) is not None:
            raise InputError.unexpected(where, f"NaN or infinity in example {index}", "finite values")
        for called, values in examples.others.items():
            if len(values.x) != len(examples.x):
                found = f"{len(values.x):,} examples of the input {abbreviate(called)}"
                raise InputError.unexpected(where, found, f"{len(examples.x):,}, as of {raw.inputs[0].name}")
            if (index := first_not_finite(values.x)) is not None:
                found = f"NaN or infinity in example {index} of the input {abbreviate(called)}"
                raise InputError.unexpected(where, found, "finite values")
        if raw.classes and raw.task != SINGLE_LABEL:
            target_checks.require_form(examples.y, raw, len(examples.x), where)
        elif raw.classes and (examples.y.min() < 0 or examples.y.max() >= len(raw.classes)):
            found = f"labels from {examples.y.min()} to {examples.y.max()}"
            raise InputError.unexpected(where, found, f"labels from 0 to {len(raw.classes) - 1}")
    if not divided:
        return
    if raw.task != SINGLE_LABEL:
        target_checks.require_learnable(raw, f"{source}, train", all_occur=least > 1)
        return
    counts = np.bincount(raw.train.y, minlength=len(raw.classes))
    if np.count_nonzero(counts) < least:
        raise InputError.unexpected(f"{source}, train", "examples of one class", "at least two classes")
    drawn = target_checks.drawn_splits(raw)
    if (few := counts[counts > 0].min()) < (enough := len(drawn)):
        name = raw.classes[int(np.argmax(counts == few))]
        each = target_checks.in_words(drawn)
        raise InputError.unexpected(
            f"{source}, train",
            f"{few} example(s) of class {abbreviate(name)}",
            f"at least {enough} of each class, one for each of {each}",
            "Leave the class out or join it with another, where the source has classes and class_names; a model that "
            "is taken as it is (training.epochs: 0) needs no split: split: none.",
        )


def shared_groups(raw: RawData, source: str, *, by_group: bool) -> tuple[str, ...]:
    """Return notes about groups that the source itself has in two of its sets; refuse them with `by_group`.

    Args:
        raw: what the source gave.
        source: its name, for messages.
        by_group: whether each group must be in one split.

    Raises:
        InputError: with `by_group`, shared groups that the source does not announce itself (`RawData.shared_groups`).
    """
    sets = {"training": raw.train, "validation": raw.validation, "test": raw.test}
    groups = {
        name: set(examples.group.tolist())
        for name, examples in sets.items()
        if examples is not None and examples.group is not None
    }
    notes = []
    for name, other in (("test", "training"), ("validation", "training"), ("test", "validation")):
        both = sorted(groups.get(name, set()) & groups.get(other, set()) - raw.shared_groups)
        if not both:
            continue
        of_all = f"{len(both):,} of the {len(groups[name]):,} groups of the {name} examples"
        names = f"{comma_list(both[:_SHOWN_GROUPS])}{', …' if len(both) > _SHOWN_GROUPS else ''}"
        if by_group:
            raise InputError.unexpected(
                f"{source}, group",
                f"{of_all} in the {other} examples too: {names}",
                "each group on one side",
                "Take them out of one file; or leave out group (or write split.by_group: false) if a group may be on "
                "both sides.",
            )
        notes.append(f"{of_all} are in the {other} examples too: {names}.")
    return tuple(notes)


def first_not_finite(x: Array) -> int | None:
    """Return the index of the first example with a value that is not finite; None where all are finite."""
    first = 0
    for block in blocks(x):
        if not (finite := np.isfinite(block)).all():
            return first + int(np.argwhere(~finite)[0][0])
        first += len(block)
    return None
