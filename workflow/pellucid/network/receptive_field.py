"""Compute the receptive field of a layer from the graph alone: the part of the input that one of its units sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.network.graph import Node, varying
from pellucid.network.layer_spans import through
from pellucid.network.spans import Place, Span


@dataclass(frozen=True)
class ReceptiveField:
    """What the units of a layer see of the input.

    Attributes:
        spans: one for each axis of the input, channels left out.
        whole: every unit may see the whole input: the layer mixes all positions, or is of an unknown kind.
        place: where the units of the layer's maps lie; None where that is not known. A unit that sees the whole input
            still has a place if the rest of the input only scales it, as in squeeze and excitation.
    """

    spans: tuple[Span, ...]
    whole: bool = False
    place: Place | None = None

    @property
    def size(self) -> tuple[int, ...]:
        """Positions that one unit sees along each axis."""
        return tuple(span.size for span in self.spans)


def whole_input(lengths: Sequence[int]) -> ReceptiveField:
    """Return the field of a unit that sees everything; `lengths` are the input's sizes without its channels."""
    return ReceptiveField(tuple(Span(length, 0, 0, 1, length) for length in lengths), whole=True)


def nothing(lengths: Sequence[int]) -> ReceptiveField:
    """Return the field of a unit that sees nothing of the input, only held inputs."""
    return ReceptiveField(tuple(Span(0, 0, 0, 1, length) for length in lengths))


def _beside(node: Node, place: Place | None, others: Sequence[Place | None]) -> Place | None:
    """Return a node's place; if it has none, the place of another node with the same number of positions.

    Values that do not depend on the input are joined with maps, position by position, without moving them.
    """
    if place is not None:
        return place
    for other in others:
        if other is not None and len(node.shape) == len(other.axes):
            sizes = zip(node.shape, other.axes, strict=True)
            if all(axis is None or size == other.spans[axis].units for size, axis in sizes):
                return other
    return None


def node_fields(nodes: Sequence[Node], lengths: Sequence[int]) -> list[ReceptiveField]:
    """Return the receptive field of every node.

    For a window of k positions (d apart, every s-th position, p positions of padding before) on a layer with size r,
    jump j and start a: size r + (k - 1) d j, jump s j, start a - p j. Where branches meet, a unit sees what any branch
    sees.
    Araujo A, Norris W, Sim J. Computing Receptive Fields of Convolutional Neural Networks. Distill (2019), applied to
    each layer in turn, with paddings that depend on the layer's size ("same").

    Args:
        nodes: of a model with one input, from `graph.flatten` or `models.imported.config_graph.nodes`.
        lengths: the input's sizes without its channels.
    """
    spans = tuple(Span(1, 1, 0, length, length) for length in lengths)
    start = ReceptiveField(spans, place=Place(spans, (*range(len(spans)), None)))
    everything = whole_input(lengths)
    fields: list[ReceptiveField] = []
    moving = varying(nodes)
    for number, node in enumerate(nodes):
        below = [fields[index] for index in node.inputs]
        if number not in moving:
            fields.append(nothing(lengths))
        elif not below:
            fields.append(start)
        elif node.container:
            fields.append(below[0])
        else:
            places = [field.place for field in below]
            if not moving.issuperset(node.inputs):
                places = [
                    _beside(nodes[index], place, places) for index, place in zip(node.inputs, places, strict=True)
                ]
            place, mixes = through(node, places)
            whole = mixes or place is None or any(field.whole for field in below)
            spans = everything.spans if place is None or whole else place.spans
            fields.append(ReceptiveField(spans, whole, place))
    return fields


def receptive_fields(nodes: Sequence[Node], lengths: Sequence[int]) -> dict[str, ReceptiveField]:
    """Return the receptive field of every layer by its name.

    A layer that is used in several places with different fields gets the whole input.
    """
    fields: dict[str, ReceptiveField] = {}
    for node, field in zip(nodes, node_fields(nodes, lengths), strict=True):
        if fields.setdefault(node.name, field) != field:
            fields[node.name] = whole_input(lengths)
    return fields
