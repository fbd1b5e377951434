"""Weights files of networks of keras.applications in the layout in which Keras publishes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np


def write(model: Any, path: Path, images: Any = None) -> Path:
    """Give every weight of a model a random value, and write them as keras.applications does.

    Of `images`, as the network takes them, batch normalisation gets its statistics: with others, what tells one image
    from another would fade from layer to layer.

    Every layer is a group, those without weights too, and its arrays stand in Keras' order.
    """
    rng = np.random.default_rng(0)
    for layer in model.layers:
        for weight in layer.weights:
            # Around what it begins with: the size of the activations stays as it is from layer to layer.
            start = np.asarray(weight)
            if np.issubdtype(start.dtype, np.floating):
                factor = 1 + 0.2 * rng.standard_normal(start.shape, np.float32)
                weight.assign(start * factor if start.ndim > 1 else start + 0.1 * rng.random(start.shape, np.float32))
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    if images is not None:
        normalisations = [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
        for layer in normalisations:
            layer.momentum = 0.0
        model(images, training=True)
        for layer in normalisations:
            # What hardly varies among a few images would be raised to the size of the rest, and rounding with it.
            variance = np.asarray(layer.moving_variance)
            layer.moving_variance.assign(variance + 0.2 * variance.mean() + 0.01)
        # A softmax that is sure of itself would hide what comes before it.
        head = [layer for layer in model.layers if layer.weights][-1]
        head.kernel.assign(0.3 * head.kernel)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        file.attrs["keras_version"] = b"2.4.0"
        file.attrs["backend"] = b"tensorflow"
        for layer in model.layers:
            group = file.create_group(layer.name)
            legacy = [*layer.trainable_weights, *layer.non_trainable_weights]
            names = [f"{layer.name}/{number}:0" for number in range(len(legacy))]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, legacy, strict=True):
                group[name] = np.asarray(weight)
    return path
