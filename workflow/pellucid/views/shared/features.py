"""The features of a layer: a vector for each example."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.explained_steps import ExplainedSteps
from pellucid.network.layer_choice import named_layer, tell_keyword
from pellucid.views.shared.sampling import parts

logger = logging.getLogger(__name__)

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
    scores; without such a vector it is the layer right before the scores. Where the scores are made in several branches
    (the sum of two dense layers), it is the last layer before the branches, through which all values pass; where the
    branches begin at the input (the mean of two networks), it is the scores.

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
    meant = _last_features(model)
    tell_keyword(model, layer, meant)
    return meant


def _last_features(model: ExplainedModel) -> str:
    plain = plain_layers(model)
    with_weights = [position for position, part in enumerate(plain.values()) if part.weights]
    before = list(plain)[: with_weights[-1]] if with_weights else []
    before = [name for name in before if type(plain[name]).__name__ != "InputLayer"]
    if not before:
        raise InputError("layer", "the model has no layer before its scores, so there are no last_features.")
    vectors = [name for name in before if len(plain[name].output.shape) == 2]
    return _passed_by_all(model, (vectors or before)[-1])


def plain_layers(model: ExplainedModel) -> dict[str, Any]:
    """Return the layers of the graph by name, in the order of the model: no nested models, nothing inside a layer."""
    used = {id(node.operation) for node in model.nodes if not node.container}
    return {name: part for name, part in model.layers.items() if id(part) in used}


def _passed_by_all(model: ExplainedModel, layer: str) -> str:
    """Return the layer if all values pass through it, else the last place before the scores through which all pass.

    Where there is none, as in the mean of two networks, it is the place where the branches meet: the scores themselves.
    """
    places = model.places
    if places.addresses.get(layer, -1) in (-1, *places.cuts):
        return layer
    last = max(index for index, node in enumerate(places.nodes) if not node.container and _has_weights(node.operation))
    cuts = [cut for cut in places.cuts if places.nodes[cut].inputs and cut < last]
    vectors = [cut for cut in cuts if len(places.nodes[cut].shape) == 1]
    if not cuts:
        vectors = [min(cut for cut in places.cuts if cut >= last)]
        logger.warning("last_features: the branches of the model meet in the scores alone, which are taken as features")
    return places.address((vectors or cuts)[-1])


def _has_weights(operation: object) -> bool:
    return bool(getattr(operation, "weights", None))


def features(
    model: ExplainedModel, x: NDArray[np.float32], layer: str, everywhere: bool = False
) -> NDArray[np.float32]:
    """Return the output of a layer, averaged over time or space if it has any: (N, *input_shape) to (N, units).

    Of a model that is explained at some steps of its output, last_features are averaged over these steps alone, if each
    step's scores are made from it alone. `everywhere` takes all steps.
    """
    size, steps = model.batch_size(), None if everywhere else _steps(model, layer)
    # Batch by batch, since feature maps may need many times the memory of the examples.
    parts_of_x = (x[start : start + size] for start in range(0, len(x), size))
    return np.concatenate([_averaged(model.activations(part, layer), steps) for part in parts_of_x])


def features_and_logits(
    model: ExplainedModel, x: NDArray[np.float32], layer: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return `features` and the logits, of one pass: (N, *input_shape) to (N, units) and (N, outputs)."""
    size, steps = model.batch_size(), _steps(model, layer)
    batches = [model.activations_and_logits(x[start : start + size], layer) for start in range(0, len(x), size)]
    values = [_averaged(maps, steps) for maps, _ in batches]
    return np.concatenate(values), np.concatenate([logits for _, logits in batches])


def features_of(
    model: ExplainedModel, x: NDArray[np.float32], chosen: NDArray[np.int64], layer: str, everywhere: bool = False
) -> NDArray[np.float32]:
    """Return the features of some examples of a mapped array, as `features` does: (chosen, units)."""
    batches = parts(x, chosen, model.batch_size())
    return np.concatenate([features(model, batch, layer, everywhere=everywhere) for batch in batches])


def _steps(model: ExplainedModel, layer: str) -> ExplainedSteps | None:
    """Return the steps of a layer that the scores are made from; None for all."""
    if (steps := model.explained_steps) is None or layer != _last_features(model):
        return None
    last = [part for part in plain_layers(model).values() if part.weights][-1]
    alone = type(last).__name__ in ("Dense", "TimeDistributed") or getattr(last, "kernel_size", None) == (1,)
    return steps if alone else None


def _averaged(values: NDArray[np.float32], steps: ExplainedSteps | None) -> NDArray[np.float32]:
    if steps is not None and values.ndim == 3 and values.shape[1] == steps.total:
        values = values[:, steps.first : steps.stop]
    return values.mean(tuple(range(1, values.ndim - 1))) if values.ndim > 2 else values
