"""The architecture of a model: its layers, their output shapes, numbers of weights and receptive fields."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.messages import format_shape
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.receptive_field import node_fields
from pellucid.tasks import OUTPUT_WORDS
from pellucid.user_text import in_cell
from pellucid.views.base import ViewData, ViewSpec

SPEC = ViewSpec(
    title="Architecture",
    about="The layers of the network in the order in which they are computed. For each layer: its connections, the "
    "shape of its output, its share of the parameters, and how much of the input one of its units sees. A layer is "
    "drawn as wide as its longest axis and as thick as its number of filters, both on logarithmic scales.",
    paper="receptive fields: Araujo A, Norris W, Sim J. Computing Receptive Fields of Convolutional Neural Networks. "
    "Distill (2019)",
    texts=("txt", "csv"),
    words=("layer", "kind", "connected to"),
    several_inputs=True,
)

COLUMNS = ("layer", "kind", "output shape", "parameters", "trainable", "receptive field", "stride", "connected to")

# The first pattern that matches a layer's kind gives its group, and so its colour.
_GROUPS = (
    ("input", r"InputLayer"),
    ("pooling", r".*Pooling.*"),
    ("convolution", r".*Conv.*"),
    ("recurrent or attention", r"GRU|.*RNN|.*LSTM.*|Bidirectional|.*Attention"),
    ("dense", r"(Einsum)?Dense"),
    ("merge", r"Add|Subtract|Multiply|Average|Maximum|Minimum|Concatenate|Dot"),
    (
        "norm, activation, dropout",
        r".*Normalization|Activation|.*ReLU|ELU|Softmax|.*Dropout|GaussianNoise|Rescaling|ZeroPadding.*|Cropping.*",
    ),
)


@dataclass(frozen=True)
class Row:
    """One layer, a row of the table.

    Attributes:
        name, kind: of the layer.
        shape: of its output for one example; None for a size that a nested model leaves open.
        parameters, trainable: number of weights; those of a shared layer count at its first use.
        field, stride: receptive field and step along each axis of the input, in positions; None for a field that is
            the whole input.
        maps: which axis of the shape is that of the filters; the last one where their place is not known.
        inputs: indices of the rows of its input layers.
        within: names of the nested models that contain it, joined by "/".
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]
    parameters: int
    trainable: int
    field: tuple[int, ...] | None
    stride: tuple[int, ...]
    maps: int
    inputs: tuple[int, ...]
    within: str


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    rows: Annotated[
        int,
        Field(
            ge=8,
            le=10_000,
            description="largest number of layers with a row of their own. If there are more, normalisations, "
            "activations, dropout and padding join the row of the layer before them. The texts have a line for each "
            "layer",
        ),
    ] = 40,
) -> dict[str, NDArray[Any] | str]:
    """Return the table of the layers.

    Returns:
        txt and csv, the table as texts; of each layer (L,): names, kinds, groups, shapes (as text), positions (the
        longest axis of its output without channels, at least 1), filters (the axis of the channels), parameters,
        trainable, field (the longest axis of the receptive field), whole, within; edges (E, 2), indices of layers, from
        and to.
    """
    layers = table(model)
    return {
        "txt": summary(model, layers),
        "csv": _csv(layers),
        "names": np.array([row.name for row in layers]),
        "kinds": np.array([row.kind for row in layers]),
        "groups": np.array([group(row.kind) for row in layers]),
        "shapes": np.array([format_shape(row.shape) for row in layers]),
        "positions": np.array([max(_sizes(row)[0], default=1) for row in layers]),
        "filters": np.array([_sizes(row)[1] for row in layers]),
        "parameters": np.array([row.parameters for row in layers]),
        "trainable": np.array([row.trainable for row in layers]),
        "field": np.array(
            [max(model.input_shape[:-1] if row.field is None else row.field, default=1) for row in layers]
        ),
        "whole": np.array([row.field is None for row in layers]),
        "within": np.array([row.within for row in layers]),
        "edges": np.array([(start, end) for end, row in enumerate(layers) for start in row.inputs], np.int64).reshape(
            -1, 2
        ),
    }


def table(model: ExplainedModel) -> list[Row]:
    """Return the layers of a model in the order of computation, with nested models replaced by their layers."""
    fields = node_fields(model.nodes, model.input_shape[:-1])
    kept = [index for index, node in enumerate(model.nodes) if not node.container]
    place = {index: position for position, index in enumerate(kept)}
    rows, counted = [], set[int]()
    for index in kept:
        node, field = model.nodes[index], fields[index]
        first = id(node.operation) not in counted
        counted.add(id(node.operation))
        rows.append(
            Row(
                name=node.name,
                kind=type(node.operation).__name__,
                shape=node.shape,
                parameters=_size(node.operation, "weights") if first else 0,
                trainable=_size(node.operation, "trainable_weights") if first else 0,
                field=None if field.whole else field.size,
                stride=() if field.whole else tuple(span.jump for span in field.spans),
                maps=field.place.axes.index(None) if field.place is not None and field.place.maps else -1,
                inputs=tuple(place[source] for source in node.inputs),
                within="/".join(node.within),
            )
        )
    return rows


def _sizes(row: Row) -> tuple[list[int], int]:
    """Return the sizes of a layer's output along time or space, and its number of filters; 1 for a size left open."""
    sizes = [size or 1 for size in row.shape]
    filters = sizes.pop(row.maps) if sizes else 1
    return sizes, filters


def group(kind: str) -> str:
    """Return the group to which a kind of layer belongs."""
    return next((name for name, pattern in _GROUPS if re.fullmatch(pattern, kind)), "other")


def summary(model: ExplainedModel, rows: Sequence[Row]) -> str:
    """Return the table as text in columns, with sums below it."""
    lines = [COLUMNS, *(_words(row, rows) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numbers = {COLUMNS.index("parameters"), COLUMNS.index("trainable")}
    aligned = [
        "  ".join(
            word.rjust(width) if column in numbers else word.ljust(width)
            for column, (word, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    rule = "-" * max(map(len, aligned))
    total, trainable = (sum(getattr(row, name) for row in rows) for name in ("parameters", "trainable"))
    ending = [
        f"input: {format_shape(model.input_shape)}; {OUTPUT_WORDS[model.task]}: {model.n_classes}; layers: {len(rows)}",
        f"parameters: {total:,} ({total * 4 / 2**20:.2f} MiB as 32-bit numbers)",
        f"trainable: {trainable:,}; not trainable: {total - trainable:,}",
    ]
    return "\n".join([aligned[0], rule, *aligned[1:], rule, *ending, ""])


def _size(operation: Any, weights: str) -> int:
    return sum(math.prod(weight.shape) for weight in getattr(operation, weights, []))


def _words(row: Row, rows: Sequence[Row], separator: str = ",") -> tuple[str, ...]:
    return (
        f"{row.within}/{row.name}" if row.within else row.name,
        row.kind,
        format_shape(row.shape),
        f"{row.parameters:{separator}}",
        f"{row.trainable:{separator}}",
        "whole input" if row.field is None else format_shape(row.field),
        format_shape(row.stride),
        ", ".join(rows[index].name for index in row.inputs),
    )


def _csv(rows: Sequence[Row]) -> str:
    """Return the table as CSV, without commas inside numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(in_cell, _words(row, rows, separator="")) for row in rows)
    return text.getvalue()
