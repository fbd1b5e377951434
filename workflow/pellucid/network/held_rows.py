"""The values of held inputs: which rows belong to the current examples, and how a graph uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import comma_list, format_shape
from pellucid.network.layers import walk

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# Names of the class of the layer and of its operation, by which walks through a graph know them.
KIND = "HeldInput"
OPERATION = "held_input"


class HeldRows:
    """The values of the held inputs for the examples of a query.

    Args:
        layers: the layers `HeldInput` of a model of one input.
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        self._layers = {str(layer.name): layer for layer in layers}
        self._rows: dict[str, NDArray[Any]] | None = None

    @classmethod
    def of(cls, model: keras.Model) -> HeldRows | None:
        """Return the held inputs of a model; None where it has none."""
        layers = [layer for layer in walk(model) if type(layer).__name__ == KIND]
        return cls(layers) if layers else None

    @property
    def names(self) -> list[str]:
        """The names of the held inputs."""
        return list(self._layers)

    def give(self, values: Mapping[str, NDArray[Any]]) -> None:
        """Set the values for all inputs that follow: those of one example, or one row for each input that follows.

        Args:
            values: by name of the input, (1, *shape) or (N, *shape).

        Raises:
            InputError: as of `HeldModel.hold`.
        """
        self._rows = checked(self._layers, values)
        self._assign(slice(1))

    def require(self, n: int) -> bool:
        """Return whether each of n examples has values of its own; refuse another number of values.

        Raises:
            InputError: no values were given, or those of another number of examples.
        """
        where = f"held inputs {comma_list(self.names)}"
        if self._rows is None:
            raise InputError(where, "they have no values.", "A model of several inputs needs the values of all.")
        given = len(next(iter(self._rows.values())))
        if given not in (1, n):
            raise InputError.unexpected(where, f"values of {given} examples", f"those of one example, or of all {n}")
        return given > 1

    @contextmanager
    def placed(self, rows: slice) -> Iterator[None]:
        """Hold the values of some of the examples in a `with` block; before and after it those of the first."""
        try:
            self._assign(rows)
            yield
        finally:
            self._assign(slice(1))

    def _assign(self, rows: slice) -> None:
        for name, array in (self._rows or {}).items():
            self._layers[name].held.assign(array[rows])


def checked(layers: Mapping[str, Any], values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return values in the types of the held inputs; arguments and errors as of `HeldModel.hold`."""
    if set(values) != set(layers):
        found, expected = comma_list(list(values)) or "none", comma_list(list(layers))
        raise InputError.unexpected("values of the held inputs", found, expected)
    arrays = {name: np.asarray(values[name]) for name in layers}
    for name, array in arrays.items():
        shape = layers[name].held_shape
        if array.dtype.kind not in "biuf" or array.shape[1:] != shape or not array.shape[:1]:
            found = f"{array.dtype} of shape {format_shape(array.shape) or '()'}"
            raise InputError.unexpected(f"input {name}", found, f"numbers, N × {format_shape(shape)}")
        if not np.isfinite(array).all():
            raise InputError.unexpected(f"input {name}", "NaN or infinity", "finite numbers")
        dtype = np.dtype(layers[name].held.dtype.as_numpy_dtype)
        if dtype.kind in "iu" and (array != np.round(array)).any():
            problem = "numbers that are not whole, such as scaled ones"
            raise InputError.unexpected(f"input {name}", problem, f"whole numbers: the model takes {dtype}")
        arrays[name] = array.astype(dtype)
    if len(rows := sorted({len(array) for array in arrays.values()})) > 1 or rows == [0]:
        expected = "the same for each, at least one"
        raise InputError.unexpected("values of the held inputs", f"{comma_list(rows)} rows", expected)
    return arrays


def is_held(tensor: tf.Tensor) -> bool:
    """Return whether a tensor that does not depend on the input is made of a held input."""
    seen, waiting = set[str](), [tensor.op]
    while waiting:
        op = waiting.pop()
        if op.type == "BroadcastTo" and op.name.rpartition("/")[2].startswith(OPERATION):
            return True
        if op.name not in seen:
            seen.add(op.name)
            waiting.extend(source.op for source in op.inputs)
    return False


def with_rows(tf_: Any, operand: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Return an operand in another number of rows if it is made of a held input, whose rows are all the same."""
    if not operand.shape.rank or operand.shape[0] is not None or not is_held(operand):
        return operand
    return tf_.repeat(operand[:1], rows, axis=0)
