"""The kernels of a convolution layer's filters."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import kernel_layer
from pellucid.views.base import Layer, ViewData, ViewSpec

SPEC = ViewSpec(
    title="Filters",
    about="The weights of every filter of a convolution layer, the strongest first. All have one colour scale, which "
    "is symmetric about zero. A filter reacts to what looks like it; in the first layer you can read that directly.",
    paper="Krizhevsky A, Sutskever I, Hinton GE. ImageNet Classification with Deep Convolutional Neural Networks. NIPS "
    "(2012), figure 3",
    requires=("conv",),
    several_inputs=True,
)


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    layer: Layer = "first",
    shown: Annotated[
        int,
        Field(
            ge=1,
            le=1_000,
            description="largest number of filters drawn: those with the largest norm; the arrays hold all",
        ),
    ] = 32,
    channels: Annotated[
        int,
        Field(
            ge=1,
            le=1_000,
            description="for layers after the first: largest number of input channels drawn for each filter, those "
            "with the largest norm",
        ),
    ] = 8,
) -> dict[str, NDArray[Any]]:
    """Return the kernels of a layer, and the spacing of their taps on the input.

    Returns:
        kernels (filters, *size, input channels); norms (filters,), Euclidean; order (filters,), the largest norm first;
        layer, its name; step (axes,), input positions between two taps, 0 if not known; on_input, whether the input
        channels of the kernels are those of the data.

    Raises:
        InputError: no convolution layer, none of that name, or a layer without kernels.
    """
    name = kernel_layer(model, layer)
    layer_object = model.layers[name]
    kernels, spans = kernels_of(layer_object), model.receptive_field(name).spans
    axes = kernels.ndim - 2
    dilation, stride = (
        np.broadcast_to(np.asarray(of), axes) for of in (layer_object.dilation_rate, layer_object.strides)
    )
    matching = len(spans) == axes and not model.receptive_field(name).whole
    step = np.zeros(axes, np.int64)
    on_input = False
    if matching:
        order = _order(model, name)
        kernels, dilation, stride = kernels.transpose(0, *(order + 1), -1), dilation[order], stride[order]
        step = np.array([span.jump for span in spans]) // stride * dilation
        # On an axis that the model reverses, the last tap lies first on the input.
        kernels = np.flip(kernels, [axis + 1 for axis in np.flatnonzero(step < 0)])
        step = np.abs(step)
        reach = [1 + (size - 1) * rate for size, rate in zip(kernels.shape[1:-1], dilation, strict=True)]
        uses = [index for index, node in enumerate(model.nodes) if node.operation is layer_object]
        on_input = [span.size for span in spans] == reach and all(map(model.places.takes_data, uses))
        on_input = on_input and kernels.shape[-1] == model.input_shape[-1]
    norms = np.sqrt(np.square(kernels, dtype=np.float64).reshape(len(kernels), -1).sum(1))
    return {
        "kernels": np.ascontiguousarray(kernels),
        "norms": norms,
        "order": np.argsort(-norms, kind="stable"),
        "layer": np.array(name),
        "step": step,
        "on_input": np.array(on_input),
    }


def _order(model: ExplainedModel, name: str) -> NDArray[np.int64]:
    """Return for each axis of the input which axis of a layer's kernels lies along it; as they come where not known."""
    along = (model.map_order(name) or [])[1:-1]
    return np.argsort(np.argsort(along)) if along else np.arange(len(model.input_shape) - 1)


def kernels_of(layer: Any) -> NDArray[np.float32]:
    """Return the kernels of a Keras convolution layer: (filters, *size, input channels).

    A depthwise filter has one input channel. The kernels of a separable layer are the products of its two steps, which
    are the kernels of the equivalent plain convolution.

    Raises:
        InputError: the layer has no kernels over one or two axes.
    """
    kind, weights = type(layer).__name__, [np.asarray(value) for value in layer.get_weights()]
    if not weights or "Conv" not in kind or weights[0].ndim not in (3, 4):
        raise InputError.unexpected(f"layer {layer.name}", f"a {kind} layer", "a convolution over one or two axes")
    kernel = weights[0]
    if kind.startswith("Separable"):
        pointwise = weights[1].reshape(kernel.shape[-2], kernel.shape[-1], -1)
        kernel = np.einsum("...im,imo->...io", kernel, pointwise)
    elif kind.startswith("Depthwise"):
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    elif "Transpose" in kind:
        kernel = np.swapaxes(kernel, -1, -2)
    return np.ascontiguousarray(np.moveaxis(kernel, -1, 0), np.float32)
