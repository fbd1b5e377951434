"""Learn variables of each example, such as a mask, by gradient descent through the model."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.network import target_columns
from pellucid.network.decompositions import Decompositions
from pellucid.network.meaning import meaning

if TYPE_CHECKING:
    import tensorflow as tf

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]
# Seconds between two lines that say how far a long search is.
_SECONDS = 20
# Of Adam, as in its paper (Kingma & Ba 2015).
_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8


class Scores:
    """The model as a loss sees it, while it is traced.

    Args:
        tf_: TensorFlow.
        logits: batch to logits.
        columns: of the rows' targets, from `target_columns.indices`.
        scale: from logits to scores.
    """

    def __init__(self, tf_: Any, logits: Callable[[Any], Any], columns: Any, scale: np.float32) -> None:
        self._tf, self._logits, self._columns, self._scale = tf_, logits, columns, scale

    def outputs(self, batch: tf.Tensor) -> tf.Tensor:
        """Return the score of every output: (rows, outputs)."""
        return self._scale * self._logits(batch)

    def target(self, batch: tf.Tensor) -> tf.Tensor:
        """Return the score of each row's target: (rows,)."""
        return target_columns.taken(self._tf, self.outputs(batch), self._columns)


Tensors = dict[str, Any]
Fit = Callable[[Any, Tensors, Tensors, Scores], Any]
Aims = Callable[[Any, Tensors, Scores], Tensors]
Penalty = Callable[[Any, Tensors, Tensors, Any], Any]


@dataclass(frozen=True)
class Problem:
    """What is searched for, in rows that do not depend on each other.

    The functions are traced once for a model, and again only if something that they refer to has changed (`meaning`).
    Values that differ from call to call, and have the size of the data, belong to the constants.

    Attributes:
        start: the variables at the start, by name, each (rows, ...).
        constants: the values that the losses need, by name: for each row, (rows, ...), or for each example, (examples,
            ...); consecutive rows then share one.
        fit: (TensorFlow, variables, constants, scores) -> a loss of the model's answer, (rows,), to be made small.
        penalty: (TensorFlow, variables, constants, weight) -> the penalty of the variables, (rows,).
        weights: of the penalty, one for each iteration.
        bounded: the names of variables that are kept between 0 and 1.
        curvature: largest second derivative of the penalty with a weight of 1, times the number of values.
        aims: (TensorFlow, constants, scores) -> further constants that the model makes of these before the search.
    """

    start: Mapping[str, Array]
    constants: Mapping[str, Array]
    fit: Fit
    penalty: Penalty
    weights: NDArray[np.float64]
    bounded: tuple[str, ...] = ()
    curvature: float = 2.0
    aims: Aims | None = None


class LearnedMasks(Decompositions):
    """Queries of `ExplainedModel` that search for an input."""

    def learn(
        self,
        problem: Problem,
        target: NDArray[np.int64],
        *,
        rate: float,
        optimiser: Literal["descent", "adam"] = "descent",
        rows: int | None = None,
        called: str = "masks",
    ) -> dict[str, Array]:
        """Return the variables after the last iteration, by name, each (rows, ...).

        Descent divides the gradient of a row's fit by its largest root mean square so far, so that the steps do not
        depend on the unit of the score. The penalty is a mean over the values; its gradient is multiplied by their
        number. The step is `rate`, and smaller where the penalty has a large weight: 1 / (1 / rate + curvature ×
        weight). Adam minimises the sum of both (Kingma & Ba 2015).

        Args:
            problem: what is searched for.
            target: of each row, (rows,).
            rate: size of a step.
            optimiser: descent or adam.
            rows: most rows at a time, where a row takes more memory than the model's own pass.
            called: name of what is searched for, for the log lines of the progress.

        Raises:
            InputError: the model has no gradient, or one that is NaN or infinite.
        """
        columns, total = self._targets(target, len(target)), len(target)
        size = min(self.batch_size(backward=True), rows or total or 1)
        learned = {name: np.empty_like(values) for name, values in problem.start.items()}
        told = time.monotonic()
        numbers = np.asarray(
            [(rate, weight, count, problem.curvature) for count, weight in enumerate(problem.weights, 1)], np.float32
        )
        build = _steps(self._tf, self._functions.logits, self.scale, problem, optimiser)
        for start in range(0, total, size):
            part = slice(start, start + size)
            constants = _of_rows(self._tf, problem.constants, np.arange(total)[part], total)
            state = _fresh(self._tf, {name: values[part] for name, values in problem.start.items()})
            of_rows = self._tf.constant(columns[part])
            constants, done, chunk = self._with_aims(problem.aims, constants, of_rows), 0, 1
            steps = self._traced(build, state, constants, of_rows, self._tf.constant(numbers))
            while done < len(numbers):
                begun = time.monotonic()
                state = steps(state, constants, of_rows, self._tf.constant(numbers[done : done + chunk]))
                done = min(done + chunk, len(numbers))
                # As many steps in one call as leave time to tell how far the search is.
                chunk *= 2 if time.monotonic() - begun < _SECONDS / 4 else 1
                if time.monotonic() - told > _SECONDS:
                    told = time.monotonic()
                    share = (start * len(numbers) + done * len(columns[part])) / total / len(numbers)
                    logger.info("%s: %.0f%% of the search is done", called, 100 * share)
            for name, values in learned.items():
                values[part] = np.asarray(state["variables"][name])
        self.forward_passes += total * len(problem.weights)
        self.backward_passes += total * len(problem.weights)
        for values in learned.values():
            if not np.isfinite(values).all():
                hint = "The model's gradients may overflow: occlusion, rise and lime need no gradients."
                raise InputError.unexpected("model", f"NaN or infinity while {called} were learned", "numbers", hint)
        return learned

    def losses(
        self,
        fit: Fit,
        variables: Mapping[str, Array],
        constants: Mapping[str, Array],
        target: NDArray[np.int64],
        aims: Aims | None = None,
    ) -> Array:
        """Return a problem's `fit` of given variables: (rows,)."""
        columns, found = self._targets(target, len(target)), np.empty(len(target), np.float32)
        tf_, logits, scale = self._tf, self._functions.logits, self.scale

        def run(state: Tensors, given: Tensors, of_rows: Any) -> Any:
            return fit(tf_, state, given, Scores(tf_, logits, of_rows, scale))

        size = self.batch_size()
        for start in range(0, len(target), size):
            part = slice(start, start + size)
            rows = np.arange(len(target))[part]
            state, given = (_of_rows(tf_, arrays, rows, len(target)) for arrays in (variables, constants))
            of_rows = tf_.constant(columns[part])
            given = self._with_aims(aims, given, of_rows)
            found[part] = self._traced(run, state, given, of_rows)(state, given, of_rows).numpy()
        self.forward_passes += len(target)
        return found

    def _with_aims(self, aims: Aims | None, constants: Tensors, columns: Any) -> Tensors:
        """Return the constants, and what the model makes of them."""
        if aims is None:
            return constants
        make, tf_, logits, scale = aims, self._tf, self._functions.logits, self.scale

        def run(given: Tensors, of_rows: Any) -> Tensors:
            return make(tf_, given, Scores(tf_, logits, of_rows, scale))

        self.forward_passes += len(columns)
        found: Tensors = self._traced(run, constants, columns)(constants, columns)
        return constants | found

    def _traced(self, function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
        """Return the function, traced once for any number of rows, and not again for what means the same."""
        signature = self._tf.nest.map_structure(
            lambda tensor: self._tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype), arguments
        )
        key = ("learned", meaning(function), repr(signature))
        if key not in self._compiled:
            made = self._tf.function(function, autograph=False)
            self._compiled[key] = made.get_concrete_function(*signature)
        return self._compiled[key]


def _of_rows(tf_: Any, arrays: Mapping[str, Array], rows: NDArray[np.int64], total: int) -> Tensors:
    """Return some rows of arrays that have all rows, or one row for several in a row."""
    return {name: tf_.constant(values[rows * len(values) // total]) for name, values in arrays.items()}


def _fresh(tf_: Any, start: Mapping[str, Array]) -> dict[str, Tensors]:
    """Return the state before the first iteration."""
    variables = {name: tf_.constant(values) for name, values in start.items()}
    zeros = {name: tf_.zeros_like(values) for name, values in variables.items()}
    largest = tf_.zeros((len(next(iter(start.values()))),), tf_.float32)
    return {"variables": variables, "first": zeros, "second": dict(zeros), "largest": {"": largest}}


def _steps(
    tf_: Any, logits: Callable[[Any], Any], scale: np.float32, problem: Problem, optimiser: str
) -> Callable[..., Any]:
    """Return (state, constants, columns, numbers) -> the state after an iteration for each row of the numbers.

    A row of the numbers is (rate, weight, iteration, curvature).
    """
    # What `step` refers to is what its trace depends on (`meaning`): not the whole problem, whose arrays differ.
    fit_of, penalty_of, bounded = problem.fit, problem.penalty, problem.bounded
    update = _adam if optimiser == "adam" else _descent

    def step(state: dict[str, Tensors], constants: Tensors, columns: Any, numbers: Any) -> dict[str, Tensors]:
        variables = state["variables"]
        with tf_.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(variables)
            fit = fit_of(tf_, variables, constants, Scores(tf_, logits, columns, scale))
            penalty = penalty_of(tf_, variables, constants, numbers[1])
        try:
            of_fit = tape.gradient(fit, variables)
        except LookupError:  # an operation without a gradient
            of_fit = dict.fromkeys(variables)
        if all(gradient is None for gradient in of_fit.values()):
            raise InputError.unexpected(
                "model",
                "class scores without a gradient",
                "a model that has one",
                "Use occlusion, rise, lime or kernel_shap, which need no gradient.",
            )
        of_penalty = tape.gradient(penalty, variables, unconnected_gradients="zero")
        of_fit = {name: _or_zero(tf_, of_fit[name], values) for name, values in variables.items()}
        state = update(tf_, state, of_fit, of_penalty, numbers)
        for name in bounded:
            state["variables"][name] = tf_.clip_by_value(state["variables"][name], 0.0, 1.0)
        return state

    def steps(state: dict[str, Tensors], constants: Tensors, columns: Any, numbers: Any) -> dict[str, Tensors]:
        def following(count: Any, state: dict[str, Tensors]) -> tuple[Any, dict[str, Tensors]]:
            return count + 1, step(state, constants, columns, numbers[count])

        _, state = tf_.while_loop(lambda count, _: count < tf_.shape(numbers)[0], following, (0, state))
        return state

    return steps


def _or_zero(tf_: Any, gradient: Any, values: Any) -> Any:
    return tf_.zeros_like(values) if gradient is None else gradient


def _descent(
    tf_: Any, state: dict[str, Tensors], of_fit: Tensors, of_penalty: Tensors, numbers: Any
) -> dict[str, Tensors]:
    """Return the state after a step of descent with each row's gradient in a unit of its own."""
    moved = {}
    squares = [tf_.reshape(gradient, (tf_.shape(gradient)[0], -1)) for gradient in of_fit.values()]
    joined = tf_.concat(squares, 1)
    root = tf_.sqrt(tf_.reduce_mean(tf_.square(joined), 1))
    largest = tf_.maximum(state["largest"][""], root)
    unit = tf_.where(largest > 0, largest, 1.0)
    step = 1.0 / (1.0 / numbers[0] + numbers[3] * numbers[1])
    for name, values in state["variables"].items():
        shape = (-1, *(1,) * (values.shape.rank - 1))
        number = tf_.cast(tf_.reduce_prod(tf_.shape(values)[1:]), tf_.float32)
        moved[name] = values - step * (of_fit[name] / tf_.reshape(unit, shape) + number * of_penalty[name])
    return {**state, "variables": moved, "largest": {"": largest}}


def _adam(
    tf_: Any, state: dict[str, Tensors], of_fit: Tensors, of_penalty: Tensors, numbers: Any
) -> dict[str, Tensors]:
    """Return the state after a step of Adam, algorithm 1 of its paper."""
    rate, count = numbers[0], numbers[2]
    variables, first, second = {}, {}, {}
    for name, values in state["variables"].items():
        gradient = of_fit[name] + of_penalty[name]
        first[name] = _FIRST * state["first"][name] + (1 - _FIRST) * gradient
        second[name] = _SECOND * state["second"][name] + (1 - _SECOND) * tf_.square(gradient)
        mean, square = first[name] / (1 - _FIRST**count), second[name] / (1 - _SECOND**count)
        variables[name] = values - rate * mean / (tf_.sqrt(square) + _TINY)
    return {**state, "variables": variables, "first": first, "second": second}
