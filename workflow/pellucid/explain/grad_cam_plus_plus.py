"""Grad-CAM++: Grad-CAM with weights that count each position by its own gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.cam_layers import Layer, combined, spread
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import map_layer

SPEC = MethodSpec(
    title="Grad-CAM++",
    family="class activation",
    paper="Chattopadhay A, Sarkar A, Howlader P, Balasubramanian VN. Grad-CAM++: Generalized Gradient-Based Visual "
    "Explanations for Deep Convolutional Networks. WACV (2018), equations 5, 10 and 19, for an exponential output",
    unit="weighted activation (a.u.)",
    per_channel=False,
    signed=False,
    requires=("conv",),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    layer: Layer = "last",
) -> NDArray[np.float32]:
    """One map per example over time or space, repeated for every channel: (N, *input_shape).

    The factor exp(logit) that all weights of an example share is left out: it would scale maps of different examples
    by e to the power of their logits, and changes no map by itself. So is the division of the alphas by their sum that
    some implementations add (tf-keras-vis among them): the paper's equations have none.

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    name = map_layer(model, layer)
    return spread(model, name, maps(model, inputs, targets, name))


def maps(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], layer: str
) -> NDArray[np.float32]:
    """The maps at the layer's own size, after the ReLU: (N, *axes)."""

    def combine(
        activations: NDArray[np.float32], gradients: NDArray[np.float32], axes: tuple[int, ...]
    ) -> NDArray[np.float32]:
        # Equation 19 times relu(g), with g² cancelled: g² / (2 g² + g³ sum A) · relu(g) = relu(g) / (2 + g sum A). It
        # is 0 where the gradient is, where equation 19 is 0 / 0, and does not underflow where the gradient is small.
        share = np.maximum(gradients, 0)
        below = 2 + share * activations.sum(axes, keepdims=True)
        below[below == 0] = np.inf
        share /= below
        summed: NDArray[np.float32] = np.einsum("n...k,nk->n...", activations, share.sum(axes))
        return np.maximum(summed, 0)

    return combined(model, inputs, targets, layer, combine)
