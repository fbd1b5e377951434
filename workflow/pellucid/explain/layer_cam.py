"""Layer-CAM: activations weighted position by position by their positive gradients; sharp in early layers too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.cam_layers import Layer, combined, spread
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import map_layer

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
    """One map per example over time or space, repeated for every channel: (N, *input_shape).

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
        summed: NDArray[np.float32] = np.einsum("n...k,n...k->n...", np.maximum(gradients, 0), activations)
        return np.maximum(summed, 0)

    return combined(model, inputs, targets, layer, combine)
