"""`pellucid.explain`: one method on examples at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from pellucid import plugins
from pellucid.api import arrays, facts, settings
from pellucid.api.explanation import Explanation
from pellucid.api.opening import OpenedModel, Settings, open_model
from pellucid.api.own_function import told
from pellucid.errors import InputError
from pellucid.explain.run import explain_variants

# A Keras model, the path of a .keras file or of a SavedModel folder, or a function (N, *shape) -> (N, classes).
Model = Any


def explain(
    model: Model,
    x: ArrayLike,
    method: str,
    *,
    y: ArrayLike | None = None,
    target: str | int | ArrayLike = "predicted",
    training: ArrayLike | None = None,
    measured: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    channel_names: Sequence[str] | None = None,
    sampling_rate_hz: float | None = None,
    unit: str = "",
    title: str = "",
    seed: int = 0,
    threads: int = 1,
    memory_mb: int = 1024,
    allow_code: bool = False,
    **parameters: Any,
) -> Explanation:
    """Explain a model's predictions on examples by one attribution method.

    Args:
        model: a Keras model, the path of a `.keras` file or of a SavedModel folder, or a function that takes a batch
            (N, *shape) float32 and returns (N, classes), logits or probabilities.
        x: the examples, (N, time, channels) or (N, height, width, channels), as the model takes them; one example
            without the axis N is explained as a batch of one.
        method: name of the method, such as "grad_cam".
        y: the true class of each example, as numbers or names; only for `target="label"` and the figure.
        target: the class to explain: "predicted", "label", a number, a name, or one of these for each example.
        training: (M, *shape), examples of the training, for methods that draw a background from them.
        measured: true and false of the shape of x; false for padding and filled gaps.
        class_names: of all classes, in the order of the model's outputs; their numbers if left out.
        channel_names: of the channels, for the figure.
        sampling_rate_hz: of series: the figure then has seconds.
        unit: of the values of x, for the figure.
        title: of the figure.
        seed: of the method's random numbers; the workflow with this seed draws the same.
        threads: CPU threads of TensorFlow, where nothing in this process has started it yet. Part of the result.
        memory_mb: memory for the batches, in MiB.
        allow_code: let code in a file (Lambda layers, a SavedModel) run; only for files whose maker you trust.
        parameters: of the method; `pellucid list methods` and the reference name them.

    Raises:
        InputError: in one sentence, what is wrong and what to do.
    """
    from_caller = arrays.numbers(x, "x")
    names = None if class_names is None else facts.names(class_names, "class_names")
    facts.require_numbers(seed=seed, threads=threads, memory_mb=memory_mb)
    # Before TensorFlow starts: a misspelt name should not take seconds.
    settings.completed("explain", method, parameters, None)
    opened = open_model(model, from_caller, Settings(names, allow_code, threads, memory_mb))
    with told(opened.failures):
        data = facts.Data.of(
            opened,
            x=from_caller,
            y=y,
            target=target,
            training=training,
            measured=measured,
            class_names=names,
            channel_names=channel_names,
            sampling_rate_hz=sampling_rate_hz,
            unit=unit,
            title=title,
        )
    return explain_opened(opened, data, method, parameters, seed=seed)


def explain_opened(
    opened: OpenedModel, data: facts.Data, method: str, parameters: dict[str, Any], *, seed: int
) -> Explanation:
    """Explain checked examples by one method.

    Args:
        opened: the model.
        data: the examples with what is known of them.
        method, parameters, seed: as for `explain`.

    Raises:
        InputError: the method does not apply to the model or to these examples.
    """
    spec, examples = plugins.spec("explain", method), data.arrays
    chosen = settings.completed("explain", method, parameters, examples["inputs"].shape[1:-1])
    settings.require_features("explain", method, opened.features, opened.where, opaque=opened.opaque)
    if spec.needs_training and data.training is None:
        raise InputError(method, "it needs examples of the training as a background.", "Hand them over: training=….")
    model = opened.explained
    model.forward_passes = model.backward_passes = 0
    try:
        with told(opened.failures):
            results = explain_variants(
                method,
                chosen,
                model,
                examples,
                seed=seed,
                training=data.training,
                classes=data.info["classes"],
            )
    except InputError as error:
        # The model's own errors name no method.
        raise (error.at(f"{method}, {opened.where}") if error.where == "model" else error) from None
    return Explanation(
        attributions=opened.as_given(results.arrays["attributions"][0]).reshape(data.shape),
        method=method,
        parameters=chosen,
        targets=examples["targets"],
        predictions=examples["predictions"],
        probabilities=examples["probabilities"],
        labels=examples.get("labels"),
        cost=results.costs[method],
        data_info=data.info,
        arrays=results.arrays,
        seed=seed,
        _opened=opened,
        _residuals=results.checks[method],
        _training=data.training,
    )
