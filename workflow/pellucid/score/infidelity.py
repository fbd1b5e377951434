"""Infidelity: how far the change of the logit is from what the explanation says of a perturbation."""

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
from pellucid.score.shared.removal import drops, once, painted, subsets, weighed

# Noise first: its changes are 0 on average, so that a map of equal values does not predict their mean.
_PERTURBATIONS, _BASELINES = ("noise", "subset"), ("zero", "mean")

SPEC = ScoreSpec(
    title="Infidelity",
    family="faithfulness",
    about="Inputs are moved towards a baseline: random sets of units all the way (subset), or every unit by a random "
    "share (noise). Infidelity is the mean square of the difference between the change of the logit and what the "
    "explanation says of it: the sum of the attributions of what was moved, each times its share, or, where values are "
    "gradients, times the change of the input. It is 0 where the logit is the sum of what the explanation says. The "
    "scale of a map rules it, so the scaled one comes first: of the map times the best factor from 0 up, as a share of "
    "the changes' mean square; it is 1 for a map that says nothing, or the opposite. Sets are all of one size, so that "
    "a map of equal values predicts the mean change: its score is what any map gets for that alone.",
    paper="Yeh CK et al. On the (In)fidelity and Sensitivity of Explanations. NeurIPS (2019), equation 1 and the "
    "optimal scaling; that the factor is not below 0, and the division by the changes' mean square, are this project's",
    metrics={
        "infidelity_scaled": Metric("Infidelity, optimally scaled", "lower", 0, 1),
        "infidelity": Metric("Infidelity (squared logit)", "lower", 0),
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
    perturbations: Annotated[
        Sequence[Annotated[str, one_of(_PERTURBATIONS)]],
        Field(
            min_length=1,
            json_schema_extra=UNIQUE,
            description="subset: random sets of units take the baseline's values; noise: each unit goes a random "
            "share of the way to the baseline, Gaussian around 0 and the same for all its values",
        ),
    ] = _PERTURBATIONS,
    runs: Annotated[int, Field(ge=3, le=100_000, description="perturbations of each kind")] = 100,
    share: Annotated[
        float, Field(gt=0, lt=1, description="size of a set, as a share of the units; one unit at least")
    ] = 0.2,
    noise: Annotated[
        float,
        Field(gt=0, le=1_000, description="standard deviation of the noise, as a share of the way to the baseline"),
    ] = 0.2,
    unit: units.Unit = "sample",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: Annotated[Sequence[str], fills.baselines_field(fills.FIXED)] = _BASELINES,
) -> ScoreResult:
    """Both for each perturbation and baseline; the scaled one is NaN for an example whose logit never changes.

    Raises:
        InputError: see `units.units` and `fills.filling`.
    """
    labels = units.units(case.inputs, unit=unit, window=window, channels=channels, measured=case.measured)
    streams = dict(zip((*_PERTURBATIONS, *fills.FIXED), rng.spawn(len(_PERTURBATIONS) + len(fills.FIXED)), strict=True))
    ways = {name: case.inputs - fills.filling(case, name, streams[name]) for name in baselines}
    if case.measured is not None:
        ways = {name: np.where(case.measured, way, np.float32(0)) for name, way in ways.items()}
    scaled, plain = {}, {}
    for kind in perturbations:
        size = share if kind == "subset" else noise
        key = ("infidelity", kind, runs, size, unit, window, channels, tuple(baselines))
        compute = partial(_changes, case, labels, ways, kind, runs, size, streams[kind])
        shares, changes = once(case, streams[kind], key, compute)
        for name, way in ways.items():
            # A gradient says what a change of the input by one does; every other map says what the value has added.
            added = explanation.attributions * way if explanation.per_unit else explanation.attributions
            said = weighed(shares, units.sums(added, labels))
            plain[f"infidelity.{kind}.{name}"] = np.square(said - changes[name]).mean(0)
            scaled[f"infidelity_scaled.{kind}.{name}"] = optimally_scaled(said, changes[name])
    return ScoreResult(scaled | plain)


def optimally_scaled(said: NDArray[np.float64], changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of (β × said - changes)² at the best β ≥ 0, over the mean of changes²: (runs, N) twice, to (N,), in [0, 1].

    The best β is the mean of said × changes over that of said² (Yeh et al. 2019).
    """
    together, own, all_change = ((a * b).mean(0) for a, b in ((said, changes), (said, said), (changes, changes)))
    beta = np.maximum(together, 0) / np.where(own > 0, own, 1)
    left = np.square(beta * said - changes).mean(0)
    return np.asarray(left / np.where(all_change > 0, all_change, np.nan))


def _changes(
    case: ScoreContext,
    labels: NDArray[np.int32],
    ways: Mapping[str, NDArray[np.float32]],
    kind: str,
    runs: int,
    size: float,
    rng: np.random.Generator,
) -> tuple[NDArray[Any], dict[str, NDArray[np.float64]]]:
    """The shares of the way that units go, (N or 1, runs, units), and by baseline the drops of the logit (runs, N)."""
    if kind == "subset":
        shares: NDArray[Any] = subsets(labels, runs, size, rng)
    else:
        number = int(units.count(labels).max())
        rows = [size * stream.standard_normal(number, np.float32) for stream in rng.spawn(runs)]
        shares = np.broadcast_to(np.stack(rows), (len(labels), runs, number))
    return shares, {
        name: drops(case, runs, partial(_moved, case.inputs, way, shares, labels)) for name, way in ways.items()
    }


def _moved(
    inputs: NDArray[np.float32],
    way: NDArray[np.float32],
    shares: NDArray[Any],
    labels: NDArray[np.int32],
    part: slice,
    some: slice,
) -> NDArray[np.float32]:
    """The inputs, each unit moved by its share of the way."""
    return np.asarray(inputs[part] - painted(shares, labels, part, some) * way[part], np.float32)
