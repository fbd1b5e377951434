"""XGrad-CAM: the feature maps of a layer, each weighted by the mean of its gradients where the map is active."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared.cam_layers import Layer, attribute
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="XGrad-CAM",
    family="class activation",
    paper="Fu R, Hu Q, Dong X, Guo Y, Gao Y, Li B. Axiom-based Grad-CAM: Towards Accurate Visualization and "
    "Explanation of CNNs. BMVC (2020), equation 8",
    unit="weighted activation (logit)",
    per_channel=False,
    signed=When("relu", False),
    requires=("conv",),
)
# A sum of a map that is a smaller share of its absolute sum is rounding: the quotient would have no meaning.
_ROUNDING = 1e-6


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

    Before the ReLU, a map at the layer's size has the sum of HiRes-CAM: the sum of gradient × activation.
    A feature map that sums to zero gets the weight 0.

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    return attribute(model, inputs, targets, layer, combine if relu else weighted)


def combine(
    activations: NDArray[np.float32], gradients: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the map of each example with its ReLU: (N, *axes)."""
    return np.maximum(weighted(activations, gradients, axes), 0)


def weighted(
    activations: NDArray[np.float32], gradients: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the sum of the feature maps (N, *axes, maps), each times its weight by equation 8: (N, *axes)."""
    total = activations.sum(axes)
    is_active = np.abs(total) > _ROUNDING * np.abs(activations).sum(axes)
    products = (activations * gradients).sum(axes)
    weights = np.where(is_active, products, 0) / np.where(is_active, total, 1)
    summed: NDArray[np.float32] = np.einsum("n...k,nk->n...", activations, weights)
    return summed
