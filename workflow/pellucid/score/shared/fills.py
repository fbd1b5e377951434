"""Fills: the values that replace removed values in the faithfulness scores."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.explain.shared.baselines import baseline
from pellucid.parameters import UNIQUE
from pellucid.score.base import ScoreContext
from pellucid.seeds import per_example
from pellucid.targets import split
from pellucid.tasks import MULTI_LABEL, REGRESSION

logger = logging.getLogger(__name__)

# Gets a slice of the inputs, and which of their values are removed, (K, N or 1, *axes, channels or 1); returns the
# altered inputs (K, N, *input_shape).
Fill = Callable[[slice, NDArray[np.bool_]], NDArray[np.float32]]

FIXED = ("zero", "mean", "noise", "other")  # these values do not depend on what else is removed
_MEANINGS = {
    "zero": "zeros",
    "mean": "the mean of the example's channel",
    "noise": "noise with the channel's mean and standard deviation",
    "linear": "(series only) a straight line between the samples that stay",
    "other": "the values of a training example of another class (or without the label; in a regression, of any one)",
}


def baselines_field(kinds: Sequence[str]) -> Any:
    """Return the `Field` of the parameter `baselines` of a score that knows these kinds."""
    meanings = "; ".join(f"{kind}: {_MEANINGS[kind]}" for kind in kinds)
    return Field(
        min_length=1,
        json_schema_extra={**UNIQUE, "items": {"enum": list(kinds)}},
        description=f"what replaces the removed values; the score is computed for each entry of the list. {meanings}",
    )


USUAL = ("zero", "mean", "linear", "other")
Baselines = Annotated[Sequence[str], baselines_field((*USUAL, "noise"))]


def fills(case: ScoreContext, kinds: Sequence[str], rng: np.random.Generator) -> dict[str, Fill]:
    """Return the fill of each kind of baseline, without "linear" for images.

    Args:
        case: the inputs, and training examples for "other".
        kinds: see `baselines_field`.
        rng: for noise and for the choice of training examples; each kind has its own stream, so it does not depend on
            the other kinds.

    Raises:
        InputError: no kind is left, or all training examples are of the explained class.
    """
    image = case.inputs.ndim > 3
    if image and "linear" in kinds:
        logger.info("baseline linear: left out, since an image has no order along which to interpolate")
    streams, by_kind = dict(zip(_MEANINGS, rng.spawn(len(_MEANINGS)), strict=True)), dict[str, Fill]()
    for kind in kinds:
        if kind != "linear":
            by_kind[kind] = partial(_replaced, case.inputs, filling(case, kind, streams[kind]), case.measured)
        elif not image:
            by_kind[kind] = partial(_interpolated, case.inputs, case.measured)
    if not by_kind:
        raise InputError.unexpected("baselines", "linear alone, for images", f"one of {', '.join(FIXED)} as well")
    return by_kind


def filling(case: ScoreContext, kind: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the values that replace removed ones, of a kind in `FIXED`: (N, *input_shape).

    Raises:
        InputError: all training examples are of the explained class.
    """
    if kind == "other":
        return _others(case, rng)
    return np.asarray(baseline(case.inputs, kind, rng, case.measured), np.float32)


def _others(case: ScoreContext, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw for each example a training example of another class than the explained one: (N, *input_shape).

    Of a contrast, the class is the one that is explained, not the one that is subtracted.
    """
    assert case.training is not None
    assert case.training_labels is not None
    examples = np.empty(case.inputs.shape, np.float32)
    explained = split(case.targets)[0]
    of_others = {output: np.flatnonzero(_without(case, output)) for output in np.unique(explained)}
    for row, (stream, output) in enumerate(zip(per_example(case.inputs, rng), explained, strict=True)):
        if not len(indices := of_others[output]):
            problem = f"all training examples are of class {output}, and this baseline needs another class."
            if case.task == MULTI_LABEL:
                problem = f"all training examples have the label {output}, and this baseline needs one without it."
            raise InputError("baselines.other", problem, "Leave this baseline out.")
        examples[row] = case.training[stream.choice(indices)]
    return examples


def _without(case: ScoreContext, output: int) -> NDArray[np.bool_]:
    """Return which training examples are not of a class, or do not have a label; of values all of them: (M,)."""
    labels = np.asarray(case.training_labels)
    if case.task == REGRESSION:
        return np.ones(len(labels), bool)
    return np.asarray(labels[:, output] == 0 if case.task == MULTI_LABEL else labels != output)


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
    """Replace removed samples by straight lines between the kept samples before and after them.

    At the ends of a series the nearest kept sample is repeated; without any kept sample it is the channel's mean.
    """
    if measured is not None:
        is_measured = measured[part]
        # Padding and gaps stay as they are, and no line leads to them.
        lines = _lines(inputs[np.newaxis, part], removed | ~is_measured, is_measured)
        return np.where(removed & is_measured, lines, inputs[part])
    return _lines(inputs[np.newaxis, part], removed)


def _lines(
    x: NDArray[np.float32], removed: NDArray[np.bool_], measured: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return inputs (1, N, time, channels) with lines over removed samples; means are over measured samples."""
    length = x.shape[-2]
    time = np.arange(length, dtype=np.int32).reshape(-1, 1)
    before = np.maximum.accumulate(np.where(removed, np.int32(-1), time), axis=-2)
    after = np.minimum.accumulate(np.where(removed, np.int32(length), time)[..., ::-1, :], axis=-2)[..., ::-1, :]
    none_kept = (before < 0) & (after == length)
    first = np.where(before < 0, after, before).clip(0, length - 1)
    last = np.where(after == length, before, after).clip(0, length - 1)
    share = ((time - first) / np.maximum(last - first, 1)).astype(np.float32)
    begin, end = np.take_along_axis(x, first, axis=-2), np.take_along_axis(x, last, axis=-2)
    if measured is None:
        mean = x.mean(-2, keepdims=True)
    else:
        count = np.maximum(measured.sum(-2, keepdims=True), 1)
        mean = (np.where(measured, x, np.float32(0)).sum(-2, keepdims=True) / count).astype(np.float32)
    lines: NDArray[np.float32] = np.where(none_kept, mean, begin + share * (end - begin))
    return lines
