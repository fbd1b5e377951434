"""Random sets of units: the drop of the logit without them, and its correlation with what an explanation says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import ScoreContext
from pellucid.score.shared import fills
from pellucid.score.shared.removal import drops, subsets, unit_to_values

# Variation below these shares of the size is rounding: of sums in float64, and of drops of logits in float32.
_SUMS, _DROPS = 1e-9, 1e-6


def correlation(sums: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pearson's correlation of each column of two arrays (runs, N): (N,).

    It is 0 if all sets have the same sum of attributions: such a map is no better than chance, and NaN would favour it
    by leaving it out of the mean. It is NaN if no set changes the logit: such an example is left out for all
    explanations.
    """
    centred_sums, centred_losses = sums - sums.mean(0), losses - losses.mean(0)
    equal_sums = np.abs(centred_sums).max(0) <= _SUMS * np.abs(sums).max(0)
    equal_losses = np.abs(centred_losses).max(0) <= _DROPS * np.abs(losses).max(0)
    size = np.sqrt((centred_sums**2).sum(0) * (centred_losses**2).sum(0))
    pearson = (centred_sums * centred_losses).sum(0) / np.where(size > 0, size, 1)
    return np.where(equal_losses, np.nan, np.where(equal_sums, 0.0, pearson))


def set_drops(
    case: ScoreContext,
    labels: NDArray[np.int32],
    runs: int,
    share: float,
    baselines: Sequence[str],
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.float64]]]:
    """Return the sets (N or 1, runs, units), and by baseline the drops of the logit without them (runs, N).

    Args:
        case: inputs, targets, model, and training examples for the baseline "other".
        labels: from `units.units`.
        runs: number of sets.
        share: size of each set, as a share of the units.
        baselines: take the place of the removed units.
        rng: for the sets and the baselines.

    Raises:
        InputError: see `fills.fills`.
    """
    for_sets, for_fills = rng.spawn(2)
    sets = subsets(labels, runs, share, for_sets)
    by_name = fills.fills(case, baselines, for_fills)
    return sets, {name: drops(case, runs, partial(_altered, fill, sets, labels)) for name, fill in by_name.items()}


def _altered(
    fill: fills.Fill, sets: NDArray[np.bool_], labels: NDArray[np.int32], part: slice, some: slice
) -> NDArray[np.float32]:
    """Return some of the inputs without the units of some of the sets."""
    return fill(part, unit_to_values(sets, labels, part, some))
