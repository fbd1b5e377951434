"""A control: the absolute value of the input. A method that does not beat it shows the input, not the model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Input magnitude",
    family="control",
    paper="a control",
    unit="size of the input",
    per_channel=True,
    signed=False,
    checks=("coverage",),
    needs_model=False,
)


def explain(
    model: ExplainedModel | None, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the absolute value of each input value: (N, *input_shape)."""
    return np.abs(inputs).astype(np.float32)
