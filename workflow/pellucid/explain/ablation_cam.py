"""Ablation-CAM: the feature maps of a layer, each weighted by how far the logit drops when the map is set to zero."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import slices
from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared.cam_layers import Layer, axes_of, spread
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import map_layer

SPEC = MethodSpec(
    title="Ablation-CAM",
    family="class activation",
    paper="Desai S, Ramaswamy HG. Ablation-CAM: Visual Explanations for Deep Convolutional Network via Gradient-free "
    "Localization. WACV (2020), equations 4 and 5",
    unit="weighted activation (logit)",
    per_channel=False,
    signed=When("relu", False),
    requires=("conv",),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    layer: Layer = "last",
    relu: Annotated[
        bool, Field(description="true: keep only what speaks for the class, as in the paper. false: also show the rest")
    ] = True,
) -> NDArray[np.float32]:
    """Return one map per example over time or space, repeated for every channel: (N, *input_shape).

    The weight of a feature map is the logit minus the logit without the map. The paper divides all weights of an
    example by its logit; here they keep the logit's unit, since a logit may be zero or negative, which would turn the
    map around. One pass of the layers behind for each feature map.

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    name = map_layer(model, layer)
    maps = np.concatenate(
        [weighted(model, inputs[batch], targets[batch], name) for batch in slices(len(inputs), model.batch_size())]
    )
    return spread(model, name, np.maximum(maps, 0) if relu else maps)


def weighted(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], layer: str
) -> NDArray[np.float32]:
    """Return the sum of a layer's feature maps, each times the drop of the logit without it: (N, *axes).

    Raises:
        InputError: a layer without axes, such as a dense one.
    """
    activations = model.activations(inputs, layer)
    axes_of(model, layer, activations)
    drops = model.score(inputs, targets) - model.scores_without_maps(inputs, targets, layer)
    summed: NDArray[np.float32] = np.einsum("n...k,kn->n...", activations, drops)
    return summed
