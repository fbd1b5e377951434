"""The gradient of single units of a layer, and the part of the score's gradient that passes through them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import format_shape
from pellucid.network import finite, tracing
from pellucid.network.engine import ModelEngine

if TYPE_CHECKING:
    import tensorflow as tf

    from pellucid.network.structure import ModelStructure
    from pellucid.network.traced_functions import TracedFunctions

Array = NDArray[np.float32]


class Neurons(ModelEngine):
    """Queries of `ExplainedModel` about single units of a layer."""

    def neuron_gradient(
        self, x: Array, units: NDArray[np.int64], layer: str, target: NDArray[np.int64] | None = None
    ) -> Array:
        """Return the gradient of units of a layer with respect to the input: (N, *input_shape).

        Args:
            x: (N, *input_shape).
            units: (N, axes of the layer's `activations`): of each example the position on every axis, and last the
                filter. A position of -1 means all positions of that axis, whose gradients are added.
            layer: address of the layer.
            target: (N,); with it, the part of the gradient of the target's score that passes through these units,
                dS/dy · dy/dx (Dhamdhere et al. 2019, equation 2, inside the integral). None: dy/dx alone.

        Raises:
            InputError: no such layer or unit, the layer does not depend on the input, the scores do not depend on the
                layer, or a gradient that is NaN or infinite.
        """
        x = self._inputs(x)
        build = partial(neuron_gradient, self._tf, self._functions, self, layer, through=target is not None)
        arrays: tuple[NDArray[Any], ...] = (x, _checked(units, len(x)).astype(np.int32))
        if target is not None:
            arrays = (*arrays, self._targets(target, len(x)))
        key = ("neuron gradient", layer, target is not None, arrays[1].shape[1])
        gradient, sizes = self._run(key, build, *arrays, backward=True)
        if len(x) and (arrays[1] >= sizes).any():
            found = int(np.flatnonzero((arrays[1] >= sizes).any(1))[0])
            shape = format_shape(sizes[0].astype(int))
            problem = f"the unit {arrays[1][found].tolist()}, which a layer with an output of {shape} does not have"
            raise InputError(f"layer {layer}", problem + ".")
        if finite.first(gradient) is not None:
            problem, hint = "a gradient that is NaN or infinite", "Look at the values that the layer puts out."
            raise InputError.unexpected(f"layer {layer}", problem, "finite numbers", hint)
        return gradient


def _checked(units: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    units = np.asarray(units)
    if units.ndim != 2 or len(units) != n or (units.size and (units.min() < -1 or units[:, -1].min() < 0)):
        problem = f"an array of shape {units.shape}"
        raise InputError.unexpected("units", problem, f"{n} rows of positions, -1 for all, and a filter from 0")
    return units


def neuron_gradient(
    tf_: Any, functions: TracedFunctions, structure: ModelStructure, layer: str, *, through: bool
) -> Callable[..., Any]:
    """Return (batch, units[, columns]) -> gradient of the units at the input, and the sizes of the layer's axes."""
    operation, use = structure.layer_use(layer)
    order = structure.map_order(layer)

    def run(batch: tf.Tensor, units: tf.Tensor, *columns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf_.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(batch)
            with tracing.recording(operation, tape, use) as record:
                score = functions.target_score(batch, *columns) if through else functions.logits(batch)
        output = record.only()
        rank = output.shape.rank - 1
        if units.shape[1] != rank:
            expected = f"{rank} numbers for each unit: a position on each axis of {tuple(output.shape[1:])}, its filter"
            raise InputError.unexpected(f"layer {layer}", f"units of {units.shape[1]} numbers", expected)
        # `units` are in the order of `activations`, which may be another than that of the layer itself.
        places = [axis - 1 for axis in order[1:]] if order else list(range(rank))
        weights = tf_.ones_like(output)
        for column, axis in enumerate(places):
            chosen = tf_.one_hot(units[:, column], output.shape[axis + 1], dtype=output.dtype)
            chosen = tf_.where(units[:, column : column + 1] < 0, tf_.ones_like(chosen), chosen)
            shape = [output.shape[axis + 1] if other == axis else 1 for other in range(rank)]
            weights *= tf_.reshape(chosen, [-1, *shape])
        if through:
            if (slope := tape.gradient(score, output)) is None:
                raise InputError(f"layer {layer}", "the class scores do not depend on this layer.")
            weights *= slope
        if (gradient := tape.gradient(output, batch, output_gradients=weights)) is None:
            raise InputError(f"layer {layer}", "its output does not depend on the input, or has no gradient.")
        sizes = tf_.constant([[output.shape[axis + 1] for axis in places]], tf_.float32)
        return gradient, tf_.tile(sizes, [tf_.shape(batch)[0], 1])

    return run
