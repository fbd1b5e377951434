"""Grad-CAM: the feature maps of a convolution layer, each weighted by the mean of its gradient."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared.cam_layers import Layer, attribute
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Grad-CAM",
    family="class activation",
    paper="Selvaraju RR, Cogswell M, Das A, Vedantam R, Parikh D, Batra D. Grad-CAM: Visual Explanations from Deep "
    "Networks via Gradient-based Localization. ICCV (2017), equations 1 and 2",
    unit="weighted activation (logit)",
    per_channel=False,
    signed=When("relu", False),
    requires=("conv",),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    layer: Layer = "last",
    relu: Annotated[
        bool, Field(description="true: keep only what speaks for the class, as in the paper. false: also show the rest")
    ] = True,
) -> NDArray[np.float32]:
    """Return one map per example over time or space, repeated for every channel: (N, *input_shape).

    Every example has its own weights of the feature maps (equation 1). The map is laid on the input: each
    cell at the centre of its receptive field, with linear interpolation between centres (`lay_on_input`).

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    return attribute(model, inputs, targets, layer, combine if relu else weighted)


def combine(
    activations: NDArray[np.float32], gradients: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the map of each example by equation 2, with its ReLU: (N, *axes)."""
    return np.maximum(weighted(activations, gradients, axes), 0)


def weighted(
    activations: NDArray[np.float32], gradients: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the sum of the feature maps (N, *axes, maps), each times the mean of its gradients: (N, *axes)."""
    weights = gradients.mean(axes)  # equation 1: alpha_k = mean over positions of dy / dA_k
    summed: NDArray[np.float32] = np.einsum("n...k,nk->n...", activations, weights)  # equation 2
    return summed
