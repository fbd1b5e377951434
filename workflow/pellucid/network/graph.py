"""Read the graph of a Keras model: which layer takes its input from which, nested models included."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pellucid.network.held_rows import KIND
from pellucid.network.layers import is_model, steps

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Node:
    """One use of a layer.

    Attributes:
        name: of the layer; of an operation that is no layer (`x * 2`), Keras' name for it.
        operation: the Keras layer, or operation; None where the graph was read from a file.
        inputs: indices of the nodes that it takes its input from; empty for the model's input, which comes first, and
            for inputs that are held (`held_inputs.py`).
        shape: of its output for one example; None where a nested model leaves a size open.
        within: names of the nested models that contain it, outermost first.
        container: it is a nested model; its output is that of its last inner node, its only input here.
        kind: class of the layer or operation, as `Conv1D` or `GetItem`.
        module: of this class, as Keras saves it.
        config: as Keras saves it; empty where the layer cannot be saved.
        arguments: of the layer's call, {"args": [...], "kwargs": {...}}, as Keras saves it: other nodes'
            tensors are {"class_name": "__keras_tensor__", "config": {"shape": ...}}. Empty in a Sequential model.
        layer: number of the layer, the same for all its uses.
    """

    name: str
    operation: Any
    inputs: tuple[int, ...]
    shape: tuple[int | None, ...] = ()
    within: tuple[str, ...] = ()
    container: bool = False
    kind: str = ""
    module: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    layer: int = 0


def tensors(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what Keras saves of each tensor among the arguments of a node, in order."""
    if isinstance(content, Mapping):
        if content.get("class_name") == "__keras_tensor__":
            yield content["config"]
        else:
            for value in content.values():
                yield from tensors(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from tensors(value)


def flatten(model: keras.Model) -> tuple[Node, ...]:
    """Return the nodes of a Sequential or functional model, each after its inputs.

    A nested model follows its own layers; its input goes straight to its first layers, its output is that of its last
    layer. A layer that is used twice has two nodes.
    """
    nodes: list[Node] = []
    sources = []
    for tensor in model.inputs:
        operation = tensor._keras_history.operation
        nodes.append(Node(operation.name, operation, (), tuple(tensor.shape[1:]), **_saved(operation)))
        sources.append(len(nodes) - 1)
    _enter(model, sources, (), nodes)
    return tuple(nodes)


def varying(nodes: Sequence[Node]) -> set[int]:
    """Return the indices of the nodes that depend on the first one, the model's input; held inputs do not."""
    found = {0}
    for index, node in enumerate(nodes):
        if found & {*node.inputs}:
            found.add(index)
    return found


@dataclass(frozen=True)
class ChainLink:
    """One layer of a chain.

    Attributes:
        layer: the Keras layer.
        shape: of its output for one example.
        plain: it takes one tensor and no further argument (`training=True` keeps a dropout at work).
    """

    layer: keras.layers.Layer
    shape: tuple[int, ...]
    plain: bool

    @property
    def kind(self) -> str:
        """The name of the layer's class if it is Keras' own; empty for another class, which may do anything."""
        import keras

        name = type(self.layer).__name__
        return name if type(self.layer) is getattr(keras.layers, name, None) else ""


def chain(model: keras.Model) -> list[ChainLink] | None:
    """Return the layers of a model in which each has one input and feeds the next; None for any other model."""
    import keras

    links: list[ChainLink] = []
    tensor = model.outputs[0]
    while True:
        operation, index, _ = tensor._keras_history
        if type(operation).__name__ == "InputLayer":
            return links
        node = operation._inbound_nodes[index]
        if len(node.input_tensors) != 1 or not isinstance(operation, keras.layers.Layer):
            return None
        arguments = [*node.arguments.args, *node.arguments.kwargs.values()]
        plain = all(value is None or value is False or value is node.input_tensors[0] for value in arguments)
        nested = is_model(operation)
        inner = chain(operation) if nested and plain else [ChainLink(operation, tuple(tensor.shape[1:]), plain)]
        if inner is None:
            return None
        links[:0] = inner
        tensor = node.input_tensors[0]


@dataclass(frozen=True)
class Use:
    """One use of a layer, which can be computed alone. Values are numbered: 0 is the model's input.

    Attributes:
        operation: the Keras layer, or operation.
        step: Keras' record of the use.
        reads: numbers of the values that it takes.
        writes: numbers of its outputs.
        shape: of its first output for one example.
    """

    operation: Any
    step: Any
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    shape: tuple[int | None, ...]

    @property
    def plain(self) -> bool:
        """Whether it takes tensors and no further argument."""
        tensors = {id(tensor) for tensor in self.step.input_tensors}
        arguments = [*self.step.arguments.args, *self.step.arguments.kwargs.values()]
        flat = [value for argument in arguments for value in (argument if isinstance(argument, list) else [argument])]
        return all(value is None or value is False or id(value) in tensors for value in flat)

    def outputs(self, values: Mapping[int, Any]) -> list[Any]:
        """Return its outputs, from the values by their numbers, as the model computes them outside of training."""
        import keras

        given = dict(zip(map(id, self.step.input_tensors), (values[number] for number in self.reads), strict=True))
        args, kwargs = self.step.arguments.fill_in(given)
        outside = {"training": False} if isinstance(self.operation, keras.layers.Layer) else {}
        result = self.operation(*args, **{**kwargs, **outside})
        return list(keras.tree.flatten(result))


def uses(model: keras.Model) -> tuple[list[Use], int] | None:
    """Return the uses of all layers in order, and the number of the model's output; nested models are opened.

    None for a model that is not made of a graph alone, or in which a layer is asked to work as in training.
    """
    found: list[Use] = []
    try:
        (end,) = _list_uses(model, [0], found, 1)
    except _NoGraphError:
        return None
    return found, end


class _NoGraphError(Exception):
    """A model is not computed by its graph alone."""


def _list_uses(model: Any, inputs: Sequence[int], found: list[Use], fresh: int) -> list[int]:
    """Add the uses in a model to `found`; return the numbers of its outputs. `fresh`: the next number."""
    graph = _functional(model)
    if graph is None or type(model).__module__.split(".")[0] != "keras":
        raise _NoGraphError
    made = {id(tensor): number for tensor, number in zip(graph.inputs, inputs, strict=True)}
    for step in steps(graph):
        reads = [made[id(tensor)] for tensor in step.input_tensors]
        use = Use(step.operation, step, tuple(reads), (), tuple(step.output_tensors[0].shape[1:]))
        if step.arguments.kwargs.get("training") or any(value is True for value in step.arguments.args):
            raise _NoGraphError
        if is_model(step.operation) and use.plain:
            writes = _list_uses(step.operation, reads, found, fresh)
        else:
            writes = list(range(fresh, fresh + len(step.output_tensors)))
            found.append(replace(use, writes=tuple(writes)))
        fresh = max([fresh, *(number + 1 for use in found[-1:] for number in use.writes)])
        made.update(zip(map(id, step.output_tensors), writes, strict=True))
    return [made[id(tensor)] for tensor in graph.outputs]


def sources(operation: Any) -> list[Any]:
    """Return the operations whose results an operation takes."""
    return [tensor._keras_history.operation for tensor in operation._inbound_nodes[0].input_tensors]


def one_score(nodes: Sequence[Node]) -> bool:
    """Return whether the class scores are -z/2 and z/2 for one score z, as `models/imported/head.py` makes them."""
    last = _maker(nodes, len(nodes) - 1)
    both = _maker(nodes, last.inputs[0]) if len(last.inputs) == 1 else last
    halves = [_maker(nodes, source) for source in both.inputs]
    scales = [getattr(half.operation, "scale", None) for half in halves]
    kinds = [type(node.operation).__name__ for node in (last, both, *halves)]
    expected = ["Softmax", "Concatenate", "Rescaling", "Rescaling"]
    return kinds == expected and scales == [-0.5, 0.5] and len({half.inputs for half in halves}) == 1


def _maker(nodes: Sequence[Node], index: int) -> Node:
    """Return the node at an index; for a nested model, the node inside it that makes its output."""
    while nodes[index].container:
        (index,) = nodes[index].inputs
    return nodes[index]


def _enter(model: Any, sources: Sequence[int], within: tuple[str, ...], nodes: list[Node]) -> list[int]:
    """Add the nodes of a model whose inputs come from `sources`; return the indices of its output nodes."""
    graph = _functional(model)
    made = {id(tensor): source for tensor, source in zip(graph.inputs, sources, strict=True)}
    for step in steps(graph):
        operation = step.operation
        inputs = [made[id(tensor)] for tensor in step.input_tensors]
        shape = tuple(step.output_tensors[0].shape[1:])
        if type(operation).__name__ == KIND:  # does not depend on the input, and is an input of its own
            input_: dict[str, Any] = {"kind": "InputLayer", "module": "keras.layers", "layer": id(operation)}
            nodes.append(Node(operation.name, operation, (), shape, within, **input_))
            ends = [len(nodes) - 1]
        elif _functional(operation) is None:
            saved = {**_saved(operation), "arguments": {} if graph is not model else _arguments(step)}
            nodes.append(Node(operation.name, operation, tuple(inputs), shape, within, **saved))
            ends = [len(nodes) - 1] * len(step.output_tensors)
        else:
            ends = _enter(operation, inputs, (*within, operation.name), nodes)
            class_: dict[str, Any] = {"kind": type(operation).__name__, "layer": id(operation)}
            nodes.append(Node(operation.name, operation, tuple(ends), shape, within, container=True, **class_))
        made.update({id(tensor): end for tensor, end in zip(step.output_tensors, ends, strict=True)})
    return [made[id(tensor)] for tensor in graph.outputs]


def _saved(operation: Any) -> dict[str, Any]:
    """Return what Keras would save of a layer, as fields of `Node`; no configuration where it cannot be saved."""
    from keras import saving

    try:
        saved = json.loads(json.dumps(saving.serialize_keras_object(operation)))
        fields = {"kind": saved["class_name"], "module": saved["module"] or "", "config": saved["config"] or {}}
    except Exception:  # a user's own layer may raise any kind
        fields = {"kind": type(operation).__name__, "module": "", "config": {}}
    return {**fields, "layer": id(operation)}


def _arguments(step: Any) -> dict[str, Any]:
    """Return what Keras would save of the arguments of one use of a layer."""
    from keras import saving

    arguments = {"args": list(step.arguments.args), "kwargs": step.arguments.kwargs}
    try:
        saved: dict[str, Any] = json.loads(json.dumps(saving.serialize_keras_object(arguments)))
    except Exception:  # a user's own argument may raise any kind
        return {}
    return saved


def _functional(operation: Any) -> Any:
    """Return the functional graph of a (Sequential or functional) model; None for a layer."""
    graph = getattr(operation, "_functional", None) or operation
    return graph if hasattr(graph, "_nodes_by_depth") else None
