"""The end of a model that was made elsewhere: a softmax over the classes, whatever its scores were."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import InputError
from pellucid.graph import flatten
from pellucid.layers import walk
from pellucid.wording import times

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


def with_softmax(model: keras.Model, n_classes: int, where: str) -> keras.Model:
    """The model with a softmax over the classes as its last layer.

    A softmax stays; a log-softmax becomes one. Scores without either are logits, and get one. One unit with a sigmoid,
    z, is the score of the second of two classes: the logits (0, z), whose softmax is (1 - sigmoid(z), sigmoid(z)).
    No weight is added or changed.

    Args:
        model: one input, one output, built. Its last activation may be changed.
        n_classes: of the data.
        where: what to call it in a message.

    Raises:
        InputError: an output that is no list of scores, one for each class.
    """
    from keras import Model, activations, layers

    shape = tuple(model.outputs[0].shape[1:])
    binary = shape == (1,) and n_classes == 2
    if shape != (n_classes,) and not binary:
        raise InputError(
            where,
            f"an output of shape {times(shape) or '()'}",
            f"{n_classes} scores, one for each class{', or one sigmoid' if n_classes == 2 else ''}",
            "model.classes names the classes of all outputs, also those that the data lack; new_head: true puts a new "
            "last layer on a model of other classes."
            if len(shape) == 1
            else "",
        )
    last = _last(model)
    end = _end(last)
    if binary and end != "sigmoid":
        raise InputError(
            where,
            f"one output with the activation {end or 'linear'}, which may be any number",
            "a sigmoid for the second of two classes, or one score for each",
        )
    if not binary and end == "sigmoid":
        raise InputError(
            where,
            f"{n_classes} sigmoids, each for itself",
            "scores of classes of which one is true: a softmax, or logits",
        )
    if end == "softmax" and isinstance(last, layers.Layer):
        return model
    scores = model.outputs[0]
    if end is not None:
        if sum(node.operation is last for node in flatten(model)) > 1:
            raise InputError(where, f'"{last.name}" at the end and in another place', "a last layer of its own")
        if not isinstance(last, layers.Layer):  # an operation such as keras.ops.softmax(x)
            if scores._keras_history.operation is not last:
                raise InputError(where, f'the operation "{last.name}" at the end of a nested model', "a layer there")
            scores = last._inbound_nodes[scores._keras_history.node_index].input_tensors[0]
        elif end == "log_softmax":
            last.activation = activations.softmax
            return model
        else:
            last.activation = activations.linear
    if binary:
        names = [_free(model, name) for name in ("first_class", "second_class", "classes")]
        nothing = layers.Rescaling(0.0, name=names[0])(scores)
        scores = layers.Concatenate(name=names[1])([nothing, scores])
        logger.info('the sigmoid of "%s" became the logits (0, z) of two classes, and their softmax', last.name)
    else:
        names = [_free(model, "classes")]
        if gives_probabilities(Model(model.inputs[0], scores)):
            # A second softmax would flatten them, and hide their gradients.
            raise InputError(where, "probabilities that are made before the last layer", "a softmax as the last layer")
        if end is None:
            logger.info('the scores of "%s" are taken for logits: a softmax follows them', last.name)
    return Model(model.inputs[0], layers.Softmax(name=names[-1])(scores), name=model.name)


def with_new_head(model: keras.Model, n_classes: int, where: str) -> keras.Model:
    """The model with a new dense layer and softmax in the place of its last dense layer, and of what follows it.

    Raises:
        InputError: a model that does not end in a dense layer.
    """
    from keras import Model, layers

    body = _headless(model, where)
    scores = layers.Dense(n_classes, activation="softmax", name=_free(body, "classes"))(body.outputs[0])
    logger.info("a new last layer for %d classes begins with random weights", n_classes)
    return Model(body.inputs[0], scores, name=model.name)


def _headless(model: keras.Model, where: str) -> keras.Model:
    """The model up to what its last dense layer takes."""
    from keras import Model, layers

    tensor = model.outputs[0]
    while True:
        operation, index, _ = tensor._keras_history
        (before, *others) = operation._inbound_nodes[index].input_tensors or [None]
        if hasattr(operation, "layers"):
            return Model(model.inputs[0], _headless(operation, where)(before), name=model.name)
        if isinstance(operation, layers.Dense):
            return Model(model.inputs[0], before, name=model.name)
        if others or not isinstance(operation, (layers.Softmax, layers.Activation, layers.Dropout)):
            found = f'"{operation.name}" ({type(operation).__name__}) at the end'
            raise InputError(where, found, "a dense layer, whose place the new head takes")
        tensor = before


def _last(model: keras.Model) -> Any:
    """The operation that makes the output; of a nested model, its innermost."""
    operation = model.outputs[0]._keras_history.operation
    return _last(operation) if hasattr(operation, "layers") else operation


def _end(operation: Any) -> str | None:
    """The function of class scores that an operation ends in, if it is one."""
    from keras import activations, layers

    if not isinstance(operation, layers.Layer):
        names = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
        return names.get(type(operation).__name__)
    if isinstance(operation, layers.Softmax):
        return "softmax"
    own = getattr(operation, "activation", None)
    return next((name for name in ("softmax", "log_softmax", "sigmoid") if own is getattr(activations, name)), None)


def gives_probabilities(model: keras.Model) -> bool:
    """Whether the scores of random inputs are positive, and 1 in sum."""
    tries = np.random.default_rng(0).standard_normal((4, *model.inputs[0].shape[1:]), np.float32)
    answer = np.asarray(model(tries, training=False))
    return bool((answer >= 0).all() and np.allclose(answer.sum(1), 1, atol=1e-4))


def _free(model: keras.Model, name: str) -> str:
    """A name that no layer has."""
    taken = {layer.name for layer in walk(model)}
    return next(one for one in (name, *(f"{name}_{number}" for number in range(2, 99))) if one not in taken)
