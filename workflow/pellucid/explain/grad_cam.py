"""Grad-CAM: activations of a convolution layer, weighted by their pooled gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec
from pellucid.explain.upsampling import upsample
from pellucid.probe import Probe
from pellucid.wording import listing, nearest, shown

SPEC = MethodSpec(
    title="Grad-CAM",
    family="class activation",
    paper="Selvaraju RR, Cogswell M, Das A, Vedantam R, Parikh D, Batra D. Grad-CAM: Visual Explanations from Deep "
    "Networks via Gradient-based Localization. ICCV (2017), equations 1 and 2",
    unit="weighted activation (logit)",
    per_channel=False,
    signed="relu=False",
    requires=("conv",),
    parameters={
        "layer": {
            "type": "string",
            "default": "last",
            "description": "the convolution layer: last, or a layer's name",
        },
        "relu": {
            "type": "boolean",
            "default": True,
            "description": "keep only what speaks for the class, as in the paper; false shows the rest too",
        },
    },
)


def explain(
    probe: Probe,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    layer: str = "last",
    relu: bool = True,
) -> NDArray[np.float32]:
    """One map per example over time or space, repeated for every channel: (N, *input_shape).

    The weights of the feature maps are each example's own (equation 1); the map is brought to the input's size by
    linear interpolation.

    Raises:
        InputError: no convolution layer, or none of that name.
    """
    found = maps(probe, inputs, targets, convolution(probe, layer))
    if relu:
        found = np.maximum(found, 0)
    return np.repeat(upsample(found, inputs.shape[1:-1])[..., np.newaxis], inputs.shape[-1], axis=-1)


def maps(probe: Probe, inputs: NDArray[np.float32], targets: NDArray[np.int64], layer: str) -> NDArray[np.float32]:
    """Weighted sum of a layer's feature maps at the layer's own size, before the ReLU: (N, *axes)."""
    activations, gradients = probe.activations_and_gradient(inputs, targets, layer)
    axes = tuple(range(1, activations.ndim - 1))
    weights = gradients.mean(axes, keepdims=True)  # equation 1: alpha_k = mean over positions of dy / dA_k
    summed: NDArray[np.float32] = (weights * activations).sum(-1)  # equation 2
    return summed


def convolution(probe: Probe, layer: str) -> str:
    """The name of the layer that `layer` means.

    Raises:
        InputError: no convolution layer, or none of that name.
    """
    names = probe.conv_layers
    if not names:
        raise InputError("model", "no convolution layer", "one at least")
    if layer == "last":
        return names[-1]
    if layer not in probe.layers:
        raise InputError(
            "grad_cam.layer", shown(layer), f"last, or one of {listing(names)}", nearest(layer, names).strip()
        )
    return layer
