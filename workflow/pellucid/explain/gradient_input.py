"""Gradient × input: the first-order contribution of each value to the class logit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import domains
from pellucid.explain.shared.domains import fits
from pellucid.network.explained_model import ExplainedModel

__all__ = ["SPEC", "explain", "fits"]

SPEC = MethodSpec(
    title="Gradient × input",
    family="gradient",
    paper="Shrikumar A, Greenside P, Shcherbina A, Kundaje A. Not Just a Black Box: Learning Important Features "
    "Through Propagating Activation Differences. arXiv:1605.01713 (2016)",
    unit="share of the logit",
    per_channel=True,
    signed=True,
    checks=("coverage",),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    domain: domains.Domain = "time",
    frame: domains.Frame = "auto",
    bands: domains.Bands = 8,
) -> NDArray[np.float32]:
    """Return the gradient of the target's logit, times the input: (N, *input_shape), or a map of the domain.

    In a network of piecewise-linear layers the values sum to the logit minus the contribution of the biases.
    """
    space = domains.opened(model, inputs.shape[1:], domain=domain, frame=frame, bands=bands)
    values = space.enter(inputs)
    return space.contributions(space.model.gradient(values, targets), values).astype(np.float32, copy=False)
