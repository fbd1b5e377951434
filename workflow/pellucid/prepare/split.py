"""Divide examples into training, validation and test examples: class by class, or by whole groups, or in folds.

The labels of several for each example are spread by iterative stratification, the values of a regression by the bins
between their quantiles (`strata.py`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.base import Examples, RawData
from pellucid.errors import InputError
from pellucid.lazy_array import LazyRows
from pellucid.messages import comma_list
from pellucid.prepare import group_split, strata
from pellucid.shares import round_of
from pellucid.tasks import OUTPUT_WORD, REGRESSION

logger = logging.getLogger(__name__)

SPLITS = ("train", "validation", "test")


@dataclass
class Split:
    """The examples of one split, as in `Examples`; arrays that are not in memory are read when they are used."""

    x: LazyRows
    y: NDArray[Any]
    truth: LazyRows | None = None
    group: NDArray[np.str_] | None = None
    filling: LazyRows | None = None
    others: dict[str, Side] = field(default_factory=dict)
    truth_frequency: LazyRows | None = None


@dataclass
class Side:
    """The values of another input of the examples of a split, as in `Values`."""

    x: LazyRows
    filling: LazyRows | None = None


Splits = dict[str, Split]


def divide(
    raw: RawData,
    *,
    test: float,
    validation: float,
    rng: np.random.Generator,
    by_group: bool = True,
    folds: int | None = None,
    fold: int = 0,
) -> Splits:
    """Draw the splits class by class: the test set where the source has none, and validation out of train.

    Args:
        raw: what the source gave.
        test: share of the examples; ignored where the source has a test set, and with folds.
        validation: share of the training examples; ignored where the source has a validation set, without folds.
        rng: draws the examples.
        by_group: keep the examples of a group in one split, where the source names groups.
        folds: divide the training examples into this many folds, one of which is the test set; the source's own test
            and validation sets are then left out.
        fold: which fold, from 0.

    Raises:
        InputError: a split without examples, or too few groups.
    """
    group = raw.train.group if by_group else None
    by = strata.strata(raw.train.y, raw.task)
    kept = np.arange(len(raw.train.y))
    tested = None if raw.test is None else take(raw.test)
    if folds is not None:
        kept, drawn = in_folds(by, group, folds, rng)[fold]
        tested = take(raw.train, drawn)
    elif tested is None:
        kept, drawn = draw(by, group, test, rng, left=2)
        tested = take(raw.train, drawn)
    if raw.validation is not None and folds is None:
        splits = {"train": take(raw.train, kept), "validation": take(raw.validation), "test": tested}
    else:
        fitted, held = draw(by[kept], None if group is None else group[kept], validation, rng)
        splits = {"train": take(raw.train, kept[fitted]), "validation": take(raw.train, kept[held]), "test": tested}
    for name, split in splits.items():
        if len(split.y) == 0:
            raise InputError.unexpected(f"split, {name}", "no examples", "some", "Give more examples, or other shares.")
        if raw.task == REGRESSION:
            continue
        if missing := [raw.classes[label] for label in np.setdiff1d(occurring(raw.train.y), occurring(split.y))]:
            logger.warning("the %s examples have none of %s %s", name, OUTPUT_WORD[raw.task], comma_list(missing))
    if group is not None:
        sides = {name: (split.y, split.group) for name, split in splits.items()}
        for warning in group_split.warnings(SPLITS, sides, list(raw.classes), raw.task):
            logger.warning("%s", warning)
    return splits


def undivided(raw: RawData) -> Splits:
    """Return all examples as each of the splits, for a model that is not trained here and learns nothing from them.

    Raises:
        InputError: the source has a test set of its own.
    """
    if raw.test is not None:
        raise InputError.unexpected(
            "split",
            "none, and a data source with a test set of its own",
            "one set of examples",
            "Leave the other file out, or leave out split: the test examples are then the source's own.",
        )
    return {name: take(raw.train) for name in SPLITS}


def occurring(y: NDArray[Any]) -> NDArray[np.int64]:
    """Return the numbers of the classes (N,), or of the labels (N, labels), that an example has, ascending."""
    return np.unique(y) if y.ndim == 1 else np.flatnonzero(y.any(0))


def draw(
    y: NDArray[Any], group: NDArray[np.str_] | None, share: float, rng: np.random.Generator, *, left: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide indices into (rest, drawn), class by class; with groups, into whole groups close to the share.

    Args:
        y: what is to be spread evenly: a class of each (N,), or 0 and 1 (N, labels).
        group: (N,) names; None to draw single examples.
        share: of the examples that are drawn.
        rng: draws them.
        left: the fewest groups in the rest.
    """
    if group is not None:
        return group_split.draw(y, group, share, rng, left=left)
    return stratified(y, share, rng) if y.ndim == 1 else strata.divided(y, share, rng)


def in_folds(
    y: NDArray[Any], group: NDArray[np.str_] | None, folds: int, rng: np.random.Generator
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return indices (rest, fold) for each fold; every class is spread over the folds as evenly as groups allow.

    Raises:
        InputError: fewer groups, or fewer examples of a class, than folds.
    """
    if group is not None:
        return group_split.folds(y, group, folds, rng)
    if y.ndim == 2:
        if (least := y.sum(0)[occurring(y)].min()) < folds:
            raise InputError.unexpected("split", f"a label of {least} example(s)", f"{folds}, one for each fold")
        return strata.in_folds(y, folds, rng)
    from sklearn.model_selection import StratifiedKFold

    if (least := np.bincount(y)[np.unique(y)].min()) < folds:
        raise InputError.unexpected("split", f"a class with {least} example(s)", f"{folds}, one for each fold")
    drawn = StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    return [(rest, fold) for rest, fold in drawn.split(np.zeros(len(y)), y)]


def stratified(
    y: NDArray[np.int64], share: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide indices into (rest, drawn), with `share` of every class drawn: at least one, never all of a class."""
    drawn = []
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        count = min(max(1, round_of(share, len(members))), len(members) - 1)
        drawn.append(rng.permutation(members)[:count])
    indices = np.sort(np.concatenate(drawn))
    return np.setdiff1d(np.arange(len(y)), indices), indices


def take(examples: Examples, indices: NDArray[np.int64] | None = None) -> Split:
    """Return the examples at `indices`, or all of them, without reading or copying x."""
    truth = None if examples.truth is None else LazyRows(examples.truth, indices)
    y, group = examples.y, examples.group
    if indices is not None:
        y, group = y[indices], None if group is None else group[indices]
    filling = None if examples.filling is None else LazyRows(examples.filling, indices)
    others = {
        name: Side(LazyRows(values.x, indices), None if values.filling is None else LazyRows(values.filling, indices))
        for name, values in examples.others.items()
    }
    of_bins = None if examples.truth_frequency is None else LazyRows(examples.truth_frequency, indices)
    return Split(LazyRows(examples.x, indices), y, truth, group, filling, others, of_bins)
