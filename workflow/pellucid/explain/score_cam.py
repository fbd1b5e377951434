"""Score-CAM: activations of a convolution layer, weighted by the logit of the input seen through each of them."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import blocks, slices
from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import baselines
from pellucid.explain.shared.blending import block_size
from pellucid.explain.shared.cam_layers import Layer, spans_of, spread
from pellucid.explain.shared.upsampling import coverage, placed
from pellucid.messages import comma_list
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import map_layer

SPEC = MethodSpec(
    title="Score-CAM",
    family="class activation",
    paper="Wang H, Wang Z, Du M, Yang F, Zhang Z, Ding S, Mardziel P, Hu X. Score-CAM: Score-Weighted Visual "
    "Explanations for Convolutional Neural Networks. CVPR workshops (2020), equations 5 to 8 and algorithm 1",
    unit="weighted activation (a.u.)",
    per_channel=False,
    signed="relu=False",
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
            description="of the feature maps: softmax over the maps of the increase of the logit (algorithm 1), the "
            "increase itself (equation 7), or the probability of the class, as several programs have it"
        ),
    ] = "softmax",
    feature_maps: Annotated[
        Annotated[int, Field(ge=1, le=100_000)] | Literal["all"],
        Field(description="how many are taken: all, or those that vary most over the example"),
    ] = "all",
    baseline: baselines.Baseline = "zero",
    relu: Annotated[
        bool, Field(description="keep only what speaks for the class, as in the paper; false shows the rest too")
    ] = True,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """One map per example over time or space, repeated for every channel: (N, *input_shape).

    Each feature map, brought to the input's size and to [0, 1], is a mask that blends the input with the baseline; the
    score of the blend is its weight. A map without contrast masks nothing and weighs nothing.

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
    """Weighted sum of a layer's feature maps at the layer's own size, before the ReLU: (N, *axes).

    Raises:
        InputError: see `explain`.
    """
    found = []
    # Feature maps of deep networks are large: those of one batch of inputs are held at a time.
    for part in slices(len(inputs), model.batch_size()):
        activations = _feature_maps(model, inputs[part], layer, feature_maps)
        scores, contrast = _scores(model, inputs[part], filling[part], targets[part], activations, weights, layer)
        if weights == "softmax":
            scores = _softmax(scores, contrast)
        elif weights == "increase":
            scores = scores - model.score(filling[part], targets[part])[:, np.newaxis]
        alpha = np.where(contrast, scores, 0).astype(np.float32)
        found.append(np.einsum("nk,nk...->n...", alpha, activations))
    return np.concatenate(found)


def _feature_maps(
    model: ExplainedModel, inputs: NDArray[np.float32], layer: str, number: int | str
) -> NDArray[np.float32]:
    """Feature maps of a layer, all or those of greatest variance: (N, maps, *axes)."""
    activations = model.activations(inputs, layer)
    if activations.ndim < 3:
        found = f'"{layer}", whose output {activations.shape[1:]} has no time or space left'
        raise InputError.unexpected(
            "layer", found, f"a layer with feature maps, such as {comma_list(model.conv_layers)}"
        )
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
    """Score of each input through each of its feature maps, and whether the map has any contrast: both (N, maps)."""
    scores = np.empty(activations.shape[:2])
    contrast = np.empty(activations.shape[:2], bool)
    axes = tuple(range(1, inputs.ndim - 1))
    spans = spans_of(model, layer)
    seen = coverage(spans)
    for part, some in blocks(len(inputs), activations.shape[1], block_size(model)):
        here = activations[part, some]
        masks = placed(here.reshape(-1, *here.shape[2:]), spans)
        # Where the layer does not see the input, the mask has no value of its own: nothing is kept there.
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
        if weights == "probability":
            found = model.probabilities(mixed)[np.arange(len(mixed)), classes]
        else:
            found = model.score(mixed, classes)
        scores[part, some] = found.reshape(here.shape[:2])
    return scores, contrast


def _softmax(scores: NDArray[np.float64], among: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Over the maps of each example, those not in `among` left out; the score of the baseline would cancel out."""
    # Maps without contrast stand in with the least score: where there are no others, the maximum must still exist.
    valid = np.where(among, scores, scores.min(1, keepdims=True))
    powers = np.where(among, np.exp(valid - valid.max(1, keepdims=True)), 0)
    share: NDArray[np.float64] = powers / np.maximum(powers.sum(1, keepdims=True), np.finfo(float).tiny)
    return share
