"""Comprehensiveness and sufficiency: what the class loses without its strongest evidence, and with nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.parameters import UNIQUE
from pellucid.score.base import Curve, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import fills, units
from pellucid.score.shared.removal import Output, answers, cut, places, without
from pellucid.shares import round_of

_BASELINES = ("zero", "mean", "linear", "other")
_FRACTIONS = (0.01, 0.05, 0.1, 0.2, 0.5)

SPEC = ScoreSpec(
    title="Comprehensiveness and sufficiency",
    family="faithfulness",
    about="A fraction of the units, those with the most evidence for the class, is replaced by a baseline: the drop of "
    "the class's probability is the comprehensiveness. The drop when everything else is replaced is the sufficiency. "
    "Both are means over several fractions, from -1 to 1 (without bounds for the logit). Unlike deletion and insertion "
    "they look at the top of the order alone. Altered inputs are unlike the data: a large drop can come from that.",
    paper="DeYoung J et al. ERASER: A Benchmark to Evaluate Rationalized NLP Models. ACL (2020), section 4; the mean "
    "is over the fractions, without the empty one",
    metrics={
        "comprehensiveness": Metric("Comprehensiveness", "higher"),
        "sufficiency": Metric("Sufficiency", "lower"),
    },
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
    fractions: Annotated[
        Sequence[Annotated[float, Field(gt=0, le=1)]],
        Field(
            min_length=1,
            max_length=100,
            json_schema_extra=UNIQUE,
            description="shares of the units that are removed or kept; each is one unit at least",
        ),
    ] = _FRACTIONS,
    of: Output = "probability",
    unit: units.Unit = "sample",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: Annotated[Sequence[str], fills.baselines_field((*_BASELINES, "noise"))] = _BASELINES,
) -> ScoreResult:
    """Both for each baseline, as means over the fractions, and their curves.

    Raises:
        InputError: see `units.units` and `fills.fills`.
    """
    assert case.model is not None
    ties, chance = rng.spawn(2)
    labels = units.units(case.inputs, unit=unit, window=window, channels=channels, measured=case.measured)
    place, numbers = places(explanation, case.inputs, labels, ties), units.count(labels)
    x = np.sort(np.asarray(fractions, np.float64))
    chosen = np.array([[max(1, round_of(share, number)) for number in numbers] for share in x], np.int64)
    chosen = chosen + np.zeros(len(place), np.int64)
    bounds = cut(chosen, place.ndim - 1)
    whole = answers(case.model, case.targets, 1, lambda part, some: case.inputs[np.newaxis, part], of)
    drops: dict[str, dict[str, NDArray[np.float64]]] = {"comprehensiveness": {}, "sufficiency": {}}
    for name, fill in fills.fills(case, baselines, chance).items():
        for metric, first in (("comprehensiveness", True), ("sufficiency", False)):
            altered = partial(without, fill, place, bounds, first)
            drops[metric][name] = (whole - answers(case.model, case.targets, len(x), altered, of)).T
    labelled = {"comprehensiveness": "share removed", "sufficiency": "share kept"}
    curves = {
        f"{metric}.{name}": Curve(x, y, labelled[metric], f"drop of {of}")
        for metric, found in drops.items()
        for name, y in found.items()
    }
    return ScoreResult({name: curve.y.mean(1) for name, curve in curves.items()}, curves)
