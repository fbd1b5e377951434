"""The graph of a model from what a `.keras` file says of it, without loading it: the nodes that `graph.flatten` makes.

While the workflow is planned TensorFlow must not be imported: what a network has is found in these nodes, by the same
functions that a job asks about the loaded model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from pellucid.errors import InputError
from pellucid.graph import Node, tensors

Config = Mapping[str, Any]


def nodes(config: Config, where: str = "model") -> tuple[Node, ...]:
    """The nodes of a Sequential or functional model, every one after those that it takes, nested models walked in.

    Args:
        config: of a model with one input, from `archive.read` or `json.loads(model.to_json())`.
        where: what to call the model in a message.

    Raises:
        InputError: layers that take what no layer puts out.
    """
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
    try:
        _Reader(found).enter(config, [0], ())
    except (KeyError, IndexError, TypeError) as error:
        found_ = f"a config.json whose layers do not fit together ({error})"
        raise InputError(where, found_, "a model as Keras 3 saves it") from None
    return tuple(found)


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
        waiting = [
            (name, number, use)
            for name, layer in layers.items()
            for number, use in enumerate(layer.get("inbound_nodes", []))
        ]
        while waiting:
            later = []
            for name, number, use in waiting:
                wanted = [self._source(layers, tensor["keras_history"]) for tensor in tensors(use)]
                if all(source in made for source in wanted):
                    taken = [made[source][0] for source in wanted]
                    made[name, number] = self._use(layers[name], taken, use, within)
                else:
                    later.append((name, number, use))
            if len(later) == len(waiting):
                raise KeyError(later[0][0])
            waiting = later
        outputs = []
        for name, number, part in ends(content["output_layers"]):
            # Here, Keras counts the uses of a nested functional model from 1.
            own = number - 1 if layers[name]["class_name"] == "Functional" else number
            outputs.append(made[name, max(own, 0)][0 if part >= len(made[name, max(own, 0)]) else part])
        return outputs

    @staticmethod
    def _source(layers: Mapping[str, Config], history: Sequence[Any]) -> tuple[str, int]:
        name, number = history[0], history[1]
        return name, min(number, max(len(layers[name].get("inbound_nodes", [])) - 1, 0))

    def _use(self, layer: Config, sources: Sequence[int], use: Config, within: tuple[str, ...]) -> list[int]:
        """Add one use of a layer; the nodes that hold its outputs."""
        name = layer.get("name") or layer["config"]["name"]
        number = self._numbers.setdefault((*within, name), len(self._numbers) + 1)
        shape = _inner(next((tensor["shape"] for tensor in tensors(use)), None))
        own = {"kind": layer["class_name"], "module": layer.get("module") or "", "layer": number}
        if "layers" not in layer["config"]:
            node = Node(name, None, tuple(sources), (), within, config=layer["config"], arguments=use, **own)
            self.found.append(node)
            return [len(self.found) - 1]
        inner = self.enter(layer, sources, (*within, name))
        self.found.append(Node(name, None, tuple(inner), shape, within, container=True, **own))
        return inner


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
