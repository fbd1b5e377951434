"""Find examples of a class whose maps share one place and channel, and that come from the same recordings.

Groups by the whole map can miss a mark that has only a part of the attribution: if the evidence moves between examples,
maps are grouped by the place of the evidence. So every place and channel is also examined by itself. The examples are
divided into those with much and those with little of their attribution there, and a test says whether the recordings
explain this division.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.summarise.map_groups import MapGroup
from pellucid.summarise.shortcut_flags import SMALLEST, Test, told_names, uncertainty

PERMUTATIONS = 2000
MOST = 500  # examples of a class, evenly over it


def shared_place(
    name: str,
    output: tuple[int, str],
    number: int,
    features: NDArray[np.float32],
    mates: NDArray[np.int64],
    origin: NDArray[np.str_],
    rng: np.random.Generator,
) -> tuple[MapGroup, Test] | None:
    """Return the examples with much attribution at the place and channel that recordings explain best, and the test.

    The strength is that of `shortcut_flags.follows`. Chance: the recordings are dealt anew to the examples of the
    class, 2,000 times, and each time the best of all places and channels counts; p is the share of such bests (the data
    themselves count as one) that are as large, so that the choice of the place is accounted for.

    Args:
        name: of the kind of origin.
        output: index and name of the class.
        number: of the group, if it becomes one.
        features: (N, places × channels), see `map_groups.coarse_maps`.
        mates: the clustered examples of the class.
        origin: (N,) of all measured examples.
        rng: deals the recordings.

    Returns:
        None where no place divides the examples in two parts of at least `SMALLEST`, or all are of one recording.
    """
    if len(mates) < 2 * SMALLEST:
        return None
    rows = mates if len(mates) <= MOST else mates[np.linspace(0, len(mates) - 1, MOST).astype(np.int64)]
    names, codes = np.unique(origin[rows], return_inverse=True)
    much = divided(features[rows])
    counts = much.sum(0)
    cells = np.flatnonzero((counts >= SMALLEST) & (counts <= len(rows) - SMALLEST))
    if len(names) < 2 or not len(cells):
        return None
    sizes, member = np.bincount(codes), np.eye(len(names))[codes]
    chosen = much[:, cells].astype(np.float64)
    told = uncertainty((member.T @ chosen).T, sizes)
    draws = np.array([uncertainty((rng.permutation(member).T @ chosen).T, sizes) for _ in range(PERMUTATIONS)])
    chance = draws.mean(0)
    strengths, drawn = ((value - chance) / np.maximum(1 - chance, 1e-12) for value in (told, draws))
    best = int(strengths.argmax())
    p = (1 + int((drawn.max(1) >= strengths[best] - 1e-12).sum())) / (1 + PERMUTATIONS)
    inside = rows[much[:, cells[best]]]
    # The examples with the most attribution there are the most typical.
    inside = inside[np.argsort(-features[inside, cells[best]], kind="stable")]
    counts_inside = (member.T @ chosen[:, best]).astype(np.int64)
    test = Test(name, round(float(strengths[best]), 6), p, "", told_names(names, counts_inside, sizes))
    return MapGroup(output[0], output[1], number, inside), test


def divided(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Divide each column of values (n, cells) in two, so that the variance between both parts is largest.

    Otsu N. A threshold selection method from gray-level histograms. IEEE Trans Syst Man Cybern 9:62-66 (1979), with
    each value as a bin.

    Returns:
        (n, cells), True in the part with the larger values.
    """
    count = len(values)
    ordered = np.sort(values.astype(np.float64), axis=0)
    low = np.arange(1, count)[:, np.newaxis]
    sums = np.cumsum(ordered, axis=0)
    below, above = sums[:-1] / low, (sums[-1] - sums[:-1]) / (count - low)
    between = low * (count - low) * (above - below) ** 2
    # Equal values are not divided.
    between[ordered[1:] <= ordered[:-1]] = -1
    cut = ordered[between.argmax(0), np.arange(values.shape[1])]
    return np.asarray(values > cut, np.bool_)
