"""What the class activation methods share: which layer, and from its map to the input's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.explain.upsampling import upsample
from pellucid.probe import Probe
from pellucid.wording import listing, nearest, shown

LAYER: Mapping[str, Any] = {
    "type": "string",
    "default": "last",
    "description": "the convolution layer: last, or a layer's name",
}


def chosen_layer(probe: Probe, layer: str) -> str:
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
        raise InputError("layer", shown(layer), f"last, or one of {listing(names)}", nearest(layer, names).strip())
    return layer


def weighted(
    probe: Probe, inputs: NDArray[np.float32], targets: NDArray[np.int64], layer: str
) -> tuple[NDArray[np.float32], NDArray[np.float32], tuple[int, ...]]:
    """Feature maps of a layer (N, *axes, maps), the logit's gradient with respect to them, and the numbers of the axes.

    Raises:
        InputError: a layer without axes, such as a dense one.
    """
    activations, gradients = probe.activations_and_gradient(inputs, targets, layer)
    if activations.ndim < 3:
        found = f'"{layer}", whose output {activations.shape[1:]} has no time or space left'
        raise InputError("layer", found, f"a layer with feature maps, such as {listing(probe.conv_layers)}")
    return activations, gradients, tuple(range(1, activations.ndim - 1))


def spread(maps: NDArray[np.float32], shape: Sequence[int]) -> NDArray[np.float32]:
    """Maps (N, *axes) brought to the inputs' shape (N, *input_shape) and repeated for every channel."""
    return np.repeat(upsample(maps, shape[1:-1])[..., np.newaxis], shape[-1], axis=-1)
