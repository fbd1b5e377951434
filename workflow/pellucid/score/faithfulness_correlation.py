"""Faithfulness correlation: whether sets of units with more attribution move the logit more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import fills, units
from pellucid.score.shared.removal import drops, once, painted, subsets, weighed

_BASELINES = ("zero", "mean", "linear", "other")
# Below these, as a share of the size, what varies is rounding: of sums in float64, and of drops of logits in float32.
_SUMS, _DROPS = 1e-9, 1e-6

SPEC = ScoreSpec(
    title="Faithfulness correlation",
    family="faithfulness",
    about="Random sets of units, all of one size, are replaced by a baseline. The score is Pearson's correlation of "
    "the attribution that a set has in sum with the drop of the logit without it: 1 where the logit is the sum of what "
    "the explanation says, 0 for a random map, and 0 by definition for a map that gives every set the same. All "
    "explanations meet the same sets. It depends on their size and on the baseline, and interactions of units lower it "
    "for any explanation.",
    paper="Bhatt U, Weller A, Moura JMF. Evaluating and Aggregating Feature-based Model Explanations. IJCAI (2020), "
    "definition 3",
    metrics={"faithfulness_correlation": Metric("Faithfulness correlation", "higher", -1, 1)},
    needs_model=True,
    needs_training=True,
)

# A window that the user wrote is refused at planning, where the size of the examples is known.
fits = units.fits


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    runs: Annotated[int, Field(ge=3, le=100_000, description="random sets of units")] = 100,
    share: Annotated[
        float, Field(gt=0, lt=1, description="size of a set, as a share of the units; one unit at least")
    ] = 0.2,
    unit: units.Unit = "sample",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: Annotated[Sequence[str], fills.baselines_field((*_BASELINES, "noise"))] = _BASELINES,
) -> ScoreResult:
    """The correlation for each baseline; NaN for an example whose logit no set changes.

    Raises:
        InputError: see `units.units` and `fills.fills`.
    """
    key = ("faithfulness correlation", runs, share, unit, window, channels, tuple(baselines))
    labels = units.units(case.inputs, unit=unit, window=window, channels=channels, measured=case.measured)
    chosen, losses = once(case, rng, key, lambda: _drops(case, labels, runs, share, baselines, rng))
    said = weighed(chosen, units.sums(explanation.attributions, labels))
    return ScoreResult({f"faithfulness_correlation.{name}": correlation(said, drop) for name, drop in losses.items()})


def correlation(said: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of each column of two arrays (runs, N): (N,).

    Where all sets get the same attribution it is 0: such a map says nothing of which set matters, which is no better
    than chance, and leaving it out of the mean would favour it. Where no set moves the logit it is NaN: the example
    tells nothing of any explanation, and is left out for all.
    """
    one, two = said - said.mean(0), losses - losses.mean(0)
    flat = np.abs(one).max(0) <= _SUMS * np.abs(said).max(0)
    still = np.abs(two).max(0) <= _DROPS * np.abs(losses).max(0)
    size = np.sqrt((one**2).sum(0) * (two**2).sum(0))
    found = np.where(flat, 0.0, (one * two).sum(0) / np.where(size > 0, size, 1))
    return np.where(still, np.nan, found)


def _drops(
    case: ScoreContext,
    labels: NDArray[np.int32],
    runs: int,
    share: float,
    baselines: Sequence[str],
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.float64]]]:
    """The sets, (N or 1, runs, units), and by baseline what the logit drops without them, (runs, N)."""
    sets, chance = rng.spawn(2)
    chosen = subsets(labels, runs, share, sets)
    ways = fills.fills(case, baselines, chance)
    return chosen, {name: drops(case, runs, partial(_altered, fill, chosen, labels)) for name, fill in ways.items()}


def _altered(
    fill: fills.Fill, chosen: NDArray[np.bool_], labels: NDArray[np.int32], part: slice, some: slice
) -> NDArray[np.float32]:
    return fill(part, painted(chosen, labels, part, some))
