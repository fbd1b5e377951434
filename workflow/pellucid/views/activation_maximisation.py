"""Activation maximisation: the input that a class or a filter answers to most, found by gradient ascent.

It shows what the model looks for, not what is in the data: real examples are beside it for comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.logits import softmax
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import conv_layer
from pellucid.views.base import ViewData, ViewSpec
from pellucid.views.shared.ascent import Array, Ascent, Statistics, ascend
from pellucid.views.shared.features import feature_layer, features
from pellucid.views.shared.sampling import balanced, parts

_WATCHED = 16  # points of the curve of the score

SPEC = ViewSpec(
    title="Activation maximisation",
    about="Inputs made by gradient ascent so that the logit of a class, or the mean activation of a filter, becomes as "
    "high as it gets within the range of the training data, beside real examples. They show what the model looks for, "
    "which need not look like an example.",
    paper="Erhan D, Bengio Y, Courville A, Vincent P. Visualizing Higher-Layer Features of a Deep Network. University "
    "of Montreal 1341 (2009); Simonyan K, Vedaldi A, Zisserman A. arXiv:1312.6034 (2013), equation 1; regularisers: "
    "Olah C, Mordvintsev A, Schubert L. Feature Visualization. Distill (2017)",
    requires=("layers",),
    needs=("training",),
)


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    of: Annotated[
        Literal["classes", "filters"],
        Field(description="classes: the logit of every class; filters: the mean activation of filters of a layer"),
    ] = "classes",
    layer: Annotated[
        str,
        Field(
            description="of the filters: first or last (convolution layer, or the last features of a model that has "
            "none), or the name of a layer"
        ),
    ] = "last",
    shown: Annotated[
        int, Field(ge=1, le=64, description="classes or filters at most, evenly spread over those that there are")
    ] = 12,
    steps: Annotated[int, Field(ge=1, le=100_000, description="steps of the ascent")] = 200,
    step: Annotated[
        float,
        Field(
            gt=0,
            le=1_000,
            description="root mean square change of one step, in standard deviations of the training values; it "
            "shrinks over the second half",
        ),
    ] = 0.1,
    l2: Annotated[
        float,
        Field(
            ge=0,
            le=1_000_000,
            description="weight of the mean squared distance from the training mean, in standard deviations; the "
            "score is measured in its own standard deviations over training examples",
        ),
    ] = 1,
    smoothness: Annotated[
        float,
        Field(
            ge=0,
            le=1_000_000,
            description="weight of the roughness: mean squared second difference of a series (more for a finely "
            "sampled one), total variation of an image (less for a tiny one)",
        ),
    ] = 3,
    jitter: Annotated[
        float, Field(ge=0, le=0.5, description="largest random shift in a step, as a share of each axis")
    ] = 0.03,
    noise: Annotated[
        float,
        Field(
            gt=0,
            le=1_000,
            description="standard deviation of the start around the training mean, in standard deviations of the "
            "training values",
        ),
    ] = 1.0,
    starts: Annotated[
        int,
        Field(ge=1, le=1_000, description="random starts for each class or filter; the one that ends highest is kept"),
    ] = 1,
    examples: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            description="training examples, as many of each class, among which the best real one is sought",
        ),
    ] = 1000,
) -> dict[str, NDArray[Any] | str]:
    """Make the inputs, all at once in every step.

    Returns:
        `units` (U,) classes or filters out of `count`; `inputs` (U, *input_shape), the best start of each, with
        `scores` and for classes `probabilities` (U,); of every start `start_scores` (U, starts); of the kept ones
        `history` (points, U), the score after `history_steps` (points,); `silent` (U,), whether the score does not
        depend on the input, so that there was nothing to follow; `best` (U, *input_shape), the real example with the
        highest score among `examples`, its `best_scores` and for classes `best_probabilities` (U,); for classes
        `mean` (U, *input_shape), the mean real example; `layer`, its name, empty for classes.

    Raises:
        InputError: no layer of that name.
    """
    x, labels = data.training
    chosen = balanced(labels, examples, rng)
    name = _layer(model, layer) if of == "filters" else ""
    read = parts(x, chosen, model.batch_size())
    answers = np.concatenate([features(model, real, name) if name else model.scores(real) for real in read])
    possible = np.arange(answers.shape[1]) if name else np.unique(labels)
    units = _spread(possible, shown)
    statistics = _statistics(x)
    many = np.repeat(units, starts)
    value, gradient = _score(model, of, name, many)
    # The score in standard deviations over real examples: the same weights then suit logits and activations alike.
    deviation = answers[:, many].std(0, dtype=np.float64)
    scale = np.where(deviation > 0, deviation, 1).astype(np.float32).reshape(-1, *(1,) * (x.ndim - 1))
    patterns = rng.standard_normal((starts, *x.shape[1:]), np.float32)
    start = np.tile(statistics.mean + noise * statistics.deviation * patterns, (len(units), *(1,) * (x.ndim - 1)))
    reach = np.array([round(jitter * size) for size in x.shape[1:-1]])
    how = Ascent(steps, step, l2, smoothness, rng.integers(-reach, reach + 1, (steps, len(reach))))
    watched = np.unique(np.linspace(0, steps, min(_WATCHED, steps + 1)).round().astype(np.int64))
    curve: list[Array] = []

    def watch(number: int, inputs: Array) -> None:
        if number in watched:
            curve.append(value(inputs))

    inputs = ascend(lambda now: gradient(now) / scale, start, statistics, how, watch)
    scores = curve[-1].reshape(len(units), starts)
    kept = np.arange(len(units)) * starts + scores.argmax(1)
    best = answers[:, units].argmax(0)
    arrays: dict[str, Any] = {
        "units": units,
        "count": np.array(len(possible)),
        "inputs": inputs[kept],
        "scores": scores.max(1),
        "start_scores": scores,
        "history": np.stack(curve)[:, kept],
        "history_steps": watched,
        "silent": ~gradient(inputs)[kept].reshape(len(units), -1).any(1),
        "best": x[chosen[best]],
        "best_scores": answers[best, units],
        "examples": np.array(len(chosen)),
        "layer": np.array(name),
    }
    if of == "classes":
        arrays["probabilities"] = softmax(model.logits(arrays["inputs"]))[np.arange(len(units)), units]
        arrays["best_probabilities"] = softmax((answers / model.scale).astype(np.float32))[best, units]
        arrays["mean"] = np.stack([_mean(x, chosen[labels[chosen] == unit]) for unit in units])
    return arrays


def _layer(model: ExplainedModel, layer: str) -> str:
    """The name of the layer that `layer` means; without a convolution, first and last mean the last features."""
    if layer in ("first", "last") and not model.places.ends:
        return feature_layer(model, "last_features")
    return conv_layer(model, layer)


def _mean(x: NDArray[np.float32], chosen: NDArray[np.int64]) -> Array:
    """Mean of some examples."""
    total = np.zeros(x.shape[1:])
    for part in parts(x, chosen):
        total += part.sum(0, dtype=np.float64)
    return (total / len(chosen)).astype(np.float32)


def _spread(possible: NDArray[np.int64], shown: int) -> NDArray[np.int64]:
    """At most `shown` of them, evenly spread."""
    if len(possible) <= shown:
        return possible
    return possible[np.linspace(0, len(possible) - 1, shown).round().astype(np.int64)]


def _score(
    model: ExplainedModel, of: str, layer: str, units: NDArray[np.int64]
) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """What rises, (N, *input_shape) to (N,), and its gradient."""
    if of == "classes":
        return lambda x: model.score(x, units), lambda x: model.gradient(x, units)
    return (
        lambda x: features(model, x, layer)[np.arange(len(units)), units],
        lambda x: model.filter_gradient(x, units, layer)[1],
    )


def _statistics(x: NDArray[np.float32]) -> Statistics:
    """Mean, standard deviation and range of every channel of (M, *axes, channels), which may be mapped."""
    channels = x.shape[-1]
    total, square = np.zeros(channels), np.zeros(channels)
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    count = 0
    # Around the first example's mean: the difference of two large sums would lose a small variance.
    middle = np.asarray(x[0], np.float64).reshape(-1, channels).mean(0)
    for part in parts(x, np.arange(len(x))):
        values = part.reshape(-1, channels)
        centred = values - middle
        total += centred.sum(0)
        square += np.square(centred).sum(0)
        low, high = np.minimum(low, values.min(0)), np.maximum(high, values.max(0))
        count += len(values)
    mean = total / count
    deviation = np.sqrt(np.maximum(square / count - mean**2, 0))
    # A channel that never changes cannot be changed: its limits are equal, and any unit will do.
    safe = np.where(deviation > 0, deviation, 1)
    return Statistics(*(np.asarray(value, np.float32) for value in (middle + mean, safe, low, high)))
