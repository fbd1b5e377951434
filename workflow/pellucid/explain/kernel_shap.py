"""Kernel SHAP: Shapley values of segments, by a weighted regression on coalitions."""

from __future__ import annotations

import itertools
import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import baselines, coalitions
from pellucid.explain.shared.segments import (
    Channels,
    Compactness,
    Partition,
    Segments,
    by_number,
    fits,
    segmentation,
)
from pellucid.network.explained_model import ExplainedModel

# Of up to this many times as many coalitions as are wanted, all are listed to choose from; of more, some are drawn
# until enough are different.
_ENUMERATED = 4

__all__ = ["SPEC", "explain", "fits"]

SPEC = MethodSpec(
    title="Kernel SHAP",
    family="Shapley",
    paper="Lundberg SM, Lee SI. A Unified Approach to Interpreting Model Predictions. NeurIPS (2017), theorem 2; "
    "coalitions drawn in complementary pairs: Covert I, Lee SI. Improving KernelSHAP. AISTATS (2021), section 4.2",
    unit="share of the logit",
    per_channel="channels=each",
    signed=True,
    checks=("coverage", "completeness"),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    samples: Annotated[
        Annotated[int, Field(ge=2, le=1_000_000)] | Literal["auto"],
        Field(
            description="coalitions at most, for each example; all of them where there are no more, which makes the "
            "values exact; auto: 2048 and two for each segment"
        ),
    ] = "auto",
    segments: Segments = "auto",
    partition: Partition = "grid",
    compactness: Compactness = 0.1,
    channels: Channels = "each",
    baseline: baselines.Baseline = "zero",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Shapley value of each segment, divided equally among its samples: (N, *input_shape).

    The values of an example sum to the difference of its logit and the baseline's. A segment that is not in a coalition
    holds the baseline. Examples with equally many segments meet the same coalitions.

    Raises:
        InputError: segments that the inputs cannot be cut into, or fewer samples than two for each of them.
    """
    filling = baselines.baseline(inputs, baseline, rng, measured)
    labels = segmentation(inputs, segments=segments, partition=partition, compactness=compactness, channels=channels)
    seed = int(rng.integers(2**63))
    whole, nothing = (model.score(x, targets).astype(np.float64) for x in (inputs, filling))
    found = np.empty(inputs.shape, np.float32)
    for number, rows, cut in by_number(labels, len(inputs)):
        most = 2048 + 2 * number if samples == "auto" else int(samples)
        keep, weights = draw(number, most, np.random.default_rng([seed, number]))
        gains = coalitions.scores(model, inputs[rows], filling[rows], targets[rows], cut, keep) - nothing[rows]
        values = solve(keep, weights, gains, whole[rows] - nothing[rows])
        found[rows] = coalitions.painted(values, cut, (len(rows), *inputs.shape[1:]), shared=True)
    return found


def check(*, samples: int | str, segments: int | str, partition: str, **others: object) -> None:
    """Refuse fewer samples than two for each segment: the regression would not have one solution.

    Raises:
        InputError: as said.
    """
    # What superpixels and "auto" come to is known only with the examples.
    if partition == "grid" and isinstance(segments, int) and isinstance(samples, int):
        _require(segments, samples)


def reference(
    inputs: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    baseline: str,
    measured: NDArray[np.bool_] | None = None,
    **unused: object,
) -> NDArray[np.float32]:
    """The inputs from which the attributions measure the change of the logit, for the check of completeness."""
    return baselines.baseline(inputs, baseline, rng, measured)


def draw(number: int, most: int, rng: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Coalitions of `number` segments, neither empty nor full, and their weights in the regression.

    All of them where there are at most `most`. Else each size gets a number of them in proportion to its weight, all
    different, each together with its complement; sizes that get all of theirs this way (the smallest and the largest,
    which weigh most) leave the rest to the others.

    Args:
        number: of segments.
        most: coalitions.
        rng: for the draws.

    Returns:
        (K, number) and (K,), the weights summing to 1.

    Raises:
        InputError: `most` does not allow for the coalitions of one segment and of all but one.
    """
    _require(number, most)
    keep, weights = [np.zeros((0, number), bool)], [np.zeros(0)]
    for size, (pairs, weight) in _sizes(number, most, rng).items():
        half = _coalitions(number, size, pairs, rng)
        keep += [half, ~half]
        weights.append(np.full(2 * pairs, weight))
    found = np.concatenate(weights)
    return np.concatenate(keep), found / max(found.sum(), np.finfo(float).tiny)


def solve(
    keep: NDArray[np.bool_], weights: NDArray[np.float64], gains: NDArray[np.float64], change: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values that fit the gains best (weighted least squares) among those that sum to the change: (N, number).

    Args:
        keep: (K, number), as from `draw`.
        weights: (K,).
        gains: logit of each coalition less that of the empty one, (K, N).
        change: logit of the full coalition less that of the empty one, (N,).
    """
    number = keep.shape[1]
    weighted = (keep * weights[:, np.newaxis]).T
    # The sum is a constraint with a Lagrange multiplier, the last unknown, not a coalition of great weight.
    system = np.ones((number + 1, number + 1))
    system[:number, :number] = weighted @ keep
    system[number, number] = 0
    values: NDArray[np.float64] = np.linalg.solve(system, np.vstack([weighted @ gains, change]))[:number].T
    return values


def _require(number: int, most: int) -> None:
    least = min(2 * number, 2**number - 2)
    if most < least:
        raise InputError.unexpected(
            "kernel_shap.samples", f"{most} for {number} segments", f"{least} at least, two for each"
        )


def _share(number: int, size: int) -> float:
    """Weight of all coalitions of a size and of its complements together (theorem 2, summed over the coalitions)."""
    return (number - 1) / (size * (number - size)) * (1 if 2 * size == number else 2)


def _all_pairs(number: int, size: int) -> int:
    """How many different pairs of a coalition of this size and its complement there are."""
    return math.comb(number, size) // (2 if 2 * size == number else 1)


def _sizes(number: int, most: int, rng: np.random.Generator) -> dict[int, tuple[int, float]]:
    """For each size up to half: how many pairs to draw, and the weight of each."""
    rest, left = list(range(1, number // 2 + 1)), most // 2
    found = {}
    while rest:
        total = sum(_share(number, size) for size in rest)
        # Those of one segment, and of all but one, make the regression solvable.
        full = [
            size
            for size in rest
            if size == 1 or left * _share(number, size) >= total * _all_pairs(number, size) or 2**number - 2 <= most
        ]
        if not full:
            break
        for size in full:
            pairs = _all_pairs(number, size)
            found[size] = (pairs, _share(number, size) / pairs)
            left -= pairs
            rest.remove(size)
    if rest and left:
        # Systematic sampling: each size gets its expected number, rounded down or up by chance, `left` in all.
        expected = np.cumsum([left * _share(number, size) / total for size in rest])
        expected[-1] = left
        counts = np.diff(np.floor(np.concatenate([[0], expected]) + rng.random()))
        found |= {size: (int(count), total / left) for size, count in zip(rest, counts, strict=True) if count}
    return found


def _coalitions(number: int, size: int, pairs: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Different coalitions of a size, none the complement of another: (pairs, number)."""
    available = _all_pairs(number, size)
    if available <= _ENUMERATED * pairs:
        members = np.array(list(itertools.islice(itertools.combinations(range(number), size), available)))
        keep = np.zeros((available, number), bool)
        np.put_along_axis(keep, members, True, axis=1)
        return keep if pairs == available else keep[np.sort(rng.choice(available, pairs, replace=False))]
    keep = np.zeros((0, number), bool)
    while len(keep) < pairs:
        more = rng.random((2 * pairs, number)).argsort(1).argsort(1) < size
        if 2 * size == number:
            more ^= ~more[:, :1]
        keep = np.concatenate([keep, more])
        keep = keep[np.sort(np.unique(np.packbits(keep, axis=1), axis=0, return_index=True)[1])]
    return keep[:pairs]
