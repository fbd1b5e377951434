"""Region perturbation (AOPC): the mean drop of the target's score while regions are perturbed, the strongest first."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.score.base import Curve, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import fills, units
from pellucid.score.shared.removal import Output, RankedRemoval, probability_ends, quantity

SPEC = ScoreSpec(
    title="Region perturbation (AOPC)",
    family="faithfulness",
    about="Regions are replaced by a baseline one after the other. After each step the probability is compared with "
    "that of the whole input; the drops are averaged over all steps, including step 0 (no region). AOPC is this mean "
    "when the regions with the most evidence go first. ABPC is AOPC minus the same mean when the regions with the "
    "least evidence go first; for a random order it is 0 on average. Only a share of all regions is perturbed, so the "
    "top of the order counts, unlike in deletion and insertion. A logit, a value of a regression and a contrast have "
    "no bounds. Perturbed inputs are unlike the data: a large drop can come from that.",
    paper="Samek W, Binder A, Montavon G, Lapuschkin S, Müller KR. Evaluating the Visualization of What a Deep Neural "
    "Network Has Learned. IEEE TNNLS 28 (2017), section III, AOPC and ABPC; regions of all examples are one grid",
    metrics={"aopc": Metric("AOPC", "higher"), "abpc": Metric("ABPC (least less most)", "higher")},
    needs_model=True,
    needs_training=True,
    of_numbers=False,
)

# Refuses a window that is too large before any job runs, if the size of the examples is known.
fits = units.fits


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    share: Annotated[
        float,
        Field(
            gt=0, le=1, description="share of the regions that are perturbed; the number is rounded and is at least one"
        ),
    ] = 0.5,
    of: Output = "probability",
    unit: units.Unit = "window",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: fills.Baselines = ("noise", "mean"),
) -> ScoreResult:
    """Return both metrics for each baseline, and the curves of both orders.

    Raises:
        InputError: see `units.units` and `fills.fills`.
    """
    removal = RankedRemoval.of(explanation, case, rng, baselines, unit=unit, window=window, channels=channels)
    steps = max(1, round(share * int(removal.n_units.max())))
    # In steps of one region of the example that has most of them.
    x: NDArray[np.float64] = np.arange(steps + 1) / int(removal.n_units.max())
    values, curves = {}, {}
    for name, fill in removal.fills.items():
        most, least = removal.both_orders(fill, x, of)
        values[f"aopc.{name}"] = (most[:, :1] - most).mean(1)
        values[f"abpc.{name}"] = (least - most).mean(1)
        curves[f"most first.{name}"] = Curve(x, most, "share perturbed", quantity(case, of))
        curves[f"least first.{name}"] = Curve(x, least, "share perturbed", quantity(case, of))
    return ScoreResult(SPEC.in_order(values), curves, ends=probability_ends(case, of, aopc=(-1, 1), abpc=(-1, 1)))
