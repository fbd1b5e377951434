"""The end of a model that was made elsewhere: a softmax over the classes, whatever its scores were."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import format_shape
from pellucid.network import same_function, tracing
from pellucid.network.graph import flatten
from pellucid.network.layers import last_layer, walk

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

_ENDS = ("softmax", "log_softmax", "sigmoid")
# Operations that are no layers, and may make a score that is any number.
_LINEAR_OPERATIONS = (
    "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Negative", "Sum", "Mean", "Matmul", "Dot", "Einsum",
    "Reshape", "Squeeze", "ExpandDims", "GetItem", "Cast", "Take", "Transpose", "Concatenate",
)  # fmt: skip


def with_softmax(model: keras.Model, n_classes: int, where: str) -> keras.Model:
    """The model with a softmax over the classes as its last layer.

    A softmax stays; a log-softmax becomes one. Scores without either are logits, and get one. One unit with a sigmoid,
    or without an activation, z, is the score of the second of two classes, and -z that of the first: the logits
    (-z/2, z/2), whose softmax is (1 - sigmoid(z), sigmoid(z)). No weight is added or changed.

    Args:
        model: one input, one output, built. Its last activation may be changed.
        n_classes: of the data.
        where: what to call it in a message.

    Raises:
        InputError: an output that is no list of scores, one for each class, or other probabilities than before.
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
    last = _maker(model)
    end = _end(last)
    inputs = same_function.tries(model)
    before = same_function.ask(model, inputs).reshape(len(inputs), -1)
    if binary and end != "sigmoid":
        _require_logit(last, before, where)
    if not binary and end == "sigmoid":
        raise InputError.unexpected(
            where,
            f"{n_classes} sigmoids, each for itself",
            "scores of classes of which one is true: a softmax, or logits",
        )
    made = _ended(model, last, end, binary, where)
    expected = _probabilities(before, end, binary)
    same_function.hold_scores(expected, same_function.ask(made, inputs), "its new softmax", where)
    return made


def _ended(model: keras.Model, last: Any, end: str | None, binary: bool, where: str) -> keras.Model:
    """The model with a softmax in the place of its last activation."""
    from keras import Model, activations, layers

    scores = model.outputs[0]
    if end in ("softmax", "log_softmax") and last is last_layer(model) and isinstance(last, layers.Layer):
        if not isinstance(last, layers.Softmax):
            last.activation = activations.softmax
        return model
    if end is not None:
        if sum(node.operation is last for node in flatten(model)) > 1:
            raise InputError.unexpected(
                where, f'"{last.name}" at the end and in another place', "a last layer of its own"
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
        said = "the sigmoid of" if end else "one score and two classes: a logit,"
        logger.info('%s "%s" became the logits (-z/2, z/2) of two classes, and their softmax', said, last.name)
        taken = [_free(model, name) for name in ("first_class", "second_class", "both_classes")]
        return Model(model.inputs[0], _softmax(of_one(scores, taken), model), name=model.name)
    if gives_probabilities(Model(model.inputs[0], scores)):
        # A second softmax would flatten them, and hide their gradients.
        raise InputError.unexpected(
            where, "probabilities that are made before the last layer", "a softmax as the last layer"
        )
    if end is None:
        logger.info('the scores of "%s" are taken for logits: a softmax follows them', last.name)
    return Model(model.inputs[0], _softmax(scores, model), name=model.name)


def of_one(score: Any, names: tuple[str, ...] | list[str] = ("first_class", "second_class", "both_classes")) -> Any:
    """The logits (-z/2, z/2) of two classes, of one score z: `graph.one_score` knows them again by these layers.

    Both classes depend on z alike: of the logits (0, z), which have the same softmax, the first could not be explained.
    """
    from keras import layers

    if len(score.shape) == 1:
        score = layers.Reshape((1,))(score)
    halves = [layers.Rescaling(scale, name=name)(score) for scale, name in zip((-0.5, 0.5), names[:2], strict=True)]
    return layers.Concatenate(name=names[2])(halves)


def with_new_head(model: keras.Model, n_classes: int, where: str) -> keras.Model:
    """The model with a new dense layer and softmax in the place of its last dense layer, and of what follows it.

    Raises:
        InputError: a model that does not end in a dense layer, or whose body is another function then.
    """
    from keras import Model, layers

    body, dense = _headless(model, where)
    inputs = same_function.tries(model)
    with tracing.recording(dense) as record:
        same_function.ask(model, inputs)
    before = np.asarray(record.outputs[-1], np.float64)
    after = np.asarray(dense(np.asarray(same_function.ask(body, inputs), np.float32)), np.float64)
    rows = len(inputs)
    same_function.hold_scores(before.reshape(rows, -1), after.reshape(rows, -1), "taking off its last layer", where)
    scores = layers.Dense(n_classes, activation="softmax", name=_free(body, "classes"))(body.outputs[0])
    logger.info("a new last layer for %d classes begins with random weights", n_classes)
    return Model(body.inputs[0], scores, name=model.name)


def _headless(model: keras.Model, where: str) -> tuple[keras.Model, Any]:
    """The model up to what its last dense layer takes, and that layer."""
    from keras import Model, layers

    tensor = model.outputs[0]
    while True:
        operation, index, _ = tensor._keras_history
        (before, *others) = operation._inbound_nodes[index].input_tensors or [None]
        if hasattr(operation, "layers"):
            inner, dense = _headless(operation, where)
            return Model(model.inputs[0], inner(before), name=model.name), dense
        if isinstance(operation, layers.Dense):
            return Model(model.inputs[0], before, name=model.name), operation
        if others or not isinstance(operation, (layers.Softmax, layers.Activation, layers.Dropout)):
            found = f'"{operation.name}" ({type(operation).__name__}) at the end'
            raise InputError.unexpected(where, found, "a dense layer, whose place the new head takes")
        tensor = before


def _softmax(scores: Any, model: keras.Model) -> Any:
    from keras import layers

    return layers.Softmax(name=_free(model, "classes"))(scores)


def _maker(model: keras.Model) -> Any:
    """The last operation of a model that makes its scores: layers behind it that leave every value alone are passed."""
    from keras import layers

    last, tensor = last_layer(model), model.outputs[0]
    operation, index, _ = tensor._keras_history
    while not hasattr(operation, "layers"):
        plain = (layers.Flatten, layers.Reshape, layers.Dropout, layers.Identity)
        linear = isinstance(operation, layers.Activation) and _name(operation.activation) is None
        sources = operation._inbound_nodes[index].input_tensors
        if not (linear or isinstance(operation, plain)) or len(sources) != 1:
            return operation
        # A softmax over another axis than that of the classes is not one over them.
        if sources[0].shape != tensor.shape and tensor.shape[1:] != (1,):
            return last
        tensor = sources[0]
        operation, index, _ = tensor._keras_history
    return last_layer(operation)


def _end(operation: Any) -> str | None:
    """The function of class scores that an operation ends in, if it is one."""
    from keras import layers

    if not isinstance(operation, layers.Layer):
        names = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
        return names.get(type(operation).__name__)
    if isinstance(operation, layers.Softmax):
        return "softmax"
    # Of keras.activations and of keras.ops, which are two functions of one name.
    name = _name(getattr(operation, "activation", None))
    return name if name in _ENDS else None


def _name(activation: Any) -> str | None:
    """The name of an activation of Keras; None for none, and for the linear one."""
    name = getattr(activation, "__name__", type(activation).__name__)
    return None if activation is None or name in ("linear", "identity") else name


def _require_logit(last: Any, answers: NDArray[np.float64], where: str) -> None:
    """Refuse one output that is no logit: not any number, but one of a range.

    Raises:
        InputError: an activation other than a sigmoid, or answers that all lie between 0 and 1.
    """
    from keras import layers

    expected = "a sigmoid for the second of two classes, one logit without an activation, or one score for each class"
    kind = type(last).__name__
    activation = _name(getattr(last, "activation", None))
    limited = kind in vars(layers) and type(last).__module__.split(".layers.")[-1].startswith("activations.")
    if isinstance(last, layers.Layer):
        activation = kind if limited and not isinstance(last, layers.Activation) else activation
    elif kind not in _LINEAR_OPERATIONS:
        activation = kind
    if activation is not None:
        raise InputError.unexpected(where, f'one output with the activation {activation} ("{last.name}")', expected)
    if between(answers):
        found = f'one output that is always between 0 and 1: a probability that is made before "{last.name}"'
        raise InputError.unexpected(where, found, expected)


def between(answers: NDArray[np.float64]) -> bool:
    """Whether all answers lie between 0 and 1, as those of a sigmoid do."""
    return bool((answers >= 0).all() and (answers <= 1).all())


def _probabilities(answers: NDArray[np.float64], end: str | None, binary: bool) -> NDArray[np.float64]:
    """What the softmax over the classes is to say where the model said `answers` (N, outputs)."""
    if binary:
        second = answers if end == "sigmoid" else 1 / (1 + np.exp(-np.clip(answers, -700, 700)))
        return np.concatenate([1 - second, second], 1)
    if end == "softmax":
        return answers
    exponentials = np.exp(answers - answers.max(1, keepdims=True))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(1, keepdims=True)
    return probabilities


def gives_probabilities(model: keras.Model) -> bool:
    """Whether the scores of random inputs are positive, and 1 in sum."""
    tries = np.random.default_rng(0).standard_normal((4, *model.inputs[0].shape[1:]), np.float32)
    answer = same_function.ask(model, tries)
    return bool((answer >= 0).all() and np.allclose(answer.sum(1), 1, atol=1e-4))


def _free(model: keras.Model, name: str) -> str:
    """A name that no layer has."""
    taken = {layer.name for layer in walk(model)}
    return next(one for one in (name, *(f"{name}_{number}" for number in range(2, 99))) if one not in taken)
