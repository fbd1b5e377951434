"""Find the nodes of a graph through which a gradient passes from the output to the input that is explained."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.network.graph import Node

# No gradient passes through these.
_BLOCKING = {
    "Argmax", "Argmin", "Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "NotEqual", "OnesLike", "Sign",
    "StopGradient", "ZerosLike",
}  # fmt: skip


def nodes_of(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes through which a gradient passes from the output, the last node, to the first one.

    A branch of a held input is not among them, and neither are the operands of a stopped gradient or of a comparison.
    """
    passing = {0}
    for index, node in enumerate(nodes):
        if node.kind not in _BLOCKING and passing & {*node.inputs}:
            passing.add(index)
    found, waiting = set[int](), [len(nodes) - 1]
    while waiting:
        index = waiting.pop()
        if index in passing and index not in found:
            found.add(index)
            waiting += nodes[index].inputs
    return [nodes[index] for index in sorted(found)]
