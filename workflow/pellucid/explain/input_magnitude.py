"""A control: the size of the input itself. A method that is no better shows the signal and not the model."""

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
    """Absolute value of each input: (N, *input_shape)."""
    return np.abs(inputs).astype(np.float32)
