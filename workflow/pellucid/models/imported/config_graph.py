"""Read the graph of a model from the configuration in a `.keras` file: the same nodes as `graph.flatten` returns.

Planning the workflow must not import TensorFlow. The features of a network are found in these nodes, by the same
functions that a job applies to the loaded model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import TopologicalSorter
from itertools import count
from typing import Any

from pellucid.errors import InputError
from pellucid.messages import first_line
from pellucid.network.graph import Node, tensors

Config = Mapping[str, Any]
# One use of a layer: name of the layer, number of the use, arguments, and the uses whose outputs it takes.
_Use = tuple[str, int, Config, list[tuple[str, int]]]

# Far above the nodes of any network; nested models that are used often could make any number.
_MOST_NODES = 10_000


def nodes(config: Config, where: str = "model", explained: str | None = None) -> tuple[Node, ...]:
    """Return the nodes of a Sequential or functional model, inputs first, with the nodes inside of nested models.

    Args:
        config: of a model, from `archive.read` or `json.loads(model.to_json())`.
        where: name of the model in messages.
        explained: of several inputs, the one that is explained: it comes first, and the others are held
            (`held_inputs.py`). None for the first.

    Raises:
        InputError: a layer takes an output that no layer has.
    """
    with refuse_inconsistent(where):
        content = config["config"]
        if len(several := names_of_inputs(config)) > 1:
            return _of_several(config, several, several[0] if explained is None else explained)
        first = next((layer for layer in content["layers"] if layer["class_name"] == "InputLayer"), None)
        shape = first["config"].get("batch_shape") if first else content.get("build_input_shape")
        name = first["config"]["name"] if first else "input"
        graph = [
            Node(
                name,
                None,
                (),
                _inner(shape),
                kind="InputLayer",
                module="keras.layers",
                config=first["config"] if first else {},
                layer=0,
            )
        ]
        _Reader(graph).enter(config, [0], ())
    return tuple(graph)


def _of_several(config: Config, names: Sequence[str], explained: str) -> tuple[Node, ...]:
    """Return the nodes of a functional model of several inputs."""
    layers = {layer["config"]["name"]: layer["config"] for layer in config["config"]["layers"]}
    graph, places = list[Node](), dict[str, int]()
    for name in sorted(names, key=lambda name: name != explained):
        places[name] = len(graph)
        shape = _inner(layers[name].get("batch_shape"))
        common = {"kind": "InputLayer", "module": "keras.layers", "config": layers[name], "layer": -places[name]}
        graph.append(Node(name, None, (), shape, **common))
    _Reader(graph).enter(config, [places[name] for name in names], ())
    return tuple(graph)


def names_of_inputs(config: Config) -> list[str]:
    """Return the names of the inputs of a functional model, in its order; none of a Sequential model."""
    return [str(name) for name, *_ in ends(config["config"].get("input_layers", []))]


@contextmanager
def refuse_inconsistent(where: str) -> Iterator[None]:
    """Refuse the model if the `with` block fails on its configuration, which may hold anything.

    Raises:
        InputError: the block failed; the message names the model.
    """
    try:
        yield
    except InputError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        found = f"a config.json whose layers do not fit together ({type(error).__name__}: {first_line(error)})"
        raise InputError.unexpected(where, found, "a model as Keras 3 saves it") from None


class _Reader:
    """Add the nodes of a model to a list; a layer that is used again keeps its number."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self._numbers: dict[tuple[str, ...], int] = {}
        self._counter = count(1)

    def enter(self, config: Config, sources: Sequence[int], within: tuple[str, ...]) -> list[int]:
        """Add the nodes of a model whose inputs come from `sources`; return the nodes of its outputs."""
        content = config["config"]
        if "output_layers" not in content:
            return self._sequential(content, sources, within)
        return self._functional(content, sources, within)

    def _sequential(self, content: Config, sources: Sequence[int], within: tuple[str, ...]) -> list[int]:
        ends = list(sources)
        for layer in content["layers"]:
            if layer["class_name"] != "InputLayer":
                ends = self._use(layer, ends, {}, within)
        return ends

    def _functional(self, content: Config, sources: Sequence[int], within: tuple[str, ...]) -> list[int]:
        layers = {layer.get("name") or layer["config"]["name"]: layer for layer in content["layers"]}
        outputs = {
            (name, 0): [source] for (name, *_), source in zip(ends(content["input_layers"]), sources, strict=True)
        }
        for name, number, use, wanted in _ordered(_uses(layers)):
            outputs[name, number] = self._use(layers[name], [outputs[source][0] for source in wanted], use, within)
        results = []
        for name, number, index in ends(content["output_layers"]):
            # Here, Keras counts the uses of a nested functional model from 1.
            use_number = max(number - 1 if layers[name]["class_name"] == "Functional" else number, 0)
            of_use = outputs[name, use_number]
            results.append(of_use[0 if index >= len(of_use) else index])
        return results

    def _use(self, layer: Config, sources: Sequence[int], use: Config, within: tuple[str, ...]) -> list[int]:
        """Add one use of a layer; return the nodes that hold its outputs."""
        name = layer.get("name") or layer["config"]["name"]
        number = self._numbers.setdefault((*within, name), len(self._numbers) + 1)
        shape = _inner(next((tensor["shape"] for tensor in tensors(use)), None))
        common = {"kind": layer["class_name"], "module": layer.get("module") or "", "layer": number}
        if len(self.nodes) >= _MOST_NODES:
            raise ValueError(f"more than {_MOST_NODES:,} uses of layers")
        if "layers" not in layer["config"]:
            node = Node(name, None, tuple(sources), (), within, config=layer["config"], arguments=use, **common)
            self.nodes.append(node)
            return [len(self.nodes) - 1]
        inner = self.enter(layer, sources, (*within, name))
        self.nodes.append(Node(name, None, tuple(inner), shape, within, container=True, **common))
        return inner


def _uses(layers: Mapping[str, Config]) -> list[_Use]:
    """Return every use of the layers of a functional model, in the order of the file."""

    def source(history: Sequence[Any]) -> tuple[str, int]:
        name, number = history[0], history[1]
        return name, min(number, max(len(layers[name].get("inbound_nodes", [])) - 1, 0))

    return [
        (name, number, use, [source(tensor["keras_history"]) for tensor in tensors(use)])
        for name, layer in layers.items()
        for number, use in enumerate(layer.get("inbound_nodes", []))
    ]


def _ordered(uses: Sequence[_Use]) -> list[_Use]:
    """Sort uses so that inputs come first, as Keras does: pass through the file and add each use that is ready.

    Raises:
        ValueError: uses depend on each other in a circle.
    """
    place = {(name, number): index for index, (name, number, *_) in enumerate(uses)}
    wanted = [[place[source] for source in sources if source in place] for *_, sources in uses]
    passes: dict[int, int] = {}
    for index in TopologicalSorter(dict(enumerate(wanted))).static_order():
        passes[index] = max((passes[other] + (other > index) for other in wanted[index]), default=0)
    return [uses[index] for index in sorted(passes, key=lambda index: (passes[index], index))]


def ends(content: Any) -> list[Any]:
    """Return the inputs or outputs of a functional model as a list; a single one is stored without a list."""
    if isinstance(content, Mapping):
        return list(content.values())
    return [content] if content and isinstance(content[0], str) else list(content)


def leaves(nodes: Sequence[Node]) -> Iterator[Node]:
    """Iterate over the uses of layers and operations, without nested models and the input."""
    return (node for node in nodes if not node.container and node.inputs)


def _inner(shape: Any) -> tuple[int | None, ...]:
    return tuple(shape[1:]) if isinstance(shape, list | tuple) else ()
