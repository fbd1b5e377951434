"""Faithfulness correlation: whether removing units with more attribution lowers the logit more."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import fills, units
from pellucid.score.shared.removal import SetShare, memoised, weighted_sums
from pellucid.score.shared.set_drops import correlation, set_drops

SPEC = ScoreSpec(
    title="Faithfulness correlation",
    family="faithfulness",
    about="Random sets of units, all of one size, are replaced by a baseline. For each set there are two numbers: the "
    "sum of its attributions, and the drop of the logit without it. The score is Pearson's correlation of the two. It "
    "is 1 if the logit is the sum of the attributions, 0 on average for a random map, and 0 by definition for a map "
    "that gives every set the same sum. All explanations are judged on the same sets. The score depends on the size "
    "of the sets and on the baseline. Units that interact lower it for any explanation. For a regression the value "
    "drops; for a contrast, the difference of two logits or values.",
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
    sets, losses = memoised(case, rng, key, lambda: set_drops(case, labels, runs, share, baselines, rng))
    sums = weighted_sums(sets, units.sums(explanation.attributions, labels))
    return ScoreResult({f"faithfulness_correlation.{name}": correlation(sums, loss) for name, loss in losses.items()})
