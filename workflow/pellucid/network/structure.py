"""The structure of a model: its layers, their addresses, and where their feature maps lie on the input."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.network import explained_steps
from pellucid.network.explained_steps import ExplainedSteps
from pellucid.network.graph import Node, flatten
from pellucid.network.layers import holds_weights, walk
from pellucid.network.map_layers import Places
from pellucid.network.receptive_field import ReceptiveField, receptive_fields, whole_input
from pellucid.network.token_graph import is_attention
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL, TASKS, Task

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

_OUTPUTS = {
    SINGLE_LABEL: "(classes,), one score for each of two or more classes",
    MULTI_LABEL: "(labels,), one score for each label",
    REGRESSION: "(values,), one number for each value",
}


class ModelStructure:
    """What the graph of a Keras model says without any computation.

    Args:
        model: one input, one output (N, outputs) of classes, labels or values, built.
        task: of the model.

    Attributes:
        task: what the model was trained for: single_label, multi_label or regression.
        input_shape: of one example, without the batch axis.
        n_classes: number of outputs: of classes, labels or values.

    Raises:
        InputError: no such task; or the model has several inputs or outputs, unknown sizes, or an output that is no
            list of scores.
    """

    def __init__(self, model: keras.Model, task: str = SINGLE_LABEL) -> None:
        if task not in TASKS:
            raise InputError.unexpected("task", abbreviate(task), f"one of {comma_list(TASKS)}")
        self._model = model
        self.task: Task = task
        self.input_shape, self.n_classes = _shapes(model, self.task)

    @cached_property
    def layers(self) -> dict[str, keras.layers.Layer]:
        """Every layer by name, those of nested models included, in the order of the model."""
        layers: dict[str, keras.layers.Layer] = {}
        for layer in walk(self._model):
            layers.setdefault(layer.name, layer)
        return layers

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The graph of the model, from the input to the class scores."""
        return flatten(self._model)

    @cached_property
    def places(self) -> Places:
        """Where the feature maps of the model lie on the input."""
        return Places(self.nodes, self.input_shape[:-1], one_value=self.task != SINGLE_LABEL)

    @cached_property
    def explained_steps(self) -> ExplainedSteps | None:
        """The steps of its output that a model with scores at every time step is explained at; None for others."""
        return explained_steps.of_model(self._model)

    @property
    def weights(self) -> dict[str, list[NDArray[Any]]]:
        """A copy of the weights of every layer that has some, by its name; layers inside nested models included."""
        return {
            name: [np.array(value) for value in layer.get_weights()]
            for name, layer in self.layers.items()
            if holds_weights(layer)
        }

    @property
    def conv_layers(self) -> list[str]:
        """Names of the convolution layers whose maps lie over the axes of the input, in the order of the graph.

        A layer that is used in several places has a name for each: name:1, name:2.
        """
        return [self.places.address(index) for index in self.places.convolutions]

    @property
    def pooled_head(self) -> tuple[str, Array]:
        """The feature maps and the class weights of a model that ends in global average pooling and one dense layer.

        Returns:
            The name of the layer whose output (N, *axes, maps) is averaged, and the weights (maps, classes).

        Raises:
            InputError: the model ends in another way.
        """
        if (pooled := self.places.pooled) is None:
            expected = "global average pooling of maps over the axes of the input, and one dense layer after it"
            names = comma_list(list(self.places.addresses)[-3:])
            raise InputError.unexpected(f"model {self._model.name}", f"{names} at the end", expected)
        maps, dense = pooled
        return self.places.address(maps), self.nodes[dense].operation.get_weights()[0]

    def layer(self, name: str) -> keras.layers.Layer:
        """Return the layer of a name.

        Raises:
            InputError: no such layer.
        """
        if name not in self.layers:
            raise InputError.unexpected(
                "layer", abbreviate(name), f"one of {comma_list(self.layers)}", did_you_mean(name, self.layers).strip()
            )
        return self.layers[name]

    def layer_use(self, name: str) -> tuple[Any, int]:
        """Return the layer or operation of an address (`Places.addresses`), and which of its uses is meant.

        Uses count from 1; 0 stands for the only use.

        Raises:
            InputError: no such layer.
        """
        index = self.places.addresses.get(name)
        if index is None:
            return self.layer(name), 0
        use = name.rpartition(":")[2] if ":" in name else "0"
        return self.nodes[index].operation, int(use)

    def receptive_field(self, layer: str) -> ReceptiveField:
        """Return the part of the input that one unit of a layer sees; the whole input where that is not known.

        Raises:
            InputError: no such layer.
        """
        self.layer_use(layer)
        if (index := self.places.addresses.get(layer)) is not None:
            return self.places.fields[index]
        return self._fields.get(layer) or whole_input(self.input_shape[:-1])

    def n_filters(self, layer: str) -> int:
        """Return how many filters (or units) a layer has: the length of the last axis of its `activations`.

        Raises:
            InputError: no such layer.
        """
        index = self._node_of(layer)
        if index is None:
            return int(output_shape(self.layer(layer))[-1])
        place, shape = self.places.fields[index].place, self.nodes[index].shape
        return int(shape[place.axes.index(None)] if place is not None and place.maps else shape[-1])  # type: ignore[arg-type]

    def map_order(self, layer: str) -> list[int] | None:
        """Return how to transpose a layer's output: the axes as in the input, the feature maps last.

        None where the output is not feature maps, or has that order already.
        """
        index = self._node_of(layer)
        place = None if index is None else self.places.fields[index].place
        if place is None or not place.maps or place.axes == (*range(len(place.spans)), None):
            return None
        return [0, *(place.axes.index(axis) + 1 for axis in (*range(len(place.spans)), None))]

    def _node_of(self, layer: str) -> int | None:
        """Return the node that makes the output of a layer; of a nested model, the one inside it. None if not one."""
        addresses = self.places.addresses
        return addresses.get(layer, addresses.get(self.places.of_model(layer) or ""))

    @cached_property
    def _fields(self) -> dict[str, ReceptiveField]:
        return receptive_fields(self.nodes, self.input_shape[:-1])

    @cached_property
    def _bytes_per_example(self) -> int:
        """Size of one example and of its activations in all layers."""
        shapes = [self.input_shape, *(output_shape(layer) for layer in self.layers.values())]
        # A weight for each head and each pair of tokens.
        attention = sum(
            int(node.config.get("num_heads", 1)) * int(node.shape[0] or 0) ** 2
            for node in self.nodes
            if is_attention(node) and len(node.shape) == 2
        )
        return 4 * (sum(math.prod(shape) for shape in shapes) + attention)


def output_shape(layer: keras.layers.Layer) -> tuple[int, ...]:
    """Return the shape of a layer's output for one example; empty where the layer cannot say."""
    try:
        shape = tuple(layer.output.shape[1:])
    except (AttributeError, ValueError):
        return ()
    return () if None in shape else shape


def _shapes(model: keras.Model, task: Task) -> tuple[tuple[int, ...], int]:
    """Return the shape of one input, and the number of outputs."""
    name = f"model {model.name}"
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise InputError.unexpected(
            name, "a model whose inputs are not known", "a built Sequential or functional model"
        )
    if len(inputs) != 1 or len(outputs) != 1:
        raise InputError.unexpected(name, f"{len(inputs)} inputs and {len(outputs)} outputs", "one of each")
    shape, scores = tuple(inputs[0].shape[1:]), tuple(outputs[0].shape[1:])
    if None in shape:
        raise InputError.unexpected(name, f"an input of shape {shape}", "an input whose sizes are all known")
    if len(scores) != 1 or scores[0] is None or scores[0] < (2 if task == SINGLE_LABEL else 1):
        raise InputError.unexpected(name, f"an output of shape {scores}", _OUTPUTS[task])
    return shape, int(scores[0])
