"""What `data.json` says of the prepared data: its keys and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from pellucid.tasks import Task


class InputInfo(TypedDict):
    """What is known of one of several inputs.

    Attributes:
        name: as the model calls it.
        shape: of one example: (time, channels), or (numbers,).
        channels: names, in the order of the last axis.
        units: of each channel, after scaling.
        sampling_rate_hz: of a series that has one.
        scale_statistics: offset and divisor of each channel, where it is scaled.
    """

    name: str
    shape: list[int]
    channels: list[str]
    units: list[str]
    sampling_rate_hz: float | None
    scale_statistics: dict[str, list[float]]


class _OfExamples(TypedDict):
    """What is known of examples in a notebook, too."""

    title: str
    task: NotRequired[Task]
    kind: Literal["series", "image"]
    classes: list[str]
    channels: list[str]
    unit: str
    sampling_rate_hz: float | None
    shape: list[int]
    notes: list[str]


class DataInfo(_OfExamples, total=False):
    """The content of `data.json`, which `prepare` writes and every later stage reads.

    Attributes:
        source: name of the data source.
        title, licence, citation, homepage: of the source.
        kind: "series" for (time, channels) examples, "image" for (height, width, channels).
        task: what the examples are labelled with; single_label in files of earlier versions, which lack it.
        classes: names of the model's outputs in order: classes, labels or values.
        units: of the values of a regression; "" where not known.
        channels: names, in the order of the last axis.
        unit: of the values of the inputs, after scaling.
        sampling_rate_hz: of series that have one.
        shape: of one example.
        notes: sentences that a reader must know.
        groups: names of the groups in each split.
        labelled: whether the examples have labels.
        examples: how many each split has.
        counts: examples of each class or label, by split; empty for values.
        value_statistics: mean, sd, min and max of each value of a regression in the training examples.
        duplicates: examples that occur again, within a split or in another one.
        digest: of inputs and labels.
        parameters, files: what the source was given; paths and digests of its files.
        scale, statistics: how the inputs were scaled, with offset and divisor of each channel.
        split: the shares that were reached.
        seed: of the experiment.
        explained_input, inputs: of several inputs, the name of the one that `shape`, `channels`, `unit`, `statistics`
            and `sampling_rate_hz` speak of, and what is known of each, the explained one first. Absent of one.
    """

    source: str
    licence: str
    citation: str
    homepage: str
    units: list[str]
    groups: dict[str, list[str]]
    labelled: bool
    examples: dict[str, int]
    counts: dict[str, dict[str, int]]
    value_statistics: dict[str, dict[str, float]]
    duplicates: dict[str, int]
    digest: str
    parameters: dict[str, Any]
    files: dict[str, dict[str, str]]
    scale: str
    statistics: dict[str, list[float]]
    split: dict[str, Any]
    seed: int
    explained_input: str
    inputs: list[InputInfo]


def shapes_of(data_info: DataInfo) -> tuple[int, ...] | dict[str, tuple[int, ...]]:
    """Return the shape of one example; of several inputs by name, in one order whichever of them is explained."""
    several = {about["name"]: tuple(about["shape"]) for about in data_info.get("inputs", [])}
    return dict(sorted(several.items())) or tuple(data_info["shape"])


def as_series(data: DataInfo) -> DataInfo:
    """Return `data.json`; of an explained input of numbers, (n,), as of a series of n positions with one channel.

    Explanations of numbers are arrays (N, n, 1). Where a figure has no form of its own for numbers, they are drawn as
    such a series, whose channel has the names of all numbers, in their order.
    """
    if len(data["shape"]) != 1:
        return data
    return {**data, "shape": [*data["shape"], 1], "channels": [", ".join(data["channels"])], "sampling_rate_hz": None}
