"""Score-CAM: feature maps of a convolution layer, each weighted by the logit of the input masked with it."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import block_size, blocks, slices
from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared import baselines
from pellucid.explain.shared.cam_layers import Layer, axes_of, spans_of, spread
from pellucid.explain.shared.upsampling import coverage, lay_on_input
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import map_layer

SPEC = MethodSpec(
    title="Score-CAM",
    family="class activation",
    paper="Wang H, Wang Z, Du M, Yang F, Zhang Z, Ding S, Mardziel P, Hu X. Score-CAM: Score-Weighted Visual "
    "Explanations for Convolutional Neural Networks. CVPR workshops (2020), equations 5 to 8 and algorithm 1",
    unit="weighted activation (a.u.)",
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
    weights: Annotated[
        Literal["softmax", "increase", "probability"],
        Field(
            description="weights of the feature maps. softmax: the increase of the logit, put through a softmax over "
            "the maps (algorithm 1). increase: the increase itself (equation 7). probability: the probability of the "
            "class, as several programs have it. Values and contrasts have no probability: the value or difference "
            "itself is taken"
        ),
    ] = "softmax",
    feature_maps: Annotated[
        Annotated[int, Field(ge=1, le=100_000)] | Literal["all"],
        Field(description="number of feature maps that are taken: all, or those that vary most over the example"),
    ] = "all",
    baseline: baselines.Baseline = "zero",
    relu: Annotated[
        bool, Field(description="true: keep only what speaks for the class, as in the paper. false: also show the rest")
    ] = True,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return one map per example over time or space, repeated for every channel: (N, *input_shape).

    Each feature map, upsampled to the input's size and scaled to [0, 1], is a mask that blends the input with the
    baseline; the score of the blend gives the map's weight. A map without contrast gets the weight 0.

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    filling = baselines.baseline(inputs, baseline, rng, measured)
    name = map_layer(model, layer)
    summed = maps(model, inputs, filling, targets, name, weights, feature_maps)
    return spread(model, name, np.maximum(summed, 0) if relu else summed)


def maps(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    filling: NDArray[np.float32],
    targets: NDArray[np.int64],
    layer: str,
    weights: str,
    feature_maps: int | str,
) -> NDArray[np.float32]:
    """Return the weighted sum of a layer's feature maps at the layer's size, before the ReLU: (N, *axes).

    Raises:
        InputError: see `explain`.
    """
    summed = []
    # Batch by batch, since the feature maps of deep networks are large.
    for batch in slices(len(inputs), model.batch_size()):
        activations = _feature_maps(model, inputs[batch], layer, feature_maps)
        scores, contrast = _scores(model, inputs[batch], filling[batch], targets[batch], activations, weights, layer)
        if weights == "softmax":
            scores = _softmax(scores, contrast)
        elif weights == "increase":
            scores = scores - model.score(filling[batch], targets[batch])[:, np.newaxis]
        alpha = np.where(contrast, scores, 0).astype(np.float32)
        summed.append(np.einsum("nk,nk...->n...", alpha, activations))
    return np.concatenate(summed)


def _feature_maps(
    model: ExplainedModel, inputs: NDArray[np.float32], layer: str, number: int | str
) -> NDArray[np.float32]:
    """Return the feature maps of a layer, all or the `number` of greatest variance: (N, maps, *axes)."""
    activations = model.activations(inputs, layer)
    axes_of(model, layer, activations)  # refuses a layer without feature maps
    activations = np.moveaxis(activations, -1, 1)
    if number == "all" or int(number) >= activations.shape[1]:
        return activations
    variance = activations.reshape(*activations.shape[:2], -1).var(-1)
    order = np.argsort(-variance, axis=1, kind="stable")[:, : int(number)]
    return np.take_along_axis(activations, order.reshape(*order.shape, *(1,) * (activations.ndim - 2)), axis=1)


def _scores(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    filling: NDArray[np.float32],
    targets: NDArray[np.int64],
    activations: NDArray[np.float32],
    weights: str,
    layer: str,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the score of each input masked with each feature map, and whether the map has contrast: both (N, maps)."""
    scores = np.empty(activations.shape[:2])
    contrast = np.empty(activations.shape[:2], bool)
    axes = tuple(range(1, inputs.ndim - 1))
    spans = spans_of(model, layer)
    seen = coverage(spans)
    for part, some in blocks(len(inputs), activations.shape[1], block_size(model.batch_size(), model.input_shape)):
        here = activations[part, some]
        masks = lay_on_input(here.reshape(-1, *here.shape[2:]), spans)
        # Outside of the layer's receptive fields the mask is 0.
        low = masks.min(axes, keepdims=True, where=seen, initial=np.inf)
        extent = masks.max(axes, keepdims=True, where=seen, initial=-np.inf) - low
        contrast[part, some] = (extent > 0).reshape(here.shape[:2])
        # Equation 6.
        masks = (np.where(seen, masks - low, 0) / np.where(extent > 0, extent, 1)).reshape(
            *here.shape[:2], *masks.shape[1:], 1
        )
        fill = filling[part, np.newaxis]
        mixed = masks * (inputs[part, np.newaxis] - fill)
        mixed += fill
        mixed = mixed.reshape(-1, *inputs.shape[1:])
        classes = np.repeat(targets[part], here.shape[1])
        mixed_scores = model.output(mixed, classes) if weights == "probability" else model.score(mixed, classes)
        scores[part, some] = mixed_scores.reshape(here.shape[:2])
    return scores, contrast


def _softmax(scores: NDArray[np.float64], among: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the softmax over the maps of each example that are in `among`; the baseline's score would cancel out."""
    # Other maps get the least score, so that the maximum exists even if `among` is empty.
    valid = np.where(among, scores, scores.min(1, keepdims=True))
    powers = np.where(among, np.exp(valid - valid.max(1, keepdims=True)), 0)
    share: NDArray[np.float64] = powers / np.maximum(powers.sum(1, keepdims=True), np.finfo(float).tiny)
    return share
