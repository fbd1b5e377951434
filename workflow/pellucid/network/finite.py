"""Check that weights, scores and gradients of a model are finite, and find the layer or example where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import abbreviate
from pellucid.network import runtime, target_columns, tracing
from pellucid.network.layers import holds_weights, is_model, last_layer, steps, walk
from pellucid.network.named_inputs import Rows, ends

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

_EXPECTED = "finite numbers"


def require_weights(model: keras.Model, where: str, hint: str = "") -> None:
    """Refuse a model with a weight that is NaN or infinite.

    Raises:
        InputError: such a weight; names its layer.
    """
    for layer in walk(model):
        for weight in layer.get_weights() if holds_weights(layer) else ():
            if not np.isfinite(weight).all():
                raise InputError.unexpected(
                    where, f"{_fault(weight)} among the weights of layer {abbreviate(layer.name)}", _EXPECTED, hint
                )


def require_answers(
    model: keras.Model, x: Array | Rows, answers: NDArray[Any], called: str, numbers: Sequence[int] | None = None
) -> None:
    """Refuse class scores (or probabilities) that are NaN or infinite.

    Args:
        model: the model that gave them.
        x: (N, *input_shape), the inputs; of a model of several inputs, rows of each.
        answers: (N, classes).
        called: what the message calls an input: "test example".
        numbers: (N,) of the inputs, from 0; by default their index in `x`.

    Raises:
        InputError: such a score; names its input and the first layer whose output is not finite.
    """
    if (index := first(answers)) is not None:
        number = index if numbers is None else int(numbers[index])
        layer = abbreviate(_origin(model, x[index : index + 1]))
        found = f"{_fault(answers[index])} in the model's answer, which begins at layer {layer}"
        raise InputError.unexpected(f"{called} {number}", found, _EXPECTED, _range_of_first(x[index : index + 1]))


def require_gradient(model: keras.Model, x: Array, columns: NDArray[np.int32], gradients: NDArray[Any]) -> None:
    """Refuse gradients that are NaN or infinite although the class scores are finite, as for a square root at 0.

    Args:
        model: the model that gave them.
        x: (N, *input_shape), the inputs.
        columns: of their targets (`target_columns.indices`).
        gradients: (N, …).

    Raises:
        InputError: such a gradient; names the layer whose gradient is not finite.
    """
    if (index := first(gradients)) is not None:
        name = _backward_origin(model, x[index], columns[index : index + 1])
        found = (
            f"{_fault(gradients[index])} in the gradient of its class score, which begins at layer {abbreviate(name)}"
        )
        hint = f"{_range(x[index])} occlusion, rise, lime and kernel_shap need no gradient."
        raise InputError.unexpected(f"input {index}", found, _EXPECTED, hint)


def first(values: NDArray[Any]) -> int | None:
    """Return the first row that holds NaN or infinity; None where there is none."""
    # A float64 sum of finite float32 numbers is finite: large arrays need no array of booleans.
    with np.errstate(invalid="ignore"):
        if np.isfinite(values.sum(dtype=np.float64)):
            return None
    rows = np.isfinite(values).reshape(len(values), -1).all(1)
    return None if rows.all() else int(rows.argmin())


def _fault(values: NDArray[Any]) -> str:
    """Return the word for what is not finite among the values."""
    return "NaN" if np.isnan(values).any() else "infinity"


def _range(x: Array) -> str:
    """Return a sentence on the range of an input."""
    return f"The values of this input are from {x.min():.4g} to {x.max():.4g}."


def _range_of_first(x: Array | Rows) -> str:
    """Return a sentence on the range of an example; of several inputs, a sentence on the range of each."""
    if not isinstance(x, Rows):
        return _range(x)
    ranges = (f"{name} from {array.min():.4g} to {array.max():.4g}" for name, array in x.arrays.items())
    return f"The values of this example are in {', '.join(ranges)}."


def _origin(model: Any, example: Array | Rows) -> str:
    """Return the name of the first layer or operation whose output for an example is not finite."""
    try:
        uses = steps(model)
        outputs = _all(model, [step.output_tensors[0] for step in uses], example)
        for step, output in zip(uses, outputs, strict=True):
            if np.isfinite(output).all():
                continue
            if is_model(step.operation):
                (inner,) = _all(model, step.input_tensors[:1], example)
                return _origin(step.operation, np.asarray(inner, np.float32))
            return str(step.operation.name)
    except Exception:  # a graph that cannot be taken apart: the message then names the last layer
        pass
    return str(last_layer(model).name)


def _backward_origin(model: Any, example: Array, columns: NDArray[np.int32]) -> str:
    """Return the name of the layer or operation where the gradient, going backward, stops being finite."""
    tf = runtime.start()
    try:
        from keras import Model

        uses = steps(model)
        tensors = [model.inputs[0], *(step.output_tensors[0] for step in uses)]
        whole = Model(model.inputs[0], tensors)
        batch = tf.convert_to_tensor(example[np.newaxis])
        with tf.GradientTape() as tape, tracing.without_softmax(last_layer(model)):
            tape.watch(batch)
            outputs = whole(batch, training=False)
            score = target_columns.taken(tf, outputs[-1], tf.constant(columns))
        gradients = tape.gradient(score, [batch, *outputs[1:]])
        for tensor, gradient in reversed(list(zip(tensors, gradients, strict=True))):
            if gradient is not None and not np.isfinite(np.asarray(gradient)).all():
                users = [step for step in uses if any(source is tensor for source in step.input_tensors)]
                return str(users[-1].operation.name)
    except Exception:  # as above
        pass
    return str(last_layer(model).name)


def _all(model: Any, tensors: Sequence[Any], example: Array | Rows) -> list[NDArray[Any]]:
    """Return the values of inner tensors of a model for one example: (1, *input_shape), or a row of each input."""
    from keras import Model

    fed = example.arrays if isinstance(example, Rows) else example
    outputs = Model(ends(model), list(tensors))(fed, training=False)
    # Keras returns a single output without a list.
    return [np.asarray(output, np.float64) for output in (outputs if isinstance(outputs, list) else [outputs])]
