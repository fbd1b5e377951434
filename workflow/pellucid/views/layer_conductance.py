"""How much of a score passes through each unit of a layer: conductance, integrated gradients, influence and others."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.explain.shared import baselines, held_examples
from pellucid.messages import format_shape
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import conv_layer
from pellucid.views.base import Layer, ViewData, ViewSpec
from pellucid.views.shared import layer_shares
from pellucid.views.shared.maps import field_arrays, per_class, small
from pellucid.views.shared.targeted import about_targets

SPEC = ViewSpec(
    title="Layer conductance",
    about="How much of the explained score passes through each filter of one layer, and where. The conductances of "
    "all units add up to the change of the score from the baseline to the example. Each bar is the sum over all "
    "positions of a filter.",
    paper="Dhamdhere K, Sundararajan M, Yan Q. How Important is a Neuron? ICLR (2019), equation 3, computed as in "
    "Shrikumar A, Su J, Kundaje A. Computationally Efficient Measures of Internal Neuron Importance. arXiv:1807.09946 "
    "(2018), section 3; integrated gradients: Sundararajan M, Taly A, Yan Q. Axiomatic Attribution for Deep Networks. "
    "ICML (2017), equation 1, of the layer in the place of the input; influence: Leino K, Sen S, Datta A, Fredrikson "
    "M, Li L. Influence-Directed Explanations for Deep Convolutional Networks. ITC (2018), definition 1, uniform on "
    "the line",
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
    layer: Layer = "last",
    of: Annotated[
        layer_shares.Quantity,
        Field(
            description="conductance: the change of the score from the baseline that passes through a unit. "
            "integrated_gradients: integrated gradients of the layer's output, on the line from its value for the "
            "baseline to its value for the example. influence: the mean gradient of the score with respect to a unit, "
            "on the line from the baseline to the example. activation_times_gradient: the unit's activation × its "
            "gradient, at the example itself"
        ),
    ] = "conductance",
    steps: Annotated[
        int, Field(ge=1, le=100_000, description="intervals of the line from the baseline to the example")
    ] = 50,
    baseline: baselines.Baseline = "zero",
    examples: Annotated[int, Field(ge=1, le=100_000, description="examples of each class")] = 1,
    shown: Annotated[
        int,
        Field(
            ge=1,
            le=1_000,
            description="largest number of filters drawn: those with the largest mean absolute sum over the examples; "
            "the arrays hold the sums of all",
        ),
    ] = 16,
) -> dict[str, NDArray[Any]]:
    """Return the maps of the filters that count most, and the sums of all filters.

    Returns:
        `about_targets` of the E examples; layer, its name; filters (shown,), the strongest first; maps
        (E, shown, *axes), of images reduced to 64 positions along an axis, or (E, shown) of a layer without time or
        space; totals (E, filters), the sum over all positions of each filter; change (E,), of the score from the
        baseline; passes_all, whether every path through the network passes through the layer; `field_arrays`.

    Raises:
        InputError: no such layer; or the layer is used several times, has other axes than the input, or does not affect
            the scores.
    """
    name = conv_layer(model, layer)
    name = model.places.of_model(name) or name
    selected = per_class(data.examples["labels"], examples)
    about, held = about_targets(data, selected)
    inputs, targets = about["inputs"], about["targets"]
    reference = np.asarray(baselines.baseline(inputs, baseline, rng, about.get("measured")))
    values, change = [], []
    for rows in held_examples.each(model, held, len(inputs)):
        ends = inputs[rows], reference[rows], targets[rows]
        values.append(layer_shares.shares(model, *ends, name, steps, of))
        change.append(layer_shares.change(model, *ends))
    whole = np.concatenate(values)
    if whole.ndim not in (2, inputs.ndim):
        found = f"an output of {format_shape(whole.shape[1:])}"
        expected = (
            f"an output with {inputs.ndim - 1} axes (the last one for its filters), or with one axis (for its units)"
        )
        raise InputError.unexpected(f"layer {name}", found, expected)
    totals = layer_shares.totals(whole)
    filters = np.argsort(-np.abs(totals).mean(0), kind="stable")[:shown]
    maps = [example[..., filters] for example in whole]
    if whole.ndim == 4:
        maps = [small(example, _SMALL) for example in maps]
    return {
        **about,
        **field_arrays(model.receptive_field(name)),
        "layer": np.array(name),
        "filters": filters,
        "maps": np.moveaxis(np.stack(maps), -1, 1),
        "totals": totals,
        "change": np.concatenate(change),
        "passes_all": np.array(layer_shares.passes_all(model, name)),
    }
