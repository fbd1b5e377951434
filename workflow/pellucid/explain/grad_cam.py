"""Grad-CAM: activations of a convolution layer, weighted by their pooled gradients."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.cam_layers import Layer, combined, spread
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import map_layer

SPEC = MethodSpec(
    title="Grad-CAM",
    family="class activation",
    paper="Selvaraju RR, Cogswell M, Das A, Vedantam R, Parikh D, Batra D. Grad-CAM: Visual Explanations from Deep "
    "Networks via Gradient-based Localization. ICCV (2017), equations 1 and 2",
    unit="weighted activation (logit)",
    per_channel=False,
    signed="relu=False",
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
        bool, Field(description="keep only what speaks for the class, as in the paper; false shows the rest too")
    ] = True,
) -> NDArray[np.float32]:
    """One map per example over time or space, repeated for every channel: (N, *input_shape).

    The weights of the feature maps are each example's own (equation 1); the map is brought to the input's size by
    linear interpolation.

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    name = map_layer(model, layer)
    found = maps(model, inputs, targets, name)
    return spread(model, name, np.maximum(found, 0) if relu else found)


def maps(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], layer: str
) -> NDArray[np.float32]:
    """Weighted sum of a layer's feature maps at the layer's own size, before the ReLU: (N, *axes)."""
    return combined(model, inputs, targets, layer, weighted)


def weighted(
    activations: NDArray[np.float32], gradients: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Feature maps (N, *axes, maps), each times the mean of its gradients, summed: (N, *axes)."""
    weights = gradients.mean(axes)  # equation 1: alpha_k = mean over positions of dy / dA_k
    summed: NDArray[np.float32] = np.einsum("n...k,nk->n...", activations, weights)  # equation 2
    return summed
