"""Split examples by whole groups (patients, recordings), at random for every seed.

Candidate splits come from random orders of the groups. Among the candidates whose shares are closest to the requested
ones, those with the most even classes are kept, and one of these is drawn. Always taking the best candidate would give
the same split for every seed, and would leave out groups with uneven classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list
from pellucid.shares import ceil_of, exact
from pellucid.tasks import OUTPUT_WORD, REGRESSION, SINGLE_LABEL, Task

CANDIDATES = 256
_CELLS = 2**24  # the most groups, over all candidates
# Shares of the examples that differ by less count as equal.
_SLACK = 0.005
# Share of the candidates with the closest shares that is kept: those with the most even classes.
_EVEN = 0.4


@dataclass(frozen=True)
class Groups:
    """The groups of some examples.

    Attributes:
        names: (G,) sorted.
        member: (N,) the group of each example.
        counts: (G, classes) examples of each class; classes without examples have no column. Of several labels for
            each example: those with each label, and those without it.
        sizes: (G,) examples.
    """

    names: NDArray[np.str_]
    member: NDArray[np.int64]
    counts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, y: NDArray[Any], group: NDArray[np.str_]) -> Groups:
        """Return the groups of examples with classes (N,) or 0 and 1 (N, labels), and names of groups (N,)."""
        names, member = np.unique(group, return_inverse=True)
        if y.ndim == 2:
            present = np.concatenate([y, 1 - y], 1).astype(np.int64)
            counts = np.zeros((len(names), present.shape[1]), np.int64)
            np.add.at(counts, member, present)
            return cls(names, member, counts[:, counts.any(0)], np.bincount(member))
        classes, column = np.unique(y, return_inverse=True)
        counts = np.zeros((len(names), len(classes)), np.int64)
        np.add.at(counts, (member, column), 1)
        return cls(names, member, counts, counts.sum(1))

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.names)


def refuse_few(groups: Groups, sides: int, which: str) -> None:
    """Refuse fewer groups than splits, each of which needs one.

    Raises:
        InputError: fewer groups than `sides`.
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
    y: NDArray[Any], group: NDArray[np.str_], share: float, rng: np.random.Generator, *, left: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide indices into (rest, drawn) by whole groups, with a share of the examples as close as possible.

    Args:
        y: (N,) classes, or (N, labels) of 0 and 1.
        group: (N,) names.
        share: of the examples that are drawn.
        rng: draws them.
        left: the fewest groups in the rest.

    Raises:
        InputError: fewer than `left` + 1 groups.
    """
    groups = Groups.of(y, group)
    refuse_few(groups, left + 1, "training, validation and test" if left > 1 else "training and the examples set apart")
    number = _candidates(len(groups))
    orders = rng.permuted(np.tile(np.arange(len(groups)), (number, 1)), axis=1)
    target = float(exact(share) * len(y))
    # Take the first groups of each order, as many as come closest to the share.
    sums = groups.sizes[orders].cumsum(1)[:, : len(groups) - left]
    count = np.abs(sums - target).argmin(1) + 1
    places = np.empty_like(orders)
    np.put_along_axis(places, orders, np.arange(len(groups))[np.newaxis], axis=1)
    drawn = places < count[:, np.newaxis]
    sides = np.stack([drawn, ~drawn], axis=1)
    indices = drawn[_best(sides, np.array([share, 1 - share]), groups, rng)][groups.member]
    return np.flatnonzero(~indices), np.flatnonzero(indices)


def folds(
    y: NDArray[Any], group: NDArray[np.str_], number: int, rng: np.random.Generator
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Divide indices into folds of whole groups, with sizes and classes as even as possible.

    Returns:
        (rest, fold) for each fold.

    Raises:
        InputError: fewer groups than folds, or fewer than 4 for 2 folds.
    """
    groups = Groups.of(y, group)
    # The rest is divided again, into training and validation examples: it needs two groups.
    dealt = number if number > 2 else 2 * number
    refuse_few(groups, dealt, f"{number} folds" if number > 2 else "training and validation of 2 folds")
    sizes = groups.sizes
    candidates = _candidates(number * len(groups))
    orders = rng.permuted(np.tile(np.arange(len(groups)), (candidates, 1)), axis=1)
    sides = np.zeros((candidates, number, len(groups)), bool)
    filled, rows = np.zeros((candidates, number), np.int64), np.arange(candidates)
    for position, index in enumerate(orders.T):
        # First one group for each fold; then the fold with the fewest examples gets the next group.
        fold = np.full(candidates, position % number) if position < dealt else filled.argmin(1)
        sides[rows, fold, index] = True
        filled[rows, fold] += sizes[index]
    best = sides[_best(sides, np.full(number, 1 / number), groups, rng)]
    tested = [fold[groups.member] for fold in best]
    return [(np.flatnonzero(~inside), np.flatnonzero(inside)) for inside in tested]


def _candidates(cells: int) -> int:
    """Return the number of candidates to draw, each of `cells` cells (groups, or groups by folds)."""
    return max(8, min(CANDIDATES, _CELLS // cells))


def _best(sides: NDArray[np.bool_], shares: NDArray[np.float64], groups: Groups, rng: np.random.Generator) -> int:
    """Return one of the best candidates.

    Args:
        sides: (candidates, sides, groups), whether a group lies on a side.
        shares: (sides,) asked for.
        groups: their classes are to be even.
        rng: draws among equally good ones.
    """
    counts = sides.astype(np.float64) @ groups.counts
    totals = groups.counts.sum(0)
    possible = (groups.counts > 0).sum(0) >= len(shares)
    lacking = ((counts == 0) & possible).sum((1, 2))
    sized = np.abs(sides.astype(np.float64) @ groups.sizes / groups.sizes.sum() - shares).max(1)
    uneven = np.abs(counts / totals - shares[:, np.newaxis]).mean((1, 2))
    kept = np.flatnonzero(lacking == lacking.min())
    kept = kept[sized[kept] <= sized[kept].min() + _SLACK]
    kept = kept[np.argsort(uneven[kept], kind="stable")][: max(1, ceil_of(_EVEN, len(kept)))]
    return int(rng.choice(kept))


def warnings(
    names: tuple[str, ...],
    sides: dict[str, tuple[NDArray[Any], NDArray[np.str_] | None]],
    classes: list[str],
    task: Task = SINGLE_LABEL,
) -> list[str]:
    """Return a sentence for each split with only one group, and for each class or label that only one group has.

    Args:
        names: of the splits.
        sides: labels and groups of each split (None for a split without groups).
        classes: their names.
        task: of the labels; the values of a regression belong to no class.
    """
    lines = []
    for name in names:
        y, group = sides[name]
        if group is not None and len(members := np.unique(group)) == 1:
            group_name = abbreviate(str(members[0]))
            lines.append(
                f"all {len(y)} {name} examples come from one group ({group_name}): they say nothing about others"
            )
    known = [(y, group) for y, group in sides.values() if group is not None]
    if known and task != REGRESSION:
        y, group = (np.concatenate(arrays) for arrays in zip(*known, strict=True))
        for label in range(len(classes)):
            if len(members := np.unique(group[y == label if y.ndim == 1 else y[:, label] == 1])) == 1:
                where = f"is in one group only ({abbreviate(str(members[0]))})"
                lines.append(f"{OUTPUT_WORD[task]} {abbreviate(classes[label])} {where}: only one split has it")
    return lines
