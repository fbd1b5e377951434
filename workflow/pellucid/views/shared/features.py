"""The features of a layer: a vector for each example."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import named_layer, tell_keyword
from pellucid.views.shared.sampling import parts

FeatureLayer = Annotated[
    str,
    Field(
        description="where the features are taken. last_features: the vector from which the class scores are "
        "computed. Or the name of a layer; feature maps are averaged over time or space"
    ),
]


def feature_layer(model: ExplainedModel, layer: str) -> str:
    """Return the name of the layer that `layer` means.

    last_features is the last layer with a vector as output before the last layer with weights, which computes the
    scores; without such a vector it is the layer right before the scores.

    Raises:
        InputError: no layer of that name, or no layer before the scores.
    """
    keyword = layer == "last_features"
    if not keyword and (name := named_layer(model, layer)):
        return name
    if not keyword:
        names = ["last_features", *model.layers]
        raise InputError.unexpected(
            "layer", abbreviate(layer), f"one of {comma_list(names)}", did_you_mean(layer, names).strip()
        )
    plain = {name: part for name, part in model.layers.items() if not hasattr(part, "layers") and hasattr(part, "call")}
    with_weights = [position for position, part in enumerate(plain.values()) if part.weights]
    before = list(plain)[: with_weights[-1]] if with_weights else []
    before = [name for name in before if type(plain[name]).__name__ != "InputLayer"]
    if not before:
        raise InputError("layer", "the model has no layer before its scores, so there are no last_features.")
    vectors = [name for name in before if len(plain[name].output.shape) == 2]
    meant = (vectors or before)[-1]
    tell_keyword(model, layer, meant)
    return meant


def features(model: ExplainedModel, x: NDArray[np.float32], layer: str) -> NDArray[np.float32]:
    """Return the output of a layer, averaged over time or space if it has any: (N, *input_shape) to (N, units)."""
    size = model.batch_size()
    # Batch by batch, since feature maps may need many times the memory of the examples.
    batches = [_averaged(model.activations(x[start : start + size], layer)) for start in range(0, len(x), size)]
    return np.concatenate(batches)


def features_and_logits(
    model: ExplainedModel, x: NDArray[np.float32], layer: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return `features` and the logits, of one pass: (N, *input_shape) to (N, units) and (N, outputs)."""
    size = model.batch_size()
    batches = [model.activations_and_logits(x[start : start + size], layer) for start in range(0, len(x), size)]
    return np.concatenate([_averaged(maps) for maps, _ in batches]), np.concatenate([logits for _, logits in batches])


def features_of(
    model: ExplainedModel, x: NDArray[np.float32], chosen: NDArray[np.int64], layer: str
) -> NDArray[np.float32]:
    """Return the features of some examples of a mapped array, as `features` does: (chosen, units)."""
    return np.concatenate([features(model, batch, layer) for batch in parts(x, chosen, model.batch_size())])


def _averaged(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values.mean(tuple(range(1, values.ndim - 1))) if values.ndim > 2 else values
