"""Give a model from elsewhere a softmax over the classes as its last layer, whatever its scores are."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.logits import are_probabilities, softmax
from pellucid.messages import format_shape
from pellucid.models.imported import class_scores, last_operation, limited_scores, value_ends
from pellucid.network import same_function, tracing
from pellucid.network.graph import flatten
from pellucid.network.layers import is_model, last_layer, walk
from pellucid.network.named_inputs import ends, standard_normal

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


def with_softmax(model: keras.Model, n_classes: int, where: str) -> keras.Model:
    """Return the model with a softmax over the classes as its last layer.

    A softmax stays; a log-softmax is replaced by a softmax. Scores without either are logits, and get a softmax. One
    unit z with a sigmoid or without an activation becomes the logits (-z/2, z/2) of the two classes, whose softmax is
    (1 - sigmoid(z), sigmoid(z)). No weight is added or changed.

    Args:
        model: one input, one output, built. Its last activation may be changed.
        n_classes: of the data.
        where: name of the model in messages.

    Raises:
        InputError: the output is not one score for each class, or the probabilities change.
    """
    shape = tuple(model.outputs[0].shape[1:])
    binary = shape in ((), (1,)) and n_classes == 2
    if shape != (n_classes,) and not binary:
        raise InputError.unexpected(
            where,
            f"an output of shape {format_shape(shape) or '()'}",
            f"{n_classes} scores, one for each class{', or one score' if n_classes == 2 else ''}",
            "model.classes names the classes of all outputs, also those that the data lack; new_head: true puts a new "
            "last layer on a model of other classes."
            if len(shape) == 1
            else "",
        )
    last = last_operation.score_operation(model)
    activation = last_operation.final_activation_of(last)
    inputs = same_function.tries(model)
    before = same_function.ask(model, inputs).reshape(len(inputs), -1)
    limits = {last_operation.limiting_activation(end): end for end in value_ends.operations(model, pooled=True)}
    limits = limits if activation is None else {activation: last}
    scaled = value_ends.scaled_activations(model) if {*limits} == {None} else {}
    class_scores.require_no_scaled_probabilities(scaled, where)
    if binary and activation != "sigmoid":
        _require_logit(limits, before, last.name, where)
    if not binary:
        class_scores.require_logits(activation, limits, type(last).__name__, before, where)
    changed = _replace_activation(model, last, activation, binary, where)
    if activation is None and (scaled or not binary):
        limits.pop(None, None)
        limit, end = next(iter((limits | scaled).items()), (None, last))
        limited_scores.tell(end.name, limit)
    if activation is None and not limits.keys() - {None} and not scaled and type(last).__name__ != "Dense":
        limited_scores.tell_of_answers(model, before, "a sigmoid" if binary else "a softmax")
    expected = _probabilities(before, activation, binary)
    same_function.hold_scores(expected, same_function.ask(changed, inputs), "its new softmax", where)
    return changed


def final_activation(model: keras.Model) -> str | None:
    """Return "softmax", "log_softmax" or "sigmoid" if the scores of a model end in it."""
    return last_operation.final_activation_of(last_operation.score_operation(model))


def before_sigmoid(model: keras.Model, where: str) -> Any:
    """Return what an operation such as `keras.ops.sigmoid(x)` at the end of a model is computed from.

    Raises:
        InputError: the sigmoid is a layer before the end, or in a nested model.
    """
    from keras import layers

    operation = model.outputs[0]._keras_history.operation
    if isinstance(operation, layers.Layer) or type(operation).__name__ != "Sigmoid":
        raise InputError.unexpected(where, "a sigmoid before the end", "sigmoids in the last layer, or logits")
    return before_end(model)


def before_end(model: keras.Model) -> Any:
    """Return what the last layer or operation of a model is computed from."""
    operation, index, _ = model.outputs[0]._keras_history
    return operation._inbound_nodes[index].input_tensors[0]


def _replace_activation(model: keras.Model, last: Any, activation: str | None, binary: bool, where: str) -> keras.Model:
    """Return the model with a softmax instead of its last activation."""
    from keras import Model, activations, layers

    scores = model.outputs[0]
    if activation in ("softmax", "log_softmax") and last is last_layer(model) and isinstance(last, layers.Layer):
        if not isinstance(last, layers.Softmax):
            last.activation = activations.softmax
        return model
    if activation is not None:
        if sum(node.operation is last for node in flatten(model)) > 1:
            raise InputError.unexpected(
                where, f'"{last.name}" at the end and in another place', "a last layer that is used once"
            )
        if not isinstance(last, layers.Layer):  # an operation such as keras.ops.softmax(x)
            if scores._keras_history.operation is not last:
                raise InputError.unexpected(
                    where, f'the operation "{last.name}" at the end of a nested model', "a layer there"
                )
            scores = last._inbound_nodes[scores._keras_history.node_index].input_tensors[0]
        elif isinstance(last, layers.Softmax):
            raise InputError.unexpected(where, f'"{last.name}" before the end', "a softmax as the last layer")
        else:
            last.activation = activations.linear
    if binary:
        kind = "the sigmoid of" if activation else "one score and two classes: a logit,"
        logger.info('%s "%s" became the logits (-z/2, z/2) of two classes, and their softmax', kind, last.name)
        names = [unused_name(model, name) for name in ("first_class", "second_class", "both_classes")]
        return Model(ends(model), _softmax(two_logits(scores, names), model), name=model.name)
    if gives_probabilities(Model(ends(model), scores)):
        # A second softmax would flatten the probabilities, and hide their gradients.
        raise InputError.unexpected(
            where, "probabilities that are computed before the last layer", "a softmax as the last layer"
        )
    return Model(ends(model), _softmax(scores, model), name=model.name)


def two_logits(score: Any, names: tuple[str, ...] | list[str] = ("first_class", "second_class", "both_classes")) -> Any:
    """Return the logits (-z/2, z/2) of two classes from one score z; `graph.one_score` recognises these layers.

    Both logits depend on z. The logits (0, z) have the same softmax, but the first of them could not be explained.
    """
    from keras import layers

    if len(score.shape) == 1:
        score = layers.Reshape((1,))(score)
    halves = [layers.Rescaling(scale, name=name)(score) for scale, name in zip((-0.5, 0.5), names[:2], strict=True)]
    return layers.Concatenate(name=names[2])(halves)


def with_new_head(model: keras.Model, n_outputs: int, where: str, activation: str = "softmax") -> keras.Model:
    """Return the model with its last dense layer, and everything after it, replaced by a new dense layer.

    Args:
        model: built.
        n_outputs: of the new layer.
        where: name of the model in messages.
        activation: of the new layer, as Keras names it.

    Raises:
        InputError: the model does not end in a dense layer, or its body computes another function.
    """
    from keras import Model, layers

    body, dense = _headless(model, where)
    inputs = same_function.tries(model)
    with tracing.recording(dense) as record:
        same_function.ask(model, inputs)
    before = np.asarray(record.outputs[-1], np.float64)
    after = np.asarray(dense(np.asarray(same_function.ask(body, inputs), np.float32)), np.float64)
    rows = len(inputs)
    same_function.hold_scores(before.reshape(rows, -1), after.reshape(rows, -1), "removing its last layer", where)
    scores = layers.Dense(n_outputs, activation=activation, name=unused_name(body, "classes"))(body.outputs[0])
    logger.info("a new last layer of %d outputs starts with random weights", n_outputs)
    return Model(ends(body), scores, name=model.name)


def _headless(model: keras.Model, where: str) -> tuple[keras.Model, Any]:
    """Return the model up to the input of its last dense layer, and that layer."""
    from keras import Model, layers

    tensor = model.outputs[0]
    while True:
        operation, index, _ = tensor._keras_history
        (before, *others) = operation._inbound_nodes[index].input_tensors or [None]
        if is_model(operation) and not others:
            inner, dense = _headless(operation, where)
            return Model(ends(model), inner(before), name=model.name), dense
        if isinstance(operation, layers.Dense):
            return Model(ends(model), before, name=model.name), operation
        if others or not isinstance(operation, (layers.Softmax, layers.Activation, layers.Dropout)):
            found = f'"{operation.name}" ({type(operation).__name__}) at the end'
            raise InputError.unexpected(where, found, "a dense layer, which the new head replaces")
        tensor = before


def _softmax(scores: Any, model: keras.Model) -> Any:
    from keras import layers

    return layers.Softmax(name=unused_name(model, "classes"))(scores)


def _require_logit(limits: Mapping[str | None, Any], answers: NDArray[np.float64], last: str, where: str) -> None:
    """Refuse a single output that is not a logit because its values are limited.

    Args:
        limits: the operations that make it by the activation that limits them, None for no activation.
        answers: (N, 1), to inputs on which functions differ.
        last: name of the last operation.
        where: name of the model in messages.

    Raises:
        InputError: the activation is not a sigmoid, or all outputs lie between 0 and 1.
    """
    expected = "a sigmoid for the second of two classes, one logit without an activation, or one score for each class"
    for activation, end in limits.items():
        if activation is not None:
            raise InputError.unexpected(where, f'one output with the activation {activation} ("{end.name}")', expected)
    if in_unit_interval(answers):
        found = f'one output that is always between 0 and 1: a probability that is computed before "{last}"'
        raise InputError.unexpected(where, found, expected)


def in_unit_interval(outputs: NDArray[np.float64]) -> bool:
    """Return whether all outputs lie between 0 and 1, as those of a sigmoid do."""
    return bool((outputs >= 0).all() and (outputs <= 1).all())


def _probabilities(answers: NDArray[np.float64], activation: str | None, binary: bool) -> NDArray[np.float64]:
    """Return the probabilities (N, classes) that outputs (N, outputs) of the unchanged model stand for."""
    if binary:
        second = answers if activation == "sigmoid" else 1 / (1 + np.exp(-np.clip(answers, -700, 700)))
        return np.concatenate([1 - second, second], 1)
    if activation == "softmax":
        return answers
    return softmax(answers)


def gives_probabilities(model: keras.Model) -> bool:
    """Return whether the scores of random inputs are probabilities."""
    return are_probabilities(same_function.ask(model, standard_normal(model, 4)))


def unused_name(model: keras.Model, name: str) -> str:
    """Return `name`, with a number if a layer has that name already."""
    taken = {layer.name for layer in walk(model)}
    candidates = (name, *(f"{name}_{number}" for number in range(2, 99)))
    return next(candidate for candidate in candidates if candidate not in taken)
