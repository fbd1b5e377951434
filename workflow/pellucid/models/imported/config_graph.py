"""The graph of a model from what a `.keras` file says of it, without loading it: the nodes that `graph.flatten` makes.

While the workflow is planned TensorFlow must not be imported: what a network has is found in these nodes, by the same
functions that a job asks about the loaded model.
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
# One use of a layer: its name, which of its uses, what it is called with, and the uses whose outputs it takes.
_Use = tuple[str, int, Config, list[tuple[str, int]]]

# Far above what a network has. Nested models that are used often would make any number.
_MOST_NODES = 10_000


def nodes(config: Config, where: str = "model") -> tuple[Node, ...]:
    """The nodes of a Sequential or functional model, every one after those that it takes, nested models walked in.

    Args:
        config: of a model with one input, from `archive.read` or `json.loads(model.to_json())`.
        where: what to call the model in a message.

    Raises:
        InputError: layers that take what no layer puts out.
    """
    with odd_refused(where):
        content = config["config"]
        first = next((layer for layer in content["layers"] if layer["class_name"] == "InputLayer"), None)
        shape = first["config"].get("batch_shape") if first else content.get("build_input_shape")
        name = first["config"]["name"] if first else "input"
        found = [
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
        _Reader(found).enter(config, [0], ())
    return tuple(found)


@contextmanager
def odd_refused(where: str) -> Iterator[None]:
    """Name the model whose configuration a `with` block cannot make sense of: files of others may say anything.

    Raises:
        InputError: the block failed.
    """
    try:
        yield
    except InputError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        found = f"a config.json whose layers do not fit together ({type(error).__name__}: {first_line(error)})"
        raise InputError.unexpected(where, found, "a model as Keras 3 saves it") from None


class _Reader:
    """Adds the nodes of a model to a list; a layer that is met again keeps its number."""

    def __init__(self, found: list[Node]) -> None:
        self.found = found
        self._numbers: dict[tuple[str, ...], int] = {}
        self._counter = count(1)

    def enter(self, config: Config, sources: Sequence[int], within: tuple[str, ...]) -> list[int]:
        """Add the nodes of a model whose inputs come from `sources`; the nodes of its outputs."""
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
        made = {(name, 0): [source] for (name, *_), source in zip(ends(content["input_layers"]), sources, strict=True)}
        for name, number, use, wanted in _ordered(_uses(layers)):
            made[name, number] = self._use(layers[name], [made[source][0] for source in wanted], use, within)
        outputs = []
        for name, number, part in ends(content["output_layers"]):
            # Here, Keras counts the uses of a nested functional model from 1.
            own = number - 1 if layers[name]["class_name"] == "Functional" else number
            outputs.append(made[name, max(own, 0)][0 if part >= len(made[name, max(own, 0)]) else part])
        return outputs

    def _use(self, layer: Config, sources: Sequence[int], use: Config, within: tuple[str, ...]) -> list[int]:
        """Add one use of a layer; the nodes that hold its outputs."""
        name = layer.get("name") or layer["config"]["name"]
        number = self._numbers.setdefault((*within, name), len(self._numbers) + 1)
        shape = _inner(next((tensor["shape"] for tensor in tensors(use)), None))
        own = {"kind": layer["class_name"], "module": layer.get("module") or "", "layer": number}
        if len(self.found) >= _MOST_NODES:
            raise ValueError(f"more than {_MOST_NODES:,} uses of layers")
        if "layers" not in layer["config"]:
            node = Node(name, None, tuple(sources), (), within, config=layer["config"], arguments=use, **own)
            self.found.append(node)
            return [len(self.found) - 1]
        inner = self.enter(layer, sources, (*within, name))
        self.found.append(Node(name, None, tuple(inner), shape, within, container=True, **own))
        return inner


def _uses(layers: Mapping[str, Config]) -> list[_Use]:
    """Every use of the layers of a functional model, in the order of the file."""

    def source(history: Sequence[Any]) -> tuple[str, int]:
        name, number = history[0], history[1]
        return name, min(number, max(len(layers[name].get("inbound_nodes", [])) - 1, 0))

    return [
        (name, number, use, [source(tensor["keras_history"]) for tensor in tensors(use)])
        for name, layer in layers.items()
        for number, use in enumerate(layer.get("inbound_nodes", []))
    ]


def _ordered(uses: Sequence[_Use]) -> list[_Use]:
    """Uses behind those that they take, as passes through the file find them: each use in the first pass that can.

    Raises:
        ValueError: uses that wait for each other.
    """
    place = {(name, number): index for index, (name, number, *_) in enumerate(uses)}
    wanted = [[place[source] for source in sources if source in place] for *_, sources in uses]
    passes: dict[int, int] = {}
    for index in TopologicalSorter(dict(enumerate(wanted))).static_order():
        passes[index] = max((passes[other] + (other > index) for other in wanted[index]), default=0)
    return [uses[index] for index in sorted(passes, key=lambda index: (passes[index], index))]


def ends(content: Any) -> list[Any]:
    """The inputs or outputs of a functional model, of which a single one is not in a list."""
    if isinstance(content, Mapping):
        return list(content.values())
    return [content] if content and isinstance(content[0], str) else list(content)


def leaves(found: Sequence[Node]) -> Iterator[Node]:
    """Every use of a layer or an operation, nested models replaced by theirs."""
    return (node for node in found if not node.container and node.inputs)


def _inner(shape: Any) -> tuple[int | None, ...]:
    return tuple(shape[1:]) if isinstance(shape, list | tuple) else ()
