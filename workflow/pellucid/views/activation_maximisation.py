"""Activation maximisation: inputs that maximise the score of a class or a filter, found by gradient ascent.

They show what the model looks for, not what is in the data; real examples are shown for comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import conv_layer
from pellucid.tasks import probabilities
from pellucid.views.base import ViewData, ViewSpec
from pellucid.views.shared.ascent import Array, Ascent, Statistics, ascend, statistics_of
from pellucid.views.shared.features import feature_layer, features, features_of
from pellucid.views.shared.sampling import balanced, groups, members_of, outputs_of, parts
from pellucid.views.shared.sampling import shown as as_shown

_MEAN_OF = 64  # examples that are read at a time
_WATCHED = 16  # points of the score's curve

SPEC = ViewSpec(
    title="Activation maximisation",
    about="Inputs made by gradient ascent, beside real examples. The ascent makes one output as high as possible "
    "within the range of the training data: the logit of a class or label, a value of a regression, or the mean "
    "activation of a filter. The inputs show what the model looks for. They need not look like an example.",
    paper="Erhan D, Bengio Y, Courville A, Vincent P. Visualizing Higher-Layer Features of a Deep Network. University "
    "of Montreal 1341 (2009); Simonyan K, Vedaldi A, Zisserman A. arXiv:1312.6034 (2013), equation 1; regularisers: "
    "Olah C, Mordvintsev A, Schubert L. Feature Visualization. Distill (2017)",
    requires=("labels", "layers"),
    needs=("training", "measured"),
)


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    of: Annotated[
        Literal["classes", "filters"],
        Field(
            description="classes: the logit of every class (or label, or every value of a regression); filters: the "
            "mean activation of filters of a layer"
        ),
    ] = "classes",
    layer: Annotated[
        str,
        Field(
            description="layer of the filters: first or last (convolution layer, or the last features if the model "
            "has no convolution), or the name of a layer"
        ),
    ] = "last",
    shown: Annotated[
        int, Field(ge=1, le=64, description="largest number of classes or filters; they are evenly spread over all")
    ] = 12,
    steps: Annotated[int, Field(ge=1, le=100_000, description="steps of the ascent")] = 200,
    step: Annotated[
        float,
        Field(
            gt=0,
            le=1_000,
            description="size of one step: its root mean square change, in standard deviations of the training "
            "values; it shrinks during the second half",
        ),
    ] = 0.1,
    l2: Annotated[
        float,
        Field(
            ge=0,
            le=1_000_000,
            description="weight of the mean squared distance from the training mean. The distance is in standard "
            "deviations; so is the score, in its own over training examples",
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
            description="spread of the random starts around the training mean, in standard deviations of the training "
            "values",
        ),
    ] = 1.0,
    starts: Annotated[
        int,
        Field(
            ge=1,
            le=1_000,
            description="random starts for each class or filter; the one with the highest result is kept",
        ),
    ] = 1,
    examples: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            description="number of training examples that are searched for the best real one, the same number of each "
            "class",
        ),
    ] = 1000,
) -> dict[str, NDArray[Any] | str]:
    """Climb from all starts of all classes or filters at once.

    Returns:
        `units` (U,), classes or filters out of `count`; `inputs` (U, *input_shape), from the best start of each, with
        `scores` (U,); `start_scores` (U, starts), of every start; `history` (points, U), the score of the best start
        after `history_steps` (points,); `silent` (U,), whether the score has no gradient; `best` (U, *input_shape), the
        real example with the highest score among `examples`, NaN where nothing was measured, and `best_scores` (U,);
        `layer`, empty for classes. For classes also `mean` (U, *input_shape), the mean of the real examples of the
        class, of those with the label, or of the tenth with the highest values. Except for values also `probabilities`
        and `best_probabilities` (U,).

    Raises:
        InputError: no layer of that name.
    """
    x, labels = data.training
    sampled = balanced(groups(labels, data.task), examples, rng)
    name = _layer(model, layer) if of == "filters" else ""
    real_scores = _real_scores(model, x, sampled, name)
    candidates = np.arange(real_scores.shape[1]) if name else outputs_of(labels, data.task)
    units = _spread(candidates, shown)
    statistics = statistics_of(x, np.arange(len(x)), data.training_measured)
    start = _start(statistics, (starts, *x.shape[1:]), noise, len(units), rng)
    ascent = Ascent(steps, step, l2, smoothness, _shifts(x.shape[1:-1], jitter, steps, rng))
    inputs, watched, history, silent = _climb(model, name, units, real_scores, start, statistics, ascent)
    scores = history[-1].reshape(-1, starts)
    highest = np.arange(len(units)) * starts + scores.argmax(1)
    best = real_scores[:, units].argmax(0)
    arrays: dict[str, Any] = {
        "units": units,
        "count": np.array(len(candidates)),
        "inputs": inputs[highest],
        "scores": scores.max(1),
        "start_scores": scores,
        "history": history[:, highest],
        "history_steps": watched,
        "silent": silent[highest],
        "best": as_shown(x, data.training_measured, sampled[best]),
        "best_scores": real_scores[best, units],
        "examples": np.array(len(sampled)),
        "layer": np.array(name),
    }
    if name:
        return arrays
    means = np.stack(
        [_mean(x, members_of(labels, sampled, int(unit), data.task), data.training_measured) for unit in units]
    )
    return arrays | _of_classes(model, arrays["inputs"], units, real_scores, best) | {"mean": means}


def _of_classes(
    model: ExplainedModel, inputs: Array, units: NDArray[np.int64], real_scores: Array, best: NDArray[np.int64]
) -> dict[str, Array]:
    """Return the probabilities of the classes for their inputs and for their best real examples; none of values."""
    of_inputs = probabilities(model.task, model.logits(inputs))
    of_best = probabilities(model.task, (real_scores / model.scale).astype(np.float32))
    if of_inputs is None or of_best is None:
        return {}
    return {
        "probabilities": of_inputs[np.arange(len(units)), units],
        "best_probabilities": of_best[best, units],
    }


def _real_scores(model: ExplainedModel, x: NDArray[np.float32], sampled: NDArray[np.int64], layer: str) -> Array:
    """Return the features of a layer, or without a layer the class scores, of real examples: (examples, units)."""
    if layer:
        return features_of(model, x, sampled, layer, everywhere=True)
    return np.concatenate([model.scores(batch) for batch in parts(x, sampled, model.batch_size())])


def _scale(real_scores: Array) -> Array:
    """Return the standard deviation of scores over real examples, so that the same weights suit logits and activations.

    (examples, N) to (N,); 1 for a score that does not vary.
    """
    deviation = real_scores.std(0, dtype=np.float64)
    return np.where(deviation > 0, deviation, 1).astype(np.float32)


def _start(statistics: Statistics, shape: tuple[int, ...], noise: float, count: int, rng: np.random.Generator) -> Array:
    """Return noise around the training mean (starts, *input_shape), repeated for each of `count` units, as one axis."""
    noises = noise * statistics.deviation * rng.standard_normal(shape, np.float32)
    return np.tile(statistics.mean + noises, (count, *(1,) * (len(shape) - 1)))


def _shifts(axes: Sequence[int], jitter: float, steps: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return random shifts of each axis in each step, at most a share `jitter` of the axis: (steps, axes)."""
    reach = np.array([round(jitter * size) for size in axes])
    return rng.integers(-reach, reach + 1, (steps, len(reach)))


def _climb(
    model: ExplainedModel,
    layer: str,
    units: NDArray[np.int64],
    real_scores: Array,
    start: Array,
    statistics: Statistics,
    ascent: Ascent,
) -> tuple[Array, NDArray[np.int64], Array, NDArray[np.bool_]]:
    """Return the inputs after the ascent, the watched steps (points,), the scores after them (points, N), and silence.

    Args:
        model, layer: see `_score`.
        units: (U,), of which each has N / U starts.
        real_scores: (examples, units) of real examples, whose spread is the unit of the gradient.
        start: (N, *input_shape).
        statistics, ascent: see `ascend`.
    """
    units = np.repeat(units, len(start) // len(units))
    value, gradient = _score(model, layer, units)
    scale = _scale(real_scores[:, units]).reshape(-1, *(1,) * (start.ndim - 1))
    watched = np.unique(np.linspace(0, ascent.steps, min(_WATCHED, ascent.steps + 1)).round().astype(np.int64))
    curve: list[Array] = []

    def watch(number: int, inputs: Array) -> None:
        if number in watched:
            curve.append(value(inputs))

    inputs = ascend(lambda now: gradient(now) / scale, start, statistics, ascent, watch)
    silent: NDArray[np.bool_] = ~np.any(gradient(inputs).reshape(len(inputs), -1), axis=1)
    return inputs, watched, np.stack(curve), silent


def _layer(model: ExplainedModel, layer: str) -> str:
    """Return the name of the layer that `layer` means; without a convolution, first and last mean last_features."""
    if layer in ("first", "last") and not model.places.ends:
        return feature_layer(model, "last_features")
    return conv_layer(model, layer)


def _mean(x: NDArray[np.float32], chosen: NDArray[np.int64], measured: NDArray[np.bool_] | None) -> Array:
    """Return the mean of the measured values of the chosen examples at each place, NaN where none was measured."""
    total, count = np.zeros(x.shape[1:]), np.zeros(x.shape[1:])
    for start in range(0, len(chosen), _MEAN_OF):
        some = chosen[start : start + _MEAN_OF]
        counts = np.ones((len(some), *x.shape[1:]), np.bool_) if measured is None else np.asarray(measured[some])
        total += np.where(counts, x[some], 0).sum(0, dtype=np.float64)
        count += counts.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _spread(candidates: NDArray[np.int64], shown: int) -> NDArray[np.int64]:
    """Return at most `shown` of the candidates, evenly spread."""
    if len(candidates) <= shown:
        return candidates
    return candidates[np.linspace(0, len(candidates) - 1, shown).round().astype(np.int64)]


def _score(
    model: ExplainedModel, layer: str, units: NDArray[np.int64]
) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """Return the function that is maximised, (N, *input_shape) to (N,), and its gradient."""
    if not layer:
        return lambda x: model.score(x, units), lambda x: model.gradient(x, units)
    return (
        lambda x: features(model, x, layer, everywhere=True)[np.arange(len(units)), units],
        lambda x: model.filter_gradient(x, units, layer)[1],
    )
