"""Integrated gradients: the gradient, averaged along the straight line from a baseline to the input."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import baselines, line
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Integrated gradients",
    family="gradient",
    paper="Sundararajan M, Taly A, Yan Q. Axiomatic Attribution for Deep Networks. ICML (2017), equation 1; "
    "trapezoidal rule instead of the Riemann sum of section 5",
    unit="share of the logit",
    per_channel=True,
    signed=True,
    checks=("coverage", "completeness"),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    steps: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            description="intervals of the line; more of them bring the sum closer to the change of the logit",
        ),
    ] = 50,
    baseline: baselines.Baseline = "zero",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return (input - baseline) × mean gradient on the line between them (trapezoidal rule): (N, *input_shape)."""
    reference = baselines.baseline(inputs, baseline, rng, measured)
    size = model.batch_size(backward=True)
    total = line.mean_gradient(
        inputs, reference, steps, size, lambda points, rows: model.gradient(points, targets[rows])
    )
    return ((inputs - reference) * total).astype(np.float32)


reference = baselines.reference
