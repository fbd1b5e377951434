"""A copy in PyTorch of a network of series with branches: the same layers, by name, on (N, channels, time)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras
    import torch


def torch_graph(model: keras.Model) -> torch.nn.Module:
    """A module that ends in the logits; each layer is a submodule of its name, its ReLU `<name>_activation`."""
    import torch
    from torch import nn

    from pellucid.network.graph import flatten

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.nodes = flatten(model)
            for node in self.nodes[1:]:
                for name, module in _modules(nn, torch, node.operation):
                    self.add_module(name, module)

        def forward(self, x: Any) -> Any:
            values = [x]
            for node in self.nodes[1:]:
                taken = [values[source] for source in node.inputs]
                value = getattr(self, node.name)(*taken)
                if hasattr(self, f"{node.name}_activation"):
                    value = getattr(self, f"{node.name}_activation")(value)
                values.append(value)
            return values[-1]

    return Graph().eval()


def _modules(nn: Any, torch: Any, layer: Any) -> list[tuple[str, Any]]:
    kind, name = type(layer).__name__, layer.name
    module = _module(nn, torch, kind, layer)
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if kind in ("Conv1D", "Dense") and activation == "relu":
        return [(name, module), (f"{name}_activation", nn.ReLU())]
    if activation not in ("linear", "softmax", "relu"):
        raise NotImplementedError(f"{name}: {activation}")
    return [(name, module)]


def _module(nn: Any, torch: Any, kind: str, layer: Any) -> Any:
    """The module of one layer, with its weights."""

    class Joined(nn.Module):
        def forward(self, *values: Any) -> Any:
            return sum(values[1:], values[0]) if kind == "Add" else torch.cat(values, 1)

    class Mean(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean(-1)

    weights = [torch.from_numpy(np.array(weight)) for weight in layer.get_weights()]
    if kind == "Conv1D":
        (size,), (stride,) = layer.kernel_size, layer.strides
        padding = size // 2 if layer.padding == "same" else 0
        if padding and (size % 2 == 0 or stride > 1):
            raise NotImplementedError(f"{layer.name}: padding same")
        made = nn.Conv1d(weights[0].shape[1], layer.filters, size, stride, padding, bias=layer.use_bias)
        with torch.no_grad():
            made.weight.copy_(weights[0].permute(2, 1, 0))
            if layer.use_bias:
                made.bias.copy_(weights[1])
        return made
    if kind == "Dense":
        made = nn.Linear(*weights[0].shape)
        with torch.no_grad():
            made.weight.copy_(weights[0].T)
            made.bias.copy_(weights[1])
        return made
    if kind == "BatchNormalization":
        made = nn.BatchNorm1d(len(weights[0]), eps=layer.epsilon)
        with torch.no_grad():
            for name, weight in zip(("weight", "bias", "running_mean", "running_var"), weights, strict=True):
                getattr(made, name).copy_(weight)
        return made
    simple = {
        "ReLU": lambda: nn.ReLU(),
        "Dropout": lambda: nn.Identity(),
        "Flatten": lambda: nn.Flatten(),
        "GlobalAveragePooling1D": lambda: Mean(),
        "Add": lambda: Joined(),
        "Concatenate": lambda: Joined(),
        "ZeroPadding1D": lambda: nn.ConstantPad1d(tuple(layer.padding), 0.0),
        "MaxPooling1D": lambda: nn.MaxPool1d(layer.pool_size[0], layer.strides[0]),
        # Without padding the last of an odd number of steps stands alone.
        "AveragePooling1D": lambda: nn.AvgPool1d(layer.pool_size[0], layer.strides[0], ceil_mode=True),
    }
    if kind == "MaxPooling1D" and layer.padding != "valid":
        return nn.MaxPool1d(layer.pool_size[0], layer.strides[0], padding=layer.pool_size[0] // 2)
    return simple[kind]()
