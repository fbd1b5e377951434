"""A network of this project in PyTorch, with the same weights, for comparisons with libraries that explain those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras
    import torch


def torch_copy(model: keras.Model) -> torch.nn.Sequential:
    """A chain of Keras layers as a chain of PyTorch modules that ends in logits; a final softmax is left out.

    Each module has the name of its layer; the activation of a convolution or dense layer is a module of its own,
    `<layer>_activation`, since libraries change the gradient of modules. No module works in place.

    Args:
        model: Conv1D or 2D, BatchNormalization, ReLU, Activation, max and average pooling, Dropout, Flatten, global
            average pooling, Dense.

    Returns:
        A module in evaluation mode, (N, channels, *axes) to (N, classes).

    Raises:
        ValueError: a layer, padding or activation that has no counterpart here.
    """
    from torch import nn

    parts: dict[str, Any] = {}
    for layer in model.layers:
        made = _module(nn, layer)
        if made is not None:
            parts[layer.name] = made
        activation = getattr(layer, "activation", None)
        if activation is not None and layer is not model.layers[-1]:
            follows = _activation(nn, activation.__name__, layer.name)
            if follows is not None:
                parts[f"{layer.name}_activation" if made is not None else layer.name] = follows
    copy = nn.Sequential()
    for name, part in parts.items():
        copy.add_module(name, part)
    return copy.eval()


def channels_first(x: NDArray[np.float32]) -> torch.Tensor:
    """(N, *axes, channels) as a tensor (N, channels, *axes)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def channels_last(x: torch.Tensor) -> NDArray[np.float32]:
    """A tensor (N, channels, *axes) as an array (N, *axes, channels)."""
    return np.moveaxis(x.detach().numpy(), 1, -1)


def _module(nn: Any, layer: keras.layers.Layer) -> Any:
    """The counterpart of a layer without its activation; None for one that does nothing but activate."""
    kind, weights = type(layer).__name__, layer.get_weights()
    if kind in ("Conv1D", "Conv2D"):
        return _convolution(nn, layer, weights)
    if kind == "Dense":
        made = nn.Linear(*weights[0].shape, bias=layer.use_bias)
        return _filled(made, weight=weights[0].T, bias=weights[1] if layer.use_bias else None)
    if kind == "BatchNormalization":
        made = nn.BatchNorm1d if len(layer.input.shape) == 3 else nn.BatchNorm2d
        gamma, beta, mean, variance = weights
        made = _filled(made(len(mean), eps=layer.epsilon), weight=gamma, bias=beta)
        return _filled(made, running_mean=mean, running_var=variance)
    if kind[:-2] in ("MaxPooling", "AveragePooling"):
        if layer.padding != "valid":
            raise ValueError(f'{layer.name}: padding "{layer.padding}"; only "valid" pooling has a counterpart')
        make = getattr(nn, f"{'Max' if kind.startswith('Max') else 'Avg'}Pool{kind[-2:].lower()}")
        return make(tuple(layer.pool_size), tuple(layer.strides))
    if kind == "Flatten":
        return _channels_last_flatten(nn)
    if kind in ("GlobalAveragePooling1D", "GlobalAveragePooling2D"):
        return nn.Sequential(nn.AdaptiveAvgPool1d(1) if kind.endswith("1D") else nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if kind == "ReLU" and layer.max_value is None and not layer.negative_slope and not layer.threshold:
        return nn.ReLU()
    if kind == "Dropout":
        return nn.Identity()  # as outside of training
    if kind in ("Activation", "InputLayer", "Softmax"):
        return None
    raise ValueError(f"{layer.name}: no counterpart for {kind}")


def _convolution(nn: Any, layer: keras.layers.Layer, weights: list[NDArray[np.float32]]) -> Any:
    """Kernels (*sizes, in, out) become (out, in, *sizes)."""
    if layer.padding == "same" and set(layer.strides) != {1}:
        raise ValueError(f'{layer.name}: padding "same" with strides {layer.strides} has no counterpart')
    kernel = weights[0]
    make = nn.Conv1d if kernel.ndim == 3 else nn.Conv2d
    made = make(
        kernel.shape[-2] * layer.groups,
        kernel.shape[-1],
        kernel.shape[:-2],
        stride=tuple(layer.strides),
        padding=layer.padding,
        dilation=tuple(layer.dilation_rate),
        groups=layer.groups,
        bias=layer.use_bias,
    )
    return _filled(made, weight=np.moveaxis(kernel, (-1, -2), (0, 1)), bias=weights[1] if layer.use_bias else None)


def _activation(nn: Any, name: str, layer: str) -> Any:
    found = {"relu": nn.ReLU, "elu": nn.ELU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "linear": None}
    if name not in found:
        raise ValueError(f"{layer}: no counterpart for the activation {name}")
    return None if found[name] is None else found[name]()


def _filled(module: Any, **arrays: NDArray[np.float32] | None) -> Any:
    """Give a module's parameters and buffers these values; shapes must fit."""
    import torch

    with torch.no_grad():
        for name, array in arrays.items():
            if array is not None:
                getattr(module, name).copy_(torch.from_numpy(np.array(array)))
    return module


def _channels_last_flatten(nn: Any) -> Any:
    """Flattening in the order of Keras, which has the channels last."""

    class Flatten(nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return x.movedim(1, -1).flatten(1)

    return Flatten()


def merged(copy: torch.nn.Sequential) -> torch.nn.Sequential:
    """Return a network in evaluation in which norms right behind a convolution are part of it.

    zennit's own merging leaves out the norms' epsilon, 0.001 here: its network answers 0.1% differently.
    """
    from torch import nn

    modules: list[Any] = []
    for module in copy.children():
        norm = isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
        if norm and isinstance(modules[-1], nn.Conv1d | nn.Conv2d):
            modules[-1] = nn.utils.fusion.fuse_conv_bn_eval(modules[-1], module)
        else:
            modules.append(module)
    return nn.Sequential(*modules).eval()
