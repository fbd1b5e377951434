"""Remove units of the inputs, by their rank in an explanation or at random, and score the altered inputs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid import files
from pellucid.batching import blocks
from pellucid.network.explained_model import ExplainedModel
from pellucid.ranks import levels
from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.shared.fills import Fill, fills
from pellucid.score.shared.units import count, sums, units
from pellucid.seeds import per_example
from pellucid.shares import round_of
from pellucid.targets import split
from pellucid.tasks import QUANTITY, REGRESSION

Output = Annotated[
    Literal["probability", "logit"],
    Field(
        description="what is looked at: the probability of the class that is explained, or its logit. If the model is "
        "very sure, the probability stays at 1 while evidence goes; the logit does not. A value of a regression, or a "
        "contrast, has no probability: it is looked at itself"
    ),
]
SetShare = Annotated[
    float, Field(gt=0, lt=1, description="size of a set, as a share of the units; a set has at least one unit")
]

# The rounding of a logit in float32, as a share of its size.
_ROUNDING = 1e-6

Result = TypeVar("Result")


def quantity(case: ScoreContext, of: str) -> str:
    """Return the measured quantity, in words for an axis: `of`, or its replacement if there is no probability."""
    value = QUANTITY[case.task]
    contrasts = split(case.targets)[1] >= 0
    if contrasts.all():
        return f"difference of the {value}s"
    return value if case.task == REGRESSION else of


def probability_ends(case: ScoreContext, of: str, **ends: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """Return the ends of metrics (`ScoreResult.ends`) if a probability is measured; else none."""
    bounded = quantity(case, of) == "probability" and (split(case.targets)[1] < 0).all()
    return ends if bounded else {}


def target_scores(
    model: ExplainedModel,
    targets: NDArray[np.int64],
    copies: int,
    altered: Callable[[slice, slice], NDArray[np.float32]],
    of: str = "logit",
) -> NDArray[np.float64]:
    """Return the target's `output` (its probability, if it has one) or `score` for each altered copy: (copies, N).

    Args:
        model: the trained model.
        targets: (N,).
        copies: number of copies of each input.
        altered: returns some copies of some inputs, (K, N, *input_shape), given the slices of inputs and of copies.
        of: probability or logit.
    """
    scores = np.empty((copies, len(targets)))
    for part, some in blocks(len(targets), copies, model.batch_size()):
        x = altered(part, some)
        flat, classes = x.reshape(-1, *model.input_shape), np.tile(targets[part], len(x))
        flat_scores = model.score(flat, classes) if of == "logit" else model.output(flat, classes)
        scores[some, part] = flat_scores.reshape(x.shape[:2])
    return scores


def drops(
    case: ScoreContext, copies: int, altered: Callable[[slice, slice], NDArray[np.float32]]
) -> NDArray[np.float64]:
    """Return the drop of the target's logit in each altered copy of each input: (copies, N).

    An input whose logit never changes by more than rounding gets zeros.

    Args:
        case: inputs, targets and model.
        copies, altered: as in `target_scores`.
    """
    assert case.model is not None
    unaltered = case.model.score(case.inputs, case.targets).astype(np.float64)
    losses = unaltered - target_scores(case.model, case.targets, copies, altered)
    constant = np.abs(losses).max(0) <= _ROUNDING * np.maximum(np.abs(unaltered), 1)
    return np.where(constant, 0.0, losses)


def removal_rank(
    explanation: Explanation,
    inputs: NDArray[np.float32],
    labels: NDArray[np.int32],
    rng: np.random.Generator,
    *,
    mean: bool = False,
) -> NDArray[np.int64]:
    """Return the rank of each value's unit, 0 for the first unit to remove: (N, *axes, channels or 1).

    Units are ordered by the sum of their attributions, or of the absolute attributions of an unsigned explanation, the
    largest first. Units that differ by less than the precision of the map are tied. Ties are broken at random, in the
    same way for all explanations of an example.

    Args:
        explanation: gives the order.
        inputs: (N, *axes, channels), the explained examples.
        labels: from `units.units`.
        rng: for ties.
        mean: order units by the mean of their values instead, so that a large unit is not first because of its size.
    """
    maps = explanation.attributions
    evidence = sums(maps if explanation.signed else np.abs(maps), labels)
    if mean:
        evidence = evidence / np.maximum(sums(np.ones_like(maps), labels), 1)
    strength = levels(evidence)
    number = strength.shape[1]
    # Examples with fewer units are padded with units that come last.
    missing = np.arange(number) >= count(labels)[:, np.newaxis] + np.zeros((len(maps), 1), int)
    strength[missing] = np.iinfo(np.int64).min + 1
    ties = np.stack([stream.random(number) for stream in per_example(inputs, rng)])
    order = np.lexsort((ties, -strength), axis=-1)
    ranks = np.empty(order.shape, np.int64)
    np.put_along_axis(ranks, order, np.arange(number)[np.newaxis], axis=1)
    flat = np.broadcast_to(labels.reshape(len(labels), -1), (len(maps), labels[0].size))
    return np.take_along_axis(ranks, flat, axis=1).reshape(len(maps), *labels.shape[1:])


@dataclass(frozen=True)
class RankedRemoval:
    """The units of every example in the order of an explanation, and what can take their place.

    Attributes:
        model: the trained model.
        targets: (N,).
        rank: (N, *axes, channels or 1), see `removal_rank`.
        n_units: number of units of each example, (N,), or (1,) where all are cut alike.
        fills: by baseline.
    """

    model: ExplainedModel
    targets: NDArray[np.int64]
    rank: NDArray[np.int64]
    n_units: NDArray[np.int64]
    fills: Mapping[str, Fill]

    @classmethod
    def of(
        cls,
        explanation: Explanation,
        case: ScoreContext,
        rng: np.random.Generator,
        baselines: Sequence[str],
        *,
        mean: bool = False,
        **cutting: Any,
    ) -> RankedRemoval:
        """Return the units of a score's parameters `unit`, `window` and `channels`, and the fills of its baselines.

        `mean`: see `removal_rank`.

        Raises:
            InputError: see `units.units` and `fills.fills`.
        """
        assert case.model is not None
        ties, chance = rng.spawn(2)
        labels = units(case.inputs, **cutting, measured=case.measured)
        rank = removal_rank(explanation, case.inputs, labels, ties, mean=mean)
        # The same for every explanation: drawn for the first one alone.
        by_baseline: dict[str, Fill] = {}
        if baselines:
            by_baseline = memoised(case, chance, ("fills", *baselines), lambda: fills(case, baselines, chance))
        return cls(case.model, case.targets, rank, count(labels), by_baseline)

    def scores(self, fill: Fill, counts: NDArray[np.int64], of: str, *, strongest: bool) -> NDArray[np.float64]:
        """Return the target's probability or logit without the first units, or without all others: (K, N).

        Args:
            fill: takes the place of what is removed.
            counts: (K, N), how many units are the first.
            of: probability or logit.
            strongest: remove the first units; else all others.
        """
        bounds = broadcast_counts(counts, self.rank.ndim - 1)
        altered = partial(remove_units, fill, self.rank, bounds, strongest)
        return target_scores(self.model, self.targets, len(counts), altered, of)

    def both_orders(
        self, fill: Fill, shares: NDArray[np.float64], of: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return `scores` without shares (K,) of the units, the most important first and the least first: twice (N, K).

        Units are rounded to the nearest number.
        """
        counts = np.rint(shares[:, np.newaxis] * self.n_units).astype(np.int64) + np.zeros(len(self.targets), np.int64)
        most = self.scores(fill, counts, of, strongest=True)
        return most.T, self.scores(fill, self.n_units - counts, of, strongest=False).T


def broadcast_counts(removed: NDArray[np.int64], axes: int) -> NDArray[np.int64]:
    """Reshape numbers of removed units (K, N), so that they broadcast with the `removal_rank` of examples."""
    return removed.reshape(*removed.shape, *(1,) * axes)


def remove_units(
    fill: Fill, rank: NDArray[np.int64], counts: NDArray[np.int64], first: bool, part: slice, some: slice
) -> NDArray[np.float32]:
    """Return some inputs without their first units, or without all others: (K, N, *input_shape).

    Args:
        fill: takes the place of what is removed.
        rank: from `removal_rank`.
        counts: from `broadcast_counts`, how many units are the first.
        first: remove the first units; else all others.
        part, some: slices of the examples and of the counts.
    """
    is_first = rank[part] < counts[some, part]
    return fill(part, is_first if first else ~is_first)


def subsets(labels: NDArray[np.int32], runs: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return random sets of a share of the units, at least one unit: (N or 1, runs, units).

    Examples that are not cut alike use the same random numbers, each for its own number of units.
    """
    numbers = count(labels)
    sets = np.zeros((len(numbers), runs, int(numbers.max())), np.bool_)
    for run, stream in enumerate(rng.spawn(runs)):
        keys = stream.random(sets.shape[-1])
        for row, number in enumerate(numbers):
            size = max(1, round_of(share, number))
            sets[row, run, np.argpartition(keys[:number], size - 1)[:size]] = True
    return sets


def unit_to_values(weights: NDArray[Any], labels: NDArray[np.int32], part: slice, some: slice) -> NDArray[Any]:
    """Return the weight of each value's unit: (K, N or 1, *axes, channels or 1).

    Args:
        weights: (N or 1, runs, units).
        labels: from `units.units`.
        part, some: slices of the examples and of the runs.
    """
    if len(labels) == 1:
        return weights[0, some][:, labels]
    rows = zip(weights[part, some], labels[part], strict=True)
    return np.stack([row_weights[:, row_labels] for row_weights, row_labels in rows], axis=1)


def weighted_sums(weights: NDArray[Any], evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted sums of the evidence (N, units) for weights (N or 1, runs, units): (runs, N)."""
    if len(weights) == 1:
        return np.asarray(weights[0] @ evidence.T, np.float64)
    sums = [row_weights @ row for row_weights, row in zip(weights, evidence, strict=True)]
    return np.stack(sums, axis=1).astype(np.float64)


def memoised(case: ScoreContext, rng: np.random.Generator, key: Hashable, compute: Callable[[], Result]) -> Result:
    """Return a result that does not depend on the explanation; compute it only for the first explanation.

    Args:
        case: holds the cache; the result belongs to its inputs and targets.
        rng: the generator of `compute`; the result belongs to its seed.
        key: everything else on which the result depends.
        compute: computes the result.
    """
    name = (key, repr(rng.bit_generator.seed_seq), files.digest([case.inputs, case.targets]))
    if name not in case.cache:
        case.cache[name] = compute()
    result: Result = case.cache[name]
    return result
