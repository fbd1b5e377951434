"""Sensitivity-n: whether the sum of attributions over n units goes with the drop of the logit without them."""

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
from pellucid.score.shared.removal import memoised, weighted_sums
from pellucid.score.shared.set_drops import correlation, set_drops

_SHARES = (0.01, 0.03, 0.1, 0.3, 0.5, 0.8)

SPEC = ScoreSpec(
    title="Sensitivity-n",
    family="faithfulness",
    about="For several sizes n, random sets of n units are replaced by a baseline. For each set there are two "
    "numbers: the sum of its attributions, and the drop of the logit without it. At each size the value is Pearson's "
    "correlation of the two; the metric is the mean over the sizes. If it is 1 for a size n, the explanation has the "
    "property sensitivity-n. If units act together, no explanation has it for all n. It is 0 on average for a random "
    "map, and 0 by definition for a map that gives every set the same sum. All explanations are judged on the same "
    "sets. Small sets test single values, large sets the whole. For a regression the value drops; for a contrast, the "
    "difference of two logits or values.",
    paper="Ancona M, Ceolini E, Öztireli C, Gross M. Towards Better Understanding of Gradient-based Attribution "
    "Methods for Deep Neural Networks. ICLR (2018), section 4, sensitivity-n by the correlation over random sets",
    metrics={"sensitivity_n": Metric("Sensitivity-n", "higher", -1, 1)},
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
    runs: Annotated[int, Field(ge=3, le=100_000, description="random sets of each size")] = 100,
    shares: Annotated[
        Sequence[Annotated[float, Field(gt=0, lt=1)]],
        Field(
            min_length=1,
            max_length=100,
            json_schema_extra=UNIQUE,
            description="sizes of the sets, as shares of the units; each set has at least one unit",
        ),
    ] = _SHARES,
    unit: units.Unit = "sample",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: fills.Baselines = ("zero", "mean"),
) -> ScoreResult:
    """Return the mean correlation for each baseline, and the curve over the sizes; NaN if the logit never changes.

    Raises:
        InputError: see `units.units` and `fills.fills`.
    """
    labels = units.units(case.inputs, unit=unit, window=window, channels=channels, measured=case.measured)
    evidence = units.sums(explanation.attributions, labels)
    sizes, curves = np.sort(np.asarray(shares, np.float64)), dict[str, list[NDArray[np.float64]]]()
    for share, stream in zip(sizes, rng.spawn(len(sizes)), strict=True):
        key = ("sensitivity-n", runs, share, unit, window, channels, tuple(baselines))
        sets, losses = memoised(
            case, stream, key, partial(set_drops, case, labels, runs, float(share), baselines, stream)
        )
        for name, loss in losses.items():
            curves.setdefault(name, []).append(correlation(weighted_sums(sets, evidence), loss))
    by_name = {
        name: Curve(sizes, np.stack(rows, axis=1), "share of the units in a set", "correlation")
        for name, rows in curves.items()
    }
    # A size at which no set changes the logit is left out.
    values = {f"sensitivity_n.{name}": _mean(curve.y) for name, curve in by_name.items()}
    return ScoreResult(values, {f"correlation.{name}": curve for name, curve in by_name.items()})


def _mean(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the defined values of each row (N, sizes): (N,), NaN where none is."""
    known = np.isfinite(correlations)
    total = np.where(known, correlations, 0).sum(1)
    return np.where(known.any(1), total / np.maximum(known.sum(1), 1), np.nan)
