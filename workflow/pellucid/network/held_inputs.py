"""Turn a model with several inputs into a model of one input: the others are held at values that can be changed.

A method explains one input of a model. The other inputs keep the values of the example at hand: a layer `HeldInput`
gives them to every row of a batch, and no gradient, relevance or occlusion reaches them. New values are assigned, so
that nothing is traced again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.network import runtime
from pellucid.network.held_rows import KIND, OPERATION, checked
from pellucid.network.layers import steps

if TYPE_CHECKING:
    import keras

# Share of the outputs' size that rounding may change when the same operations are called in another graph.
_TOLERANCE = 1e-4


class HeldModel:
    """A model of several inputs, seen as a model of one of them.

    Layers and weights are shared with the model. Until `hold` is called, the other inputs are zero.

    Args:
        model: functional, built, with two or more inputs.
        explained: name of the input that stays one.
        numbers_as_axis: let an explained input of numbers, (n,), have the shape (n, 1): methods treat the numbers as
            positions of an axis, each with one channel.

    Attributes:
        single: the model of one input; its name and outputs are those of the model.
        explained: name of the input that is left.
        shapes: of the held inputs for one example, by name, in the order of the model.

    Raises:
        InputError: no such input, inputs of unknown size, or a model whose graph cannot be followed.
    """

    def __init__(self, model: keras.Model, explained: str, *, numbers_as_axis: bool = False) -> None:
        self.explained, self._as_axis = explained, numbers_as_axis
        names = input_names(model)
        where = f"model {model.name}"
        if explained not in names:
            hint = did_you_mean(explained, names).strip()
            raise InputError.unexpected("input", abbreviate(explained), f"one of {comma_list(names)}", hint)
        shapes = {name: tuple(tensor.shape[1:]) for name, tensor in zip(names, model.inputs, strict=True)}
        if unknown := [name for name, shape in shapes.items() if None in shape]:
            found = f"input {unknown[0]} of shape {shapes[unknown[0]]}"
            raise InputError.unexpected(where, found, "an input whose sizes are all known")
        dtype = str(model.inputs[names.index(explained)].dtype)
        if "float" not in dtype:
            found, expected = f"input {explained} of the type {dtype}", "numbers with fractions: float32"
            hint = "A map says what small changes of the input do. Explain another input: whole numbers can be held."
            raise InputError.unexpected(where, found, expected, hint)
        self.shapes = {name: shape for name, shape in shapes.items() if name != explained}
        self.single = self._built(model, names)
        self._layers = {name: self.single.get_layer(name) for name in self.shapes}
        self._require_same(model, names)

    def hold(self, values: Mapping[str, NDArray[Any]]) -> None:
        """Give the held inputs their values.

        Args:
            values: by name of the input, (1, *shape) for all rows of any batch, or (rows, *shape) for batches of this
                many rows.

        Raises:
            InputError: other names, other shapes, different numbers of rows, or values that are not finite.
        """
        for name, array in checked(self._layers, values).items():
            self._layers[name].held.assign(array)

    def _built(self, model: keras.Model, names: list[str]) -> keras.Model:
        """Return the same graph with a layer in place of every input but one; every operation is called once more."""
        from keras import Input, Model, layers
        from keras import tree as keras_tree

        kind = held_input_class()
        at = names.index(self.explained)
        tensor = model.inputs[at]
        numbers = self._as_axis and len(tensor.shape) == 2
        shape = (*tensor.shape, 1) if numbers else tensor.shape
        explained = Input(batch_shape=shape, dtype=tensor.dtype, name=self.explained)
        new = {id(tensor): layers.Reshape(tensor.shape[1:], name="without_axis")(explained) if numbers else explained}
        for name, other in zip(names, model.inputs, strict=True):
            if name != self.explained:
                new[id(other)] = kind(tuple(other.shape[1:]), dtype=other.dtype, name=name)(explained)
        try:
            for step in steps(model):
                made = step.operation(*_filled(step.arguments.args, new), **_filled(step.arguments.kwargs, new))
                flat = keras_tree.flatten(made)
                new.update({id(old): result for old, result in zip(step.output_tensors, flat, strict=True)})
            outputs = [new[id(output)] for output in model.outputs]
        except Exception as error:  # a user's own layer may raise any kind
            problem = f"a graph that cannot be followed ({type(error).__name__}: {str(error)[:200]})"
            raise InputError.unexpected(f"model {model.name}", problem, "a functional model of Keras") from error
        return Model(explained, outputs[0] if len(outputs) == 1 else outputs, name=model.name)

    def _require_same(self, model: keras.Model, names: list[str]) -> None:
        """Refuse a model that does not compute what its graph says, such as one with a `call` of its own.

        Raises:
            InputError: both graphs give different outputs for the same values.
        """
        rng = np.random.default_rng(0)
        tensors = dict(zip(names, model.inputs, strict=True))
        batch = model.inputs[0].shape[0] or 2
        values = {
            name: rng.standard_normal((batch, *tensor.shape[1:])).astype(np.float32)
            if str(tensor.dtype).startswith(("float", "bfloat"))
            else np.zeros((batch, *tensor.shape[1:]), str(tensor.dtype))
            for name, tensor in tensors.items()
        }
        self.hold({name: values[name] for name in self.shapes})
        try:
            before = _flat(model(packed(model, values), training=False))
            shape = (batch, *self.single.inputs[0].shape[1:])
            after = _flat(self.single(values[self.explained].reshape(shape), training=False))
        finally:
            self.hold({name: np.zeros((1, *shape)) for name, shape in self.shapes.items()})
        for old, new in zip(before, after, strict=True):
            size = np.abs(old[np.isfinite(old)]).max(initial=0)
            if not np.allclose(old, new, rtol=0, atol=_TOLERANCE * size, equal_nan=True):
                problem = "outputs that do not come from its graph of layers, such as those of its own `call`"
                raise InputError.unexpected(f"model {model.name}", problem, "a functional model of Keras")


def input_names(model: keras.Model) -> list[str]:
    """Return the names of a model's inputs, in the order of `model.inputs`.

    Raises:
        InputError: two inputs have the same name.
    """
    names = [str(tensor.name) for tensor in model.inputs]
    if len(set(names)) < len(names):
        raise InputError.unexpected(f"model {model.name}", f"inputs {comma_list(names)}", "a name of its own for each")
    return names


def packed(model: keras.Model, values: Mapping[str, Any]) -> Any:
    """Return arrays by name of the input in the structure (list or dict) that the model takes."""
    from keras import tree

    return tree.pack_sequence_as(model._inputs_struct, [values[name] for name in input_names(model)])


@cache
def held_input_class() -> type[keras.layers.Layer]:
    """Return the class of the layers that stand for held inputs; made on first use, since Keras is loaded late."""
    tf = runtime.start()
    import keras

    @keras.saving.register_keras_serializable(package="pellucid", name=KIND)
    class HeldInput(keras.layers.Layer):  # type: ignore[misc]
        """Answer any batch with the same held values, in as many rows.

        Args:
            shape: of the held input for one example.
        """

        def __init__(self, shape: tuple[int, ...], **options: Any) -> None:
            super().__init__(trainable=False, **options)
            self.held_shape = tuple(shape)
            # Not a weight of Keras: it belongs to an example, not to the model, and its rows change.
            rows = tf.TensorShape([None, *self.held_shape])
            zeros = tf.zeros((1, *self.held_shape), self.variable_dtype)
            self.held = tf.Variable(zeros, shape=rows, trainable=False, name="held")
            self.built = True

        def call(self, inputs: Any) -> Any:
            rows = tf.broadcast_to(self.held, [tf.shape(inputs)[0], *self.held_shape], name=OPERATION)
            rows.set_shape((inputs.shape[0], *self.held_shape))
            return rows

        def compute_output_spec(self, inputs: Any) -> Any:
            return keras.KerasTensor((inputs.shape[0], *self.held_shape), dtype=self.variable_dtype)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "shape": list(self.held_shape)}

    return HeldInput


def _filled(arguments: Any, new: Mapping[int, Any]) -> Any:
    """Return the arguments of a call with the tensors of the new graph in place of those of the old one."""
    import keras

    return keras.tree.map_structure(
        lambda value: new[id(value)] if isinstance(value, keras.KerasTensor) else value, arguments
    )


def _flat(outputs: Any) -> list[NDArray[np.float64]]:
    """Return the outputs of a model as a list of arrays."""
    from keras import tree

    return [np.asarray(output, np.float64) for output in tree.flatten(outputs)]
