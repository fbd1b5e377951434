"""Guided Grad-CAM: guided backpropagation where Grad-CAM says the class is."""

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
    per_unit=True,
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
    """Product of guided backpropagation and the upsampled Grad-CAM: (N, *input_shape).

    Raises:
        InputError: no convolution layer, none of that name, no ReLU, or one that cannot be given the rule.
    """
    name = map_layer(model, layer)
    product = np.empty(inputs.shape, np.float32)
    for part in batches(model, len(inputs)):
        guided, maps, gradients = model.guided_gradient_and_activations(inputs[part], targets[part], name)
        cam = np.maximum(weighted(maps, gradients, axes_of(model, name, maps)), 0)
        product[part] = guided * spread(model, name, cam)
    return product
