"""`pellucid.explain` and `pellucid.compare`: one method, or several with their scores, on examples at hand."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid import plugins
from pellucid.api import answers, checked, facts, settings
from pellucid.api.comparison import Comparison, compared
from pellucid.api.explanation import Explanation
from pellucid.api.facts import Data
from pellucid.api.opening import OpenedModel
from pellucid.api.own_function import raising
from pellucid.api.session import no_advice_on_tracing
from pellucid.config.variants import TIME
from pellucid.errors import InputError
from pellucid.explain.run import explain_variants
from pellucid.explain.shared import number_inputs, stored_maps
from pellucid.tasks import SINGLE_LABEL

# A Keras model, the path of a .keras file or of a SavedModel folder, or a function (N, *shape) -> (N, outputs).
Model = Any
# The default scores of `compare`: they work with any model and without training examples.
SCORES = ("deletion_insertion", "faithfulness_correlation", "cost")

logger = logging.getLogger(__name__)


def explain(
    model: Model,
    x: ArrayLike | Mapping[str, ArrayLike],
    method: str,
    *,
    input: str | None = None,
    task: str = SINGLE_LABEL,
    y: ArrayLike | None = None,
    target: str | int | ArrayLike | Mapping[str, Any] = "predicted",
    training: ArrayLike | Mapping[str, ArrayLike] | None = None,
    measured: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    channel_names: Sequence[str] | None = None,
    sampling_rate_hz: float | None = None,
    unit: str = "",
    title: str = "",
    seed: int = 0,
    threads: int | None = None,
    memory_mb: int = 1024,
    allow_code: bool = False,
    code: str | None = None,
    at_steps: Literal["last"] | int | Sequence[int] | None = None,
    **parameters: Any,
) -> Explanation:
    """Explain a model's predictions on examples by one attribution method.

    Args:
        model: a Keras model, the path of a `.keras` file or of a SavedModel folder, or a function that takes a batch
            (N, *shape) float32 and returns (N, outputs): logits, probabilities or values.
        x: the examples, (N, time, channels) or (N, height, width, channels), as the model takes them; one example
            without the axis N is explained as a batch of one. Of a model with several inputs the arrays by name.
        input: of a model with several inputs, the name of the one that is explained, by default the first of x; the
            others keep the values of each example. `x`, `training`, `measured`, `channel_names` speak of this one.
        method: name of the method, such as "grad_cam".
        task: what the model was trained for: "single_label" (one class of several; a softmax, or logits), "multi_label"
            (any number of labels; a sigmoid each, or their logits) or "regression" (one or several values).
        y: the true answers, for `target="label"` and the figure: the class of each example, as numbers or names; of
            several labels rows of 0 and 1, or a list of names for each example; of a regression the values.
        target: what to explain: "predicted", "label", a number, a name, or a number or name for each example. Of
            several labels "predicted" is the most probable one; of several values one must be named. {"why": a, "not":
            b} explains the difference: why a, and not b; both as before.
        training: (M, *shape), training examples, for methods that draw a background from them.
        measured: true and false of the shape of x; false for padding and filled gaps.
        class_names: of all classes, labels or values, in the order of the model's outputs; their numbers if left out.
        channel_names: of the channels, for the figure.
        sampling_rate_hz: of series; with it the time axis of the figure is in seconds.
        unit: of the values of x, for the figure.
        title: of the figure.
        seed: of the method's random numbers; the workflow with this seed draws the same.
        threads: CPU threads of TensorFlow, 1 if left out; another number may change the last digits. If TensorFlow
            runs in this process already, it keeps its number of threads.
        memory_mb: memory for the batches, in MiB.
        allow_code: run code in the model's file (Lambda layers, a SavedModel); only if you trust its author.
        code: the module that registers layers of your own in a `.keras` file: its name, where it lies in the folder in
            which you work, or the path of its file. It is run.
        at_steps: of a model with scores at every time step, (N, T, outputs): the step that is explained, "last" or a
            position from 0, or a window (first, one past the last), of whose logits the mean is explained.
        parameters: of the method; `pellucid list methods` and the reference name them.

    Raises:
        InputError: something is wrong; the message says what, and what to do.
    """
    # Checked before TensorFlow starts: the message about a misspelt name should not take seconds.
    settings.completed("explain", method, parameters, None)
    opening = checked.opening(
        task, code, at_steps, allow_code=allow_code, seed=seed, threads=threads, memory_mb=memory_mb
    )
    opened, data = checked.opened(
        model,
        x,
        input,
        opening,
        y=y,
        target=target,
        training=training,
        measured=measured,
        class_names=class_names,
        channel_names=channel_names,
        sampling_rate_hz=sampling_rate_hz,
        unit=unit,
        title=title,
    )
    return explain_opened(opened, data, method, parameters, seed=seed)


def compare(
    model: Model,
    x: ArrayLike | Mapping[str, ArrayLike],
    y: ArrayLike | None = None,
    *,
    methods: Sequence[str] | Mapping[str, Mapping[str, Any]],
    scores: Sequence[str] | Mapping[str, Mapping[str, Any]] = SCORES,
    input: str | None = None,
    task: str = SINGLE_LABEL,
    target: str | int | ArrayLike | Mapping[str, Any] = "predicted",
    training: ArrayLike | None = None,
    training_y: ArrayLike | None = None,
    measured: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    channel_names: Sequence[str] | None = None,
    sampling_rate_hz: float | None = None,
    unit: str = "",
    title: str = "",
    seed: int = 0,
    threads: int | None = None,
    memory_mb: int = 1024,
    allow_code: bool = False,
    code: str | None = None,
    at_steps: Literal["last"] | int | Sequence[int] | None = None,
) -> Comparison:
    """Explain the same examples by several methods, score the explanations and rank them.

    Args:
        methods: names of methods, or their parameters by name: {"occlusion": {"window": 9}, "saliency": {}}.
        scores: names of scores, or their parameters by name.
        training_y: the classes (labels, values) of `training`, for the baseline "other" of scores; without them it is
            left out.
        model, x, y, input, task, target, training, measured and all others: as for `explain`.

    Raises:
        InputError: something is wrong; the message says what, and what to do.
    """
    of_methods, of_scores = settings.by_name("methods", methods), settings.by_name("scores", scores)
    for package, entries in (("explain", of_methods), ("score", of_scores)):
        for name, parameters in entries.items():
            settings.completed(package, name, parameters, None)
    opening = checked.opening(
        task, code, at_steps, allow_code=allow_code, seed=seed, threads=threads, memory_mb=memory_mb
    )
    opened, data = checked.opened(
        model,
        x,
        input,
        opening,
        y=y,
        target=target,
        training=training,
        measured=measured,
        class_names=class_names,
        channel_names=channel_names,
        sampling_rate_hz=sampling_rate_hz,
        unit=unit,
        title=title,
    )
    classes = facts.classes_of_training(training_y, data)
    axes = data.arrays["inputs"].shape[1:-1]
    chosen = {name: scored_by(name, parameters, axes, opened, classes) for name, parameters in of_scores.items()}
    explanations = {
        name: explain_opened(opened, data, name, parameters, seed=seed) for name, parameters in of_methods.items()
    }
    with raising(opened.failures), no_advice_on_tracing():
        return compared(explanations, chosen, training_labels=classes)


def scored_by(
    name: str,
    parameters: Mapping[str, Any],
    axes: Sequence[int],
    opened: OpenedModel,
    classes: NDArray[Any] | None,
) -> dict[str, Any]:
    """Return the parameters of a score that the model and the data allow.

    Raises:
        InputError: the model or the data lack something.
    """
    completed = settings.completed("score", name, parameters, axes)
    settings.require_task("score", name, opened.explained.task)
    settings.require_features("score", name, opened.features, opened.where, opaque=opened.opaque)
    if "other" in completed.get("baselines", ()) and classes is None:
        if "baselines" in parameters:
            needed = 'its baseline "other" needs training examples and their classes.'
            raise InputError(name, needed, "Pass them: training=…, training_y=….")
        completed["baselines"] = [kind for kind in completed["baselines"] if kind != "other"]
        logger.info('%s: the baseline "other" is left out, since it needs training=… and training_y=…', name)
    return completed


def explain_opened(
    opened: OpenedModel, data: Data, method: str, parameters: Mapping[str, Any], *, seed: int
) -> Explanation:
    """Explain checked examples by one method.

    Args:
        opened: the model.
        data: the examples with their facts.
        method, parameters, seed: as for `explain`.

    Raises:
        InputError: the method does not apply to the model or to these examples.
    """
    spec, examples = plugins.spec("explain", method), data.arrays
    if opened.numbers:
        number_inputs.require_fitting(method, parameters)
    chosen = settings.completed("explain", method, parameters, examples["inputs"].shape[1:-1])
    settings.require_task("explain", method, opened.explained.task)
    if not opened.opaque:
        plugins.hook(plugins.load("explain")[method], "suits")(opened.explained)
    settings.require_features("explain", method, opened.features, opened.where, opaque=opened.opaque)
    if spec.needs_training and data.training is None:
        raise InputError(method, "it needs training examples as a background.", "Pass them: training=….")
    model = opened.explained
    model.forward_passes = model.backward_passes = 0
    try:
        with raising(opened.failures), no_advice_on_tracing():
            results = explain_variants(
                method,
                chosen,
                model,
                {**examples, "inputs": opened.as_given(examples["inputs"])} if opened.numbers else examples,
                seed=seed,
                training=data.training,
                classes=data.info["classes"],
                sampling_rate=data.info["sampling_rate_hz"],
            )
    except InputError as error:
        # The model's own errors name no method.
        raise (error.at(f"{method}, {opened.where}") if error.where == "model" else error) from None
    maps, domain = stored_maps.maps_of(results.arrays, method)
    return Explanation(
        # A copy: the caller may scale it in place, and the figure and the checks are of what the method returned.
        attributions=np.array(opened.as_given(maps).reshape(data.shape) if domain == TIME else maps),
        method=method,
        parameters=chosen,
        targets=examples["targets"],
        predictions=examples["predictions"],
        probabilities=examples.get("probabilities"),
        labels=answers.passed(examples, opened.explained.task),
        cost=results.costs[method],
        data_info=data.info,
        arrays=results.arrays,
        seed=seed,
        _opened=opened,
        _residuals=results.checks[method],
        _training=data.training,
    )
