"""The places in a network whose maps can be laid on the input: found in the graph, at planning and in a job alike."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from pellucid.network.graph import Node
from pellucid.network.receptive_field import ReceptiveField, node_fields

_CONVOLUTION = re.compile(r"(Depthwise|Separable)?Conv[123]D\w*")
_NORM = re.compile(
    r"(Batch|Layer|Group|Unit|RMS)?Normalization|Rescaling|Add|Subtract|Multiply|(True)?[Dd]ivide|Negative|Cast"
)
# What a convolution may be followed by without an end of what belongs to it.
_SKIPPED = re.compile(r"(Alpha|Gaussian|Spatial)?Dropout([123]D)?|GaussianNoise|ActivityRegularization|Identity|Copy")
_ACTIVATION = re.compile(
    r"Activation|(Leaky|P|Thresholded)?ReLU|R?elu\d?|Relu6|LeakyRelu|C?E[lL][uU]|Selu|Soft\w+|Log\w*|Hard\w+|"
    r"Sigmoid|Tanh|Gelu|Silu|Mish|Maximum|Minimum|Clip|Abs|Absolute|Square|Sqrt|Rsqrt|Exp|Expm1|Sign|Power|Where|"
    r"Greater(Equal)?|Less(Equal)?"
)


@dataclass(frozen=True)
class Places:
    """What the graph of a model says of its maps.

    Attributes:
        nodes: of a model with one input and one output, from `graph.flatten` or `models.config_graph.nodes`.
        lengths: the input's sizes without its channels.
    """

    nodes: tuple[Node, ...]
    lengths: tuple[int, ...]

    @cached_property
    def fields(self) -> list[ReceptiveField]:
        """The receptive field of every node."""
        return node_fields(self.nodes, self.lengths)

    @cached_property
    def addresses(self) -> dict[str, int]:
        """Every use of a layer or operation by its address, in the order of the graph.

        The address is the layer's name (within/name where another has it); of one that is used several times
        name:1, name:2, and so on.
        """
        uses = Counter(node.layer for node in self.nodes if not node.container)
        number: Counter[int] = Counter()
        found: dict[str, int] = {}
        for index, node in enumerate(self.nodes):
            if not node.container:
                number[node.layer] += 1
                # Two models inside may hold layers of the same name.
                path = "/".join((*node.within, node.name))
                for name in (node.name, path, f"{path}/{node.layer}"):
                    address = name if uses[node.layer] == 1 else f"{name}:{number[node.layer]}"
                    if address not in found:
                        found[address] = index
                        break
        return found

    @cached_property
    def _named(self) -> dict[int, str]:
        return {index: address for address, index in self.addresses.items()}

    @cached_property
    def output(self) -> int:
        """The node that makes the model's output."""
        return self._inside(len(self.nodes) - 1)

    @cached_property
    def convolutions(self) -> list[int]:
        """Convolutions whose maps lie on the input, in the order of the graph."""
        return [index for index in self.addresses.values() if _is_convolution(self.nodes[index]) and self._maps(index)]

    @cached_property
    def cuts(self) -> list[int]:
        """Nodes that everything passes through on its way from the input to the output, in their order."""
        needed = {self.output}
        for index in reversed(range(self.output + 1)):
            if index in needed:
                needed.update(self.nodes[index].inputs)
        # Nodes stand behind what they take: who is jumped over by a connection is avoided by a way through it.
        reach, found = 0, []
        leaps: dict[int, int] = {}
        for index in sorted(needed):
            for source in self.nodes[index].inputs:
                leaps[source] = max(leaps.get(source, 0), index)
        for index in sorted(needed):
            if reach <= index:
                found.append(index)
            reach = max(reach, leaps.get(index, 0))
        return found

    @cached_property
    def ends(self) -> list[int]:
        """The places that everything passes through, one behind each convolution (or block of parallel ones).

        Each is the last activation that belongs to the convolution, or, without one, its last normalisation; else the
        convolution, or where the branches meet, itself.
        """
        found: list[int] = []
        convolved = open_ = False
        active = False
        before = -1
        for cut in self.cuts:
            between = [self.nodes[index] for index in range(before + 1, cut + 1) if self._placed(index)]
            before = cut
            if not self._maps(cut):
                open_ = False
                continue
            # A dense layer on maps is a convolution of one position.
            some = any(_is_convolution(node) for node in between)
            if some or (convolved and any(node.kind == "Dense" for node in between)):
                convolved = open_ = True
                found.append(cut)
                active = self._is_active(cut)
            elif open_ and all(_SKIPPED.fullmatch(node.kind) or _is_linear(node) for node in between):
                continue
            elif open_ and all(_ACTIVATION.fullmatch(node.kind) or _NORM.fullmatch(node.kind) for node in between):
                activates = len(between) > 1 or bool(_ACTIVATION.fullmatch(between[0].kind)) or self._is_gated(cut)
                if activates or not active:
                    found[-1] = cut
                active = active or activates
            else:
                open_ = False
        return found

    @cached_property
    def last_maps(self) -> int | None:
        """The last node that everything passes through whose units have a place on the input."""
        return next((cut for cut in reversed(self.cuts) if self._maps(cut)), None)

    @cached_property
    def pooled(self) -> tuple[int, int] | None:
        """The maps that are averaged and the dense layer of the class scores, where nothing else is between them."""
        index = self.output
        if self.nodes[index].kind in ("Softmax", "Activation"):
            index = self._before(index)
        dense = index
        config = self.nodes[dense].config if dense >= 0 else {}
        if dense < 0 or self.nodes[dense].kind != "Dense" or config["units"] == 1:
            return None  # one unit is the score of the second of two classes: it becomes two
        if self.nodes[dense].module.split(".")[0] != "keras" or config.get("activation") not in ("linear", "softmax"):
            return None
        index = self._before(dense)
        while index >= 0 and self.nodes[index].kind == "Dropout":  # does nothing outside of training
            index = self._before(index)
        pooling = self.nodes[index]
        if index < 0 or not re.fullmatch(r"GlobalAveragePooling[123]D", pooling.kind) or pooling.config.get("keepdims"):
            return None
        maps = self._before(index)
        if maps < 0 or not self._maps(maps):
            return None
        place = self.fields[maps].place
        channels = 0 if pooling.config.get("data_format") == "channels_first" else -1
        return (maps, dense) if place is not None and place.axes[channels] is None else None

    def address(self, index: int) -> str:
        """The address of a node."""
        return self._named[index]

    def of_model(self, name: str) -> str | None:
        """The address of what makes the output of a nested model of a name; None where there is no such model."""
        for index, node in enumerate(self.nodes):
            if node.container and node.name == name:
                return self._named.get(self._inside(index))
        return None

    def _before(self, index: int) -> int:
        """What a node takes; -1 where that is not one node."""
        inputs = self.nodes[index].inputs
        return self._inside(inputs[0]) if len(inputs) == 1 else -1

    def _inside(self, index: int) -> int:
        """The node that makes the output of a nested model."""
        while self.nodes[index].container:
            (index,) = self.nodes[index].inputs
        return index

    def _placed(self, index: int) -> bool:
        return not self.nodes[index].container and self.fields[index].place is not None

    def _maps(self, index: int) -> bool:
        """Whether a node puts out feature maps whose place is known, and can be asked for them."""
        node, place = self.nodes[index], self.fields[index].place
        return bool(node.inputs) and not node.container and place is not None and place.maps and index in self._named

    def _is_active(self, index: int) -> bool:
        """Whether a layer ends in an activation of its own."""
        return self.nodes[index].config.get("activation") not in (None, "linear")

    def _is_gated(self, index: int) -> bool:
        return any(self.fields[source].place is None for source in self.nodes[index].inputs)


def _is_convolution(node: Node) -> bool:
    return bool(_CONVOLUTION.fullmatch(node.kind)) and node.module.split(".")[0] == "keras"


def _is_linear(node: Node) -> bool:
    return node.kind == "Activation" and node.config.get("activation") == "linear"
