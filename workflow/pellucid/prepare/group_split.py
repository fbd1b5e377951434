"""Splits of whole groups: which groups (patients, recordings) go to which side, drawn at random for every seed.

Candidates are drawn from random orders of the groups. Of those whose shares are the nearest, the ones with the most
even classes stay, and one of them is drawn: taking the best one alone would give the same split for every seed, and
would leave out groups whose classes are uneven.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list
from pellucid.shares import ceil_of, exact

CANDIDATES = 256
_CELLS = 2**24  # groups of all candidates together, at most
# Of the examples: shares that differ by less are equally near.
_SLACK = 0.005
# Of the candidates with the nearest shares, those with the most even classes.
_EVEN = 0.4


@dataclass(frozen=True)
class Groups:
    """The groups of some examples.

    Attributes:
        names: (G,) sorted.
        member: (N,) the group of each example.
        counts: (G, classes) examples of each class; classes without any have no column.
    """

    names: NDArray[np.str_]
    member: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, y: NDArray[np.int64], group: NDArray[np.str_]) -> Groups:
        """Return the groups of examples with labels y (N,) and names of groups (N,)."""
        names, member = np.unique(group, return_inverse=True)
        classes, column = np.unique(y, return_inverse=True)
        counts = np.zeros((len(names), len(classes)), np.int64)
        np.add.at(counts, (member, column), 1)
        return cls(names, member, counts)

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.names)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The number of examples of each group."""
        return np.asarray(self.counts.sum(1), np.int64)


def refuse_few(groups: Groups, sides: int, which: str) -> None:
    """Refuse fewer groups than sides that each need one.

    Raises:
        InputError: with the names of the groups.
    """
    if len(groups) < sides:
        names = comma_list(groups.names[:5])
        raise InputError.unexpected(
            "split",
            f"{len(groups)} group(s) ({names})",
            f"{sides} or more, one for each of {which}",
            "Give more groups, other shares, or split.by_group: false.",
        )


def draw(
    y: NDArray[np.int64], group: NDArray[np.str_], share: float, rng: np.random.Generator, *, left: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide indices into (rest, drawn) by whole groups that come as near to a share of the examples as they can.

    Args:
        y: (N,) labels.
        group: (N,) names.
        share: of the examples that are drawn.
        rng: draws them.
        left: groups that the rest must have at least.

    Raises:
        InputError: fewer groups than that and one more.
    """
    groups = Groups.of(y, group)
    refuse_few(groups, left + 1, "training, validation and test" if left > 1 else "training and the examples set apart")
    number = _candidates(len(groups))
    orders = rng.permuted(np.tile(np.arange(len(groups)), (number, 1)), axis=1)
    target = float(exact(share) * len(y))
    # Of each order, as many of the first groups as come nearest to the share.
    sums = groups.sizes[orders].cumsum(1)[:, : len(groups) - left]
    count = np.abs(sums - target).argmin(1) + 1
    places = np.empty_like(orders)
    np.put_along_axis(places, orders, np.arange(len(groups))[np.newaxis], axis=1)
    drawn = places < count[:, np.newaxis]
    sides = np.stack([drawn, ~drawn], axis=1)
    chosen = drawn[_best(sides, np.array([share, 1 - share]), groups, rng)][groups.member]
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def folds(
    y: NDArray[np.int64], group: NDArray[np.str_], number: int, rng: np.random.Generator
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Divide indices into folds of whole groups, as equal and as even in their classes as they can be.

    Returns:
        (rest, fold) for each fold.

    Raises:
        InputError: fewer groups than folds, or than two and the validation examples need.
    """
    groups = Groups.of(y, group)
    # What is not in the fold is divided once more, into training and validation: that takes two groups.
    dealt = number if number > 2 else 2 * number
    refuse_few(groups, dealt, f"{number} folds" if number > 2 else "training and validation of 2 folds")
    sizes = groups.sizes
    candidates = _candidates(number * len(groups))
    orders = rng.permuted(np.tile(np.arange(len(groups)), (candidates, 1)), axis=1)
    sides = np.zeros((candidates, number, len(groups)), bool)
    filled, rows = np.zeros((candidates, number), np.int64), np.arange(candidates)
    for position, index in enumerate(orders.T):
        # No fold stays empty; then the one with the fewest examples gets the next group.
        fold = np.full(candidates, position % number) if position < dealt else filled.argmin(1)
        sides[rows, fold, index] = True
        filled[rows, fold] += sizes[index]
    best = sides[_best(sides, np.full(number, 1 / number), groups, rng)]
    tested = [fold[groups.member] for fold in best]
    return [(np.flatnonzero(~inside), np.flatnonzero(inside)) for inside in tested]


def _candidates(cells: int) -> int:
    """How many candidates of so many cells (groups, or groups by folds) are drawn."""
    return max(8, min(CANDIDATES, _CELLS // cells))


def _best(sides: NDArray[np.bool_], shares: NDArray[np.float64], groups: Groups, rng: np.random.Generator) -> int:
    """Return one of the best candidates.

    Args:
        sides: (candidates, sides, groups), which groups lie on which side.
        shares: (sides,) asked for.
        groups: with their classes.
        rng: draws among equally good ones.
    """
    counts = sides.astype(np.float64) @ groups.counts
    totals = groups.counts.sum(0)
    possible = (groups.counts > 0).sum(0) >= len(shares)
    lacking = ((counts == 0) & possible).sum((1, 2))
    sized = np.abs(counts.sum(2) / totals.sum() - shares).max(1)
    uneven = np.abs(counts / totals - shares[:, np.newaxis]).mean((1, 2))
    kept = np.flatnonzero(lacking == lacking.min())
    kept = kept[sized[kept] <= sized[kept].min() + _SLACK]
    kept = kept[np.argsort(uneven[kept], kind="stable")][: max(1, ceil_of(_EVEN, len(kept)))]
    return int(rng.choice(kept))


def warnings(
    names: tuple[str, ...], sides: dict[str, tuple[NDArray[np.int64], NDArray[np.str_] | None]], classes: list[str]
) -> list[str]:
    """Return a line about each thing that whole groups make impossible, by its name.

    Args:
        names: of the splits.
        sides: of each split, the labels and the groups (None for one that has no groups).
        classes: their names.
    """
    lines = []
    for name in names:
        y, group = sides[name]
        if group is not None and len(found := np.unique(group)) == 1:
            group_name = abbreviate(str(found[0]))
            lines.append(f"all {len(y)} {name} examples come from one group ({group_name}): they speak for no other")
    known = [(y, group) for y, group in sides.values() if group is not None]
    if known:
        y, group = (np.concatenate(arrays) for arrays in zip(*known, strict=True))
        for label in np.unique(y):
            if len(found := np.unique(group[y == label])) == 1:
                where = f"is in one group only ({abbreviate(str(found[0]))})"
                lines.append(f"class {abbreviate(classes[label])} {where}: it lies on one side alone")
    return lines
