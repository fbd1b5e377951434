"""The contract of a data source.

A source is a module of this package with two names:

- `SPEC`, a `SourceSpec`: what it is, where it comes from, which parameters it takes;
- `load(files, rng, **parameters) -> RawData`; a large `x` may be mapped from a file (`files.map_array`,
  `files.map_arrays`, or built in `spill_buffer.SpillBuffer`): it is read block by block.

Each keyword-only argument of `load` that is annotated with a pydantic `Field` is a parameter of the user: the
signature is the one place that states its type, limits, default and description (`parameters.py`).
A source may also define the other functions of `Source`; the bodies there say what happens without them. To add a
source, no other file has to be edited: `config.yaml` names the module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.parameters import File, stated
from pellucid.tasks import SINGLE_LABEL, Task

Kind = Literal["series", "image"]

# What a value is (`Examples.filling`): read from the file; interpolated between values that were read; or no value, a
# zero after the end of a series or in a gap.
MEASURED, ESTIMATED, BLANK = 0, 1, 2
# The label of every example of a source that knows none: no index of a class, so that nothing can take it for one.
UNLABELLED = -1
# Licence and citation of data that the user brings. The title of such a source is that of a kind of file.
OWN_LICENCE = "the user's own data"
OWN_CITATION = f"none: {OWN_LICENCE}"


@dataclass(frozen=True)
class SourceSpec:
    """What a source declares about itself, known without loading any data.

    Attributes:
        title: one line that describes the data.
        kind: "series" for (time, channels) examples, "image" for (height, width, channels).
        licence: of the data.
        citation: the reference that the authors ask for.
        homepage: a page about the data.
        truth: whether the evidence for each example's class, label or value is known (`Examples.truth`).
        truth_frequency: whether the frequencies of the evidence are known (`Examples.truth_frequency`); of series.
        events: "r_peaks" for recordings of heartbeats whose R peaks can be found (`heartbeats.r_peaks`): the maps of
            their beats are then averaged.
        scratch: whether `load` takes a `scratch` (`spill_buffer.SpillBuffer`), where it builds arrays that may be
            larger than memory.
        channels: their number, if it is always the same; None if it depends on the data or the parameters.
        own_labels: whether the labels are the user's own. `load` then takes `known`: classes of the model that a test
            example may have although no training example has them.
        files: the files that it reads, by the names under which the user states where they are and `load` gets them;
            each has the parameters `<name>_sha256` and `<name>_md5` beside it.
        folders: the parameters that name a local folder (or none); when a file in it changes, the data are read again.
    """

    title: str
    kind: Kind
    licence: str
    citation: str
    homepage: str
    files: Mapping[str, File] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    truth: bool = False
    truth_frequency: bool = False
    events: Literal["none", "r_peaks"] = "none"
    scratch: bool = False
    channels: int | None = None
    own_labels: bool = False
    function: ClassVar[str] = "load"

    @property
    def contract(self) -> type[Source]:
        """The functions that a source may have, with their defaults."""
        return Source


@dataclass
class Values:
    """The values of an input beside `Examples.x`, where a model has several inputs.

    Attributes:
        x: float32 or float64 (N, *shape), as of `Examples`: a series (N, time, channels), or numbers (N, channels).
        filling: as of `Examples`.
    """

    x: NDArray[Any]
    filling: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Input:
    """What is known of one of several inputs.

    Attributes:
        name: as the model calls it.
        channels: names, in the order of the last axis.
        units: one for each channel.
        sampling_rate: in Hz, of a series that has one.
    """

    name: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    sampling_rate: float | None = None


@dataclass
class Examples:
    """Examples with their labels.

    Attributes:
        x: float32 (N, time, channels) or (N, height, width, channels), in memory or mapped from a file; float64 if
            float32 may not hold the file's values: x is then scaled before it is cast.
        y: what a model is to learn, by `RawData.task`. single_label: int64 (N,), indices into `RawData.classes`.
            multi_label: uint8 (N, labels), 1 where the example has the label. regression: float32 (N, values), finite.
            Without labels, whatever the task: int64 (N,) of UNLABELLED.
        truth: bool, of the shape of x: True where the evidence for the example's class was planted. With several labels
            or values (*x.shape, outputs): where the evidence of each lies, whether the example has the label or not.
            None if the evidence is unknown.
        group: str (N,), the group (patient, recording) of each example; a group must not lie on both sides of a split.
            None if examples are independent of each other.
        filling: uint8, of the shape of x: MEASURED, ESTIMATED or BLANK; None if every value was measured. Only measured
            values count in the statistics of scaling, and are explained and scored; BLANK values stay 0.
        others: with several inputs (`RawData.inputs`), all inputs except the first, by name; rows as in x.
        truth_frequency: bool (N, time // 2 + 1): True at the bins of `numpy.fft.rfftfreq(time)` where the evidence
            lies, in whatever channel. Of several labels or values (N, time // 2 + 1, outputs). None if unknown.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    truth: NDArray[np.bool_] | None = None
    group: NDArray[np.str_] | None = None
    filling: NDArray[np.uint8] | None = None
    others: Mapping[str, Values] = field(default_factory=dict)
    truth_frequency: NDArray[np.bool_] | None = None


@dataclass
class RawData:
    """The data that a source returns.

    Attributes:
        train: all examples, or the training examples if the source has its own test set.
        test: the source's own test set, or None to draw one from `train`.
        classes: names of the classes, the labels or the values, in the order of the numbers or columns of y; none where
            the examples have no labels.
        channels: names, in the order of the last axis.
        unit: of the values of x, for axis labels.
        sampling_rate: in Hz, for series that have one.
        notes: what a reader must know about how these data were made (what was left out, a split whose scores are too
            good); sentences, which are shown with the data.
        shared_groups: groups that lie on both sides of the source's own split, as `notes` say; other groups on both
            sides are refused.
        task: what y holds (`tasks.py`), as the hook `task` says.
        validation: the source's own validation set, or None to draw one from `train`; only beside a test set.
        units: of a regression, the unit of each value, "" where it is not known; otherwise none.
        inputs: what is known about each of several inputs; x is the first. None if there is only one.
    """

    train: Examples
    test: Examples | None
    classes: tuple[str, ...]
    channels: tuple[str, ...]
    unit: str = "a.u."
    sampling_rate: float | None = None
    notes: tuple[str, ...] = ()
    shared_groups: frozenset[str] = frozenset()
    task: Task = SINGLE_LABEL
    units: tuple[str, ...] = ()
    validation: Examples | None = None
    inputs: tuple[Input, ...] = ()


class Source(Protocol):
    """A source module, as the rest of the package sees it."""

    SPEC: SourceSpec

    def load(self, files: Mapping[str, Path], rng: np.random.Generator, **parameters: Any) -> RawData: ...

    def check(self, **parameters: Any) -> None:
        """Refuse a combination of parameters (InputError), before any job is planned."""

    def fill(self, **parameters: Any) -> dict[str, str]:
        """Return the values that replace a short name: an address and its checksum, by parameter."""
        return {}

    def addresses(self, **parameters: Any) -> dict[str, str]:
        """Return the paths or addresses of the files to read, by the names under which `load` gets them."""
        return stated(self.SPEC.files, parameters)

    def labelled(self, **parameters: Any) -> bool:
        """Return whether the examples have labels; without them a model can be explained, and not evaluated."""
        return True

    def inputs(self, **parameters: Any) -> dict[str, bool]:
        """Return the names of several inputs, and whether each is a series (or numbers without an order); else none."""
        return {}

    def task(self, **parameters: Any) -> str:
        """Return what a model is trained for with these examples (`tasks.py`); planning needs it before any data."""
        return SINGLE_LABEL

    def axes(self, **parameters: Any) -> tuple[int, ...] | None:
        """Return the sizes of an example without the channels, or None if only the data tell them.

        Windows that are larger are refused before any job is planned.
        """
        return None
