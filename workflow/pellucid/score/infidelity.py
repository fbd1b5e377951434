"""Infidelity: the mean squared error of the change of the logit that an explanation predicts for a perturbation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.parameters import UNIQUE, one_of
from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import fills, units
from pellucid.score.shared.removal import SetShare, drops, memoised, subsets, unit_to_values, weighted_sums

# Noise first: its changes are 0 on average, so that a map of equal values does not predict the mean change.
_PERTURBATIONS, _BASELINES = ("noise", "subset"), ("zero", "mean")

SPEC = ScoreSpec(
    title="Infidelity",
    family="faithfulness",
    about="Inputs are moved towards a baseline: random sets of units all the way (subset), or every unit by a random "
    "share of the way (noise). The explanation predicts the change of the logit: it is the sum of the attributions of "
    "what was moved, each times its share (for gradients, each times the change of the input). Infidelity is the mean "
    "squared difference between this prediction and the real change. It is 0 if the logit is the sum of the "
    "attributions. It depends mostly on the scale of a map, so the scaled metric comes first: the map is multiplied "
    "by its best factor (0 or more), and the result is divided by the mean square of the real changes. The scaled "
    "metric is 1 for a map that says nothing, or the opposite. All sets have one size, so a map of equal values "
    "predicts the mean change: its score is what any map reaches by that alone. For a regression the value changes; "
    "for a contrast, the difference of two logits or values.",
    paper="Yeh CK et al. On the (In)fidelity and Sensitivity of Explanations. NeurIPS (2019), equation 1 and the "
    "optimal scaling; this project's own: the factor is not below 0, and the result is divided by the mean square of "
    "the changes",
    metrics={
        "infidelity_scaled": Metric("Infidelity, optimally scaled", "lower", 0, 1),
        "infidelity": Metric("Infidelity (squared logit)", "lower", 0),
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
    perturbations: Annotated[
        Sequence[Annotated[str, one_of(_PERTURBATIONS)]],
        Field(
            min_length=1,
            json_schema_extra=UNIQUE,
            description="subset: random sets of units take the baseline's values. noise: each unit moves towards the "
            "baseline by a random share, drawn from a Gaussian around 0; all values of a unit move by the same share",
        ),
    ] = _PERTURBATIONS,
    runs: Annotated[int, Field(ge=3, le=100_000, description="perturbations of each kind")] = 100,
    share: SetShare = 0.2,
    noise: Annotated[
        float,
        Field(gt=0, le=1_000, description="standard deviation of the noise, as a share of the way to the baseline"),
    ] = 0.2,
    unit: units.Unit = "sample",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: Annotated[Sequence[str], fills.baselines_field(fills.FIXED)] = _BASELINES,
) -> ScoreResult:
    """Return both metrics for each perturbation and baseline; scaled, NaN for an example whose logit never changes.

    Raises:
        InputError: see `units.units` and `fills.filling`.
    """
    labels = units.units(case.inputs, unit=unit, window=window, channels=channels, measured=case.measured)
    streams = dict(zip((*_PERTURBATIONS, *fills.FIXED), rng.spawn(len(_PERTURBATIONS) + len(fills.FIXED)), strict=True))
    differences = {name: case.inputs - fills.filling(case, name, streams[name]) for name in baselines}
    if case.measured is not None:
        differences = {name: np.where(case.measured, x, np.float32(0)) for name, x in differences.items()}
    scaled, plain = {}, {}
    for kind in perturbations:
        size = share if kind == "subset" else noise
        key = ("infidelity", kind, runs, size, unit, window, channels, tuple(baselines))
        compute = partial(_changes, case, labels, differences, kind, runs, size, streams[kind])
        shares, changes = memoised(case, streams[kind], key, compute)
        for name, difference in differences.items():
            # A gradient is a change per unit of the input; any other attribution is what the value has added.
            added = explanation.attributions * difference if explanation.is_gradient else explanation.attributions
            predicted = weighted_sums(shares, units.sums(added, labels))
            plain[f"infidelity.{kind}.{name}"] = np.square(predicted - changes[name]).mean(0)
            scaled[f"infidelity_scaled.{kind}.{name}"] = optimally_scaled(predicted, changes[name])
    return ScoreResult(scaled | plain)


def optimally_scaled(predicted: NDArray[np.float64], changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of (β × predicted - changes)² at the best β ≥ 0, divided by the mean of changes².

    The best β is the mean of predicted × changes, divided by the mean of predicted² (Yeh et al. 2019).

    Args:
        predicted, changes: (runs, N).

    Returns:
        (N,), from 0 to 1; NaN if all changes are 0.
    """
    product, square, change_square = (
        (a * b).mean(0) for a, b in ((predicted, changes), (predicted, predicted), (changes, changes))
    )
    beta = np.maximum(product, 0) / np.where(square > 0, square, 1)
    residual = np.square(beta * predicted - changes).mean(0)
    return np.asarray(residual / np.where(change_square > 0, change_square, np.nan))


def _changes(
    case: ScoreContext,
    labels: NDArray[np.int32],
    differences: Mapping[str, NDArray[np.float32]],
    kind: str,
    runs: int,
    size: float,
    rng: np.random.Generator,
) -> tuple[NDArray[Any], dict[str, NDArray[np.float64]]]:
    """Return how far each unit moves to the baseline, as a share, and by baseline the drops of the logit.

    Shapes: (N or 1, runs, units) and (runs, N).
    """
    if kind == "subset":
        shares: NDArray[Any] = subsets(labels, runs, size, rng)
    else:
        number = int(units.count(labels).max())
        rows = [size * stream.standard_normal(number, np.float32) for stream in rng.spawn(runs)]
        shares = np.broadcast_to(np.stack(rows), (len(labels), runs, number))
    return shares, {
        name: drops(case, runs, partial(_moved, case.inputs, difference, shares, labels))
        for name, difference in differences.items()
    }


def _moved(
    inputs: NDArray[np.float32],
    difference: NDArray[np.float32],
    shares: NDArray[Any],
    labels: NDArray[np.int32],
    part: slice,
    some: slice,
) -> NDArray[np.float32]:
    """Return some of the inputs, each unit moved by its share of the difference from the baseline."""
    return np.asarray(inputs[part] - unit_to_values(shares, labels, part, some) * difference[part], np.float32)
