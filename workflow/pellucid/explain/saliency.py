"""Saliency map: the gradient of the class logit with respect to the input."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Saliency",
    family="gradient",
    paper="Simonyan K, Vedaldi A, Zisserman A. Deep Inside Convolutional Networks: Visualising Image Classification "
    "Models and Saliency Maps. arXiv:1312.6034 (2013), section 3",
    unit="∂ logit / ∂ input",
    per_channel=True,
    signed="mode=signed",
    per_unit=True,
    checks=("coverage",),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    mode: Annotated[
        Literal["absolute", "signed", "positive"],
        Field(
            description="absolute: size of the gradient, as in the paper; signed: the gradient; positive: its "
            "positive part"
        ),
    ] = "absolute",
) -> NDArray[np.float32]:
    """Gradient of the target's logit: (N, *input_shape); the paper's maximum over channels is not taken."""
    gradient = model.gradient(inputs, targets)
    if mode == "absolute":
        return np.abs(gradient)
    return np.maximum(gradient, 0) if mode == "positive" else gradient
