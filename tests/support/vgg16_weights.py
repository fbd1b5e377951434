"""A weights file of VGG16 in the layout in which keras.applications publishes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np


def write(keras: Any, path: Path, shape: tuple[int, ...], classes: int, *, model: Any = None) -> Any:
    """Write random weights, biases too, and return the model of keras.applications (or `model`) that has them.

    In the published file every layer is a group, those without weights too, and its arrays are named after it, as in
    "block1_conv1_W_1:0".
    """
    if model is None:
        model = keras.applications.VGG16(weights=None, input_shape=shape, classes=classes)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            # He's deviation, which keeps the size of the activations from layer to layer.
            scale = np.sqrt(2 / np.prod(kernel.shape[:-1])).astype(np.float32)
            if layer.name == "predictions":
                scale /= 100  # images up to 255 give logits that large: a softmax of them would be 0 or 1
            layer.set_weights(
                [scale * rng.standard_normal(kernel.shape, np.float32), 0.1 * rng.standard_normal(bias.shape)]
            )
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}_W_1:0", f"{layer.name}_b_1:0"] if layer.weights else []
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, layer.get_weights(), strict=True):
                group[name] = value
    return model
