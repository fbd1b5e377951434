"""Flag groups of maps that may be a shortcut: they follow a recording or a site, or keep to one place.

The limits below were fixed before any data were seen. A flag is a reason to look at the examples; it proves nothing. A
recording may have its own form of a wave; this is no shortcut. And if all recordings of a class share a mark at the
place of the evidence, it cannot be distinguished from evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.shared.measured_maps import MeasuredMaps
from pellucid.summarise.map_groups import MapGroup

# The name of the test of a place.
PLACE = "place"
# A flag needs a p-value below this one, multiplied by the number of tests (Bonferroni), …
SIGNIFICANCE = 0.01
# … and this share of what there is to know about who is in the group (follows), or of its class (one place).
FOLLOWS, AT_ONE_PLACE = 0.5, 0.8
# Groups with fewer examples are not tested.
SMALLEST = 8
# Where another class has this share at one place too, the examples may be aligned, and a place says nothing.
ALIGNED = 0.5
# A place is this share of the length of each axis.
WIDTH = 1 / 16
DRAWS = 20_000
_EXAMPLES = 256  # read at a time


@dataclass(frozen=True)
class Test:
    """Whether a group of maps follows something else.

    Attributes:
        of: "group" or another name of a set of groups, or "place".
        strength: of 1; see `follows` and `one_place`. None: not tested.
        p: of the test, before the correction. None: not tested.
        reason: why it was not tested; "" if it was.
        detail: what it follows: names, or where the place is.
    """

    of: str
    strength: float | None
    p: float | None
    reason: str
    detail: str

    def is_flag(self, tests: int) -> bool:
        """Return whether this is a flag among so many tests."""
        if self.p is None or self.strength is None:
            return False
        least = AT_ONE_PLACE if self.of == PLACE else FOLLOWS
        return self.p * tests <= SIGNIFICANCE and self.strength >= least


def flags(
    groups: Sequence[MapGroup],
    origins: Mapping[str, NDArray[np.str_]],
    peaks: NDArray[np.float64],
    sizes: Sequence[int],
    event: NDArray[np.float32] | None,
    rng: np.random.Generator,
) -> tuple[list[list[Test]], int]:
    """Test every group of maps against every origin and for one place.

    Args:
        groups: of all classes.
        origins: (N,) each: the recording, the site, … of the measured examples, by its name.
        peaks: (N, axes) what `places_of_most` returns.
        sizes: of an example's axes.
        event: (N,) the sample of the event of each example; None if it is not known.
        rng: draws the permutations.

    Returns:
        The tests of each group, and how many of all have a p-value.
    """
    found = []
    of_class = {
        output: np.concatenate([members.rows for members in groups if members.output == output])
        for output in dict.fromkeys(members.output for members in groups)
    }
    for members in groups:
        mates = of_class[members.output]
        tests = [follows(name, members.rows, mates, origin, rng) for name, origin in origins.items()]
        others = [rows for output, rows in of_class.items() if output != members.output]
        tests.append(one_place(members.rows, mates, others, peaks, sizes, event))
        found.append(tests)
    return found, sum(test.p is not None for tests in found for test in tests)


def follows(
    name: str,
    members: NDArray[np.int64],
    mates: NDArray[np.int64],
    origin: NDArray[np.str_],
    rng: np.random.Generator,
) -> Test:
    """Test whether a group of maps consists of the examples of some recordings, and only of these.

    The strength is the uncertainty coefficient (Theil H. On the estimation of relationships involving qualitative
    variables. Am J Sociol 76:103-154 (1970)): the share of the entropy of "in the group or not" that the recording
    tells, less what it tells by chance: (U - mean U) / (1 - mean U). Chance is a group of the same size drawn from the
    class, 20,000 times; p is the share of draws (the group itself counts as one) whose U is as large.

    Args:
        name: of the kind of origin.
        members: the examples of the group.
        mates: all clustered examples of its class, with the members.
        origin: (N,) of all measured examples.
        rng: draws the groups.
    """
    names, codes = np.unique(origin[mates], return_inverse=True)
    if len(members) < SMALLEST:
        return Test(name, None, None, f"fewer than {SMALLEST} examples", "")
    if len(members) == len(mates):
        return Test(name, None, None, "all maps of the class are one group", "")
    if len(names) == 1:
        return Test(name, None, None, f"all examples of the class are of one {name}", "")
    sizes = np.bincount(codes)
    inside = np.bincount(codes[np.isin(mates, members)], minlength=len(names))
    told = uncertainty(inside[np.newaxis], sizes)[0]
    draws = uncertainty(rng.multivariate_hypergeometric(sizes, len(members), size=DRAWS, method="marginals"), sizes)
    chance = float(draws.mean())
    strength = (told - chance) / (1 - chance) if chance < 1 else 0.0
    p = (1 + int((draws >= told - 1e-12).sum())) / (1 + DRAWS)
    return Test(name, round(float(strength), 6), p, "", told_names(names, inside, sizes))


def told_names(names: NDArray[np.str_], inside: NDArray[np.int64], sizes: NDArray[np.int64]) -> str:
    """Return the recordings with more of their examples in a group than the class has: "r1 (20 of 20), r2 (7 of 9)"."""
    over = np.flatnonzero(inside * sizes.sum() > sizes * inside.sum())
    order = over[np.argsort(-inside[over], kind="stable")][:4]
    shown = ", ".join(f"{names[index]} ({inside[index]} of {sizes[index]})" for index in order)
    return shown + (", …" if len(over) > len(order) else "")


def uncertainty(inside: NDArray[Any], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return U for each row of counts: of the examples of each recording, those inside of the group."""
    total, members = sizes.sum(), inside.sum(1)
    conditional = (_entropy(inside / sizes) * sizes).sum(1) / total
    return np.asarray(1 - conditional / _entropy(members / total), np.float64)


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy of a yes with probability p, in nats."""
    from scipy.special import entr

    return np.asarray(entr(p) + entr(1 - p), np.float64)


def places_of_most(maps: MeasuredMaps) -> NDArray[np.float64]:
    """Return the middle of the window that holds most of each example's absolute attribution, (N, axes).

    The window has a sixteenth of the length of each axis, and all channels are summed.
    """
    from scipy.ndimage import uniform_filter

    shape = maps.shape[:-1]
    window = [1, *(max(1, round(size * WIDTH)) for size in shape)]
    found = []
    for start in range(0, len(maps), _EXAMPLES):
        rows = np.arange(start, min(start + _EXAMPLES, len(maps)))
        sizes = np.nan_to_num(np.abs(maps[rows])).sum(-1, np.float64)
        smooth = uniform_filter(sizes, window, mode="constant")
        found.append(np.column_stack(np.unravel_index(smooth.reshape(len(smooth), -1).argmax(1), shape)))
    return np.asarray(np.concatenate(found), np.float64)


def one_place(
    members: NDArray[np.int64],
    mates: NDArray[np.int64],
    others: Sequence[NDArray[np.int64]],
    peaks: NDArray[np.float64],
    sizes: Sequence[int],
    event: NDArray[np.float32] | None,
) -> Test:
    """Test whether the class of a group stays at the place of the group, more than any other class stays at one place.

    The place is a sixteenth of each axis, where most windows of the group lie; the strength is the share of the whole
    class there. It is counted over the whole class, because groups of maps are partly formed by place: each group stays
    at one place for this reason alone. Chance is the largest share of any other class at its best place, and at least
    the share of an axis that a place takes; p is the binomial probability of so many examples there, times the number
    of places. Nothing is tested where another class keeps to one place too (0.5 and more): the examples may be aligned
    then, and evidence keeps to one place by itself. Nor where the maps keep to the event at least as well.

    Args:
        members: the examples of the group.
        mates: all clustered examples of its class.
        others: those of each other class.
        peaks: of all measured examples.
        sizes: of an example's axes.
        event: as in `flags`.
    """
    from scipy import stats

    others = [rows for rows in others if len(rows) >= SMALLEST]
    if len(members) < SMALLEST:
        return Test(PLACE, None, None, f"fewer than {SMALLEST} examples", "")
    if not others:
        return Test(PLACE, None, None, "there is no other class to compare with", "")
    _, middle = _concentration(peaks[members], sizes)
    where = ", ".join(f"{low:.0f}–{high:.0f}" for low, high in _ends(middle, sizes))
    elsewhere = max(_concentration(peaks[rows], sizes)[0] for rows in others)
    if elsewhere >= ALIGNED:
        return Test(PLACE, None, None, "another class keeps to one place, too", where)
    share = float(_near(peaks[mates], middle[np.newaxis], sizes).mean())
    if event is not None and len(known := mates[np.isfinite(event[mates])]) >= SMALLEST:
        to_event = peaks[known].copy()
        to_event[:, 0] -= event[known]
        if _concentration(to_event, sizes)[0] >= share:
            return Test(PLACE, None, None, "the maps keep to the event", where)
    chance = max(elsewhere, WIDTH ** len(sizes))
    tail = stats.binom.sf(round(share * len(mates)) - 1, len(mates), chance)
    p = min(1.0, float(tail) * round(1 / WIDTH) ** len(sizes))
    return Test(PLACE, round(share, 6), p, "", where)


def _near(peaks: NDArray[np.float64], middles: NDArray[np.float64], sizes: Sequence[int]) -> NDArray[np.bool_]:
    """Return which peaks (n, axes) lie within the place around each middle (m, axes): (n, m)."""
    near = np.ones((len(peaks), len(middles)), np.bool_)
    for axis, size in enumerate(sizes):
        half = max(0.5, size * WIDTH / 2)
        near &= np.abs(peaks[:, axis, np.newaxis] - middles[np.newaxis, :, axis]) <= half
    return near


def _concentration(peaks: NDArray[np.float64], sizes: Sequence[int]) -> tuple[float, NDArray[np.float64]]:
    """Return the largest share of peaks (n, axes) that lie within one place, and its middle (axes,)."""
    near = _near(peaks, peaks, sizes)
    best = int(near.sum(0).argmax())
    return float(near[:, best].mean()), peaks[best]


def _ends(middle: NDArray[np.float64], sizes: Sequence[int]) -> list[tuple[float, float]]:
    """Return first and last position of a place along each axis."""
    halves = [max(0.5, size * WIDTH / 2) for size in sizes]
    return [
        (max(0.0, float(m) - half), min(size - 1.0, float(m) + half))
        for m, half, size in zip(middle, halves, sizes, strict=True)
    ]
