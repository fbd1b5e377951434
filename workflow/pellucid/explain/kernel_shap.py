"""Kernel SHAP: Shapley values of segments, by a weighted regression over coalitions (sets of kept segments)."""

from __future__ import annotations

import itertools
import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared import baselines, coalitions, domains
from pellucid.explain.shared.segments import (
    Channels,
    Compactness,
    Partition,
    Segments,
    Window,
    by_number,
    fits,
    segmentation_in,
)
from pellucid.explain.shared.segments import check as check_segments
from pellucid.network.explained_model import ExplainedModel

# With at most this many times as many coalitions as needed, list them all and choose; with more, draw until enough
# different ones are found.
_ENUMERATED = 4

__all__ = ["SPEC", "explain", "fits"]

SPEC = MethodSpec(
    title="Kernel SHAP",
    family="Shapley",
    paper="Lundberg SM, Lee SI. A Unified Approach to Interpreting Model Predictions. NeurIPS (2017), theorem 2; "
    "coalitions drawn in complementary pairs: Covert I, Lee SI. Improving KernelSHAP. AISTATS (2021), section 4.2",
    unit="share of the logit",
    per_channel=When("channels", "each"),
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
            description="largest number of coalitions for each example. If there are no more than this, all are "
            "computed and the values are exact. auto: 2048, plus two for each segment"
        ),
    ] = "auto",
    segments: Segments = "auto",
    partition: Partition = "grid",
    compactness: Compactness = 0.1,
    window: Window = 15,
    channels: Channels = "each",
    baseline: baselines.Baseline = "zero",
    domain: domains.Domain = "time",
    frame: domains.Frame = "auto",
    bands: domains.Bands = 8,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the Shapley value of each segment, divided equally among its measured samples: (N, *input_shape).

    The values of an example sum to its logit minus the logit of its baseline. Segments outside of a coalition are
    replaced by the baseline. Examples with the same number of segments get the same coalitions.

    Raises:
        InputError: the inputs cannot be cut into the segments, or there are fewer than two samples for each segment.
    """
    space = domains.opened(model, inputs.shape[1:], domain=domain, frame=frame, bands=bands)
    labels = segmentation_in(
        space,
        inputs,
        segments=segments,
        partition=partition,
        compactness=compactness,
        window=window,
        channels=channels,
    )
    values_in, filling = space.enter(inputs), space.enter(baselines.baseline(inputs, baseline, rng, measured))
    seed = int(rng.integers(2**63))
    at_input, at_baseline = (space.model.score(z, targets).astype(np.float64) for z in (values_in, filling))
    attributions = np.empty((len(inputs), *space.cells), np.float32)
    for number, rows, row_labels in by_number(labels, len(inputs)):
        most = 2048 + 2 * number if samples == "auto" else int(samples)
        keep, weights = draw(number, most, np.random.default_rng([seed, number]))
        scores = coalitions.scores(
            space.model, values_in[rows], filling[rows], targets[rows], space.spread(row_labels), keep
        )
        values = solve(keep, weights, scores - at_baseline[rows], at_input[rows] - at_baseline[rows])
        shape = (len(rows), *space.cells)
        sharing = None if measured is None or domain != "time" else measured[rows]
        attributions[rows] = coalitions.values_of_segments(values, row_labels, shape, shared=True, measured=sharing)
    return attributions


def check(*, samples: int | str, segments: int | str, partition: str, **others: object) -> None:
    """Refuse fewer than two samples for each segment: the regression would have no unique solution.

    Raises:
        InputError: there are fewer, or the segments do not fit the domain (`segments.check`).
    """
    check_segments(partition=partition, **others)
    # The numbers of superpixels and of "auto" are known only with the examples.
    if partition != "superpixels" and isinstance(segments, int) and isinstance(samples, int):
        _require(segments, samples)


reference = baselines.reference


def draw(number: int, most: int, rng: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return coalitions of `number` segments, neither empty nor full, and their weights in the regression.

    If there are at most `most` coalitions, return all of them. Else draw different ones, each with its complement, and
    of each size a number in proportion to the size's weight. The smallest and largest sizes, which have the greatest
    weights, may be complete; the rest is drawn from the other sizes.

    Args:
        number: of segments.
        most: largest number of coalitions.
        rng: for the draws.

    Returns:
        (K, number) and (K,); the weights sum to 1.

    Raises:
        InputError: `most` is less than the number of coalitions with one segment, or with all but one.
    """
    _require(number, most)
    keep, weights = [np.zeros((0, number), bool)], [np.zeros(0)]
    for size, (pairs, weight) in _sizes(number, most, rng).items():
        half = _coalitions(number, size, pairs, rng)
        keep += [half, ~half]
        weights.append(np.full(2 * pairs, weight))
    joined = np.concatenate(weights)
    return np.concatenate(keep), joined / max(joined.sum(), np.finfo(float).tiny)


def solve(
    keep: NDArray[np.bool_], weights: NDArray[np.float64], gains: NDArray[np.float64], change: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weighted least-squares fit of the gains, under the constraint that it sums to the change: (N, number).

    Args:
        keep: (K, number), from `draw`.
        weights: (K,).
        gains: logit of each coalition minus that of the empty one, (K, N).
        change: logit of the full coalition minus that of the empty one, (N,).
    """
    number = keep.shape[1]
    weighted = (keep * weights[:, np.newaxis]).T
    # The constraint has a Lagrange multiplier, which is the last unknown.
    system = np.ones((number + 1, number + 1))
    system[:number, :number] = weighted @ keep
    system[number, number] = 0
    values: NDArray[np.float64] = np.linalg.solve(system, np.vstack([weighted @ gains, change]))[:number].T
    return values


def _require(number: int, most: int) -> None:
    least = min(2 * number, 2**number - 2)
    if most < least:
        raise InputError.unexpected(
            "kernel_shap.samples", f"{most} for {number} segments", f"at least {least}, two for each segment"
        )


def _share(number: int, size: int) -> float:
    """Return the weight of all coalitions of a size and their complements (theorem 2, summed over the coalitions)."""
    return (number - 1) / (size * (number - size)) * (1 if 2 * size == number else 2)


def _all_pairs(number: int, size: int) -> int:
    """Return how many different pairs of a coalition of this size and its complement there are."""
    return math.comb(number, size) // (2 if 2 * size == number else 1)


def _sizes(number: int, most: int, rng: np.random.Generator) -> dict[int, tuple[int, float]]:
    """Return, for each size up to half of the segments, how many pairs to draw, and the weight of a pair's members."""
    rest, left = list(range(1, number // 2 + 1)), most // 2
    pairs_of_size = {}
    while rest:
        total = sum(_share(number, size) for size in rest)
        # Size 1 is always complete, since it makes the regression solvable.
        full = [
            size
            for size in rest
            if size == 1 or left * _share(number, size) >= total * _all_pairs(number, size) or 2**number - 2 <= most
        ]
        if not full:
            break
        for size in full:
            pairs = _all_pairs(number, size)
            pairs_of_size[size] = (pairs, _share(number, size) / pairs)
            left -= pairs
            rest.remove(size)
    if rest and left:
        # Systematic sampling: each size gets its expected number, rounded down or up at random; in sum `left`.
        expected = np.cumsum([left * _share(number, size) / total for size in rest])
        expected[-1] = left
        counts = np.diff(np.floor(np.concatenate([[0], expected]) + rng.random()))
        pairs_of_size |= {size: (int(count), total / left) for size, count in zip(rest, counts, strict=True) if count}
    return pairs_of_size


def _coalitions(number: int, size: int, pairs: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return different coalitions of a size, none the complement of another: (pairs, number)."""
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
