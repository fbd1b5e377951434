"""Faithfulness correlation: whether removing units with more attribution lowers the logit more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import fills, units
from pellucid.score.shared.removal import SetShare, drops, memoised, subsets, unit_to_values, weighted_sums

# Variation below these shares of the size is rounding: of sums in float64, and of drops of logits in float32.
_SUMS, _DROPS = 1e-9, 1e-6

SPEC = ScoreSpec(
    title="Faithfulness correlation",
    family="faithfulness",
    about="Random sets of units, all of one size, are replaced by a baseline. The score is Pearson's correlation of "
    "the attribution that a set has in sum with the drop of the logit without it: 1 where the logit is the sum of what "
    "the explanation says, 0 for a random map, and 0 by definition for a map that gives every set the same. All "
    "explanations meet the same sets. It depends on their size and on the baseline, and interactions of units lower it "
    "for any explanation. Of a regression the value drops, of a contrast the difference of two logits or values.",
    paper="Bhatt U, Weller A, Moura JMF. Evaluating and Aggregating Feature-based Model Explanations. IJCAI (2020), "
    "definition 3",
    metrics={"faithfulness_correlation": Metric("Faithfulness correlation", "higher", -1, 1)},
    needs_model=True,
    needs_training=True,
)

# Refuses a window that is too large before any job runs, if the size of the examples is known.
fits = units.fits


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    runs: Annotated[int, Field(ge=3, le=100_000, description="random sets of units")] = 100,
    share: SetShare = 0.2,
    unit: units.Unit = "sample",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: fills.Baselines = fills.USUAL,
) -> ScoreResult:
    """Return the correlation for each baseline; NaN for an example whose logit does not change.

    Raises:
        InputError: see `units.units` and `fills.fills`.
    """
    key = ("faithfulness correlation", runs, share, unit, window, channels, tuple(baselines))
    labels = units.units(case.inputs, unit=unit, window=window, channels=channels, measured=case.measured)
    sets, losses = memoised(case, rng, key, lambda: _drops(case, labels, runs, share, baselines, rng))
    sums = weighted_sums(sets, units.sums(explanation.attributions, labels))
    return ScoreResult({f"faithfulness_correlation.{name}": correlation(sums, loss) for name, loss in losses.items()})


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


def _drops(
    case: ScoreContext,
    labels: NDArray[np.int32],
    runs: int,
    share: float,
    baselines: Sequence[str],
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.float64]]]:
    """Return the sets (N or 1, runs, units), and by baseline the drops of the logit without them (runs, N)."""
    for_sets, for_fills = rng.spawn(2)
    sets = subsets(labels, runs, share, for_sets)
    by_name = fills.fills(case, baselines, for_fills)
    return sets, {name: drops(case, runs, partial(_altered, fill, sets, labels)) for name, fill in by_name.items()}


def _altered(
    fill: fills.Fill, sets: NDArray[np.bool_], labels: NDArray[np.int32], part: slice, some: slice
) -> NDArray[np.float32]:
    """Return some of the inputs without the units of some of the sets."""
    return fill(part, unit_to_values(sets, labels, part, some))
