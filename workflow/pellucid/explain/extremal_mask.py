"""Extremal mask: a mask that is learned together with the values that replace what it does not keep."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import baselines, masks
from pellucid.explain.shared.recurrent import Recurrent
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.learned_masks import Problem

# Below this share of a channel's spread a perturbation counts by its square, so that the gradient has no jump.
_ROUNDED = 0.1
# Weights of networks, one for each example, that are held at a time.
_HELD = 2**23

SPEC = MethodSpec(
    title="Extremal mask",
    family="perturbation",
    paper="Enguehard J. Learning Perturbations to Explain Time Series Predictions. ICML (2023); here with one network "
    "for each example, so that a map does not depend on the others",
    unit="mask (1: kept)",
    other_units=(("game", "delete", "mask (1: perturbed)"),),
    per_channel=True,
    signed=False,
    of_numbers=False,
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    network: Annotated[
        Literal["tensor", "gru"],
        Field(
            description="what makes the perturbation. tensor: one free number for each value. gru: a recurrent "
            "network that reads the series in both directions and is learned by Adam (only for series, as in the "
            "paper; slower)"
        ),
    ] = "tensor",
    game: Annotated[
        Literal["preserve", "delete"],
        Field(
            description="preserve: what is kept must give the score of the example. delete: what is perturbed must "
            "give the score of the baseline; the map shows what is perturbed"
        ),
    ] = "preserve",
    compare: Annotated[
        Literal["target", "all"],
        Field(
            description="what is compared. target: the score of the target. all: every output, whatever the target "
            "(as in the paper, for a regression)"
        ),
    ] = "target",
    mask_weight: Annotated[
        float, Field(gt=0, le=1e6, description="weight of the penalty on the mask's size (λ1)")
    ] = 1.0,
    perturbation_weight: Annotated[
        float,
        Field(
            ge=0,
            le=1e6,
            description="weight of the penalty on the perturbation's size (λ2), which is in standard deviations of "
            "its channel",
        ),
    ] = 1.0,
    rate: Annotated[float, Field(gt=0, le=10, description="size of a step")] = 0.05,
    iterations: masks.Iterations = 300,
    baseline: baselines.Baseline = "zero",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the mask of each example: (N, *input_shape), from 0 to 1.

    The perturbed input is mask × input + (1 - mask) × (baseline + perturbation). The error is the square of the change
    of the score, or its mean over all outputs. Without the weight of the perturbation the mask would be empty: the
    perturbation alone could give the score.

    Raises:
        InputError: a recurrent network for images.
    """
    fits(inputs.shape[1:-1], network=network)
    axes = tuple(range(1, inputs.ndim))
    filling = np.ascontiguousarray(baselines.baseline(inputs, baseline, rng, measured))
    free = masks.free_values(inputs, measured)
    constants = {"inputs": inputs, "filling": filling, "free": free.astype(np.float32), "spread": _spread(inputs, free)}
    start = {"mask": np.full(inputs.shape, 0.5, np.float32)}
    made = _recurrent(inputs.shape[-1]) if network == "gru" else None
    if made:
        start |= {name: masks.repeated(values[np.newaxis], len(inputs)) for name, values in made.start(rng).items()}
    else:
        start["perturbation"] = np.zeros(inputs.shape, np.float32)

    def perturbation(tf_: Any, variables: dict[str, Any], given: dict[str, Any]) -> Any:
        unit = made.applied(tf_, (given["inputs"] - given["filling"]) / given["spread"], variables) if made else None
        return (variables["perturbation"] if unit is None else unit) * given["free"]

    def fit(tf_: Any, variables: dict[str, Any], given: dict[str, Any], scores: Any) -> Any:
        kept = variables["mask"] if game == "preserve" else 1 - variables["mask"]
        kept = 1 - given["free"] * (1 - kept)
        instead = given["filling"] + given["spread"] * perturbation(tf_, variables, given)
        mixed = kept * given["inputs"] + (1 - kept) * instead
        ask = scores.outputs if compare == "all" else scores.target
        change = ask(mixed) - given["aim"]
        return tf_.reduce_mean(tf_.square(change), axis=1) if compare == "all" else tf_.square(change)

    def aims(tf_: Any, given: dict[str, Any], scores: Any) -> dict[str, Any]:
        ask = scores.outputs if compare == "all" else scores.target
        return {"aim": ask(given["inputs" if game == "preserve" else "filling"])}

    def penalty(tf_: Any, variables: dict[str, Any], given: dict[str, Any], weight: Any) -> Any:
        size = perturbation(tf_, variables, given)
        rounded = tf_.sqrt(tf_.square(size) + _ROUNDED**2) - _ROUNDED
        both = mask_weight * variables["mask"] * given["free"] + perturbation_weight * rounded
        return weight * tf_.reduce_sum(both, axes) / tf_.maximum(tf_.reduce_sum(given["free"], axes), 1.0)

    held = sum(values[0].size for values in start.values())
    growth = 1 if made else 100
    schedule = masks.weights(1 / growth, growth, iterations)
    problem = Problem(start, constants, fit, penalty, schedule, bounded=("mask",), aims=aims)
    learned = model.learn(
        problem,
        targets,
        rate=rate,
        optimiser="adam" if made else "descent",
        rows=max(1, _HELD // held) if made else None,
        called="extremal_mask",
    )
    return learned["mask"]


# A search is traced again for another network (`network/meaning.py`).
@lru_cache(maxsize=2)
def _recurrent(width: int) -> Recurrent:
    return Recurrent(width)


def fits(axes: Sequence[int], *, network: str, **others: object) -> None:
    """Refuse a recurrent network for images.

    Raises:
        InputError: an example has more than one axis beside its channels.
    """
    if network == "gru":
        masks.require_series(axes, "extremal_mask.network gru")


def _spread(inputs: NDArray[np.float32], free: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the standard deviation of each channel's measured values, 1 for a constant: (N, 1 …, channels)."""
    axes = tuple(range(1, inputs.ndim - 1))
    count = np.maximum(free.sum(axes, keepdims=True), 1)
    mean = np.where(free, inputs, 0).sum(axes, np.float64, keepdims=True) / count
    variance = np.where(free, np.square(inputs - mean), 0).sum(axes, keepdims=True) / count
    # Deviations below the digits of float32 are no spread.
    none = variance <= np.square(1e-6 * np.abs(inputs).max(axes, keepdims=True))
    return np.where(none, 1, np.sqrt(np.where(none, 1, variance))).astype(np.float32)
