"""Training examples on which a prediction depends, and training examples whose label may be wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid import tables
from pellucid.messages import comma_list
from pellucid.network.explained_model import ExplainedModel
from pellucid.tasks import SINGLE_LABEL
from pellucid.views.base import ViewData, ViewSpec
from pellucid.views.shared import medoids
from pellucid.views.shared.checkpoint_influence import Influence
from pellucid.views.shared.sampling import proportional
from pellucid.views.shared.sampling import shown as as_shown
from pellucid.views.shared.support import counts

logger = logging.getLogger(__name__)

# Gives examples by their numbers, with NaN where nothing was measured.
Shown = Callable[[NDArray[np.int64]], NDArray[np.float32]]

SPEC = ViewSpec(
    title="Influence of training examples",
    about="Beside each example stand the training examples that support its explained class most, and those that "
    "oppose it most. A training step on a supporting example raises the class's score for the example. With `of: "
    "nearest`, the nearest training examples by the features of the last layer are shown instead. The last rows show "
    "the training examples with the largest influence on their own prediction: rare, hard or wrongly labelled ones.",
    paper="Pruthi G, Liu F, Kale S, Sundararajan M. Estimating Training Data Influence by Tracing Gradient Descent. "
    "NeurIPS (2020), for the last layer (section 4), over the checkpoints that the training keeps or the final weights",
    requires=("labels", "layers", "split"),
    needs=("training", "examples", "measured"),
    takes=("checkpoints",),
    texts=("csv",),
    words=("class", "predicted"),
    tasks=(SINGLE_LABEL,),
)


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    of: Annotated[
        Literal["score", "loss", "nearest"],
        Field(
            description="what a training example has influence on. score: the score of the explained class. loss: the "
            "cross-entropy of the example's own class, as in the paper. nearest: no influence; the nearest training "
            "examples are shown"
        ),
    ] = "score",
    neighbours: Annotated[
        int, Field(ge=1, le=20, description="number of training examples of each kind beside an example")
    ] = 3,
    suspects: Annotated[
        int, Field(ge=0, le=1_000, description="number of training examples with the largest influence on themselves")
    ] = 6,
    points: Annotated[
        int,
        Field(ge=2, le=1_000_000, description="largest number of training examples that are compared"),
    ] = 20_000,
    shown: Annotated[
        int, Field(ge=1, le=100, description="largest number of examples in the figure; the table holds all")
    ] = 5,
) -> dict[str, NDArray[Any] | str]:
    """Compare each selected example with training examples, and each training example with itself.

    The influence of a training example on another example is the product of two derivatives by the weights of the last
    dense layer: of its own loss, and of the other example's score (with the opposite sign) or loss. For a dense layer
    both are outer products of features f and derivatives e by the scores, so that the influence is (f · f') (e · e').
    With checkpoints it is the sum of these, each times the learning rate of its epochs.

    Returns:
        Of the N selected examples: `inputs`, `indices`, `labels`, `predictions`, `targets`. Of the K training examples
        beside each, the strongest first: `supporting` (N, K, *input_shape), `supporting_labels`, `supporting_indices`,
        `supporting_values` (N, K): the influence, or the distance; `opposing…` likewise, not of the nearest. Where
        fewer than K support it, values of 0 or below follow, which the figure and the table leave out.
        `same_class`: (N,) the share of the 10 nearest training examples that have the predicted class. Of the S
        suspects: `suspects` (S, *input_shape), `suspect_indices`, `suspect_labels`, `suspect_predictions`,
        `suspect_values`. `layer`, `compared` (number of training examples), `epochs`: of the checkpoints, empty for the
        final weights alone. `csv`: all these pairs as a table.

    Raises:
        InputError: the scores are not made by a dense layer from a vector; or the checkpoints are of another model.
    """
    x, labels = data.training
    arrays = data.examples
    sampled = proportional(labels, points, rng)
    influence = Influence.of(model, data, sampled, on_loss=of == "loss")
    distances = medoids.distances(influence.own_features, influence.features)
    shown_x: Shown = partial(as_shown, x, data.training_measured)
    training, count = (shown_x, labels, sampled), min(neighbours, len(sampled))
    if of == "nearest":
        found = _strongest(distances, 1, count, "supporting", training)
    else:
        found = _strongest(influence.on_examples, -1, count, "supporting", training)
        found |= _strongest(influence.on_examples, 1, count, "opposing", training)
    near = np.argsort(distances, axis=1, kind="stable")[:, :10]
    predictions = influence.own_logits.argmax(1)
    found |= _suspects(influence.on_themselves, suspects, influence.logits.argmax(1), training) | {
        "inputs": as_shown(arrays["inputs"], arrays.get("measured"), slice(None)),
        "indices": arrays["indices"],
        "labels": arrays["labels"],
        "targets": arrays["targets"],
        "predictions": predictions,
        "same_class": (labels[sampled][near] == predictions[:, np.newaxis]).mean(1),
        "layer": np.array(influence.layer),
        "compared": np.array(len(sampled)),
        "epochs": influence.epochs,
    }
    logger.info(
        "%s of %d training examples on %d examples, by the features of %s, %s",
        of,
        len(sampled),
        len(predictions),
        influence.layer,
        f"over the epochs {comma_list(influence.epochs.tolist())}" if len(influence.epochs) else "final weights",
    )
    return found | {"csv": _table(found, list(data.data_info["classes"]), of)}


def _read(shown_x: Shown, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the chosen examples of a mapped array, each read once and in the file's order: (*chosen.shape, …)."""
    unique, place = np.unique(chosen, return_inverse=True)
    return shown_x(unique)[place.reshape(chosen.shape)]


def _strongest(
    values: NDArray[np.float64],
    sign: int,
    count: int,
    name: str,
    training: tuple[Shown, NDArray[np.int64], NDArray[np.int64]],
) -> dict[str, NDArray[Any]]:
    """Return the training examples with the smallest sign × values (N, M) for each example, with labels and values.

    Args:
        values: of each example and each sampled training example.
        sign: 1 for the smallest, -1 for the largest.
        count: how many.
        name: under which they are returned.
        training: gives training examples by their numbers; their labels, and the indices of the sampled ones (M,).
    """
    shown_x, labels, sampled = training
    order = np.argsort(sign * values, axis=1, kind="stable")[:, :count]
    chosen = sampled[order]
    return {
        name: _read(shown_x, chosen),
        f"{name}_indices": chosen,
        f"{name}_labels": labels[chosen],
        f"{name}_values": np.take_along_axis(values, order, 1),
    }


def _suspects(
    influence: NDArray[np.float64],
    count: int,
    predictions: NDArray[np.int64],
    training: tuple[Shown, NDArray[np.int64], NDArray[np.int64]],
) -> dict[str, NDArray[Any]]:
    """Return the training examples with the largest influence on themselves, the largest first."""
    shown_x, labels, sampled = training
    order = np.argsort(-influence, kind="stable")[:count]
    return {
        "suspects": _read(shown_x, sampled[order]),
        "suspect_indices": sampled[order],
        "suspect_labels": labels[sampled[order]],
        "suspect_predictions": predictions[order],
        "suspect_values": influence[order],
    }


def _table(found: dict[str, Any], classes: list[str], of: str) -> str:
    """Return a row for each pair of an example and a training example, and for each suspect, as CSV."""
    import pandas as pd

    rows = []
    for kind in ("supporting", "opposing"):
        for row in range(len(found["indices"]) if kind in found else 0):
            for rank in range(found[kind].shape[1]):
                label, value = found[f"{kind}_labels"][row, rank], found[f"{kind}_values"][row, rank]
                if not counts(kind, value, of):
                    continue
                index = found[f"{kind}_indices"][row, rank]
                named = "nearest" if of == "nearest" else kind
                rows.append((named, found["indices"][row], rank + 1, index, classes[label], "", value))
    for rank, index in enumerate(found["suspect_indices"]):
        label, said = (classes[int(found[key][rank])] for key in ("suspect_labels", "suspect_predictions"))
        rows.append(("suspect", "", rank + 1, index, label, said, found["suspect_values"][rank]))
    columns = ["kind", "example", "rank", "training example", "class", "predicted", "value"]
    return tables.as_text(pd.DataFrame(rows, columns=columns))
