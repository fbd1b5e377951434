"""How much the units of a layer matter for a score: conductance, integrated gradients, influence and others."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.batching import slices
from pellucid.errors import InputError
from pellucid.explain.shared import line
from pellucid.network.explained_model import ExplainedModel

Array = NDArray[np.float32]
Quantity = Literal["conductance", "integrated_gradients", "influence", "activation_times_gradient"]


class _Line(NamedTuple):
    """A question to a layer on a line: arguments of `shares`, and how many points the model gets at a time."""

    model: ExplainedModel
    inputs: Array
    reference: Array
    targets: NDArray[np.int64]
    layer: str
    steps: int
    size: int


def shares(
    model: ExplainedModel,
    inputs: Array,
    reference: Array,
    targets: NDArray[np.int64],
    layer: str,
    steps: int,
    of: Quantity,
) -> Array:
    """Return the number that each unit of a layer gets: (N, *layer's shape), the axes as in `activations`.

    Args:
        model: the model; with held inputs, those of the one example are held.
        inputs, reference: (N, *input_shape), the ends of the line; activation × gradient looks at the inputs alone.
        targets: (N,).
        layer: address of the layer.
        steps: intervals of the line.
        of: conductance, the change of the score along the line that passes through the unit; integrated gradients of
            the layer's output; influence, the mean gradient of the score with respect to the unit; or activation ×
            gradient.

    Raises:
        InputError: no such layer, one that is used several times, or one that the scores do not depend on; or numbers
            that are NaN or infinite.
    """
    size = model.batch_size(backward=True)
    if of == "activation_times_gradient":
        pairs = [
            model.activations_and_gradient(inputs[part], targets[part], layer) for part in slices(len(inputs), size)
        ]
        values: Array = np.concatenate([activation * gradient for activation, gradient in pairs])
    else:
        on_line = {"conductance": _conductance, "integrated_gradients": _integrated, "influence": _influence}[of]
        # What is no number is refused below.
        with np.errstate(invalid="ignore", over="ignore"):
            values = on_line(_Line(model, inputs, reference, targets, layer, steps, size))
    if not np.isfinite(values).all():
        problem, hint = f"{of} that is NaN or infinite", "Look at the values and the gradients of this layer."
        raise InputError.unexpected(f"layer {layer}", problem, "finite numbers", hint)
    return values


def _conductance(on: _Line) -> Array:
    """Return the integral of (dS/dy) dy along the line for each unit y.

    It is taken over the unit's own values (Shrikumar et al. 2018, section 3), which is the sum over the inputs of
    equation 2 of Dhamdhere et al. 2019 without a backward pass to the input for every unit: in each interval the mean
    of the gradients at its ends × the change of y.
    """
    total: NDArray[np.float64] | None = None
    before: tuple[Array, Array] | None = None
    for part, some, points in line.parts(on.inputs, on.reference, on.steps, on.size):
        rows = np.tile(np.arange(len(on.inputs))[part], len(points))
        pair = on.model.activations_and_gradient(points.reshape(-1, *on.inputs.shape[1:]), on.targets[rows], on.layer)
        activation, gradient = (array.reshape(*points.shape[:2], *array.shape[1:]) for array in pair)
        if total is None:
            total = np.zeros((len(on.inputs), *activation.shape[2:]), np.float64)
        if some.start and before is not None:
            total[part] += (activation[0] - before[0]) * (gradient[0] + before[1]) / 2
        total[part] += ((activation[1:] - activation[:-1]) * (gradient[1:] + gradient[:-1])).sum(0) / 2
        before = activation[-1], gradient[-1]
    return np.zeros((0, *on.model.input_shape), np.float32) if total is None else total.astype(np.float32)


def _integrated(on: _Line) -> Array:
    """Return integrated gradients of the layer's output, treated as the input of the layers behind it.

    The line goes from the layer's output for the reference to its output for the input. Values that do not pass through
    the layer stay as they are for the input.
    """
    ends = [
        np.concatenate([on.model.activations(array[part], on.layer) for part in slices(len(array), on.size)])
        for array in (on.reference, on.inputs)
    ]
    mean = line.mean_gradient(
        ends[1],
        ends[0],
        on.steps,
        on.size,
        lambda points, rows: on.model.gradient_with_output(on.inputs[rows], on.targets[rows], on.layer, points),
        np.float32,
    )
    values: Array = ((ends[1] - ends[0]) * mean).astype(np.float32)
    return values


def _influence(on: _Line) -> Array:
    """Return the mean of dS/dy along the line for each unit y (Leino et al. 2018, definition 1)."""
    mean = line.mean_gradient(
        on.inputs,
        on.reference,
        on.steps,
        on.size,
        lambda points, rows: on.model.activations_and_gradient(points, on.targets[rows], on.layer)[1],
        np.float32,
    )
    return mean.astype(np.float32)


def change(model: ExplainedModel, inputs: Array, reference: Array, targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by how much the target's score changes from the reference to the input: (N,)."""
    return model.score(inputs, targets).astype(np.float64) - model.score(reference, targets)


def totals(values: Array) -> NDArray[np.float64]:
    """Return the sum over the positions of each filter: (N, *positions, filters) to (N, filters)."""
    sums: NDArray[np.float64] = values.sum(tuple(range(1, values.ndim - 1)), dtype=np.float64)
    return sums


def passes_all(model: ExplainedModel, layer: str) -> bool:
    """Return whether every path from the input to the scores is known to pass through the layer."""
    places = model.places
    index = places.addresses.get(places.of_model(layer) or layer)
    return index in places.cuts
