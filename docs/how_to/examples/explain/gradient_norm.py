"""Gradient norm: how long the gradient of the class logit is at each time step or pixel."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pellucid.explain.base import MethodSpec

SPEC = MethodSpec(
    title="Gradient norm",
    family="gradient",
    paper="Simonyan et al. 2013, arXiv:1312.6034",
    unit="|∂ logit / ∂ input|",
    per_channel=False,
    signed=False,
)


def explain(
    model,
    inputs,
    targets,
    rng,
    *,
    order: Annotated[
        int, Field(ge=1, description="of the norm over the channels: 1 is the sum of sizes, 2 the Euclidean length")
    ] = 2,
):
    """Return the norm over the channels, repeated for every channel: (N, *input_shape)."""
    norm = np.linalg.norm(model.gradient(inputs, targets), ord=order, axis=-1, keepdims=True)
    return np.repeat(norm, inputs.shape[-1], axis=-1)
