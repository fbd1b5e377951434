"""The strongest feature maps of several layers on one example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import counted
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import conv_layer
from pellucid.views.base import ViewData, ViewSpec
from pellucid.views.shared.maps import about_examples, axes_of, batches, small

SPEC = ViewSpec(
    title="Feature maps",
    about="One example on its way through the network: the strongest maps of each layer, from the first layer to the "
    "last. Early layers keep the detail of the input. Later layers are coarse and react to fewer things.",
    paper="Zeiler MD, Fergus R. Visualizing and Understanding Convolutional Networks. ECCV (2014), section 4",
    requires=("conv",),
    needs=("examples",),
    several_inputs=True,
)

_SMALL = 112  # positions along an axis of an image's map: more cannot be seen in a figure of many maps


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    layers: Annotated[
        Literal["all"] | Annotated[Sequence[str], Field(min_length=1)],
        Field(description="all convolution layers, or a list of first, last and names of layers"),
    ] = "all",
    example: Annotated[
        int,
        Field(
            ge=0, le=100_000, description="number of the chosen example, counted from 0; examples are sorted by class"
        ),
    ] = 0,
    shown: Annotated[
        int,
        Field(
            ge=1,
            le=1_000,
            description="largest number of maps drawn for each layer: those with the largest mean absolute activation",
        ),
    ] = 8,
) -> dict[str, NDArray[Any]]:
    """Return the strongest maps of each layer on one example, and a summary of all maps.

    Returns:
        `about_examples` of the example; layers (L,), their names; n_filters (L,); sizes (L, axes), of their maps; whole
        (L,) and field (L, axes, 4) as in `field_arrays`; for layer i maps_i (shown, *axes), of images reduced to 112
        positions along an axis, filters_i (shown,), mean_i, mean_absolute_i and maximum_i (filters,).

    Raises:
        InputError: no such layer or example, or a layer without a map per filter on the axes of the input.
    """
    count = len(data.examples["labels"])
    if example >= count:
        raise InputError.unexpected(
            "feature_maps.example",
            f"{example}",
            f"at most {count - 1}: {counted(count, 'example')} {'is' if count == 1 else 'are'} chosen",
        )
    names = model.conv_layers if layers == "all" else [conv_layer(model, layer) for layer in layers]
    if not names:
        problem = "the model has no convolution layer, so `all` selects none."
        raise InputError("feature_maps.layers", problem, "List the names of layers instead.")
    about = about_examples(data, np.array([example]))
    data.hold(model, np.array([example]))
    by_layer: dict[str, NDArray[Any]] = {}
    sizes = []
    for index, name in enumerate(names):
        ((_, maps),) = batches(model, about["inputs"], name)
        sizes.append(maps.shape[1:-1])
        strength = np.abs(maps).mean(axes_of(maps))[0]
        filters = np.argsort(-strength, kind="stable")[:shown]
        by_layer |= {
            f"maps_{index}": np.moveaxis(_shrunk(maps[0][..., filters]), -1, 0),
            f"filters_{index}": filters,
            f"mean_{index}": maps.mean(axes_of(maps))[0],
            f"mean_absolute_{index}": strength,
            f"maximum_{index}": maps.max(axes_of(maps))[0],
        }
    fields = [model.receptive_field(name) for name in names]
    return {
        **about,
        **by_layer,
        "layers": np.array(names),
        "sizes": np.array(sizes),
        "n_filters": np.array([len(by_layer[f"mean_{index}"]) for index in range(len(names))]),
        "whole": np.array([field.whole for field in fields]),
        "field": np.array(
            [[(span.size, span.jump, span.start, span.units) for span in field.spans] for field in fields], np.int64
        ),
    }


def _shrunk(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    return small(maps, _SMALL) if maps.ndim == 3 else maps
