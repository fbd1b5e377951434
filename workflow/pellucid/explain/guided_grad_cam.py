"""Guided Grad-CAM: guided backpropagation where Grad-CAM says the class is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain import grad_cam
from pellucid.explain.base import MethodSpec
from pellucid.explain.cam_layers import LAYER
from pellucid.probe import Probe

SPEC = MethodSpec(
    title="Guided Grad-CAM",
    family="class activation",
    paper="Selvaraju RR, Cogswell M, Das A, Vedantam R, Parikh D, Batra D. Grad-CAM: Visual Explanations from Deep "
    "Networks via Gradient-based Localization. ICCV (2017), section 3.2",
    unit="weighted activation × modified gradient",
    per_channel=True,
    signed=True,
    requires=("conv", "relu"),
    parameters={"layer": LAYER},
)


def explain(
    probe: Probe,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    layer: str = "last",
) -> NDArray[np.float32]:
    """Product of guided backpropagation and the upsampled Grad-CAM: (N, *input_shape).

    Raises:
        InputError: no convolution layer, none of that name, or no ReLU.
    """
    cam = grad_cam.explain(probe, inputs, targets, rng, layer=layer)
    product: NDArray[np.float32] = probe.gradient(inputs, targets, relu="guided") * cam
    return product
