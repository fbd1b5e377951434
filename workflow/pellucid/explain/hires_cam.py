"""HiRes-CAM: the gradient times the feature map at each position, summed over the maps of a layer."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared.cam_layers import Layer, attribute
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="HiRes-CAM",
    family="class activation",
    paper="Draelos RL, Carin L. Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural "
    "networks. arXiv:2011.08891 (2020), section 3.3",
    unit="share of the logit, by position",
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
        bool, Field(description="true: keep only what speaks for the class. false: also show the rest, as in the paper")
    ] = False,
) -> NDArray[np.float32]:
    """Return one map per example over time or space, repeated for every channel: (N, *input_shape).

    Where only linear layers follow the layer, the map at the layer's size sums to the logit without the biases' part.

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    return attribute(model, inputs, targets, layer, combine if relu else products)


def combine(
    activations: NDArray[np.float32], gradients: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the map of each example without its negative part: (N, *axes)."""
    return np.maximum(products(activations, gradients, axes), 0)


def products(
    activations: NDArray[np.float32], gradients: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the sum over the feature maps (N, *axes, maps) of each value times its gradient: (N, *axes)."""
    summed: NDArray[np.float32] = np.einsum("n...k,n...k->n...", activations, gradients)
    return summed
