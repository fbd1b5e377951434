"""Guided Grad-CAM: guided backpropagation times Grad-CAM, which locates the class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.explain.grad_cam import weighted
from pellucid.explain.shared.cam_layers import Layer, axes_of, batches, spread
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import map_layer

SPEC = MethodSpec(
    title="Guided Grad-CAM",
    family="class activation",
    paper="Selvaraju RR, Cogswell M, Das A, Vedantam R, Parikh D, Batra D. Grad-CAM: Visual Explanations from Deep "
    "Networks via Gradient-based Localization. ICCV (2017), section 3.2",
    unit="weighted activation × modified gradient",
    per_channel=True,
    signed=True,
    is_gradient=True,
    requires=("conv", "relu"),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    layer: Layer = "last",
) -> NDArray[np.float32]:
    """Return the product of guided backpropagation and the upsampled Grad-CAM: (N, *input_shape).

    Raises:
        InputError: no convolution layer, none of that name, no ReLU, or a ReLU to which the rule cannot be applied.
    """
    name = map_layer(model, layer)
    product = np.empty(inputs.shape, np.float32)
    for batch in batches(model, len(inputs)):
        guided, maps, gradients = model.guided_gradient_and_activations(inputs[batch], targets[batch], name)
        cam = np.maximum(weighted(maps, gradients, axes_of(model, name, maps)), 0)
        product[batch] = guided * spread(model, name, cam)
    return product
