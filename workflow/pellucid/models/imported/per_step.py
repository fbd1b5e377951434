"""Models with a score per class at every time step, (N, T, C): explained at one step, or at the mean of a window.

The last activation is removed, the steps are picked from (or averaged over) the logits, and the activation is put
behind them again. (The mean of softmax values would not be the softmax of any logits.) The model then has outputs (N,
C).
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.logits import are_probabilities, log_softmax, softmax
from pellucid.models.imported import head, last_operation, step_choice, task_head
from pellucid.models.imported.step_choice import Steps
from pellucid.network import same_function
from pellucid.network.explained_steps import LAYER, MEAN, ExplainedSteps
from pellucid.network.graph import flatten
from pellucid.network.layers import last_layer, walk
from pellucid.tasks import REGRESSION, Task, sigmoid

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


def picked(model: keras.Model, steps: Steps | None, task: Task, where: str) -> keras.Model:
    """Return a model of outputs (N, C): the scores of a model (N, T, C) at a step, or their mean over a window.

    The last activation (softmax, log-softmax or sigmoid) moves behind the step; without one the outputs are logits or
    values. No weight is added or changed. The model itself is returned where it has one output per example and `steps`
    is None.

    Args:
        model: one input, one output, built. Its last activation may be changed.
        steps: as `step_choice.check` allows, or None.
        task: of the model.
        where: name of the model in messages.

    Raises:
        InputError: `steps` is missing or does not fit, the activation cannot be moved, or the scores change.
    """
    from keras import Model, layers

    shape = tuple(model.outputs[0].shape[1:])
    if steps is None:
        step_choice.require_none(shape, where)
        return model
    inputs_shape = model.inputs[0].shape[1:]
    chosen = step_choice.resolved(steps, shape, where, inputs_shape[0] if len(inputs_shape) == 2 else None)
    inputs = same_function.tries(model)
    before = same_function.ask(model, inputs)
    tensor, activation = _without_activation(model, where)
    logits = same_function.ask(Model(model.inputs[0], tensor), inputs)
    outputs = int(before.shape[-1])
    if activation is None and task == REGRESSION:
        task_head.require_values(model, outputs, where)
    hidden = head.in_unit_interval(before) and task != REGRESSION
    of_steps = before.reshape(-1, outputs)
    logarithms = outputs > 1 and bool((of_steps <= 1e-6).all()) and are_probabilities(np.exp(of_steps))
    if activation is None and (hidden or logarithms or (outputs > 1 and are_probabilities(of_steps))):
        found = "logarithms of probabilities" if logarithms else "probabilities"
        found += " that are computed before the last layer"
        raise InputError.unexpected(where, found, "a softmax or sigmoids as the last layer, or logits")
    # Against the unchanged model: all steps of all inputs.
    _hold(before, _activated(logits, activation), "taking off its last activation", where)
    scores = pick(tensor, chosen, {layer.name for layer in walk(model)})
    if activation is not None:
        scores = layers.Activation(activation, name=head.unused_name(model, "at_steps"))(scores)
    changed = Model(model.inputs[0], scores, name=model.name)
    expected = _activated(logits[:, chosen.first : chosen.stop].mean(1), activation)
    _hold(expected, same_function.ask(changed, inputs), f"picking {chosen}", where)
    logger.info("explained: %s", chosen)
    return changed


def pick(scores: Any, chosen: ExplainedSteps, taken: set[str] = frozenset()) -> Any:  # type: ignore[assignment]
    """Return the mean (N, C) of symbolic scores (N, T, C) over the steps."""
    from keras import layers

    if LAYER in taken:
        raise InputError.unexpected("steps", f'a layer that is called "{LAYER}" already', "a model without one")
    cut = layers.Cropping1D((chosen.first, chosen.total - chosen.stop), name=LAYER)(scores)
    if chosen.stop - chosen.first == 1:
        name = next(n for n in ("scores_of_step", *(f"scores_of_step_{i}" for i in range(2, 99))) if n not in taken)
        return layers.Reshape((int(scores.shape[-1]),), name=name)(cut)
    name = next(n for n in (MEAN, *(f"{MEAN}_{i}" for i in range(2, 99))) if n not in taken)
    return layers.GlobalAveragePooling1D(data_format="channels_last", name=name)(cut)


def without_last_activation(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a model with a linear last layer, as `picked` makes it, for planning.

    It is unchanged if the activation is no setting of the last layer.
    """
    changed: dict[str, Any] = copy.deepcopy(dict(config))
    inner = changed["config"]
    ends = inner.get("output_layers")
    while isinstance(ends, list) and ends and isinstance(ends[0], list):
        ends = ends[0]
    for layer in reversed(inner["layers"]):
        settings = layer["config"]
        if ends is None or settings.get("name") == ends[0]:
            if settings.get("activation") in ("softmax", "log_softmax", "sigmoid"):
                settings["activation"] = "linear"
                return changed
            break
    return dict(config)


def of_opaque(inputs: Any, scores: Any, steps: Steps | None, task: Task, where: str) -> Any:
    """Return the symbolic output of an opaque model at the explained steps; unchanged where it has no steps.

    Args:
        inputs, scores: Keras' symbolic input and output of the model.
        steps, task, where: as for `picked`.

    Raises:
        InputError: `steps` is missing or does not fit, or a mean of probabilities would be taken.
    """
    from keras import Model

    shape = tuple(scores.shape[1:])
    if steps is None:
        step_choice.require_none(shape, where)
        return scores
    chosen = step_choice.resolved(steps, shape, where, inputs.shape[1] if len(inputs.shape) == 3 else None)
    if chosen.stop - chosen.first > 1:
        model = Model(inputs, scores)
        require_averaging(same_function.ask(model, same_function.tries(model)), task, where)
    return pick(scores, chosen)


def require_averaging(answers: NDArray[Any], task: Task, where: str) -> None:
    """Refuse the mean over a window of an opaque model's probabilities: its logits cannot be reached.

    Args:
        answers: scores (N, T, C) of the model.
        task: of the model; the mean of values is always right.
        where: name of the model in messages.

    Raises:
        InputError: all scores lie between 0 and 1.
    """
    if task == REGRESSION or not head.in_unit_interval(answers):
        return
    raise InputError.unexpected(
        where,
        "probabilities at each step, and a window of steps",
        "logits (the mean of probabilities is not what the mean of the logits gives), or a single step",
    )


def _without_activation(model: keras.Model, where: str) -> tuple[Any, str | None]:
    """Return the symbolic logits (N, T, C) of a model, and the name of the activation that was behind them.

    Raises:
        InputError: the activation is in a place from which it cannot be removed.
    """
    from keras import activations, layers

    tensor, last = model.outputs[0], last_layer(model)
    # The layer inside a TimeDistributed works at each step alone, so that its activation moves like one of its own.
    inner = last
    while isinstance(inner, layers.TimeDistributed):
        inner = inner.layer
    kind = last_operation.final_activation_of(inner)
    if kind is None:
        return tensor, None
    if isinstance(inner, layers.Layer) and not isinstance(inner, layers.Softmax):
        if sum(node.operation is last for node in flatten(model)) > 1:
            raise InputError.unexpected(
                where, f'"{last.name}" at the end and in another place', "a last layer that is used once"
            )
        inner.activation = activations.linear
        return tensor, kind
    if not any(operation is last for operation in getattr(model, "operations", model.layers)):
        raise InputError.unexpected(where, f'"{last.name}" at the end of a nested model', "a last layer outside of it")
    return head.before_end(model), kind


def _activated(logits: NDArray[np.float64], activation: str | None) -> NDArray[np.float64]:
    """Return logits (..., C) behind an activation over the last axis."""
    if activation is None:
        return logits
    rows = logits.reshape(-1, logits.shape[-1])
    functions = {"sigmoid": sigmoid, "softmax": softmax, "log_softmax": log_softmax}
    return functions[activation](rows).reshape(logits.shape)


def _hold(before: NDArray[np.float64], after: NDArray[np.float64], step: str, where: str) -> None:
    """Compare scores (..., C) before and after a change, each step for itself."""
    outputs = before.shape[-1]
    same_function.hold_scores(before.reshape(-1, outputs), after.reshape(-1, outputs), step, where)
