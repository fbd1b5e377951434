"""What the class activation methods share: the layer's parameter, and the way from its map to the input's shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import slices
from pellucid.errors import InputError
from pellucid.explain.shared.upsampling import placed
from pellucid.messages import comma_list
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.spans import Span

# Bytes of feature maps that are combined at once: what fits into a core's cache takes half the time (measured).
_CACHED = 2**20

Layer = Annotated[
    str,
    Field(
        description="first or last: the place that everything passes through behind the first or the last convolution "
        "(the activation that belongs to it, or where branches meet); or the name of a layer or operation"
    ),
]


def combined(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    layer: str,
    combine: Callable[[NDArray[np.float32], NDArray[np.float32], tuple[int, ...]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """One map per example at the size of a layer, from its feature maps and their gradients: (N, *axes).

    Args:
        model: the trained model.
        inputs: (N, *input_shape).
        targets: (N,).
        layer: its name.
        combine: gets the feature maps of some examples (B, *axes, maps), the gradient of their logits with respect to
            them, and the numbers of the axes; returns (B, *axes).

    Raises:
        InputError: a layer without axes, such as a dense one.
    """

    def one(part: slice) -> NDArray[np.float32]:
        activations, gradients = model.activations_and_gradient(inputs[part], targets[part], layer)
        axes, number = axes_of(model, layer, activations), len(activations)
        few = max(1, _CACHED * number // max(activations.nbytes, 1))
        return np.concatenate([combine(activations[some], gradients[some], axes) for some in slices(number, few)])

    return np.concatenate([one(part) for part in batches(model, len(inputs))])


def batches(model: ExplainedModel, number: int) -> list[slice]:
    """Parts of the inputs, at least one: feature maps of deep networks are large, and those of one part are held."""
    return slices(number, model.batch_size(backward=True))


def spread(model: ExplainedModel, layer: str, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps (N, *axes) of a layer laid on the input, each cell where its receptive field lies: (N, *input_shape).

    They are the same for every channel.

    Raises:
        InputError: a layer whose place on the input is not known.
    """
    return np.repeat(placed(maps, spans_of(model, layer))[..., np.newaxis], model.input_shape[-1], axis=-1)


def spans_of(model: ExplainedModel, layer: str) -> tuple[Span, ...]:
    """Where the cells of a layer's maps lie, along each axis of the input.

    Raises:
        InputError: a layer whose place on the input is not known.
    """
    place = model.receptive_field(layer).place
    if place is None or not place.maps:
        found = f'"{layer}", whose output does not lie on the axes of the input in an order that is known'
        raise InputError.unexpected(
            "layer", found, f"a layer with feature maps, such as {comma_list(model.conv_layers)}"
        )
    return place.spans


def axes_of(model: ExplainedModel, layer: str, activations: NDArray[np.float32]) -> tuple[int, ...]:
    """The numbers of the axes of time or space of a layer's output (N, *axes, maps).

    Raises:
        InputError: a layer without such axes.
    """
    if activations.ndim < 3:
        found = f'"{layer}", whose output {activations.shape[1:]} has no time or space left'
        raise InputError.unexpected(
            "layer", found, f"a layer with feature maps, such as {comma_list(model.conv_layers)}"
        )
    return tuple(range(1, activations.ndim - 1))
