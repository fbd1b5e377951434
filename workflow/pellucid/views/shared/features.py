"""The features of a layer: one vector per example."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import named_layer, tell_keyword

FeatureLayer = Annotated[
    str,
    Field(
        description="where the features are taken: last_features (the vector that the class scores are made of), or "
        "the name of a layer; feature maps are averaged over time or space"
    ),
]


def feature_layer(model: ExplainedModel, layer: str) -> str:
    """The name of the layer that `layer` means.

    last_features is the last layer with a vector as output before the last one with weights, which makes the scores;
    where no vector comes before the scores, it is the layer right before them.

    Raises:
        InputError: no layer of that name, or none before the one that makes the scores.
    """
    keyword = layer == "last_features"
    if not keyword and (found := named_layer(model, layer)):
        return found
    if not keyword:
        names = ["last_features", *model.layers]
        raise InputError.unexpected(
            "layer", abbreviate(layer), f"one of {comma_list(names)}", did_you_mean(layer, names).strip()
        )
    plain = {name: one for name, one in model.layers.items() if not hasattr(one, "layers") and hasattr(one, "call")}
    with_weights = [position for position, one in enumerate(plain.values()) if one.weights]
    before = list(plain)[: with_weights[-1]] if with_weights else []
    before = [name for name in before if type(plain[name]).__name__ != "InputLayer"]
    if not before:
        raise InputError.unexpected(
            "layer", "last_features in a model without a layer before its scores", "another model"
        )
    vectors = [name for name in before if len(plain[name].output.shape) == 2]
    meant = (vectors or before)[-1]
    tell_keyword(model, layer, meant)
    return meant


def features(model: ExplainedModel, x: NDArray[np.float32], layer: str) -> NDArray[np.float32]:
    """Output of a layer, averaged over time or space where it has some: (N, *input_shape) to (N, units)."""
    size = model.batch_size()
    # Batch by batch: the feature maps of all examples together would be many times the examples.
    found = [_averaged(model.activations(x[start : start + size], layer)) for start in range(0, len(x), size)]
    return np.concatenate(found)


def _averaged(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values.mean(tuple(range(1, values.ndim - 1))) if values.ndim > 2 else values
