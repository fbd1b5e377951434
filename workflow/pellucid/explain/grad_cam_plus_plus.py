"""Grad-CAM++: Grad-CAM with weights in which the gradient at each position has its own factor (alpha)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.cam_layers import Layer, attribute
from pellucid.network.explained_model import ExplainedModel

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
    """Return one map per example over time or space, repeated for every channel: (N, *input_shape).

    The factor exp(logit), which all weights of an example share, is left out: it changes the scale between examples,
    but no map by itself. Some implementations (such as tf-keras-vis) divide the alphas by their sum; the paper's
    equations do not, and neither does this one.

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    return attribute(model, inputs, targets, layer, combine)


def combine(
    activations: NDArray[np.float32], gradients: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the map of each example by equations 5, 10 and 19, with the ReLU: (N, *axes)."""
    # Equation 19 times relu(g), with g² cancelled: g² / (2 g² + g³ sum A) · relu(g) = relu(g) / (2 + g sum A). It is 0
    # for a gradient of 0, where equation 19 is 0 / 0, and does not underflow for a small gradient.
    share = np.maximum(gradients, 0)
    denominator = 2 + share * activations.sum(axes, keepdims=True)
    denominator[denominator == 0] = np.inf
    share /= denominator
    summed: NDArray[np.float32] = np.einsum("n...k,nk->n...", activations, share.sum(axes))
    return np.maximum(summed, 0)
