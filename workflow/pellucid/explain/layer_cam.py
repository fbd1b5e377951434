"""Layer-CAM: feature maps weighted at each position by their positive gradients; also sharp in early layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.cam_layers import Layer, attribute
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Layer-CAM",
    family="class activation",
    paper="Jiang PT, Zhang CB, Hou Q, Cheng MM, Wei Y. LayerCAM: Exploring Hierarchical Class Activation Maps for "
    "Localization. IEEE Trans Image Process 30:5875-5888 (2021), equations 5 and 6",
    unit="weighted activation (logit)",
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

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    return attribute(model, inputs, targets, layer, combine)


def combine(
    activations: NDArray[np.float32], gradients: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the map of each example by equations 5 and 6, with the ReLU: (N, *axes)."""
    summed: NDArray[np.float32] = np.einsum("n...k,n...k->n...", np.maximum(gradients, 0), activations)
    return np.maximum(summed, 0)
