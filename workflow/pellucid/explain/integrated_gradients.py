"""Integrated gradients: the gradient, averaged along the straight line from a baseline to the input."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import baselines, domains, line
from pellucid.explain.shared.domains import fits
from pellucid.network.explained_model import ExplainedModel

__all__ = ["SPEC", "explain", "fits", "reference"]

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
            description="intervals of the line from the baseline to the input. More intervals bring the sum closer to "
            "the change of the logit",
        ),
    ] = 50,
    baseline: baselines.Baseline = "zero",
    domain: domains.Domain = "time",
    frame: domains.Frame = "auto",
    bands: domains.Bands = 8,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return (input - baseline) × mean gradient on the line between them (trapezoidal rule): (N, *input_shape).

    In another domain the line goes through the same signals, so that the map of this domain, (N, *cells), has the same
    sum.
    """
    space = domains.opened(model, inputs.shape[1:], domain=domain, frame=frame, bands=bands)
    reference, signals = space.enter(baselines.baseline(inputs, baseline, rng, measured)), space.enter(inputs)
    size = model.batch_size(backward=True)
    mean = line.mean_gradient(
        signals, reference, steps, size, lambda points, rows: space.model.gradient(points, targets[rows])
    )
    return space.contributions(signals - reference, mean).astype(np.float32)


reference = baselines.reference
