"""Holding that weights and answers of a model are finite numbers, and finding the layer or the example where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import abbreviate
from pellucid.network import runtime, tracing
from pellucid.network.layers import holds_weights, last_layer, steps, walk

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

_EXPECTED = "finite numbers"


def require_weights(model: keras.Model, where: str, hint: str = "") -> None:
    """Refuse a model of whose weights one is NaN or infinite.

    Raises:
        InputError: such a weight, with the name of its layer.
    """
    for layer in walk(model):
        for weight in layer.get_weights() if holds_weights(layer) else ():
            if not np.isfinite(weight).all():
                raise InputError.unexpected(
                    where, f"{_fault(weight)} among the weights of layer {abbreviate(layer.name)}", _EXPECTED, hint
                )


def require_answers(
    model: keras.Model, x: Array, answers: NDArray[Any], called: str, numbers: Sequence[int] | None = None
) -> None:
    """Refuse class scores (or probabilities) of which one is NaN or infinite.

    Args:
        model: that gave them.
        x: (N, *input_shape), the inputs.
        answers: (N, classes).
        called: what the message calls an input: "test example".
        numbers: (N,) of the inputs, from 0; their place in `x` by default.

    Raises:
        InputError: such an answer, with the number of its input and the first layer whose output is not finite.
    """
    if (index := first(answers)) is not None:
        number = index if numbers is None else int(numbers[index])
        layer = abbreviate(_origin(model, x[index]))
        found = f"{_fault(answers[index])} in the model's answer, which begins at layer {layer}"
        raise InputError.unexpected(f"{called} {number}", found, _EXPECTED, _range(x[index]))


def require_gradient(model: keras.Model, x: Array, target: NDArray[Any], gradients: NDArray[Any]) -> None:
    """Refuse gradients of finite class scores of which one is NaN or infinite, as that of a square root is at 0.

    Args:
        model: that gave them.
        x, target: (N, *input_shape) and (N,), the inputs and the classes whose scores they are the gradients of.
        gradients: (N, …).

    Raises:
        InputError: such a gradient, with the layer whose gradient is not finite.
    """
    if (index := first(gradients)) is not None:
        name = _backward_origin(model, x[index], int(target[index]))
        found = (
            f"{_fault(gradients[index])} in the gradient of its class score, which begins at layer {abbreviate(name)}"
        )
        hint = f"{_range(x[index])} occlusion, rise, lime and kernel_shap need no gradient."
        raise InputError.unexpected(f"input {index}", found, _EXPECTED, hint)


def first(values: NDArray[Any]) -> int | None:
    """The first row that holds a value which is no finite number; None where there is none."""
    # The sum of finite float32 numbers in float64 is finite: no array of truth values is made of large ones.
    with np.errstate(invalid="ignore"):
        if np.isfinite(values.sum(dtype=np.float64)):
            return None
    rows = np.isfinite(values).reshape(len(values), -1).all(1)
    return None if rows.all() else int(rows.argmin())


def _fault(values: NDArray[Any]) -> str:
    return "NaN" if np.isnan(values).any() else "infinity"


def _range(x: Array) -> str:
    return f"The values of this input are from {x.min():.4g} to {x.max():.4g}."


def _origin(model: Any, example: Array) -> str:
    """The name of the first layer or operation whose output for an example is not finite."""
    try:
        uses = steps(model)
        outputs = _all(model, [step.output_tensors[0] for step in uses], example)
        for step, output in zip(uses, outputs, strict=True):
            if np.isfinite(output).all():
                continue
            if hasattr(step.operation, "layers"):
                (taken,) = _all(model, step.input_tensors[:1], example)
                return _origin(step.operation, taken[0])
            return str(step.operation.name)
    except Exception:  # a graph that cannot be taken apart: the message names the model's end then
        pass
    return str(last_layer(model).name)


def _backward_origin(model: Any, example: Array, target: int) -> str:
    """The name of the last layer or operation on whose way back the gradient stops being finite."""
    tf = runtime.start()
    try:
        from keras import Model

        uses = steps(model)
        tensors = [model.inputs[0], *(step.output_tensors[0] for step in uses)]
        whole = Model(model.inputs[0], tensors)
        one = tf.convert_to_tensor(example[np.newaxis])
        with tf.GradientTape() as tape, tracing.without_softmax(last_layer(model)):
            tape.watch(one)
            outputs = whole(one, training=False)
            score = outputs[-1][0, target]
        gradients = tape.gradient(score, [one, *outputs[1:]])
        for tensor, gradient in reversed(list(zip(tensors, gradients, strict=True))):
            if gradient is not None and not np.isfinite(np.asarray(gradient)).all():
                takers = [step for step in uses if any(taken is tensor for taken in step.input_tensors)]
                return str(takers[-1].operation.name)
    except Exception:  # as above
        pass
    return str(last_layer(model).name)


def _all(model: Any, tensors: Sequence[Any], example: Array) -> list[NDArray[Any]]:
    from keras import Model

    outputs = Model(model.inputs[0], list(tensors))(example[np.newaxis], training=False)
    # Of one output, Keras makes no list.
    return [np.asarray(output, np.float64) for output in (outputs if isinstance(outputs, list) else [outputs])]
