"""The feature maps of a layer on examples of each class."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import conv_layer
from pellucid.views.base import Layer, ViewData, ViewSpec
from pellucid.views.shared.maps import about_examples, axes_of, batches, field_arrays, per_class, small

SPEC = ViewSpec(
    title="Activations",
    about="The output of the filters of one layer for an example of each class, the strongest filter first. It is "
    "drawn below the input, on the same axes. The mark on the input shows the receptive field of the most active "
    "unit: what this unit sees.",
    paper="Zeiler MD, Fergus R. Visualizing and Understanding Convolutional Networks. ECCV (2014), section 4",
    requires=("conv",),
    needs=("examples",),
    several_inputs=True,
)

_SMALL = 64  # positions along an axis of an image's map: more cannot be seen in a figure of many maps


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    layer: Layer = "first",
    examples: Annotated[int, Field(ge=1, le=100_000, description="examples of each class")] = 1,
    shown: Annotated[
        int,
        Field(
            ge=1,
            le=1_000,
            description="largest number of filters drawn: those with the largest mean absolute activation over the "
            "examples. For the other filters, the arrays hold the mean and the maximum",
        ),
    ] = 32,
) -> dict[str, NDArray[Any]]:
    """Return the maps of the strongest filters, and a summary of all filters.

    Returns:
        `about_examples` of the E examples; layer, its name; filters (shown,), the strongest first; maps
        (E, shown, *axes), of images reduced to 64 positions along an axis; units (E, 1 + axes), the filter (its index
        among the shown ones) and the position of the most active unit; mean, mean_absolute, maximum (E, filters);
        n_filters; `field_arrays` of the layer.

    Raises:
        InputError: no such layer, or a layer without a map per filter on the axes of the input.
    """
    name = conv_layer(model, layer)
    selected = per_class(data.examples["labels"], examples)
    about = about_examples(data, selected)
    data.hold(model, selected)
    summary: dict[str, list[NDArray[np.float32]]] = {"mean": [], "mean_absolute": [], "maximum": []}
    for _, batch_maps in batches(model, about["inputs"], name):
        summary["mean"].append(batch_maps.mean(axes_of(batch_maps)))
        summary["mean_absolute"].append(np.abs(batch_maps).mean(axes_of(batch_maps)))
        summary["maximum"].append(batch_maps.max(axes_of(batch_maps)))
    whole = {key: np.concatenate(values) for key, values in summary.items()}
    filters = np.argsort(-whole["mean_absolute"].mean(0), kind="stable")[:shown]
    # A second pass is cheaper than keeping the maps of all filters.
    maps, units = [], []
    for _, batch_maps in batches(model, about["inputs"], name):
        for example_maps in batch_maps[..., filters]:
            *unit, strongest = np.unravel_index(example_maps.argmax(), example_maps.shape)
            units.append([strongest, *unit])
            shrunk = small(example_maps, _SMALL) if example_maps.ndim == 3 else example_maps
            maps.append(np.moveaxis(shrunk, -1, 0))
    return {
        **about,
        **whole,
        **field_arrays(model.receptive_field(name)),
        "layer": np.array(name),
        "filters": filters,
        "maps": np.stack(maps),
        "units": np.array(units),
        "n_filters": np.array(whole["mean"].shape[1]),
    }
