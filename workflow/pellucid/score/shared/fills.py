"""What takes the place of removed values: the baselines of the scores of faithfulness."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.explain.shared.baselines import baseline
from pellucid.parameters import UNIQUE
from pellucid.score.base import ScoreContext
from pellucid.score.shared.streams import own

logger = logging.getLogger(__name__)

# Of a part of the inputs, and the values of it that are removed, (K, N or 1, *axes, channels or 1): the altered inputs,
# (K, N, *input_shape).
Fill = Callable[[slice, NDArray[np.bool_]], NDArray[np.float32]]

FIXED = ("zero", "mean", "noise", "other")  # the same, whatever else is removed
_MEANINGS = {
    "zero": "zeros",
    "mean": "the mean of the example's channel",
    "noise": "noise with the channel's mean and standard deviation",
    "linear": "(series only) a straight line between the samples that stay",
    "other": "the values of a training example of another class",
}


def baselines_field(kinds: Sequence[str]) -> Any:
    """Return the `Field` of the parameter `baselines` of a score that knows these kinds."""
    meanings = "; ".join(f"{kind}: {_MEANINGS[kind]}" for kind in kinds)
    return Field(
        min_length=1,
        json_schema_extra={**UNIQUE, "items": {"enum": list(kinds)}},
        description=f"what takes the place of what is removed, one after the other. {meanings}",
    )


def fills(case: ScoreContext, kinds: Sequence[str], rng: np.random.Generator) -> dict[str, Fill]:
    """A way to remove values for each kind of baseline; "linear" is left out for images.

    Args:
        case: the inputs, and training examples for "other".
        kinds: see `baselines_field`.
        rng: for noise and for the choice of other examples; each kind has its own stream, so that the others do not
            depend on whether it is asked for.

    Raises:
        InputError: nothing is left, or there is no training example of another class.
    """
    image = case.inputs.ndim > 3
    if image and "linear" in kinds:
        logger.info("baseline linear: left out, since an image has no order along which to interpolate")
    streams, found = dict(zip(_MEANINGS, rng.spawn(len(_MEANINGS)), strict=True)), dict[str, Fill]()
    for kind in kinds:
        if kind != "linear":
            found[kind] = partial(_replaced, case.inputs, filling(case, kind, streams[kind]), case.measured)
        elif not image:
            found[kind] = partial(_interpolated, case.inputs, case.measured)
    if not found:
        raise InputError.unexpected("baselines", "linear alone, for images", f"one of {', '.join(FIXED)} as well")
    return found


def filling(case: ScoreContext, kind: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """The values that stand for nothing there, of a kind that is `FIXED`: (N, *input_shape).

    Raises:
        InputError: no training example is of another class.
    """
    if kind == "other":
        return _others(case, rng)
    return np.asarray(baseline(case.inputs, kind, rng, case.measured), np.float32)


def _others(case: ScoreContext, rng: np.random.Generator) -> NDArray[np.float32]:
    """For each example a training example that is not of the class that is explained."""
    assert case.training is not None
    assert case.training_labels is not None
    found = np.empty(case.inputs.shape, np.float32)
    of_others = {target: np.flatnonzero(case.training_labels != target) for target in np.unique(case.targets)}
    for row, (stream, target) in enumerate(zip(own(case.inputs, rng), case.targets, strict=True)):
        if not len(strangers := of_others[target]):
            where, what = "baselines.other", f"training examples of class {target} alone"
            raise InputError.unexpected(where, what, "some of another class", "Leave this baseline out.")
        found[row] = case.training[stream.choice(strangers)]
    return found


def _replaced(
    inputs: NDArray[np.float32],
    values: NDArray[np.float32],
    measured: NDArray[np.bool_] | None,
    part: slice,
    removed: NDArray[np.bool_],
) -> NDArray[np.float32]:
    removed = removed if measured is None else removed & measured[part]
    return np.where(removed, values[part], inputs[part])


def _interpolated(
    inputs: NDArray[np.float32], measured: NDArray[np.bool_] | None, part: slice, removed: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Straight lines over what is removed, from the last sample before it that stays to the next one.

    At the ends of a series the one sample that is there goes on; where none is left, it is the channel's mean.
    """
    if measured is not None:
        there = measured[part]
        # Nothing is drawn towards a padding, which stays as it is.
        lines = _lines(inputs[np.newaxis, part], removed | ~there, there)
        return np.where(removed & there, lines, inputs[part])
    return _lines(inputs[np.newaxis, part], removed)


def _lines(
    x: NDArray[np.float32], removed: NDArray[np.bool_], measured: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """The inputs (1, N, time, channels) with lines over what is removed; means are over what was measured."""
    length = x.shape[-2]
    time = np.arange(length, dtype=np.int32).reshape(-1, 1)
    before = np.maximum.accumulate(np.where(removed, np.int32(-1), time), axis=-2)
    after = np.minimum.accumulate(np.where(removed, np.int32(length), time)[..., ::-1, :], axis=-2)[..., ::-1, :]
    nothing = (before < 0) & (after == length)
    first = np.where(before < 0, after, before).clip(0, length - 1)
    last = np.where(after == length, before, after).clip(0, length - 1)
    share = ((time - first) / np.maximum(last - first, 1)).astype(np.float32)
    begin, end = np.take_along_axis(x, first, axis=-2), np.take_along_axis(x, last, axis=-2)
    if measured is None:
        mean = x.mean(-2, keepdims=True)
    else:
        count = np.maximum(measured.sum(-2, keepdims=True), 1)
        mean = (np.where(measured, x, np.float32(0)).sum(-2, keepdims=True) / count).astype(np.float32)
    found: NDArray[np.float32] = np.where(nothing, mean, begin + share * (end - begin))
    return found
