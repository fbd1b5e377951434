"""Find the places in a network whose maps can be laid on the input, from the graph alone."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from pellucid.network.graph import Node, varying
from pellucid.network.receptive_field import ReceptiveField, node_fields

_CONVOLUTION = re.compile(r"(Depthwise|Separable)?Conv[123]D\w*")
_NORM = re.compile(
    r"(Batch|Layer|Group|Unit|RMS)?Normalization|Rescaling|Add|Subtract|Multiply|(True)?[Dd]ivide|Negative|Cast"
)
# These layers after a convolution still belong to it.
_SKIPPED = re.compile(r"(Alpha|Gaussian|Spatial)?Dropout([123]D)?|GaussianNoise|ActivityRegularization|Identity|Copy")
# Behind these layers, where the place of their units is known, channel i is still channel i of the input.
_SAME_CHANNELS = re.compile(
    r"(Batch|Layer|Group|Unit|RMS)?Normalization|Rescaling|Add|Subtract|Multiply|(True)?Divide|Negative|Cast|Masking|"
    r"Permute|Transpose|Moveaxis|Swapaxes|Squeeze|ExpandDims|Reshape|"
    r"(ZeroPadding|Cropping)[123]D"
)
_ACTIVATION = re.compile(
    r"Activation|(Leaky|P|Thresholded)?ReLU|R?elu\d?|Relu6|LeakyRelu|C?E[lL][uU]|Selu|Soft\w+|Log\w*|Hard\w+|"
    r"Sigmoid|Tanh|Gelu|Silu|Mish|Maximum|Minimum|Clip|Abs|Absolute|Square|Sqrt|Rsqrt|Exp|Expm1|Sign|Power|Where|"
    r"Greater(Equal)?|Less(Equal)?"
)


@dataclass(frozen=True)
class Places:
    """The feature maps of a model, as its graph tells.

    Attributes:
        nodes: of a model with one input and one output, from `graph.flatten` or `models.imported.config_graph.nodes`.
        lengths: the input's sizes without its channels.
        one_value: whether a single unit at the end is an output of its own (a value or a label). Else it is the score
            of the second of two classes.
    """

    nodes: tuple[Node, ...]
    lengths: tuple[int, ...]
    one_value: bool = False

    @cached_property
    def fields(self) -> list[ReceptiveField]:
        """The receptive field of every node."""
        return node_fields(self.nodes, self.lengths)

    @cached_property
    def addresses(self) -> dict[str, int]:
        """Every use of a layer or operation by its address, in the order of the graph.

        The address is the layer's name (within/name where another layer has the same name); a layer that is used
        several times has the addresses name:1, name:2, and so on.
        """
        uses = Counter(node.layer for node in self.nodes if not node.container)
        number: Counter[int] = Counter()
        addresses: dict[str, int] = {}
        for index, node in enumerate(self.nodes):
            if not node.container:
                number[node.layer] += 1
                # Two nested models may hold layers of the same name.
                path = "/".join((*node.within, node.name))
                for name in (node.name, path, f"{path}/{node.layer}"):
                    address = name if uses[node.layer] == 1 else f"{name}:{number[node.layer]}"
                    if address not in addresses:
                        addresses[address] = index
                        break
        return addresses

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
        """Nodes that every path from the input to the output passes through, in order."""
        # What held inputs alone make is no path from the input.
        moving = varying(self.nodes)
        needed = {self.output}
        for index in reversed(range(self.output + 1)):
            if index in needed:
                needed.update(moving & {*self.nodes[index].inputs})
        # Nodes come after their inputs: a connection that leaps over a node is a path that avoids it.
        reach, cuts = 0, []
        leaps: dict[int, int] = {}
        for index in sorted(needed):
            for source in moving & {*self.nodes[index].inputs}:
                leaps[source] = max(leaps.get(source, 0), index)
        for index in sorted(needed):
            if reach <= index:
                cuts.append(index)
            reach = max(reach, leaps.get(index, 0))
        return cuts

    @cached_property
    def ends(self) -> list[int]:
        """The places that everything passes through, one after each convolution (or block of parallel convolutions).

        Each is the last activation that belongs to the convolution, or, without one, its last normalisation; else the
        convolution, or where the branches meet, itself.
        """
        ends: list[int] = []
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
            convolves = any(_is_convolution(node) for node in between)
            if convolves or (convolved and any(node.kind == "Dense" for node in between)):
                convolved = open_ = True
                ends.append(cut)
                active = self._is_active(cut)
            elif open_ and all(_SKIPPED.fullmatch(node.kind) or _is_linear(node) for node in between):
                continue
            elif open_ and all(_ACTIVATION.fullmatch(node.kind) or _NORM.fullmatch(node.kind) for node in between):
                activates = len(between) > 1 or bool(_ACTIVATION.fullmatch(between[0].kind)) or self._is_gated(cut)
                if activates or not active:
                    ends[-1] = cut
                active = active or activates
            else:
                open_ = False
        return ends

    @cached_property
    def last_maps(self) -> int | None:
        """The last node that everything passes through whose units have a place on the input."""
        return next((cut for cut in reversed(self.cuts) if self._maps(cut)), None)

    @cached_property
    def pooled(self) -> tuple[int, int] | None:
        """The averaged maps and the dense layer of the outputs, where nothing else is between them; else None."""
        index = self.output
        allowed: tuple[str, ...] = ("linear", "softmax", "sigmoid")
        end = self.nodes[index]
        if end.kind in ("Softmax", "Sigmoid") or (end.kind == "Activation" and end.config.get("activation") in allowed):
            index, allowed = self._before(index), ("linear",)
        dense = index
        config = self.nodes[dense].config if dense >= 0 else {}
        if dense < 0 or self.nodes[dense].kind != "Dense" or (config["units"] == 1 and not self.one_value):
            return None  # one unit is the score of the second of two classes: it becomes two
        if self.nodes[dense].module.split(".")[0] != "keras" or config.get("activation") not in allowed:
            return None
        index = self._before(dense)
        while index >= 0 and self.nodes[index].kind == "Dropout":  # does nothing outside training
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

    def takes_data(self, index: int) -> bool:
        """Return whether the channels that a node takes are those of the input, in their order; nothing mixes them."""
        moving = varying(self.nodes)
        while index:
            before = [self._inside(source) for source in self.nodes[index].inputs if source in moving]
            if len(before) != 1:
                return False
            (index,) = before
            place, kind = self.fields[index].place, self.nodes[index].kind
            kept = any(known.fullmatch(kind) for known in (_SAME_CHANNELS, _SKIPPED, _ACTIVATION))
            if index and (place is None or not place.maps or not kept):
                return False
        return True

    def address(self, index: int) -> str:
        """Return the address of a node."""
        return self._named[index]

    def of_model(self, name: str) -> str | None:
        """Return the address of the node that makes the output of nested model `name`; None without such a model."""
        for index, node in enumerate(self.nodes):
            if node.container and node.name == name:
                return self._named.get(self._inside(index))
        return None

    def _before(self, index: int) -> int:
        """Return the only input of a node; -1 where it has none or several."""
        inputs = self.nodes[index].inputs
        return self._inside(inputs[0]) if len(inputs) == 1 else -1

    def _inside(self, index: int) -> int:
        """Return the node inside a nested model that makes its output."""
        while self.nodes[index].container:
            (index,) = self.nodes[index].inputs
        return index

    def _placed(self, index: int) -> bool:
        return not self.nodes[index].container and self.fields[index].place is not None

    def _maps(self, index: int) -> bool:
        """Return whether a node has an address and puts out feature maps whose place is known."""
        node, place = self.nodes[index], self.fields[index].place
        return bool(node.inputs) and not node.container and place is not None and place.maps and index in self._named

    def _is_active(self, index: int) -> bool:
        """Return whether a layer ends in its own activation."""
        return self.nodes[index].config.get("activation") not in (None, "linear")

    def _is_gated(self, index: int) -> bool:
        return any(self.fields[source].place is None for source in self.nodes[index].inputs)


def _is_convolution(node: Node) -> bool:
    return bool(_CONVOLUTION.fullmatch(node.kind)) and node.module.split(".")[0] == "keras"


def _is_linear(node: Node) -> bool:
    return node.kind == "Activation" and node.config.get("activation") == "linear"
