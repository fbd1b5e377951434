"""Copies of the examples that are changed a little by noise, and explained again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import blocks
from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.shared.ranges import ranges

Radius = Annotated[
    float,
    Field(
        gt=0,
        le=1_000,
        description="largest change of a value, as a share of the range of its channel in the example",
    ),
]
Copies = Annotated[int, Field(ge=1, le=1_000_000, description="changed copies of each example")]


class Near(NamedTuple):
    """Some copies of some examples.

    Attributes:
        part, some: slices of the scored examples and of their copies.
        inputs, maps: (K, N, *input_shape), the changed inputs and their attributions.
    """

    part: slice
    some: slice
    inputs: NDArray[np.float32]
    maps: NDArray[np.float32]


def near_copies(
    explanation: Explanation,
    case: ScoreContext,
    scored: NDArray[np.int64],
    radius: float,
    patterns: NDArray[np.float32],
    **options: Any,
) -> Iterator[Near]:
    """Yield changed copies with their explanations for the same targets, in blocks.

    A copy is the example plus a pattern, times `radius` and the range of the channel in the example. All examples get
    the same patterns, so that a value does not depend on the other examples. Padding and gaps stay.

    Args:
        explanation: the method.
        case: inputs, targets and model.
        scored: (M,), which examples.
        radius: in which the patterns are measured, see `Radius`.
        patterns: (samples, *input_shape).
        options: of `re_explain`.
    """
    assert case.model is not None
    assert explanation.re_explain is not None
    inputs, targets = case.inputs[scored], case.targets[scored]
    explained_as = case.explained_as(scored)
    reach = np.float32(radius) * ranges(inputs, **case.measured_of(scored))
    for part, some in blocks(len(inputs), len(patterns), case.model.batch_size()):
        near = inputs[part] + reach[part] * patterns[some, np.newaxis]
        as_before = {name: np.tile(of[part], (len(near), *(1,) * (of.ndim - 1))) for name, of in explained_as.items()}
        classes = np.tile(targets[part], len(near))
        near_maps = explanation.re_explain(near.reshape(-1, *inputs.shape[1:]), classes, **as_before, **options)
        yield Near(part, some, near, near_maps.reshape(near.shape))


def uniform(case: ScoreContext, samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return patterns of uniform noise from -1 to 1: (samples, *input_shape)."""
    return rng.uniform(-1, 1, (samples, *case.inputs.shape[1:])).astype(np.float32)
