"""`.keras` files made by hand, without Keras: every part of them can be made wrong."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

CONVOLUTION = {
    "filters": 2, "kernel_size": [3], "strides": [1], "padding": "same", "data_format": "channels_last",
    "dilation_rate": [1], "groups": 1, "use_bias": True,
}  # fmt: skip
ENTRIES = ("metadata.json", "config.json", "model.weights.h5")


def layer(kind: str, name: str, *, inputs: Any = None, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    """One layer as Keras saves it; `inputs` are the names of the layers that each of its uses takes."""
    config = json.loads(json.dumps(config))  # a copy of all that is in it
    made = {"module": module, "class_name": kind, "config": {"name": name, **config}, "registered_name": None}
    if inputs is None:
        return made
    tensors = [[tensor(one) for one in use] for use in inputs]
    uses = [{"args": [use if len(use) > 1 else use[0]], "kwargs": {}} for use in tensors]
    return {**made, "name": name, "inbound_nodes": uses}


def tensor(name: str) -> dict[str, Any]:
    """The output of a layer, as an argument of another."""
    config = {"shape": [None, 8, 2], "dtype": "float32", "keras_history": [name, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def sequential() -> dict[str, Any]:
    """A chain: one convolution, the average of its maps, two classes."""
    layers = [
        layer("InputLayer", "input", batch_shape=[None, 8, 1]),
        layer("Conv1D", "conv", **CONVOLUTION, activation="relu"),
        layer("GlobalAveragePooling1D", "pool"),
        layer("Dense", "classes", units=2, activation="softmax"),
    ]
    return layer("Sequential", "chain", module="keras", layers=layers)


def functional() -> dict[str, Any]:
    """A sum of two ways, of which one is a model of its own."""
    inner = {
        "layers": [
            layer("InputLayer", "inner_input", inputs=[], batch_shape=[None, 8, 2]),
            layer("Conv1D", "inner_conv", inputs=[["inner_input"]], **CONVOLUTION),
        ],
        "input_layers": [["inner_input", 0, 0]],
        "output_layers": [["inner_conv", 0, 0]],
    }
    block = layer("Functional", "block", inputs=[["conv"]], module="keras.src.models.functional", **inner)
    layers = [
        layer("InputLayer", "input", inputs=[], batch_shape=[None, 8, 1]),
        layer("Conv1D", "conv", inputs=[["input"]], **CONVOLUTION, activation="relu"),
        block,
        layer("Add", "sum", inputs=[["conv", "block"]]),
        layer("GlobalAveragePooling1D", "pool", inputs=[["sum"]]),
        layer("Dense", "classes", inputs=[["pool"]], units=2, activation="softmax"),
    ]
    ends = {"input_layers": [["input", 0, 0]], "output_layers": [["classes", 0, 0]]}
    return layer("Functional", "ways", module="keras.src.models.functional", layers=layers, **ends)


WEIGHTS: dict[str, tuple[tuple[int, ...], ...]] = {
    "layers/conv1d": ((3, 1, 2), (2,)),
    "layers/dense": ((2, 2), (2,)),
    "layers/functional/layers/conv1d": ((3, 2, 2), (2,)),
}


def weights(change: Any = None) -> bytes:
    """The weights of both models above, changed by a function of the open file."""
    file = io.BytesIO()
    rng = np.random.default_rng(0)
    with h5py.File(file, "w") as opened:
        for place, shapes in WEIGHTS.items():
            for number, shape in enumerate(shapes):
                opened[f"{place}/vars/{number}"] = rng.normal(size=shape).astype(np.float32)
        if change is not None:
            change(opened)
    return file.getvalue()


def write(path: Path, config: dict[str, Any] | bytes | None = None, held: bytes | None = None) -> None:
    """Write a `.keras` file as Keras does."""
    config = sequential() if config is None else config
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        contents = (b'{"keras_version": "3.0"}', text, weights() if held is None else held)
        for name, content in zip(ENTRIES, contents, strict=True):
            archive.writestr(name, content)
