"""Dynamask: the smallest mask over time and channels under which the model still says the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import baselines, masks
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.learned_masks import Aims, Fit, Problem

# The Gaussian's weights are counted up to so many standard deviations.
_REACH = 4
# A jump of less counts by its square, so that its gradient has no jump.
_ROUNDED = 0.1
# Weights of the blur that are held at a time.
_HELD = 2**24

SPEC = MethodSpec(
    title="Dynamask",
    family="perturbation",
    paper="Crabbé J, van der Schaar M. Explaining Time Series Predictions with Dynamic Masks. ICML (2021); here the "
    "error is that of the target's score",
    unit="mask (1: kept)",
    per_channel=True,
    signed=False,
    kinds=("series",),
    of_numbers=False,
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    areas: Annotated[
        masks.Areas,
        Field(description="shares of the values that the masks keep. The smallest mask with a small error is shown"),
    ] = (0.05, 0.1, 0.2, 0.4),
    threshold: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="largest error that a mask may have, as a share of the error when everything is perturbed. If "
            "no mask has so small an error, the mask with the smallest error is shown",
        ),
    ] = 0.05,
    perturbation: Annotated[
        Literal["gaussian_blur", "fade_moving_average", "fade_reference"],
        Field(
            description="gaussian_blur: a blur along time, of width sigma × (1 - mask). fade_moving_average: a "
            "mixture with the mean of a window. fade_reference: a mixture with the baseline"
        ),
    ] = "fade_moving_average",
    sigma: Annotated[
        float, Field(gt=0, le=1000, description="for gaussian_blur: its largest standard deviation")
    ] = 2.0,
    window: Annotated[
        Annotated[int, Field(ge=1, le=1_000_000)] | Literal["all"],
        Field(
            description="for fade_moving_average: steps before and after a step that are averaged. all: the mean of "
            "the whole channel"
        ),
    ] = "all",
    compare: Annotated[
        Literal["target", "all"],
        Field(
            description="what must stay the same. target: the score of the target. all: every output, whatever the "
            "target (as in the paper, for a regression)"
        ),
    ] = "target",
    size_weight: Annotated[float, Field(gt=0, le=1e6, description="weight of the area's penalty at the start")] = 0.1,
    dilation: Annotated[
        float, Field(ge=1, le=1e9, description="factor by which this weight grows until the end")
    ] = 1000.0,
    time_weight: Annotated[
        float,
        Field(
            ge=0,
            le=1e6,
            description="weight of the penalty on jumps from one step to the next, as a share of the area's weight",
        ),
    ] = 0.0,
    optimiser: Annotated[
        Literal["descent", "adam"],
        Field(
            description="how the mask is learned. descent: gradient descent in units of the example's own gradient. "
            "adam: Adam on the sum of error and penalties"
        ),
    ] = "descent",
    rate: Annotated[float, Field(gt=0, le=10, description="size of a step")] = 0.1,
    iterations: masks.Iterations = 300,
    baseline: baselines.Baseline = "zero",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the mask of the smallest area whose error is small: (N, time, channels), from 0 to 1.

    The error is the square of the change of the score, or its mean over all outputs. Every area has a mask of its own,
    which starts at one half everywhere.

    Raises:
        InputError: the examples are images.
    """
    masks.require_series(inputs.shape[1:-1], "dynamask")
    number, (length, depth) = len(areas), inputs.shape[1:]
    sizes = sorted(areas)
    free = masks.free_values(inputs, measured)
    calm = _references(inputs, perturbation, window, baseline, rng, measured)
    constants = {
        "inputs": inputs,
        "calm": calm,
        "free": free.astype(np.float32),
        "blurred": (free & masks.perturbed_values(inputs, measured)).astype(np.float32),
        "kept": masks.kept_values(sizes, free.reshape(len(inputs), -1)),
    }
    blur = _blur(sigma) if perturbation == "gaussian_blur" else None

    def perturbed(tf_: Any, mask: Any, given: dict[str, Any]) -> Any:
        mask = 1 - given["free"] * (1 - mask)
        if blur:
            return blur.applied(tf_, given["inputs"], mask, given["blurred"])
        return given["calm"] + mask * (given["inputs"] - given["calm"])

    def fit(tf_: Any, variables: dict[str, Any], given: dict[str, Any], scores: Any) -> Any:
        ask = scores.outputs if compare == "all" else scores.target
        square = tf_.square(ask(perturbed(tf_, variables["mask"], given)) - given["aim"])
        return tf_.reduce_mean(square, axis=1) if compare == "all" else square

    def aims(tf_: Any, given: dict[str, Any], scores: Any) -> dict[str, Any]:
        return {"aim": (scores.outputs if compare == "all" else scores.target)(given["inputs"])}

    def penalty(tf_: Any, variables: dict[str, Any], given: dict[str, Any], weight: Any) -> Any:
        mask = variables["mask"]
        values, counted = (tf_.reshape(part, (-1, length * depth)) for part in (mask, given["free"]))
        rounded = tf_.sqrt(tf_.square(mask[:, 1:] - mask[:, :-1]) + _ROUNDED**2) - _ROUNDED
        jumps = tf_.reduce_sum(rounded, axis=(1, 2)) / (max(length - 1, 1) * depth)
        return weight * (masks.area_penalty(tf_, values, given["kept"], counted) + time_weight * jumps)

    rows = number * len(inputs)
    start, weights = np.full((rows, length, depth), 0.5, np.float32), masks.weights(size_weight, dilation, iterations)
    learned: NDArray[np.float32] = model.learn(
        Problem({"mask": start}, constants, fit, penalty, weights, ("mask",), 2 + 4 * time_weight / _ROUNDED, aims),
        masks.repeated(targets, number),
        rate=rate,
        optimiser=optimiser,
        rows=max(1, _HELD // (length * depth * (2 * blur.reach + 1))) if blur else None,
        called="dynamask",
    )["mask"].reshape(len(inputs), number, length, depth)
    del constants["kept"]
    return smallest(model, learned, fit, constants, targets, threshold, aims)


def fits(axes: Sequence[int], **parameters: object) -> None:
    """Refuse images.

    Raises:
        InputError: an example has more than one axis beside its channels.
    """
    masks.require_series(axes, "dynamask")


def smallest(
    model: ExplainedModel,
    learned: NDArray[np.float32],
    fit: Fit,
    constants: dict[str, NDArray[np.float32]],
    targets: NDArray[np.int64],
    threshold: float,
    aims: Aims | None = None,
) -> NDArray[np.float32]:
    """Return the mask of each example that `chosen` names: (N, time, channels).

    Args:
        model: the trained model.
        learned: (N, areas, time, channels), of growing areas.
        fit: the error of masks.
        constants: what `fit` needs of each example.
        targets: (N,).
        threshold: largest error of a small mask, as a share of the error when all is perturbed.
        aims: of the problem, see `Problem`.
    """
    count, number, *shape = learned.shape
    if number == 1:
        return np.asarray(learned[:, 0])
    # One more row of each example is perturbed as a whole: errors are shares of its error.
    nothing = np.zeros((count, 1, *shape), np.float32)
    rows = {"mask": np.concatenate([learned, nothing], axis=1).reshape(-1, *shape)}
    errors = model.losses(fit, rows, constants, masks.repeated(targets, number + 1), aims)
    errors = errors.reshape(count, number + 1)
    return np.asarray(learned[np.arange(count), chosen(errors[:, :-1], errors[:, -1], threshold)])


def chosen(errors: NDArray[np.float32], largest: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """Return which mask of each example is shown, (N,): the first with a small error, else the one with the smallest.

    Args:
        errors: of masks of growing areas, (N, areas).
        largest: when all is perturbed, (N,).
        threshold: largest error of a small mask, as a share of `largest`.
    """
    small = errors <= threshold * largest[:, np.newaxis]
    return np.where(small.any(1), small.argmax(1), errors.argmin(1))


def _references(
    inputs: NDArray[np.float32],
    perturbation: str,
    window: int | str,
    baseline: str,
    rng: np.random.Generator,
    measured: NDArray[np.bool_] | None,
) -> NDArray[np.float32]:
    """Return the values into which a fading mask blends the inputs: (N, time, channels)."""
    if perturbation == "fade_reference":
        return baselines.baseline(inputs, baseline, rng, measured)
    varied = masks.perturbed_values(inputs, measured)
    if perturbation == "gaussian_blur" or isinstance(window, str):
        return np.where(varied, baselines.baseline(inputs, "mean", rng, measured), inputs)
    steps = np.arange(inputs.shape[1])
    near = (np.abs(np.subtract.outer(steps, steps)) <= window).astype(np.float64)
    present = masks.free_values(inputs, measured).astype(np.float64)
    sums, counts = (np.einsum("st,nti->nsi", near, values) for values in (inputs * present, present))
    return np.where(varied & (present > 0), sums / np.maximum(counts, 1), inputs).astype(np.float32)


# A search is traced again for another blur (`network/meaning.py`).
@lru_cache(maxsize=2)
def _blur(sigma: float) -> Blur:
    return Blur(sigma)


class Blur:
    """Gaussian blur along time; each value has its own width, `sigma` × (1 - mask).

    Attributes:
        reach: steps before and behind that have a weight.
    """

    def __init__(self, sigma: float) -> None:
        self._sigma, self.reach = sigma, math.ceil(_REACH * sigma)

    def applied(self, tf_: Any, inputs: Any, mask: Any, present: Any) -> Any:
        """Return the blurred inputs: (rows, time, channels); `present` is 0 for values that have no weight."""
        steps = tf_.range(-self.reach, self.reach + 1)
        at = tf_.range(inputs.shape[1])[:, tf_.newaxis] + steps
        inside = tf_.cast((at >= 0) & (at < inputs.shape[1]), tf_.float32)[tf_.newaxis, ..., tf_.newaxis]
        at = tf_.clip_by_value(at, 0, inputs.shape[1] - 1)
        # A width of zero would divide by it: there the blurred value is the value.
        width = self._sigma * tf_.maximum(1 - mask, 1e-3)
        square = tf_.cast(tf_.square(steps), tf_.float32)[:, tf_.newaxis]
        exponent = -square / (2 * tf_.square(width)[:, :, tf_.newaxis])
        weight = tf_.exp(tf_.maximum(exponent, -80.0)) * inside * tf_.gather(present, at, axis=1)
        own = tf_.cast(steps == 0, tf_.float32)[:, tf_.newaxis]
        weight = tf_.where(present[:, :, tf_.newaxis] > 0, weight, own)
        return tf_.reduce_sum(weight * tf_.gather(inputs, at, axis=1), 2) / tf_.reduce_sum(weight, 2)
