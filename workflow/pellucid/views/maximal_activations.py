"""Maximal activations: the parts of real inputs that activate the filters of a layer most strongly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import conv_layer
from pellucid.network.receptive_field import ReceptiveField
from pellucid.views.base import Layer, ViewData, ViewSpec
from pellucid.views.shared.maps import Array, batches, field_arrays, small
from pellucid.views.shared.sampling import drawn
from pellucid.views.shared.sampling import shown as as_shown

SPEC = ViewSpec(
    title="Maximal activations",
    about="For each filter, the test examples to which it reacts most strongly, and in each of them the part that the "
    "most active unit sees. The filter looks for what these parts have in common.",
    paper="Girshick R, Donahue J, Darrell T, Malik J. Rich Feature Hierarchies for Accurate Object Detection and "
    "Semantic Segmentation. CVPR (2014), section 3.1",
    requires=("conv", "labels"),
    needs=("test", "measured"),
)

# Largest size of an image in the arrays, in pixels along an axis: of a patch, and of the whole image around it.
_LARGE, _SMALL = 112, 64


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    layer: Layer = "last",
    shown: Annotated[int, Field(ge=1, le=1_000, description="largest number of filters drawn")] = 8,
    order: Annotated[
        Literal["strongest", "first"],
        Field(description="which filters are drawn: those with the largest activations, or the first ones"),
    ] = "strongest",
    top: Annotated[int, Field(ge=1, le=1_000, description="examples drawn for each filter")] = 6,
    search: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000,
            description="largest number of test examples that are searched; if there are more, they are drawn at "
            "random",
        ),
    ] = 2000,
) -> dict[str, NDArray[Any]]:
    """Find the examples with the largest activation of each filter, and what the most active unit sees of them.

    Returns:
        layer, its name; n_filters; searched, number of examples; best_value and best_example (filters,) of every
        filter. For the F drawn filters and their K examples: filters (F,); values (F, K), the largest first; examples
        (F, K), indices of test examples; labels (F, K), or (F, K, outputs) of labels or values; units (F, K, axes),
        positions in the layer's maps; patches (F, K, *size, channels), NaN outside of the input and where nothing was
        measured, images reduced to 112 pixels; starts (F, K, axes), where a patch begins on the input; contexts (F, K,
        *axes, channels), the whole inputs, images reduced to 64 pixels; `field_arrays` of the layer.

    Raises:
        InputError: no such layer, or a layer without a map per filter on the axes of the input.
    """
    name = conv_layer(model, layer)
    x, labels = data.test
    pool = drawn(np.arange(len(x)), search, rng)
    highest, places = _highest(model, x, pool, name)
    best = highest.argmax(0)
    all_filters = np.arange(highest.shape[1])
    ranks = np.argsort(-highest.max(0), kind="stable") if order == "strongest" else all_filters
    filters, field = ranks[:shown], model.receptive_field(name)
    # Of equal activations the first example is taken.
    winners = np.argsort(-highest[:, filters], axis=0, kind="stable")[:top].T
    values = np.take_along_axis(highest[:, filters].T, winners, 1)
    flat = np.take_along_axis(places[:, filters].T, winners, 1)
    shape = _map_shape(model, x[:1], name)
    units = np.stack(np.unravel_index(flat, shape), -1)
    examples = pool[winners]
    measured = data.test_measured
    patches, starts = _patches((x, measured), field, examples, units)
    return {
        **field_arrays(field),
        "layer": np.array(name),
        "n_filters": np.array(len(all_filters)),
        "searched": np.array(len(pool)),
        "best_value": highest[best, all_filters],
        "best_example": pool[best],
        "filters": filters,
        "values": values,
        "examples": examples,
        "labels": labels[examples],
        "units": units,
        "patches": patches,
        "starts": starts,
        "contexts": np.stack([[_shrunk(as_shown(x, measured, one), _SMALL) for one in row] for row in examples]),
    }


def _patches(
    x: tuple[Array, NDArray[np.bool_] | None],
    field: ReceptiveField,
    examples: NDArray[np.int64],
    units: NDArray[np.int64],
) -> tuple[Array, NDArray[np.int64]]:
    """Return what units (F, K, axes) see of examples (F, K): the patches and their starts, as `compute` does.

    x: all test examples, and what was measured of them.
    """
    pairs = zip(examples.ravel(), units.reshape(-1, units.shape[-1]), strict=True)
    cuts = [cut(as_shown(*x, example), field, unit) for example, unit in pairs]
    patches = np.stack([_shrunk(patch, _LARGE) for patch, _ in cuts])
    starts = np.stack([start for _, start in cuts])
    return patches.reshape(*examples.shape, *patches.shape[1:]), starts.reshape(units.shape)


def cut(x: Array, field: ReceptiveField, unit: Iterable[int]) -> tuple[Array, NDArray[np.int64]]:
    """Return what a unit sees of an example (*axes, channels), NaN outside of it, and where it begins on each axis."""
    patch = np.full((*field.size, x.shape[-1]), np.nan, np.float32)
    starts = [span.of(index)[0] for span, index in zip(field.spans, unit, strict=True)]
    seen = [span.inside(index) for span, index in zip(field.spans, unit, strict=True)]
    there = tuple(
        slice(first - start, max(first, end) - start) for (first, end), start in zip(seen, starts, strict=True)
    )
    patch[there] = x[tuple(slice(first, max(first, end)) for first, end in seen)]
    return patch, np.array(starts, np.int64)


def _highest(model: ExplainedModel, x: Array, pool: NDArray[np.int64], layer: str) -> tuple[Array, NDArray[np.int64]]:
    """Return the largest activation of each filter on each example of the pool, and its index in the flattened map."""
    values, positions = [], []
    size = model.batch_size()
    for start in range(0, len(pool), size):
        for _, maps in batches(model, np.asarray(x[pool[start : start + size]]), layer):
            flat = maps.reshape(len(maps), -1, maps.shape[-1])
            position = flat.argmax(1)
            positions.append(position)
            values.append(np.take_along_axis(flat, position[:, np.newaxis], 1)[:, 0])
    return np.concatenate(values), np.concatenate(positions)


def _shrunk(x: Array, limit: int) -> Array:
    return small(x, limit) if x.ndim == 3 else x


def _map_shape(model: ExplainedModel, x: Array, layer: str) -> tuple[int, ...]:
    return model.activations(np.asarray(x), layer).shape[1:-1]
