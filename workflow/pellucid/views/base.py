"""The contract of a view, which shows the model itself and not an explanation.

A view is a module of this package with two names:

- `SPEC`, a `ViewSpec`;
- `compute(model, data, rng, **parameters) -> dict`, arrays by name. A text is written to a separate file; its name is
  the file's suffix, and is listed in `SPEC.texts`.

Each keyword-only argument of `compute` that is annotated with a pydantic `Field` is a parameter of the user: the
signature is the one place that states its type, limits, default and description (`parameters.py`).
A view may also define the other functions of `View`; the bodies there say what happens without them. The module of the
same name in `draw/views/` has `draw(arrays, data_info, parameters, caption) -> Figure` and needs neither the model nor
TensorFlow. To add a view, no other file has to be edited: `config.yaml` turns it on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid import files
from pellucid.data_info import DataInfo
from pellucid.explain.shared import held_examples
from pellucid.network import checkpoint_weights
from pellucid.network.checkpoint_weights import Checkpoint
from pellucid.tasks import SINGLE_LABEL, TASKS

if TYPE_CHECKING:
    from pellucid.network.explained_model import ExplainedModel

# What a view may need besides the model: its files, relative to results/<experiment>/.
NEEDS: Mapping[str, Mapping[str, str]] = {
    "examples": {"examples": "examples.npz"},
    "training": {"x_train": "data/x_train.npy", "labels": "data/labels.npz"},
    "test": {"x_test": "data/x_test.npy", "labels": "data/labels.npz", "predictions": "evaluation/predictions.npz"},
    "truth": {"truth": "data/truth.npz"},
    "groups": {"groups": "data/groups.npz"},
    "measured": {"measured": "data/measured.npz"},
}
# What a view reads where the experiment has it.
TAKES: Mapping[str, Mapping[str, str]] = {"checkpoints": {"checkpoints": "model/checkpoints.npz"}}


@dataclass(frozen=True)
class Measure:
    """One number of each example in the CSV of a view, whose mean over the examples is compared between variants.

    The column `example` of the CSV says to which test example a row belongs. If the data source names groups, intervals
    are over the groups of these examples.

    Attributes:
        column: of the CSV; an empty cell is an example for which it is not defined.
        title: its name in tables.
        better: which direction is better; "neither" for a measure that only describes.
        low, high: its range; None without a bound.
        proportion: whether it is True or False, so that the interval is that of a proportion.
        once: whether it was measured once for all examples together, so that there is no interval over examples.
    """

    column: str
    title: str
    better: Literal["higher", "lower", "neither"]
    low: float | None = None
    high: float | None = None
    proportion: bool = False
    once: bool = False


@dataclass(frozen=True)
class ViewSpec:
    """The declarations of a view, readable without TensorFlow.

    Attributes:
        title: its name in figures and tables.
        about: what its figure shows and how to read it, in one or two sentences, for the report.
        paper: the publication that it implements.
        requires: features that the architecture must have, such as "conv".
        needs: what it reads besides the model: "examples" (the selected ones), "training", "test", "truth" (where the
            evidence was planted), "groups", "measured" (which values are no padding).
        takes: what it reads if it exists: "checkpoints" (of a training that keeps some).
        texts: suffixes of the text files that it writes beside its arrays, such as "csv".
        words: columns of the CSV that hold names, which may look like numbers or like missing values.
        measures: numbers of each example in the CSV that tell how well the view did, by the name of their metric.
        measured: over which examples these means are, for the title of their table.
        tasks: the tasks of models (`tasks.py`) for which it has a meaning.
        several_inputs: whether it supports a model of several inputs: one is shown, the others keep the values of an
            example.
    """

    title: str
    about: str
    paper: str
    requires: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    measures: Mapping[str, Measure] = field(default_factory=dict)
    measured: str = "examples"
    tasks: tuple[str, ...] = TASKS
    several_inputs: bool = False
    function: ClassVar[str] = "compute"

    @property
    def contract(self) -> type[View]:
        """The functions that a view may have, with their defaults."""
        return View

    def sources(self) -> dict[str, str]:
        """Return the files that the view needs, by name, relative to the experiment's folder."""
        return {name: path for need in self.needs for name, path in NEEDS[need].items()}

    def further_sources(self) -> dict[str, str]:
        """Return the files that the view reads where they are there, as `sources` does."""
        return {name: path for one in self.takes for name, path in TAKES[one].items()}


@dataclass(frozen=True)
class ViewData:
    """The data that a view may read besides the model.

    Attributes:
        data_info: `data.json`: kind ("series" or "image"), classes, channels, sampling_rate_hz, unit, ….
        paths: the files of `ViewSpec.sources`, and those of `ViewSpec.further_sources` that are there.
        named: the files that the view's parameters name (`View.files`): where each lies, by its address.
    """

    data_info: DataInfo
    paths: Mapping[str, Path]
    named: Mapping[str, Path] = field(default_factory=dict)

    @cached_property
    def examples(self) -> dict[str, NDArray[Any]]:
        """The selected test examples: inputs, labels, predictions, targets, probabilities, indices, perhaps truth."""
        return files.read_arrays(self.paths["examples"])

    def hold(self, model: ExplainedModel, chosen: NDArray[np.int64]) -> None:
        """Give the held inputs of a model with several inputs the values of the chosen selected examples."""
        if model.held_inputs:
            model.hold({name: array[chosen] for name, array in held_examples.others(self.examples).items()})

    @cached_property
    def task(self) -> str:
        """The task of the model (`tasks.py`)."""
        return str(self.data_info.get("task", SINGLE_LABEL))

    @cached_property
    def training(self) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """The training examples (M, *input_shape), mapped, and their labels: (M,), or (M, labels or values)."""
        return files.map_array(self.paths["x_train"]), files.read_arrays(self.paths["labels"])["train"]

    @cached_property
    def truth(self) -> NDArray[np.bool_] | None:
        """Where the evidence of the training examples was planted (`Examples.truth`), mapped; None if not known."""
        return files.map_arrays(self.paths["truth"]).get("train")

    @cached_property
    def training_measured(self) -> NDArray[np.bool_] | None:
        """Which values of the training examples were measured (M, *input_shape), mapped; None where all were."""
        return files.map_arrays(self.paths["measured"]).get("train")

    @cached_property
    def test_measured(self) -> NDArray[np.bool_] | None:
        """Which values of the test examples were measured (M, *input_shape), mapped; None where all were."""
        return files.map_arrays(self.paths["measured"]).get("test")

    @cached_property
    def groups(self) -> NDArray[np.str_] | None:
        """The group of each training example (M,); None where the examples have none."""
        return files.read_arrays(self.paths["groups"]).get("train")

    @cached_property
    def checkpoints(self) -> list[Checkpoint]:
        """The weights after some epochs of the training, the model's own last; empty if the training kept none."""
        return checkpoint_weights.read(self.paths["checkpoints"]) if "checkpoints" in self.paths else []

    @cached_property
    def test(self) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """The test examples (M, *input_shape), mapped, and their labels: (M,), or (M, labels or values)."""
        return files.map_array(self.paths["x_test"]), files.read_arrays(self.paths["labels"])["test"]

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The probabilities of the test examples, (M, classes)."""
        return files.read_arrays(self.paths["predictions"])["probabilities"]


class View(Protocol):
    """A view module, as the rest of the package sees it."""

    SPEC: ViewSpec

    def compute(
        self, model: ExplainedModel, data: ViewData, rng: np.random.Generator, **parameters: Any
    ) -> dict[str, NDArray[Any] | str]: ...

    def check(self, **parameters: Any) -> None:
        """Refuse a combination of parameters (InputError), before any job is planned."""

    def files(self, **parameters: Any) -> list[str]:
        """Return the paths or addresses of the user's files that the parameters name: inputs of the view's rule."""
        return []

    def fits(self, axes: Sequence[int], **parameters: Any) -> None:
        """Refuse parameters for which examples of these sizes (without the channels) are too small (InputError)."""

    def fits_channels(self, number: int, **parameters: Any) -> None:
        """Refuse parameters that have no meaning for examples with so many channels (InputError)."""


Layer = Annotated[
    str,
    Field(
        description="first or last: the place behind the first or the last convolution through which all values pass "
        "(for filters, the convolution itself); or the name of a layer or operation"
    ),
]
