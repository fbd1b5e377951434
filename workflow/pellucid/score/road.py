"""ROAD: the target's score while the most or the least important values are imputed from their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.parameters import UNIQUE
from pellucid.score.base import Curve, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import units
from pellucid.score.shared.imputation import noisy_linear
from pellucid.score.shared.removal import Output, RankedRemoval, memoised, probability_ends, quantity

_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

SPEC = ScoreSpec(
    title="ROAD (remove and debias)",
    family="faithfulness",
    about="Samples or pixels are removed, those with the most evidence for the class first, or those with the least "
    "first. Removed values are imputed, all at once: each becomes the weighted mean of its neighbours plus a little "
    "noise. The shape of the hole is then hardly visible, so the model cannot read the class from it; from a hole of "
    "zeros it could. The metric is a difference of two mean probabilities over the removed shares: least first minus "
    "most first. For a random order it is 0 on average. A logit, a value of a regression and a contrast have no "
    "bounds. Smooth values can be imputed well, so evidence that is flat over many samples is never removed.",
    paper="Rong Y, Leemann T, Borisov V, Kasneci G, Kasneci E. A Consistent and Efficient Evaluation Strategy for "
    "Attribution Methods. ICML (2022), noisy linear imputation and both orders; the paper uses the accuracy; the "
    "probability and the difference of both orders are this project's own",
    metrics={
        "road": Metric("ROAD: least less most", "higher"),
        "road_most_first": Metric("ROAD, most first", "lower"),
        "road_least_first": Metric("ROAD, least first", "higher"),
    },
    needs_model=True,
    of_numbers=False,
)

# Refuses a window that is too large before any job runs, if the size of the examples is known.
fits = units.fits


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    shares: Annotated[
        Sequence[Annotated[float, Field(gt=0, lt=1)]],
        Field(
            min_length=1, max_length=100, json_schema_extra=UNIQUE, description="shares of the units that are removed"
        ),
    ] = _SHARES,
    noise: Annotated[
        float,
        Field(
            ge=0,
            le=1_000,
            description="standard deviation of the noise, as a share of the range of the channel in the example",
        ),
    ] = 0.01,
    of: Output = "probability",
    unit: units.Unit = "sample",
    window: units.Window = "auto",
    channels: units.Channels = "together",
) -> ScoreResult:
    """Return the means over the shares for both orders, and their difference.

    Raises:
        InputError: see `units.units`.
    """
    for_removal, for_noise = rng.spawn(2)
    removal = RankedRemoval.of(explanation, case, for_removal, (), unit=unit, window=window, channels=channels)
    fill = memoised(case, for_noise, ("ROAD", noise), lambda: noisy_linear(case, noise, for_noise))
    x: NDArray[np.float64] = np.sort(np.asarray(shares, np.float64))
    most, least = removal.both_orders(fill, x, of)
    values = {
        "road": (least - most).mean(1),
        "road_most_first": most.mean(1),
        "road_least_first": least.mean(1),
    }
    curves = {
        "most first": Curve(x, most, "share imputed", quantity(case, of)),
        "least first": Curve(x, least, "share imputed", quantity(case, of)),
    }
    ends = probability_ends(case, of, road=(-1, 1), road_most_first=(0, 1), road_least_first=(0, 1))
    return ScoreResult(values, curves, ends=ends)
