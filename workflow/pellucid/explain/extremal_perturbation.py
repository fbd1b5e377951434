"""Extremal perturbation: the part of the input, of a given size, that alone makes the target's logit largest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared import baselines, masks
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.learned_masks import Problem

# Copies of the input between the most blurred one and the input itself, as in the paper's implementation.
_LEVELS = 8
# How sharply the smooth maximum prefers the largest value (20 in the paper's implementation).
_SHARPNESS = 20.0
# Neighbours of all values of a mask for which a grid of every value is still used.
_NEIGHBOURS = 2**22
# Values of all masks that are gathered at a time.
_GATHERED = 2**24
_RATE = 0.1
# The paper blurs with 20 pixels of 224.
_SHARE, _LEAST_BLUR = 0.09, 4.0

SPEC = MethodSpec(
    title="Extremal perturbation",
    family="perturbation",
    paper="Fong R, Patrick M, Vedaldi A. Understanding Deep Networks via Extremal Perturbations and Smooth Masks. "
    "ICCV (2019), smooth masks of a fixed area; here the weight of the area grows, and the unit of a step is each "
    "example's own gradient",
    unit="share of the masks that keep the value",
    other_units=(("game", "delete", "share of the masks that perturb the value"),),
    per_channel=When("channels", "each"),
    signed=False,
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
        Field(description="shares of the input that the masks keep. If there are several masks, their mean is shown"),
    ] = (0.025, 0.05, 0.1, 0.2),
    game: Annotated[
        Literal["preserve", "delete"],
        Field(
            description="preserve: what is kept makes the logit large. delete: what is perturbed makes it small; the "
            "map shows what is perturbed"
        ),
    ] = "preserve",
    perturbation: Annotated[
        Literal["blur", "fade"],
        Field(
            description="blur: a Gaussian blur; the smaller the mask, the wider the blur. fade: a mixture with the "
            "baseline"
        ),
    ] = "blur",
    smoothness: Annotated[
        Annotated[float, Field(ge=0, le=10_000)] | Literal["auto"],
        Field(
            description="radius of the smallest spot of a mask, in samples or pixels. auto: the radius of a spot as "
            "large as the smallest area (21 of 224 pixels in the paper). 0: each value stands alone"
        ),
    ] = "auto",
    iterations: masks.Iterations = 300,
    channels: Annotated[
        Literal["each", "together"],
        Field(description="together: one mask for all channels. each: a mask for each channel"),
    ] = "together",
    baseline: baselines.Baseline = "zero",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the mean of the masks of all areas: (N, *input_shape), from 0 to 1.

    A mask is the smooth maximum of spots of a fixed width around the points of a grid. Its area is held by
    the penalty of `masks.area_penalty`, whose weight grows until the mask is nearly 0 and 1. With `fade`, and without
    spots, the mask of a linear model keeps the k values with the largest contributions.
    """
    axes = inputs.shape[1:-1]
    sigma = radius(axes, min(areas)) if isinstance(smoothness, str) else smoothness
    spots = _spots(axes, sigma)
    number, depth = len(areas), inputs.shape[-1] if channels == "each" else 1
    free = masks.free_values(inputs, measured)
    of_channels = free.reshape(len(inputs), -1, inputs.shape[-1])
    counted = of_channels if channels == "each" else np.asarray(of_channels.any(-1, keepdims=True))
    constants = {
        "free": counted.astype(np.float32),
        "kept": masks.kept_values(areas, counted.reshape(len(inputs), -1)),
        "present": free.astype(np.float32),
        "copies": _copies(inputs, perturbation, baseline, rng, measured),
    }

    def fit(tf_: Any, variables: dict[str, Any], given: dict[str, Any], scores: Any) -> Any:
        mask = tf_.reshape(spots.mask(tf_, variables["grid"]), (-1, *axes, depth))
        seen = 1 - mask if game == "delete" else mask
        score = scores.target(perturbed(tf_, given["copies"], 1 - given["present"] * (1 - seen)))
        return score if game == "delete" else -score

    def penalty(tf_: Any, variables: dict[str, Any], given: dict[str, Any], weight: Any) -> Any:
        size = spots.size * depth
        values = tf_.reshape(spots.mask(tf_, variables["grid"]), (-1, size))
        return weight * masks.area_penalty(tf_, values, given["kept"], tf_.reshape(given["free"], (-1, size)))

    rows = number * len(inputs)
    start = np.full((rows, len(spots.points), depth), 0.5, np.float32)
    schedule = masks.weights(0.05, 1000, iterations)
    learned = model.learn(
        Problem({"grid": start}, constants, fit, penalty, schedule, bounded=("grid",)),
        masks.repeated(targets, number),
        rate=_RATE,
        rows=max(1, _GATHERED // spots.gathered(depth)),
        called="extremal_perturbation",
    )
    found = spots.values(learned["grid"]).reshape(len(inputs), number, *axes, depth)
    return np.broadcast_to(found.mean(1), inputs.shape).astype(np.float32)


# A search is traced again for other spots (`network/meaning.py`).
@lru_cache(maxsize=2)
def _spots(axes: tuple[int, ...], sigma: float) -> Spots:
    return Spots(axes, sigma)


def radius(axes: Sequence[int], area: float) -> float:
    """Return the radius of a spot that covers a share of an example: half of a line, or the radius of a disc."""
    covered = area * math.prod(axes)
    return covered / 2 if len(axes) == 1 else math.sqrt(covered / math.pi)


def _copies(
    inputs: NDArray[np.float32],
    perturbation: str,
    baseline: str,
    rng: np.random.Generator,
    measured: NDArray[np.bool_] | None,
) -> NDArray[np.float32]:
    """Return copies of the inputs, from the most perturbed one to the input itself: (N, levels, *input_shape)."""
    if perturbation == "fade":
        return np.stack([baselines.baseline(inputs, baseline, rng, measured), inputs], axis=1)
    widest = max(_LEAST_BLUR, _SHARE * min(inputs.shape[1:-1]))
    blurred = masks.blurred(inputs, list(widest * np.linspace(1, 0, _LEVELS)), measured)
    varied = masks.perturbed_values(inputs, measured)[:, np.newaxis]
    return np.where(varied, blurred, inputs[:, np.newaxis])


def perturbed(tf_: Any, copies: Any, mask: Any) -> Any:
    """Return at each value the copy that the mask names, between two copies a linear mixture: (rows, *input_shape).

    Args:
        tf_: TensorFlow.
        copies: (rows, levels, *input_shape).
        mask: of a shape that broadcasts to (rows, *input_shape), from 0 (first copy) to 1 (last copy).
    """
    last = copies.shape[1] - 1
    level = mask * float(last)
    mixed = 0.0
    for number in range(last + 1):
        mixed += tf_.maximum(1.0 - tf_.abs(level - float(number)), 0.0) * copies[:, number]
    return mixed


def _step(axes: Sequence[int], sigma: float) -> int:
    """Return the distance of the points of a grid: 1, or as much more as the neighbours of all values need memory."""
    for step in range(1, max(2, round(sigma / 2) + 1)):
        if math.prod(axes) * (2 * math.ceil(1.5 * sigma / step) + 1) ** len(axes) <= _NEIGHBOURS:
            return step
    return max(1, round(sigma / 2))


def _mirrored(places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return places on a grid of `count` points, those beside it as in a mirror between two points."""
    folded = np.mod(places, 2 * count)
    return np.asarray(np.minimum(folded, 2 * count - 1 - folded))


class Spots:
    """Smooth maximum of spots around the points of a grid.

    A spot is 1 up to half of the radius, and falls to 0 at one and a half of it. Without a radius every value is a
    point. Beyond the edges the grid goes on as in a mirror, so that a uniform grid is a uniform mask, and no value is
    preferred for its place.

    Attributes:
        size: values of a mask of one channel.
        points: of the grid, (points, axes).
    """

    def __init__(self, axes: Sequence[int], sigma: float) -> None:
        self.size, self.sigma = math.prod(axes), sigma
        step = _step(axes, sigma)
        along = [np.arange((length - 1) % step // 2, length, step) for length in axes]
        self.points = np.stack([part.reshape(-1) for part in np.meshgrid(*along, indexing="ij")], axis=1)
        if not sigma:
            return
        reach = math.ceil(1.5 * sigma / step)
        places = np.stack([part.reshape(-1) for part in np.indices(axes)], axis=1)
        nearest = [np.abs(place[:, np.newaxis] - part).argmin(1) for place, part in zip(places.T, along, strict=True)]
        index, weight = [], []
        for shift in itertools.product(range(-reach, reach + 1), repeat=len(axes)):
            at = [near + move for near, move in zip(nearest, shift, strict=True)]
            where = np.stack([part[0] + step * place for part, place in zip(along, at, strict=True)], axis=1)
            far = np.sqrt(np.square(where - places).sum(1)) / sigma
            index.append(
                np.ravel_multi_index(
                    [_mirrored(*pair) for pair in zip(at, map(len, along), strict=True)], [len(part) for part in along]
                )
            )
            weight.append((1 + np.cos(np.pi * np.clip(far - 0.5, 0, 1))) / 2)
        # (values, neighbours)
        self._index = np.stack(index, axis=1).astype(np.int32)
        self._weight = np.stack(weight, axis=1).astype(np.float32)

    def gathered(self, depth: int) -> int:
        """Return how many values are gathered for one mask of `depth` channels."""
        return depth * (self._index.size if self.sigma else self.size)

    def mask(self, tf_: Any, grid: Any) -> Any:
        """Return the masks of grids: (rows, points, channels) to (rows, values, channels)."""
        if not self.sigma:
            return grid
        near = tf_.gather(grid, self._index, axis=1) * self._weight[..., np.newaxis]
        return tf_.reduce_sum(near * tf_.nn.softmax(_SHARPNESS * near, axis=2), axis=2)

    def values(self, grid: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the masks of grids as `mask`, in NumPy."""
        if not self.sigma:
            return grid
        found = np.empty((len(grid), self.size, grid.shape[-1]), np.float32)
        for row, points in enumerate(grid):
            near = points[self._index] * self._weight[..., np.newaxis]
            sharp = np.exp(_SHARPNESS * (near - near.max(1, keepdims=True)))
            found[row] = (near * sharp).sum(1) / sharp.sum(1)
        return found
