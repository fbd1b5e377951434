"""Wrap a Python function, which returns a score for each class, as a model of which only the outputs are known."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import first_line, format_shape
from pellucid.models.imported import head, opaque, per_step, step_choice, task_head
from pellucid.tasks import SINGLE_LABEL, Task

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

Function = Callable[[NDArray[np.float32]], Any]

_LOOKED_AT = 64  # examples
# A probability next to 1 is rounded by as much; from this share of 1 - p, its logit is told to be inaccurate.
_ROUNDING, _INACCURATE = 2.0**-25, 0.01
_EXPECTED = "one that takes float32 (N, *shape) and returns (N, outputs): logits or probabilities, or values"


def at_steps(
    function: Function, x: NDArray[np.float32], steps: step_choice.Steps | None, task: Task, where: str
) -> Function:
    """Return a function of outputs (N, C) for one of outputs (N, T, C): at a step, or the mean over a window.

    The function itself is returned where `steps` is None.

    Raises:
        InputError: the function fails, the steps do not fit, or the mean of probabilities would be taken.
    """
    if steps is None:
        return function
    scores = _called(function, x[:2], where)
    chosen = step_choice.resolved(steps, scores.shape[1:], where, x.shape[1] if x.ndim == 3 else None)
    if chosen.stop - chosen.first > 1:
        per_step.require_averaging(scores, task, where)

    def picking(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        answers = np.asarray(function(batch), np.float32)
        if answers.ndim != 3 or answers.shape[1] != chosen.total:
            raise ValueError(f"scores of shape {format_shape(answers.shape)}, where x had {chosen.total} steps")
        return np.asarray(answers[:, chosen.first : chosen.stop].mean(1, dtype=np.float64), np.float32)

    return picking


def number_of_outputs(function: Function, x: NDArray[np.float32], where: str) -> int:
    """Return how many scores the function returns for one example.

    Raises:
        InputError: it fails, or does not return finite scores.
    """
    return int(_ask(function, x[:2], where).shape[1])


def tell_of_rounding(function: Function, x: NDArray[np.float32], where: str) -> None:
    """Log that probabilities next to 1 have no accurate logits: 32 bits round what is left to 1.

    Args:
        function, where: as for `number_of_outputs`, of a function that gives probabilities or logits.
        x: the examples.
    """
    answers = _ask(function, x[:_LOOKED_AT], where).astype(np.float64)
    if not head.in_unit_interval(answers):
        return
    rest = 1 - answers.max(1)
    if (coarse := np.flatnonzero(rest < _ROUNDING / _INACCURATE)).size:
        example = coarse[rest[coarse].argmin()]
        logger.warning(
            "%s: its largest probability is %.9g for example %d, and next to 1 in %d of the first %d examples. 32 bits "
            "round what is left to 1, so that the logits of such examples hardly change, or in steps. Return logits",
            *(where, 1 - rest[example], example, coarse.size, len(answers)),
        )


def as_model(
    function: Function,
    input_shape: tuple[int, ...],
    n_outputs: int,
    task: Task,
    where: str,
    failures: list[InputError],
) -> keras.Model:
    """Return a model of one layer that calls the function, with the last layer of the task.

    Args:
        function, where: as for `number_of_outputs`.
        input_shape: of one example.
        n_outputs: what `number_of_outputs` returned.
        task: of the model.
        failures: gets the errors of the function; TensorFlow, which calls it, would hide that (`raising`).

    Raises:
        InputError: the score of an input depends on the call or on the batch.
    """
    from keras import Input, Model, layers

    def ask(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            return _ask(function, batch, where)
        except InputError as error:
            failures.append(error)
            raise

    inputs = Input(input_shape, name="input")
    with raising(failures):
        scores = opaque.calling(ask, n_outputs)(inputs)
        if task == SINGLE_LABEL:
            logits = opaque.logits(inputs, scores, max(n_outputs, 2), where)
            return Model(inputs, layers.Softmax(name="classes")(logits), name="function")
        return Model(inputs, task_head.opaque_outputs(inputs, scores, task, where), name="function")


@contextmanager
def raising(failures: list[InputError]) -> Iterator[None]:
    """Raise the function's own error, instead of the error that TensorFlow makes of it, in a `with` block."""
    try:
        yield
    except Exception:
        if failures:
            raise failures[0] from None
        raise


def _ask(function: Function, batch: NDArray[np.float32], where: str) -> NDArray[np.float32]:
    """Return the scores (N, classes) of a batch."""
    shape = format_shape(batch.shape)
    scores = _called(function, batch, where)
    if scores.ndim == 1:
        scores = scores[:, np.newaxis]
    step_choice.require_none(scores.shape[1:], where)
    if scores.ndim != 2 or len(scores) != len(batch) or not scores.shape[1]:
        found = f"scores of shape {format_shape(scores.shape) or '()'} for a batch of shape {shape}"
        raise InputError.unexpected(where, found, _EXPECTED)
    return scores


def _called(function: Function, batch: NDArray[np.float32], where: str) -> NDArray[np.float32]:
    """Return what the function returns for a batch, as 32-bit numbers of any shape."""
    try:
        # A function may change its batch in place, which must not be part of the caller's x.
        answers = function(np.array(batch))
        dtype = np.asarray(answers).dtype
        if isinstance(answers, np.ma.MaskedArray) or dtype.kind in "cSUmM":
            raise TypeError(f"{'masked ' * isinstance(answers, np.ma.MaskedArray)}{dtype}, no plain numbers")
        return np.asarray(answers, np.float32)
    except Exception as error:  # of any kind: the function is the caller's
        shape = format_shape(batch.shape)
        found = f"a failure for a batch of shape {shape} ({type(error).__name__}: {first_line(error)})"
        raise InputError.unexpected(where, found, _EXPECTED) from error
