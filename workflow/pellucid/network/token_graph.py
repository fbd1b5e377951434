"""How a network with self-attention mixes its tokens: which attention follows which, and where residuals join.

This is read from the graph alone, of a loaded model or of a file (`Node`). Everything between the first attention and
the place where the tokens are read must work on each token by itself (normalisation, dense layers). Otherwise the rows
of the attention matrices would not belong to the tokens: such networks are refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pellucid.errors import InputError
from pellucid.network.graph import Node
from pellucid.network.layer_spans import through
from pellucid.network.map_layers import Places
from pellucid.network.spans import Place, Span

_ATTENTION = "MultiHeadAttention"
# Where tokens are added to tokens: the residual connections.
_JOINING = ("Add", "Average")
# With an array as operand, these may weigh each token in another way, as a mean over chosen tokens does.
_WEIGHTING = ("Multiply", "Divide", "TrueDivide", "Where", "Maximum", "Minimum", "Power")


@dataclass(frozen=True)
class Step:
    """One step that makes a matrix (tokens, tokens) from earlier ones; matrix 0 is the identity, step i makes i + 1.

    Attributes:
        sources: numbers of the matrices that it takes: one for an attention, two or more where tokens are added.
        attention: which of `TokenGraph.layers` mixes the tokens; None where tokens are added.
    """

    sources: tuple[int, ...]
    attention: int | None = None


@dataclass(frozen=True)
class TokenGraph:
    """The way of the tokens through a network.

    Attributes:
        span: where the tokens lie on the time axis of the input.
        layers: address of each use of an attention layer, in order.
        steps: how the matrices are made.
        last: the matrix of the tokens that are read.
        token: which token is read; None for the mean of all.
    """

    span: Span
    layers: tuple[str, ...]
    steps: tuple[Step, ...]
    last: int
    token: int | None


def has_token_graph(places: Places) -> bool:
    """Return whether a network has self-attention whose tokens are known; `read` says why it has none."""
    try:
        read(places)
    except InputError:
        return False
    return True


def read(places: Places) -> TokenGraph:
    """Return the way of the tokens through a network.

    Raises:
        InputError: no self-attention, or tokens that are mixed, or read, in a way that attention does not describe.
    """
    nodes = places.nodes
    if not any(is_attention(node) for node in nodes):
        raise _refusal("no layer MultiHeadAttention", "a network with self-attention")
    if len(places.lengths) != 1:
        raise _refusal("attention over images", "over series: the tokens of images are in no order that is known")
    tokens = _Tokens(places)
    for index, node in enumerate(nodes):
        tokens.add(index, node)
    return tokens.graph()


def is_attention(node: Node) -> bool:
    """Return whether a node is Keras' multi-head attention."""
    return node.kind == _ATTENTION and node.module.split(".")[0] == "keras" and not node.container


def _refusal(found: str, expected: str) -> InputError:
    return InputError.unexpected("self-attention", found, expected)


@dataclass
class _Tokens:
    """The nodes that were read so far: the place of each, and the matrix of its tokens (0 before any attention)."""

    places: Places
    placed: list[Place | None] = field(default_factory=list)
    matrix: list[int] = field(default_factory=list)
    spans: tuple[Span, ...] | None = None
    layers: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    fault: str = ""

    def add(self, index: int, node: Node) -> None:
        """Add the next node."""
        if not node.inputs:
            self._put(self.places.fields[index].place, 0)
        elif node.container:
            self._put(self.placed[node.inputs[0]], self.matrix[node.inputs[0]])
        elif is_attention(node):
            self._attend(index, node)
        else:
            self._pass(node)

    def graph(self) -> TokenGraph:
        """Return what was read.

        Raises:
            InputError: the tokens are not followed to one place where all of them are read.
        """
        nodes = self.places.nodes
        if self.spans is None:
            raise _refusal(self.fault or "no attention on tokens", "tokens in the order of time")
        needed = {self.places.output}
        for index in reversed(range(self.places.output + 1)):
            if index in needed:
                needed.update(nodes[index].inputs)
        ends = [
            index
            for index in sorted(needed)
            if self.placed[index] is None
            and any(self.placed[source] is not None and self.matrix[source] for source in nodes[index].inputs)
        ]
        cuts = set(self.places.cuts)
        if len(ends) != 1 or ends[0] not in cuts:
            names = ", ".join(nodes[index].name for index in ends) or "no layer"
            raise _refusal(
                self.fault or f"tokens that leave the sequence at {names}",
                "one mean over all tokens (GlobalAveragePooling1D), or one token, and all else computed from it",
            )
        end = nodes[ends[0]]
        masks = [nodes[index].name for index in sorted(needed) if nodes[index].kind == "Masking" and index < ends[0]]
        if masks and end.kind == "GlobalAveragePooling1D":
            found = f"a mean over only those tokens that {masks[0]} (Masking) leaves"
            raise _refusal(found, "a mean over all tokens, or one token")
        return TokenGraph(
            self.spans[0], tuple(self.layers), tuple(self.steps), self.matrix[end.inputs[0]], self._token(end)
        )

    def _attend(self, index: int, node: Node) -> None:
        place, matrix = self.placed[node.inputs[0]], self.matrix[node.inputs[0]]
        known = place is not None and place.axes == (0, None)
        if len(set(node.inputs)) != 1:
            self._lose(f"{node.name}, whose queries, keys and values or mask come from several layers")
        elif not known or node.config.get("attention_axes") not in (None, [1], 1):
            self._lose(f"{node.name}, whose tokens are not in the order of time, one for each step")
        elif self.spans is not None and place is not None and place.spans != self.spans:
            self._lose(f"{node.name}, whose tokens are others than those of the attention before")
        else:
            assert place is not None
            self.spans = place.spans
            self.layers.append(self.places.address(index))
            self.steps.append(Step((matrix,), len(self.layers) - 1))
            self._put(place, len(self.steps))

    def _pass(self, node: Node) -> None:
        """Add a node that works on each token by itself, or joins tokens; any other loses them."""
        place, mixes = through(node, [self.placed[source] for source in node.inputs])
        matrices = sorted({self.matrix[source] for source in node.inputs if self.placed[source] is not None})
        mixed = bool(matrices and matrices[-1])
        if mixed and node.kind in _WEIGHTING and not _by_numbers(node):
            self._lose(f"{node.name} ({node.kind}), where each token may have a constant weight of its own")
            return
        if place is None or (mixed and (mixes or place.spans != self.spans or place.axes != (0, None))):
            self._put(None, 0)
        elif len(matrices) == 1:
            self._put(place, matrices[0])
        elif node.kind in _JOINING:
            self.steps.append(Step(tuple(matrices)))
            self._put(place, len(self.steps))
        else:
            self._lose(f"{node.name} ({node.kind}), where tokens of several blocks meet")

    def _lose(self, fault: str) -> None:
        self.fault = self.fault or fault
        self._put(None, 0)

    def _put(self, place: Place | None, matrix: int) -> None:
        self.placed.append(place)
        self.matrix.append(matrix)

    def _token(self, end: Node) -> int | None:
        """Return which token a layer reads; None for the mean of all.

        Raises:
            InputError: it reads them in another way.
        """
        config, whole = end.config, end.module.split(".")[0] == "keras"
        if whole and end.kind == "GlobalAveragePooling1D" and config.get("data_format") != "channels_first":
            return None
        if whole and end.kind == "Mean" and config.get("axis") in (1, [1], -2, [-2]):
            return None
        if whole and end.kind == "GetItem":
            key = [*end.arguments.get("args", [])[1:2], end.arguments.get("kwargs", {}).get("key")][0]
            if isinstance(key, list) and len(key) in (2, 3) and type(key[1]) is int and _all(key[0]) and _all(key[-1:]):
                return int(key[1])
        raise _refusal(
            self.fault or f"tokens that are read by {end.name} ({end.kind})",
            "GlobalAveragePooling1D, or one token of all (x[:, 0])",
        )


def _by_numbers(node: Node) -> bool:
    """Return whether the operands of a node are tensors of the model, and single numbers."""
    operands = [*node.arguments.get("args", []), *node.arguments.get("kwargs", {}).values()]
    plain = [list(operand) if isinstance(operand, list | tuple) else [operand] for operand in operands]
    return all(
        operand is None
        or isinstance(operand, bool | int | float | str)
        or (isinstance(operand, dict) and operand.get("class_name") == "__keras_tensor__")
        for operands in plain
        for operand in operands
    )


def _all(key: object) -> bool:
    """Return whether a saved index, or each of a list, takes the whole axis; the number of the token counts as well."""
    if isinstance(key, list):
        return all(type(entry) is int or _all(entry) for entry in key)
    whole = {"start": None, "stop": None, "step": None}
    return isinstance(key, dict) and key.get("class_name") == "__slice__" and key.get("config") == whole
