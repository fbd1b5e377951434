"""The contract of a data source.

A source is a module of this package with two names:

- `SPEC`, a `SourceSpec`: what it is, where it comes from, which parameters it takes;
- `load(files, rng, **parameters) -> RawData`; a large `x` may be mapped from a file (`files.map_array`,
  `files.map_arrays`, or built in `spill_buffer.SpillBuffer`): it is read block by block.

It may have `check(**parameters)`, which refuses a combination of parameters (InputError) before any job is planned,
and `addresses(**parameters) -> {name: address}`, which names the files it reads where their number depends on the
parameters; `load` gets them by these names. It may have `fill(**entry) -> {key: value}`, which puts an address and its
checksum in the place of a short name.
It may have `axes(**parameters) -> sizes of an example`, without the channels, where they are known without the data:
windows that are larger are refused before any job is planned.
Nothing else has to be edited to add one: `config.yaml` names the module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Kind = Literal["series", "image"]

# What a value is (`Examples.filling`): read from the file; interpolated between values that were read; or no value, a
# zero after the end of a series or in a gap.
MEASURED, ESTIMATED, BLANK = 0, 1, 2


@dataclass(frozen=True)
class SourceSpec:
    """What a source declares about itself, known without loading any data.

    Attributes:
        title: one line that describes the data.
        kind: "series" for (time, channels) examples, "image" for (height, width, channels).
        licence: of the data.
        citation: the reference that the authors ask for.
        homepage: a page about the data.
        truth: whether the evidence for each example's class is known (`Examples.truth`).
        scratch: whether `load` takes a `scratch` (`spill_buffer.SpillBuffer`), where it builds arrays that may be
            larger than memory.
        own_labels: whether the labels are the user's own, so that `load` takes `known`: classes that the model has,
            which a test example may have though no training example has them.
        parameters: JSON Schema properties of the parameters, each with a description and a default.
        required: the parameters that have no default.
        files: the parameters that name a file (a path, a file:// or an http(s):// address); each has the
            parameters `<name>_sha256` and `<name>_md5` beside it.
        folders: the parameters that name a local folder (or none); when a file in it changes, the data are read again.
    """

    title: str
    kind: Kind
    licence: str
    citation: str
    homepage: str
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    truth: bool = False
    scratch: bool = False
    own_labels: bool = False


@dataclass
class Examples:
    """Examples with their labels.

    Attributes:
        x: float32 (N, time, channels) or (N, height, width, channels), in memory or mapped from a file; float64 if
            float32 may not hold the file's values: x is then scaled before it is cast.
        y: int64 (N,), indices into `RawData.classes`.
        truth: bool, of the shape of x: True where the evidence for the example's class was planted; None if the
            evidence is unknown.
        group: str (N,), the group (patient, recording) of each example; a group must not lie on both sides of a split.
            None if examples are independent of each other.
        filling: uint8, of the shape of x: MEASURED, ESTIMATED or BLANK; None if every value was measured. Only measured
            values count in the statistics of scaling, and are explained and scored; BLANK values stay 0.
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    truth: NDArray[np.bool_] | None = None
    group: NDArray[np.str_] | None = None
    filling: NDArray[np.uint8] | None = None


@dataclass
class RawData:
    """The data that a source returns.

    Attributes:
        train: all examples, or the training examples if the source has its own test set.
        test: the source's own test set, or None to draw one from `train`.
        classes: names, in the order of the labels.
        channels: names, in the order of the last axis.
        unit: of the values of x, for axis labels.
        sampling_rate: in Hz, for series that have one.
        notes: what a reader must know of how these data were made (what was left out, a split whose scores are too
            good); each a sentence, shown with the data.
        shared_groups: groups that the source's own split has on both sides, as `notes` tell; others are refused.
    """

    train: Examples
    test: Examples | None
    classes: tuple[str, ...]
    channels: tuple[str, ...]
    unit: str = "a.u."
    sampling_rate: float | None = None
    notes: tuple[str, ...] = ()
    shared_groups: frozenset[str] = frozenset()


class Source(Protocol):
    """A source module, as the rest of the package sees it."""

    SPEC: SourceSpec

    def load(self, files: Mapping[str, Path], rng: np.random.Generator, **parameters: Any) -> RawData: ...
