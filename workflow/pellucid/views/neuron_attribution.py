"""What single filters or neurons of a layer look at: their conductance, gradient and integrated gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import slices
from pellucid.errors import InputError
from pellucid.explain.shared import baselines, held_examples, line
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import conv_layer
from pellucid.views.base import Layer, ViewData, ViewSpec
from pellucid.views.shared import layer_shares
from pellucid.views.shared.maps import per_class
from pellucid.views.shared.targeted import about_targets

SPEC = ViewSpec(
    title="Neuron attribution",
    about="What single filters of one layer look at in each example. The filters through which most of the explained "
    "score passes stand side by side, each with a map on the input. Conductance: how much of the score comes from an "
    "input value through this filter.",
    paper="Dhamdhere K, Sundararajan M, Yan Q. How Important is a Neuron? ICLR (2019), equation 2; gradient and "
    "integrated gradients of a neuron: Sundararajan M, Taly A, Yan Q. Axiomatic Attribution for Deep Networks. ICML "
    "(2017), equation 1, for a neuron in the place of the output",
    requires=("conv",),
    needs=("examples",),
    several_inputs=True,
)

Quantity = Literal["conductance", "integrated_gradients", "gradient"]


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    layer: Layer = "last",
    units: Annotated[
        Literal["strongest"]
        | Annotated[Sequence[Annotated[int, Field(ge=0, le=1_000_000)]], Field(min_length=1, max_length=100)],
        Field(
            description="strongest: for each example, the filters with the largest absolute conductance; or a list of "
            "the numbers of filters, from 0"
        ),
    ] = "strongest",
    position: Annotated[
        Literal["all", "strongest"],
        Field(
            description="which neurons of a filter. all: their maps are added. strongest: only the neuron at the "
            "position of the largest absolute conductance"
        ),
    ] = "all",
    of: Annotated[
        Quantity,
        Field(
            description="conductance: how much of the score comes through the filter. integrated_gradients or "
            "gradient: explain the filter's own output, whatever the score makes of it"
        ),
    ] = "conductance",
    steps: Annotated[
        int, Field(ge=1, le=100_000, description="intervals of the line from the baseline to the example")
    ] = 50,
    baseline: baselines.Baseline = "zero",
    examples: Annotated[int, Field(ge=1, le=100_000, description="examples of each class")] = 1,
    shown: Annotated[
        int, Field(ge=1, le=100, description="number of filters for each example, if units is strongest")
    ] = 3,
) -> dict[str, NDArray[Any]]:
    """Return a map on the input for each of some units, and their conductance.

    Returns:
        `about_targets` of the E examples; layer, its name; maps (E, U, *input_shape); units (E, U, axes of the layer),
        the position (-1: all) and the filter of each; conductance (E, U), of these units; change (E,), of the score
        from the baseline; n_filters; passes_all, whether every path through the network passes through the layer.

    Raises:
        InputError: no such layer or unit, a layer that is used several times, or that the scores do not depend on.
    """
    name = conv_layer(model, layer)
    name = model.places.of_model(name) or name
    selected = per_class(data.examples["labels"], examples)
    about, held = about_targets(data, selected)
    inputs, targets = about["inputs"], about["targets"]
    reference = np.asarray(baselines.baseline(inputs, baseline, rng, about.get("measured")))
    parts: dict[str, list[NDArray[Any]]] = {"maps": [], "units": [], "conductance": [], "change": []}
    for rows in held_examples.each(model, held, len(inputs)):
        ends = inputs[rows], reference[rows], targets[rows]
        whole = layer_shares.shares(model, *ends, name, steps, "conductance")
        chosen, conductance = _chosen(whole, units, position, shown)
        parts["units"].append(chosen)
        parts["conductance"].append(conductance)
        parts["change"].append(layer_shares.change(model, *ends))
        parts["maps"].append(_maps(model, *ends, chosen, name, steps, of))
    return {
        **about,
        **{key: np.concatenate(values) for key, values in parts.items()},
        "layer": np.array(name),
        "n_filters": np.array(whole.shape[-1]),
        "passes_all": np.array(layer_shares.passes_all(model, name)),
    }


def _chosen(
    whole: NDArray[np.float32], units: str | Sequence[int], position: str, shown: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the units (N, U, axes) of a layer with conductances (N, *positions, filters), and their own (N, U)."""
    count, totals = whole.shape[-1], layer_shares.totals(whole)
    if isinstance(units, str):
        filters = np.argsort(-np.abs(totals), axis=1, kind="stable")[:, :shown]
    else:
        if max(units) >= count:
            raise InputError.unexpected("neuron_attribution.units", f"{max(units)}", f"filters from 0 to {count - 1}")
        filters = np.tile(np.asarray(units, np.int64), (len(whole), 1))
    chosen = np.full((*filters.shape, whole.ndim - 1), -1, np.int64)
    chosen[..., -1] = filters
    conductance = np.take_along_axis(totals, filters, 1)
    if position == "strongest" and whole.ndim > 2:
        flat = np.take_along_axis(whole.reshape(len(whole), -1, count), filters[:, np.newaxis], 2)
        best = np.abs(flat).argmax(1)
        chosen[..., :-1] = np.stack(np.unravel_index(best, whole.shape[1:-1]), axis=-1)
        conductance = np.take_along_axis(flat, best[:, np.newaxis], 1)[:, 0].astype(np.float64)
    return chosen, conductance


def _maps(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    reference: NDArray[np.float32],
    targets: NDArray[np.int64],
    units: NDArray[np.int64],
    layer: str,
    steps: int,
    of: Quantity,
) -> NDArray[np.float32]:
    """Return the maps (N, U, *input_shape) of units (N, U, axes)."""
    example = np.repeat(np.arange(len(inputs)), units.shape[1])
    flat, x, start = units.reshape(-1, units.shape[-1]), inputs[example], reference[example]
    size = model.batch_size(backward=True)
    if of == "gradient":
        found = [model.neuron_gradient(x[part], flat[part], layer) for part in slices(len(x), size)]
        return np.concatenate(found).reshape(*units.shape[:2], *inputs.shape[1:])

    def gradient(points: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        through = targets[example[rows]] if of == "conductance" else None
        return model.neuron_gradient(points, flat[rows], layer, through)

    mean = line.mean_gradient(x, start, steps, size, gradient)
    return np.asarray((x - start) * mean, np.float32).reshape(*units.shape[:2], *inputs.shape[1:])
