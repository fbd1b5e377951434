"""Give a model from elsewhere the last layer of the task of the data, or refuse one that was made for another task."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.logits import are_probabilities
from pellucid.messages import format_shape
from pellucid.models.imported import callers_words, class_scores, head, last_operation, limited_scores, value_ends
from pellucid.network import same_function
from pellucid.network.layers import last_layer
from pellucid.network.named_inputs import ends
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORDS, REGRESSION, SINGLE_LABEL, Task, sigmoid

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


def with_head(model: keras.Model, n_outputs: int, task: Task, where: str) -> keras.Model:
    """Return the model with the last activation of a task.

    single_label: a softmax (`head.with_softmax`). multi_label: sigmoids stay, and logits get a sigmoid each.
    regression: the outputs stay as they are. No weight is added or changed.

    Args:
        model: one input, one output, built. Its last activation may be changed.
        n_outputs: classes, labels or values of the data.
        task: of the data.
        where: name of the model in messages.

    Raises:
        InputError: the model has another number of outputs, or ends in the activation of another task.
    """
    if task == SINGLE_LABEL:
        return head.with_softmax(model, n_outputs, where)
    shape = tuple(model.outputs[0].shape[1:])
    require_number(shape, n_outputs, task, where)
    activation = head.final_activation(model)
    if activation in ("softmax", "log_softmax"):
        found = f"a {activation.replace('_', '-')} over {shape[-1] if shape else 1} outputs, which exclude each other"
        raise InputError.unexpected(where, found, _expected(task), _only(SINGLE_LABEL))
    if task == REGRESSION:
        require_values(model, n_outputs, where)
        return _with_one_axis(model)
    return _with_sigmoids(model, activation, where)


def require_values(model: keras.Model, n_outputs: int, where: str) -> None:
    """Refuse outputs that are all probabilities, even if layers follow that do not change them.

    Raises:
        InputError: they come from sigmoids, or from softmaxes of several heads.
    """
    kinds = {last_operation.final_activation_of(end) for end in value_ends.operations(model, clipped=True)}
    if None in kinds:
        return
    if kinds == {"sigmoid"}:
        found = f"{n_outputs} output(s) with a sigmoid, which are probabilities"
        raise InputError.unexpected(
            where, found, _expected(REGRESSION), _only(MULTI_LABEL if n_outputs > 1 else SINGLE_LABEL)
        )
    raise InputError.unexpected(where, "outputs that come from a softmax", _expected(REGRESSION))


def require_number(shape: tuple[int | None, ...], n_outputs: int, task: Task, where: str) -> None:
    """Refuse outputs of another shape than (N, `n_outputs`); of one value (N,) as well.

    Raises:
        InputError: such outputs.
    """
    if shape == (n_outputs,) or (task == REGRESSION and n_outputs == 1 and shape == ()):
        return
    words = OUTPUT_WORDS[task]
    raise InputError.unexpected(
        where,
        f"an output of shape {format_shape(shape) or '()'}",
        f"{n_outputs}, one for each of the data's {words}",
        f"new_head: true puts a new last layer on a model of other {words}." if len(shape) == 1 else "",
    )


def opaque_outputs(inputs: Any, scores: Any, task: Task, where: str) -> Any:
    """Return the outputs of an opaque model (only its answers can be seen) with the last layer of a task.

    Probabilities p of labels become the logits log p / (1 - p), whose sigmoid is p; other scores of labels are logits.

    Args:
        inputs, scores: Keras' symbolic input and output of the model.
        task: multi_label or regression.
        where: name of the model in messages.

    Raises:
        InputError: the outputs of an input depend on the call or on the batch, or are probabilities of classes.
    """
    from keras import Model, layers, ops

    function = Model(inputs, scores)
    same_function.require_function(function, where)
    answers = same_function.ask(function, same_function.tries(function))
    if answers.shape[-1] > 1 and (are_probabilities(answers) or head.gives_probabilities(function)):
        found = f"{answers.shape[-1]} probabilities that sum to 1, of classes that exclude each other"
        raise InputError.unexpected(where, found, _expected(task), _only("single_label"))
    if task == REGRESSION:
        scores = layers.Reshape((1,))(scores) if len(scores.shape) == 1 else scores
        return layers.Activation("linear", name="values")(scores)
    inside = _in_unit_interval(answers)
    if inside.any() and not inside.all():
        raise InputError.unexpected(where, _mixed(inside), "probabilities of all labels, or logits of all")
    if inside.all():
        # The smallest number in place of a probability that was rounded to 0 or 1, which has no logit.
        tiny, least = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).epsneg)
        scores = ops.log(ops.maximum(scores, tiny)) - ops.log(ops.maximum(1 - scores, least))
        logger.info("the logits log p / (1 - p) of its probabilities p are used")
    else:
        logger.info("its scores are taken for logits: a sigmoid follows each")
        limited_scores.tell_of_answers(function, answers, "a sigmoid")
    return layers.Activation("sigmoid", name="labels")(scores)


def _with_sigmoids(model: keras.Model, activation: str | None, where: str) -> keras.Model:
    """Return a model of sigmoids or of logits with sigmoids in its last layer."""
    from keras import Model, layers

    inputs = same_function.tries(model)
    before = same_function.ask(model, inputs)
    if activation is None:
        if head.in_unit_interval(before):
            raise InputError.unexpected(
                where,
                "outputs that are always between 0 and 1: probabilities that are computed before the last layer",
                "sigmoids as the last activation, or logits",
            )
        _require_logits(model, before, where)
        logger.info('the scores of "%s" are taken for logits: a sigmoid follows each', last_layer(model).name)
        scores, expected = model.outputs[0], sigmoid(before)
    else:
        last = last_layer(model)
        ends_in = last_operation.activation_name(getattr(last, "activation", None))
        if isinstance(last, layers.Layer) and ends_in == "sigmoid":
            return model
        scores, expected = head.before_sigmoid(model, where), before
    names = head.unused_name(model, "labels")
    changed = Model(ends(model), layers.Activation("sigmoid", name=names)(scores), name=model.name)
    same_function.hold_scores(expected, same_function.ask(changed, inputs), "its new sigmoids", where)
    return changed


def _require_logits(model: keras.Model, answers: NDArray[np.float64], where: str) -> None:
    """Refuse scores without a sigmoid that are no logits: of an activation, or probabilities for some labels alone.

    Raises:
        InputError: the activation, or the labels.
    """
    made_by, expected = value_ends.operations(model, pooled=True), "sigmoids as the last activation, or logits"
    for end in made_by:
        if (activation := last_operation.limiting_activation(end)) is not None:
            of = "some of the labels" if len(made_by) > 1 else "all labels"
            found = f'the activation {activation} of {of} ("{end.name}"), whose results are no logits'
            raise InputError.unexpected(where, found, expected)
    scaled = value_ends.scaled_activations(model)
    class_scores.require_no_scaled_probabilities(scaled, where, expected)
    if scaled:
        activation, end = next(iter(scaled.items()))
        limited_scores.tell(end.name, activation, "a sigmoid")
    elif any(type(end).__name__ != "Dense" for end in made_by):
        limited_scores.tell_of_answers(model, answers, "a sigmoid")
    inside = _in_unit_interval(answers)
    # A dense layer without an activation: that its scores lie between 0 and 1 is chance.
    if inside.any() and any(type(end).__name__ != "Dense" for end in made_by):
        raise InputError.unexpected(where, _mixed(inside), expected)


def _in_unit_interval(answers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each output (N, outputs) whether it always lies between 0 and 1, like a probability."""
    return np.asarray(((answers >= 0) & (answers <= 1)).all(0))


def _mixed(inside: NDArray[np.bool_]) -> str:
    first, other = int(np.flatnonzero(inside)[0]), int(np.flatnonzero(~inside)[0])
    return f"output {first} always between 0 and 1, like a probability, and output {other} beyond, like a logit"


def _with_one_axis(model: keras.Model) -> keras.Model:
    """Return the model with outputs (N, 1) where it gives one value as (N,)."""
    if len(model.outputs[0].shape) > 1:
        return model
    from keras import Model, layers

    name = head.unused_name(model, "values")
    return Model(ends(model), layers.Reshape((1,), name=name)(model.outputs[0]), name=model.name)


def _expected(task: Task) -> str:
    if task == MULTI_LABEL:
        return f"independent labels, as {callers_words.task(task)} says: sigmoids, or logits"
    return f"values without a sigmoid or softmax, as {callers_words.task(task)} says"


def _only(task: Task) -> str:
    return f"Such a model fits data of the task {task}."
