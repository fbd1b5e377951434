"""The contract of a score: one or more numbers for every explanation of every example.

A score is a module of this package with two names:

- `SPEC`, a `ScoreSpec`;
- `score(explanation, case, rng, **parameters) -> ScoreResult`.

Each keyword-only argument of `score` that is annotated with a pydantic `Field` is a parameter of the user: the
signature is the one place that states its type, limits, default and description (`parameters.py`).
A score may also define the other functions of `Score`; the bodies there say what happens without them. To add a score,
no other file has to be edited: `config.yaml` turns it on. Explanations are computed once, and a score reads them from
files. A score that needs the model gets it as `case.model`. A score that explains again (robustness, sanity) calls
`explanation.re_explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.tasks import SINGLE_LABEL, TASKS

if TYPE_CHECKING:
    from pellucid.network.explained_model import ExplainedModel

Better = Literal["higher", "lower", "neither"]
# Of a score that compares maps with maps, or looks at their values alone, whatever their axes stand for.
ALL_DOMAINS = ("time", "frequency", "stft", "bands")


@dataclass(frozen=True)
class Metric:
    """One number of a score.

    Attributes:
        title: its name in figures and tables.
        better: which direction is better; "neither" for a metric that only describes.
        low, high: its range; None without a bound.
        of_model: whether it is the same for all explanations. It is then in the tables, but not in the figure.
        proportion: whether the value of an example is 1 or 0 (or between them for ties); the interval is then that of a
            proportion.
        once: whether it was measured once for all examples together, so that there is no interval over examples.
    """

    title: str
    better: Better
    low: float | None = None
    high: float | None = None
    of_model: bool = False
    proportion: bool = False
    once: bool = False


@dataclass(frozen=True)
class ScoreSpec:
    """The declarations of a score, readable without TensorFlow.

    Attributes:
        title: its name in figures and tables.
        family: faithfulness, truth, robustness, sanity, form or cost.
        about: its definition and its limits, in a few sentences.
        paper: the publication that it implements.
        metrics: by name. A variant of a metric (a baseline, a fraction) follows a dot, as in "deletion.mean".
        requires: features that the experiment must have: those of a model, "truth", "truth_frequency", or "training"
            (at least one epoch).
        needs_model: whether it uses `case.model`.
        needs_training: whether it uses `case.training`.
        needs_method: whether it uses `explanation.re_explain`; it then needs the model too.
        needs_random_labels: whether it uses `case.random_labels`.
        tasks: the tasks of models (`tasks.py`) for which it has a meaning.
        of_numbers: whether it has a meaning for an input of numbers, which have no neighbours.
        domains: the domains of maps for which it has a meaning (`explain/shared/domains.py`); other explanations are
            left out.
        several_inputs: whether the value of an example can be computed from this example alone. Only then can a model
            of several inputs be scored: it is scored example by example.
    """

    title: str
    family: str
    about: str
    paper: str
    metrics: Mapping[str, Metric]
    requires: tuple[str, ...] = ()
    needs_model: bool = False
    needs_training: bool = False
    needs_method: bool = False
    needs_random_labels: bool = False
    tasks: tuple[str, ...] = TASKS
    of_numbers: bool = True
    several_inputs: bool = True
    domains: tuple[str, ...] = ("time",)
    function: ClassVar[str] = "score"

    @property
    def contract(self) -> type[Score]:
        """The functions that a score may have, with their defaults."""
        return Score

    def metric(self, name: str) -> Metric:
        """Return the metric of a name, which may have a variant behind a dot."""
        return self.metrics[name.split(".")[0]]

    def in_order(self, values: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        """Return the values in the order of the metrics; the variants of one metric keep their order."""
        metrics = list(self.metrics)
        return {name: values[name] for name in sorted(values, key=lambda name: metrics.index(name.split(".")[0]))}


@dataclass(frozen=True)
class RandomLabels:
    """A model of the same architecture that was trained on permuted labels (`random_labels.py`).

    Attributes:
        model: the trained model.
        memorised: share of its training labels that it predicts.
        chance: share of the most frequent training label.
    """

    model: ExplainedModel
    memorised: float
    chance: float


@dataclass(frozen=True)
class ScoreContext:
    """The data and models that all explanations of an experiment share.

    Attributes:
        data_info: `data.json`.
        inputs: (N, *input_shape), the explained examples.
        targets: (N,), what is explained of each example (`pellucid.targets`).
        labels: (N,), the output that each example stands for: its true class; with several labels or values, the one
            for which it was chosen.
        truth: bool, of the inputs' shape, where the evidence was planted; None if it is not known.
        measured: bool, of the inputs' shape; false for padding and gaps, which are not scored. None if there are none.
        model: the trained model; None for a score that does not need it.
        training: (M, *input_shape), training examples, mapped; None for a score that does not need them.
        training_labels: (M,) classes, (M, labels) of 0 and 1, or (M, values); None likewise.
        random_labels: the model trained on random labels; None for a score that does not need it.
        seed: of the experiment.
        cache: results that do not depend on the explanation (`removal.memoised`).
        others: for a model with several inputs, the values of the held inputs, (N, *shape) by name.
        truth_frequency: bool (N, time // 2 + 1), the bins of `numpy.fft.rfftfreq` where the evidence was planted, in
            whatever channel; None if they are not known.
        seeds: (N,), the seed with which each example was explained, if examples have different seeds; None if it is
            `seed`.
        indices: (N,), which test examples they are; None to count them from 0.
    """

    data_info: DataInfo
    inputs: NDArray[np.float32]
    targets: NDArray[np.int64]
    labels: NDArray[np.int64]
    truth: NDArray[np.bool_] | None = None
    model: ExplainedModel | None = None
    training: NDArray[np.float32] | None = None
    training_labels: NDArray[Any] | None = None
    random_labels: RandomLabels | None = None
    seed: int = 0
    cache: dict[Any, Any] = field(default_factory=dict)
    measured: NDArray[np.bool_] | None = None
    others: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    truth_frequency: NDArray[np.bool_] | None = None
    seeds: NDArray[np.int64] | None = None
    indices: NDArray[np.int64] | None = None

    @property
    def task(self) -> str:
        """The task of the model (`tasks.py`)."""
        return str(self.data_info.get("task", SINGLE_LABEL))

    def measured_of(self, chosen: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
        """Return `measured` of some examples as a keyword argument of measures; {} if it is None."""
        return {} if self.measured is None else {"measured": self.measured[chosen]}

    def explained_as(self, chosen: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Return what `re_explain` needs to explain some examples as they were explained: `measured`, `seeds`."""
        return {**self.measured_of(chosen), **({} if self.seeds is None else {"seeds": self.seeds[chosen]})}


@dataclass(frozen=True)
class Explanation:
    """One variant of one method.

    Attributes:
        label: of the variant.
        method: its name.
        attributions: (N, *input_shape); in another domain than time the map of `explain/shared/domains.py`: frequency
            (N, time // 2 + 1, channels), stft (N, F, frames, channels), bands (N, bands, channels).
        per_channel, signed, is_gradient: the method's declarations for this variant, see `MethodSpec`.
        random: whether another seed gives other attributions.
        cost: its entry in `cost.json`.
        checks: its entry in `checks.json`.
        domain: of the attributions: time, frequency, stft or bands.
        re_explain: explains other inputs by the same method, by default with the same seed and model:
            `re_explain(inputs, targets, seed=None, model=None, measured=None, training=None, seeds=None)`; the last is
            a seed for each input (`ScoreContext.explained_as`).
    """

    label: str
    method: str
    attributions: NDArray[np.float32]
    per_channel: bool = True
    signed: bool = True
    is_gradient: bool = False
    random: bool = False
    cost: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, float] = field(default_factory=dict)
    re_explain: Callable[..., NDArray[np.float32]] | None = None
    domain: str = "time"


@dataclass(frozen=True)
class Curve:
    """A score as a function of, for example, the removed fraction or the number of randomised layers.

    Attributes:
        x: (K,) positions, the same for all explanations.
        y: (N, K), values of each example.
        x_label, y_label: axis labels.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    x_label: str
    y_label: str


@dataclass(frozen=True)
class ScoreResult:
    """The result of a score for one explanation.

    Attributes:
        values: by metric, (N,) float64; NaN if the metric is not defined for an example.
        curves: by name.
        note: on the measurement, the same for all explanations; the figure shows it.
        ends: by metric (without a variant), the smallest and the largest value if these depend on the case or on a
            parameter. They replace those of `Metric`; intervals end there.
    """

    values: Mapping[str, NDArray[np.float64]]
    curves: Mapping[str, Curve] = field(default_factory=dict)
    note: str = ""
    ends: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class Score(Protocol):
    """A score module, as the rest of the package sees it."""

    SPEC: ScoreSpec

    def score(
        self, explanation: Explanation, case: ScoreContext, rng: np.random.Generator, **parameters: Any
    ) -> ScoreResult: ...

    def check(self, **parameters: Any) -> None:
        """Refuse a combination of parameters (InputError), before any job is planned."""

    def fits(self, axes: Sequence[int], **parameters: Any) -> None:
        """Refuse parameters for which examples of these sizes (without the channels) are too small (InputError)."""
