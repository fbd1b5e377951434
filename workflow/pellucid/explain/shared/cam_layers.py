"""Steps of the class activation methods: combine the feature maps of a layer, and lay the map on the input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import slices
from pellucid.errors import InputError
from pellucid.explain.shared.upsampling import lay_on_input
from pellucid.messages import comma_list
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import map_layer
from pellucid.network.spans import Span

# Bytes of feature maps that are combined at once: maps that fit into a core's cache take half the time (measured).
_CACHED = 2**20

Layer = Annotated[
    str,
    Field(
        description="first or last: the place behind the first or the last convolution through which all values pass "
        "(the activation that belongs to the convolution, or the point where branches meet); or the name of a layer "
        "or operation"
    ),
]


# Gets the feature maps of some examples (B, *axes, maps), the gradients of their logits with respect to them (of the
# same shape), and the numbers of the axes of time or space; returns one map per example (B, *axes).
Combine = Callable[[NDArray[np.float32], NDArray[np.float32], tuple[int, ...]], NDArray[np.float32]]


def attribute(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], layer: str, combine: Combine
) -> NDArray[np.float32]:
    """Return the combined feature maps of a layer, laid on the input and repeated for every channel: (N, *input_shape).

    Args:
        model: the trained model.
        inputs: (N, *input_shape).
        targets: (N,).
        layer: see `Layer`.
        combine: makes one map per example of the feature maps and their gradients.

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    name = map_layer(model, layer)
    return spread(model, name, combined(model, inputs, targets, name, combine))


def combined(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    layer: str,
    combine: Combine,
) -> NDArray[np.float32]:
    """Return one map per example at the size of a layer, from its feature maps and their gradients: (N, *axes).

    Args:
        model: the trained model.
        inputs: (N, *input_shape).
        targets: (N,).
        layer: its name.
        combine: makes one map per example of the feature maps and their gradients.

    Raises:
        InputError: a layer without axes, such as a dense one.
    """

    def of_batch(batch: slice) -> NDArray[np.float32]:
        activations, gradients = model.activations_and_gradient(inputs[batch], targets[batch], layer)
        axes, number = axes_of(model, layer, activations), len(activations)
        size = max(1, _CACHED * number // max(activations.nbytes, 1))
        return np.concatenate([combine(activations[few], gradients[few], axes) for few in slices(number, size)])

    return np.concatenate([of_batch(batch) for batch in batches(model, len(inputs))])


def batches(model: ExplainedModel, number: int) -> list[slice]:
    """Return slices of the inputs, at least one, which bound the feature maps held in memory."""
    return slices(number, model.batch_size(backward=True))


def spread(model: ExplainedModel, layer: str, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay maps (N, *axes) of a layer on the input, each cell at its receptive field: (N, *input_shape).

    All channels get the same values.

    Raises:
        InputError: it is not known where the layer's output lies on the input.
    """
    return np.repeat(lay_on_input(maps, spans_of(model, layer))[..., np.newaxis], model.input_shape[-1], axis=-1)


def spans_of(model: ExplainedModel, layer: str) -> tuple[Span, ...]:
    """Return where the cells of a layer's maps lie along each axis of the input.

    Raises:
        InputError: it is not known where the layer's output lies on the input.
    """
    place = model.receptive_field(layer).place
    if place is None or not place.maps:
        found = f'"{layer}", whose output does not lie on the axes of the input in an order that is known'
        raise InputError.unexpected(
            "layer", found, f"a layer with feature maps, such as {comma_list(model.conv_layers)}"
        )
    return place.spans


def axes_of(model: ExplainedModel, layer: str, activations: NDArray[np.float32]) -> tuple[int, ...]:
    """Return the numbers of the axes of time or space of a layer's output (N, *axes, maps).

    Raises:
        InputError: the output has no such axes.
    """
    if activations.ndim < 3:
        found = f'"{layer}", whose output {activations.shape[1:]} has no time or space left'
        raise InputError.unexpected(
            "layer", found, f"a layer with feature maps, such as {comma_list(model.conv_layers)}"
        )
    return tuple(range(1, activations.ndim - 1))
