"""Weights files of networks of keras.applications in the layout in which Keras publishes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np


def write(model: Any, path: Path) -> Path:
    """Give every weight of a model a random value, and write them as keras.applications does.

    Every layer is a group, those without weights too, and its arrays stand in Keras' order.
    """
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        file.attrs["keras_version"] = b"2.4.0"
        file.attrs["backend"] = b"tensorflow"
        for layer in model.layers:
            for weight in layer.weights:
                # Around what it begins with: variances stay positive, and activations neither vanish nor grow.
                start = np.asarray(weight)
                if np.issubdtype(start.dtype, np.floating):
                    weight.assign(start + 0.05 * rng.random(start.shape, np.float32))
            if hasattr(layer, "finalize_state"):
                layer.finalize_state()
            group = file.create_group(layer.name)
            legacy = [*layer.trainable_weights, *layer.non_trainable_weights]
            names = [f"{layer.name}/{number}:0" for number in range(len(legacy))]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, legacy, strict=True):
                group[name] = np.asarray(weight)
    return path
