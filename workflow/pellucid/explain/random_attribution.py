"""A control: random numbers. A method that does not beat it carries no information about the model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid import seeds
from pellucid.explain.base import MethodSpec
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Random attribution",
    family="control",
    paper="a control",
    unit="a.u.",
    per_channel=True,
    signed=True,
    checks=("coverage",),
    needs_model=False,
)


def explain(
    model: ExplainedModel | None, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return standard normal numbers: (N, *input_shape).

    They depend on the generator and on the bytes of the example, but not on the other examples.
    """
    shape = inputs.shape[1:]
    return np.stack([stream.standard_normal(shape, np.float32) for stream in seeds.per_example(inputs, rng)])
