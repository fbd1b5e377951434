"""A control: every value gets the same attribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="All equal",
    family="control",
    paper="a control",
    unit="a.u.",
    per_channel=False,
    signed=False,
    checks=("coverage",),
    needs_model=False,
)


def explain(
    model: ExplainedModel | None, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return ones: (N, *input_shape)."""
    return np.ones_like(inputs)
