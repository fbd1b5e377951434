"""SmoothGrad: the mean gradient over noisy copies of the input."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared.noise import Noise, Samples, moments
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="SmoothGrad",
    family="gradient",
    paper="Smilkov D, Thorat N, Kim B, Viégas F, Wattenberg M. SmoothGrad: removing noise by adding noise. "
    "arXiv:1706.03825 (2017), section 3",
    unit="mean of ∂ logit / ∂ input",
    per_channel=True,
    signed=When("mode", "signed"),
    is_gradient=When("mode", "absolute", "signed"),
    other_units=(("mode", "squared", "mean of (∂ logit / ∂ input)²"),),
    checks=("coverage",),
    of_numbers=False,
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    samples: Samples = 50,
    noise: Noise = 0.15,
    mode: Annotated[
        Literal["absolute", "signed", "squared"],
        Field(
            description="absolute: the size of the mean gradient. signed: the mean gradient. squared: the mean of the "
            "squared gradient (SmoothGrad²)"
        ),
    ] = "absolute",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the mean over noisy copies of the gradient of the target's logit: (N, *input_shape)."""
    mean, square = moments(model, inputs, targets, rng, samples, noise, measured)
    attributions = {"absolute": np.abs(mean), "signed": mean, "squared": square}[mode]
    return attributions.astype(np.float32)
