"""Check that the end of a model fits its task: the last activation, and what is before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.logits import are_probabilities
from pellucid.network import same_function, tracing
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORDS, REGRESSION, SINGLE_LABEL, Task

if TYPE_CHECKING:
    import keras

# The last activations, by the name of Keras, that a model of each task may have.
_ALLOWED = {
    SINGLE_LABEL: ("linear", "softmax", "log_softmax"),
    MULTI_LABEL: ("linear", "sigmoid"),
    REGRESSION: ("linear",),
}
# The task that a last activation speaks for.
_FITTING: dict[str, Task] = {"softmax": SINGLE_LABEL, "log_softmax": SINGLE_LABEL, "sigmoid": MULTI_LABEL}
_EXPECTED = {
    SINGLE_LABEL: "scores of classes that exclude each other: a softmax, or logits",
    MULTI_LABEL: "a score of its own for each label: sigmoids, or logits",
    REGRESSION: "values from a linear layer",
}


def require(
    model: keras.Model,
    task: Task,
    inputs: NDArray[np.float32],
    logits_of: Callable[[NDArray[np.float32]], NDArray[Any]],
) -> None:
    """Refuse a model whose last activation does not fit the task, or whose probabilities are made before the end.

    Args:
        model: the Keras model.
        task: of the model.
        inputs: (N, *input_shape), any inputs.
        logits_of: returns (M, outputs), what the model gives for M inputs without its last activation.

    Raises:
        InputError: with the task that fits, where there is one.
    """
    name = f"model {model.name}"
    outputs, logits = np.asarray(model(inputs, training=False)), logits_of(inputs)
    found = _last_activations(outputs, logits)
    if len(found) > 1:
        # Of large scores, softmax and sigmoids are the same zeros and ones: smaller inputs tell them apart.
        smaller = np.concatenate([np.float32(scale) * inputs for scale in (0.1, 0.01, 0)])
        found = _last_activations(np.asarray(model(smaller, training=False)), logits_of(smaller)) or found
    activation = next((name for name in found if name in _ALLOWED[task]), found[0] if found else None)
    if task != SINGLE_LABEL and activation == "linear":
        # Inputs of several scales: a few values may lie between 0 and 1 by chance.
        _require_no_hidden_softmax(name, task, same_function.ask(model, same_function.tries(model)))
    elif task == SINGLE_LABEL and are_probabilities(logits):
        raise InputError.unexpected(
            name,
            "scores that are probabilities, made before the last layer",
            "class scores, or a softmax in or as the last layer",
        )
    if activation is None:
        # Its message says how far the outputs are from the logits.
        same_function.hold_scores(outputs, logits, "cutting off its last activation", name)
    elif activation not in _ALLOWED[task]:
        end = f"{logits.shape[1]} independent sigmoids" if activation == "sigmoid" else f"a {activation} at its end"
        raise InputError.unexpected(name, end, _EXPECTED[task], hint(_FITTING[activation]))


def hint(task: Task) -> str:
    """Return the sentence that names the task that a model fits."""
    return f'The task "{task}" ({OUTPUT_WORDS[task]}) fits such a model.'


def _last_activations(outputs: NDArray[Any], logits: NDArray[Any]) -> list[str]:
    """Return the names of the functions that make the outputs of the logits: none where it is none that is cut off."""
    return [
        str(activation.__name__)
        for activation in tracing.last_activations()
        # Of one output, a softmax is a constant.
        if not (outputs.shape[1] == 1 and "softmax" in activation.__name__)
        and same_function.difference(outputs, np.asarray(activation(logits))) <= 1
    ]


def _require_no_hidden_softmax(name: str, task: Task, outputs: NDArray[Any]) -> None:
    """Refuse outputs (N, outputs) of labels or values that are probabilities of classes, or of labels.

    Raises:
        InputError: such outputs.
    """
    if outputs.shape[1] > 1 and are_probabilities(outputs):
        found = "outputs that are never negative and sum to 1, as behind a softmax"
        raise InputError.unexpected(name, found, _EXPECTED[task], hint(SINGLE_LABEL))
    if task == MULTI_LABEL and ((outputs >= 0) & (outputs <= 1)).all():
        found = "outputs from 0 to 1 that are made before the last layer"
        raise InputError.unexpected(name, found, "sigmoids in or as the last layer, or logits")
