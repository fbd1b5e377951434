"""Compare the value range that the first layers of a model expect with the range of the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.data_info import DataInfo
from pellucid.network.graph import flatten
from pellucid.network.layers import walk

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

_EXAMPLES = 256  # training examples that are used, spread evenly
_BATCH = 32
# A factor of 1/255 expects values with a range of about 255. Dark or bright images do not differ from it by ten times.
_FACTOR = 10
# A factor above 1, such as 255, expects a range of about 1; but a factor of 1,000 may turn mV into µV.
_WIDEST = 20
# Allowed deviation, in standard deviations. The statistics of Normalization were computed from the training data and
# fit closely; the moving statistics of a batch normalisation lag behind after a short training.
_SPREAD = {"Normalization": 3.0, "BatchNormalization": 10.0}
# The same for data that were scaled to mean 0 and standard deviation 1.
_SPREAD_STANDARD, _SHIFT_STANDARD = 1.5, 0.5


class _EnoughError(Exception):
    """End a pass through a model."""


def contradiction(network: keras.Model, training: Path | str, data_info: DataInfo, key: str) -> str:
    """Return a sentence if the first layers of a model contradict the data; "" if they agree or do not tell.

    Args:
        network: built, for the data as they are.
        training: `x_train.npy`.
        data_info: `data.json`.
        key: the config key for the value range of the model.
    """
    if len(network.inputs) > 1:  # no one key speaks of the values of several inputs
        return ""
    x = files.map_array(training)
    x = np.asarray(x[np.linspace(0, len(x) - 1, min(_EXAMPLES, len(x))).round().astype(int)], np.float32)
    statistics = _statistics_claim(network, x, data_info["scale"])
    if statistics == "":  # the statistics fit the data, so the layers before them do too
        return ""
    claim, values = _scale_claim(network, x)
    claim = claim or statistics or ""
    if not claim:
        return ""
    scale = "" if data_info["scale"] == "none" else f" (after preprocessing.scale: {data_info['scale']})"
    remedy = f"{key} gives the values that the model takes"
    if key == "model.input_range":
        remedy += " where the data are 0 and 1" + (f", here perhaps {values}" if values else "")
    else:
        remedy = f"{key} gives the value of full intensity in the data"
    if scale:
        remedy += "; preprocessing.scale: none leaves the data as they are"
    return f"The data run from {_number(x.min())} to {_number(x.max())}{scale}, but {claim}: {remedy}."


# A scale: Rescaling, or operations such as x / 127.5 - 1 -------------------------------------------------------------


def _scale_claim(network: keras.Model, x: Array) -> tuple[str, str]:
    """Return what the layers before the first weights expect, and this range, if they only scale; else ("", "")."""
    width = float(x.max() - x.min())
    name, factor, shift = "", 1.0, 0.0
    for layer, factor_and_shift in _linear_steps(network):
        if not np.isclose(factor_and_shift[0], factor, rtol=1e-3):
            name = layer
        factor, shift = factor_and_shift
    if not name or not width or not factor:
        return "", ""
    # After their scale, most models take 0 to 1, or -1 to 1.
    lowest = -1.0 if np.isclose(shift, -1, atol=0.05) else 0.0
    low, high = sorted((value - shift) / factor for value in (lowest, 1.0))
    claim = (
        f'"{name}" multiplies them by {_number(factor)}, made for values from about {_number(low)} to {_number(high)}'
    )
    made_for = 1 / abs(factor)
    if made_for > 1 and not made_for / _FACTOR < width < made_for * _FACTOR:
        return claim, f"[{_number(low)}, {_number(high)}]" if width < made_for else ""
    return (claim, "") if made_for < 1 and width > _WIDEST else ("", "")


def _linear_steps(network: keras.Model) -> list[tuple[str, tuple[float, float]]]:
    """Return name, factor and shift of each layer from the input on, until one has weights or is not linear.

    The output of the layer is factor · input of the model + shift.
    """
    chain = _chain(network)
    values = np.arange(-1, 3, dtype=np.float32)
    inputs = np.broadcast_to(values.reshape(-1, *[1] * len(network.input_shape[1:])), (4, *network.input_shape[1:]))
    steps: list[tuple[str, tuple[float, float]]] = []

    def visit(operation: Any, before: Any, after: Any) -> None:
        if len(steps) == len(chain) or operation is not chain[len(steps)]:
            raise _EnoughError
        output = np.asarray(after, np.float64).reshape(4, -1)
        slopes = np.diff(output, axis=0)
        if not np.allclose(slopes, slopes[:1], rtol=1e-3, atol=1e-6 + 1e-4 * float(np.abs(slopes).max())):
            raise _EnoughError
        steps.append((operation.name, (float(np.median(slopes)), float(np.median(output[1])))))

    _run(network, np.ascontiguousarray(inputs), visit)
    return steps


def _chain(network: keras.Model) -> list[Any]:
    """Return the operations without weights from the input on, while each is the only user of the one before."""
    from keras import layers

    nodes = flatten(network)
    chain: list[Any] = []
    place = next(place for place, node in enumerate(nodes) if not node.inputs)
    while True:
        followers = [number for number, node in enumerate(nodes) if place in node.inputs and not node.container]
        # Layers after a nested model take the output of its container node.
        if not followers:
            followers = [number for number, node in enumerate(nodes) if place in node.inputs]
            if len(followers) != 1:
                return chain
            place = followers[0]
            continue
        node = nodes[place := followers[0]]
        # A layer that calls a SavedModel may hold a whole network, and shows no weights.
        weighted = isinstance(node.operation, layers.Layer) and bool(node.operation.weights)
        weighted = weighted or isinstance(node.operation, layers.TFSMLayer)
        if len(followers) != 1 or len(node.inputs) != 1 or weighted:
            return chain
        chain.append(node.operation)


# Statistics: of a Normalization, or of the first batch normalisation -------------------------------------------------


def _statistics_claim(network: keras.Model, x: Array, scale: str) -> str | None:
    """Return what the first layer with learnt means and variances expects, if its input differs.

    Return "" if the input agrees; None if there is no such layer.
    """
    if not any(type(layer).__name__ in _SPREAD for layer in walk(network)):
        return None
    inputs: list[NDArray[np.float64]] = []
    first: list[Any] = []

    def visit(operation: Any, before: Any, after: Any) -> None:
        if type(operation).__name__ in _SPREAD:
            first[:] = [operation]
            inputs.append(np.asarray(before, np.float64))
            raise _EnoughError

    for start in range(0, len(x), _BATCH):
        _run(network, x[start : start + _BATCH], visit)
    if not first:  # it is inside of a wrapper layer
        return None
    mean, deviation = _statistics(first[0], inputs[0].ndim)
    if mean is None or (not mean.any() and np.allclose(deviation, 1, atol=1e-2)):  # untrained
        return None
    return _difference(first[0], np.concatenate(inputs), mean, deviation, scale)


def _difference(
    layer: Any, values: NDArray[np.float64], mean: NDArray[np.float64], deviation: NDArray[np.float64], scale: str
) -> str:
    axes = tuple(range(values.ndim - 1))
    varies = values.std(axes) > 0
    if not varies.any():
        return ""
    standardised = (values - mean) / deviation
    shift = float(np.median(np.abs(standardised.mean(axes))[varies]))
    spread = float(np.median(standardised.std(axes)[varies]))
    kind = type(layer).__name__
    widest = furthest = _SPREAD[kind]
    # Not for a batch normalisation: the layers before it have learnt their own scale.
    if scale == "standard" and kind == "Normalization":
        widest, furthest = _SPREAD_STANDARD, _SHIFT_STANDARD
    if 1 / widest < spread < widest and shift < furthest:
        return ""
    expected = f"a mean of {_number(np.median(mean))} and a standard deviation of {_number(np.median(deviation))}"
    actual = f"{_number(np.median(values.mean(axes)))} and {_number(np.median(values.std(axes)[varies]))}"
    return f'"{layer.name}" ({kind}) expects {expected}, but gets {actual}'


def _statistics(layer: Any, axes: int) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """Return the mean and standard deviation that a layer subtracts and divides by, broadcastable to its input."""
    if type(layer).__name__ == "Normalization":
        if getattr(layer, "mean", None) is None or layer.invert:
            return None, np.ones(1)
        mean, variance = np.asarray(layer.mean, np.float64), np.asarray(layer.variance, np.float64)
        return mean, np.sqrt(np.maximum(variance, 1e-14))
    shape = [1] * axes
    shape[layer.axis] = -1
    mean, variance = np.asarray(layer.moving_mean, np.float64), np.asarray(layer.moving_variance, np.float64)
    return mean.reshape(shape), np.sqrt(variance + layer.epsilon).reshape(shape)


# A pass through a model, step by step --------------------------------------------------------------------------------


def _run(network: keras.Model, x: Array, visit: Callable[[Any, Any, Any], None]) -> None:
    """Call `visit` with every operation, its first input and its output, in order, until it raises `_EnoughError`."""
    try:
        _through(network, x, visit)
    except _EnoughError:
        return


def _through(model: Any, x: Any, visit: Callable[[Any, Any, Any], None]) -> Any:
    def visiting(operation: Any) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if hasattr(operation, "_run_through_graph") or hasattr(operation, "_functional"):
                return _through(operation, arguments[0], visit)
            if getattr(operation, "_call_has_training_arg", False):
                named["training"] = False
            output = operation(*arguments, **named)
            visit(operation, next(iter(arguments), None), output)
            return output

        return call

    graph = getattr(model, "_functional", None) or model
    return graph._run_through_graph(x, operation_fn=visiting)


def _number(value: Any) -> str:
    return f"{float(value):.4g}"
