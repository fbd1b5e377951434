"""CAM: the feature maps before global average pooling, weighted by the last layer's weights of the class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.cam_layers import spread
from pellucid.network.explained_model import ExplainedModel
from pellucid.targets import along_outputs

SPEC = MethodSpec(
    title="CAM",
    family="class activation",
    paper="Zhou B, Khosla A, Lapedriza A, Oliva A, Torralba A. Learning Deep Features for Discriminative Localization. "
    "CVPR (2016), equation 2",
    unit="weighted activation (logit)",
    per_channel=False,
    signed=True,
    requires=("gap",),
)


def explain(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return one map per example over time or space, repeated for every channel: (N, *input_shape).

    Evidence against the class has negative values, as in the paper. Linear interpolation brings the map to the input's
    size.

    Raises:
        InputError: a model that does not end in global average pooling and one dense layer.
    """
    return spread(model, model.pooled_head[0], maps(model, inputs, targets))


def maps(model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the maps of equation 2 at the size of the feature maps: (N, *axes).

    The mean of a map is the target's logit minus its bias (in the paper, which pools by the sum, its sum is). A
    contrast has the difference of the two outputs' weights. Grad-CAM of the same layer without ReLU is the map divided
    by the number of positions.
    """
    layer, weights = model.pooled_head
    summed: NDArray[np.float32] = np.einsum(
        "n...k,nk->n...", model.activations(inputs, layer), along_outputs(weights, targets).T
    )
    return summed
