"""Comprehensiveness and sufficiency: the drop of the score without the strongest evidence, and with only it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.parameters import UNIQUE
from pellucid.score.base import Curve, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import fills, units
from pellucid.score.shared.removal import Output, RankedRemoval, quantity, target_scores
from pellucid.shares import round_of

_FRACTIONS = (0.01, 0.05, 0.1, 0.2, 0.5)

SPEC = ScoreSpec(
    title="Comprehensiveness and sufficiency",
    family="faithfulness",
    about="Comprehensiveness: a fraction of the units, those with the most evidence for the class, is replaced by a "
    "baseline; the metric is the drop of the probability of the class or label. Sufficiency: everything else is "
    "replaced instead; the metric is again the drop. Both are means over several fractions, and lie between -1 and 1. "
    "For a logit, a value of a regression, or a contrast (the difference of two logits or values) they have no "
    "bounds. Unlike deletion and insertion, they look only at the top of the order. Altered inputs are unlike the "
    "data: a large drop can come from that.",
    paper="DeYoung J et al. ERASER: A Benchmark to Evaluate Rationalized NLP Models. ACL (2020), section 4; the mean "
    "is over the fractions, without the empty one",
    metrics={
        "comprehensiveness": Metric("Comprehensiveness", "higher"),
        "sufficiency": Metric("Sufficiency", "lower"),
    },
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
    fractions: Annotated[
        Sequence[Annotated[float, Field(gt=0, le=1)]],
        Field(
            min_length=1,
            max_length=100,
            json_schema_extra=UNIQUE,
            description="shares of the units that are removed or kept; each share is at least one unit",
        ),
    ] = _FRACTIONS,
    of: Output = "probability",
    unit: units.Unit = "sample",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: fills.Baselines = fills.USUAL,
) -> ScoreResult:
    """Return both drops for each baseline, as means over the fractions, and their curves.

    Raises:
        InputError: see `units.units` and `fills.fills`.
    """
    removal = RankedRemoval.of(explanation, case, rng, baselines, unit=unit, window=window, channels=channels)
    x = np.sort(np.asarray(fractions, np.float64))
    counts = np.array([[max(1, round_of(share, number)) for number in removal.n_units] for share in x], np.int64)
    counts = counts + np.zeros(len(case.inputs), np.int64)
    whole = target_scores(removal.model, case.targets, 1, lambda part, some: case.inputs[np.newaxis, part], of)
    drops: dict[str, dict[str, NDArray[np.float64]]] = {"comprehensiveness": {}, "sufficiency": {}}
    for name, fill in removal.fills.items():
        for metric, strongest in (("comprehensiveness", True), ("sufficiency", False)):
            drops[metric][name] = (whole - removal.scores(fill, counts, of, strongest=strongest)).T
    x_labels = {"comprehensiveness": "share removed", "sufficiency": "share kept"}
    curves = {
        f"{metric}.{name}": Curve(x, y, x_labels[metric], f"drop of {quantity(case, of)}")
        for metric, by_name in drops.items()
        for name, y in by_name.items()
    }
    return ScoreResult({name: curve.y.mean(1) for name, curve in curves.items()}, curves)
