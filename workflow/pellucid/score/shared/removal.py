"""Removing units of the inputs, by their rank in an explanation or at random, and what the model says then."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid import files
from pellucid.batching import blocks
from pellucid.network.explained_model import ExplainedModel
from pellucid.ranks import levels
from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.shared.fills import Fill
from pellucid.score.shared.streams import own
from pellucid.score.shared.units import count, sums
from pellucid.shares import round_of

Output = Annotated[
    Literal["probability", "logit"],
    Field(
        description="what is looked at: the probability of the class that is explained, or its logit. Where the "
        "model is very sure the probability stays at 1 while evidence goes; the logit does not"
    ),
]

# Of a logit in float32, as a share of its size.
_ROUNDING = 1e-6

Result = TypeVar("Result")


def answers(
    model: ExplainedModel,
    targets: NDArray[np.int64],
    copies: int,
    altered: Callable[[slice, slice], NDArray[np.float32]],
    of: str = "logit",
) -> NDArray[np.float64]:
    """What the model says of the target class, for each altered copy of each input: (copies, N).

    Args:
        model: the trained model.
        targets: (N,).
        copies: of each input.
        altered: gives those of a part of the inputs, and a part of their copies: (K, N, *input_shape).
        of: probability or logit.
    """
    found = np.empty((copies, len(targets)))
    for part, some in blocks(len(targets), copies, model.batch_size()):
        x = altered(part, some)
        flat, classes = x.reshape(-1, *model.input_shape), np.tile(targets[part], len(x))
        rows = np.arange(len(flat))
        said = model.score(flat, classes) if of == "logit" else model.probabilities(flat)[rows, classes]
        found[some, part] = said.reshape(x.shape[:2])
    return found


def drops(
    case: ScoreContext, copies: int, altered: Callable[[slice, slice], NDArray[np.float32]]
) -> NDArray[np.float64]:
    """What the logit of the target class loses in each altered copy of each input: (copies, N).

    An input whose logit never changes by more than its rounding gets zeros.

    Args:
        case: inputs, targets and model.
        copies, altered: as in `answers`.
    """
    assert case.model is not None
    whole = case.model.score(case.inputs, case.targets).astype(np.float64)
    found = whole - answers(case.model, case.targets, copies, altered)
    still = np.abs(found).max(0) <= _ROUNDING * np.maximum(np.abs(whole), 1)
    return np.where(still, 0.0, found)


def places(
    explanation: Explanation, inputs: NDArray[np.float32], labels: NDArray[np.int32], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The rank of the unit of each value, 0 for the first to be removed: (N, *axes, channels or 1).

    Units with the most evidence for the class come first, by their summed attribution; where an explanation has no
    sign, the strongest. Units that differ by less than the precision of the map are tied. Ties are broken at random,
    alike for all explanations of an example: position says nothing.

    Args:
        explanation: what gives the order.
        inputs: (N, *axes, channels), what is explained.
        labels: from `units.units`.
        rng: for ties.
    """
    maps = explanation.attributions
    strength = levels(sums(maps if explanation.signed else np.abs(maps), labels))
    number = strength.shape[1]
    # An example with fewer units than another is filled up with some that come last.
    missing = np.arange(number) >= count(labels)[:, np.newaxis] + np.zeros((len(maps), 1), int)
    strength[missing] = np.iinfo(np.int64).min + 1
    ties = np.stack([stream.random(number) for stream in own(inputs, rng)])
    order = np.lexsort((ties, -strength), axis=-1)
    ranks = np.empty(order.shape, np.int64)
    np.put_along_axis(ranks, order, np.arange(number)[np.newaxis], axis=1)
    flat = np.broadcast_to(labels.reshape(len(labels), -1), (len(maps), labels[0].size))
    return np.take_along_axis(ranks, flat, axis=1).reshape(len(maps), *labels.shape[1:])


def cut(removed: NDArray[np.int64], axes: int) -> NDArray[np.int64]:
    """Numbers of removed units (K, N), to be compared with `places` of examples with so many axes."""
    return removed.reshape(*removed.shape, *(1,) * axes)


def without(
    fill: Fill, place: NDArray[np.int64], bounds: NDArray[np.int64], first: bool, part: slice, some: slice
) -> NDArray[np.float32]:
    """The inputs without their first units, or without the others: (K, N, *input_shape).

    Args:
        fill: what takes their place.
        place: from `places`.
        bounds: from `cut`, how many units are the first.
        first: whether the first ones go, or all others.
        part, some: of the examples and of the bounds.
    """
    chosen = place[part] < bounds[some, part]
    return fill(part, chosen if first else ~chosen)


def subsets(labels: NDArray[np.int32], runs: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Random sets of a share of the units, one at least: (N or 1, runs, units).

    Examples that are not cut alike draw from the same numbers, each for the units that it has.
    """
    numbers = count(labels)
    found = np.zeros((len(numbers), runs, int(numbers.max())), np.bool_)
    for run, stream in enumerate(rng.spawn(runs)):
        keys = stream.random(found.shape[-1])
        for row, number in enumerate(numbers):
            size = max(1, round_of(share, number))
            found[row, run, np.argpartition(keys[:number], size - 1)[:size]] = True
    return found


def painted(weights: NDArray[Any], labels: NDArray[np.int32], part: slice, some: slice) -> NDArray[Any]:
    """What each value has of a weight for its unit: (K, N or 1, *axes, channels or 1).

    Args:
        weights: (N or 1, runs, units).
        labels: from `units.units`.
        part, some: of the examples and of the runs.
    """
    if len(labels) == 1:
        return weights[0, some][:, labels]
    rows = zip(weights[part, some], labels[part], strict=True)
    return np.stack([one[:, places] for one, places in rows], axis=1)


def weighed(weights: NDArray[Any], evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of the evidence (N, units) under each weight (N or 1, runs, units): (runs, N)."""
    if len(weights) == 1:
        return np.asarray(weights[0] @ evidence.T, np.float64)
    return np.stack([one @ row for one, row in zip(weights, evidence, strict=True)], axis=1).astype(np.float64)


def once(case: ScoreContext, rng: np.random.Generator, key: Hashable, compute: Callable[[], Result]) -> Result:
    """What does not depend on the explanation, computed for the first one and kept for the others.

    Args:
        case: keeps it, for these inputs and targets.
        rng: what `compute` draws from; another seed is another result.
        key: everything else on which it depends.
        compute: computes it.
    """
    name = (key, repr(rng.bit_generator.seed_seq), files.digest([case.inputs, case.targets]))
    if name not in case.kept:
        case.kept[name] = compute()
    found: Result = case.kept[name]
    return found
