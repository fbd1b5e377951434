"""The contract of a score: a number, or a few, for every explanation of every example.

A score is a module of this package with two names:

- `SPEC`, a `ScoreSpec`;
- `score(explanation, case, rng, **parameters) -> ScoreResult`.

Each keyword-only argument of `score` that is annotated with a pydantic `Field` is a parameter of the user: the
signature is the one place that states its type, limits, default and description (`parameters.py`).
It may have the other functions of `Score`, which state what happens without them.
Nothing else has to be edited to add one: `config.yaml` turns it on. Explanations are computed once: a score reads
them from the files. One that asks the model gets it as `case.model`; one that explains anew (robustness, sanity) does
so by `explanation.re_explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pellucid.network.explained_model import ExplainedModel

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Metric:
    """One number of a score.

    Attributes:
        title: its name for people.
        better: which direction is better; "neither" for what only describes.
        low, high: its range; None where it has no bound.
        of_model: it is the same for all explanations: it stands in the tables, and in no panel of the figure.
        proportion: an example has it or not (1 or 0; a share where ties share a place): its interval is that of a
            proportion.
        once: it was measured once for all examples together, which gives no interval over them.
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
    """What a score declares about itself, readable without TensorFlow.

    Attributes:
        title: its name for people.
        family: faithfulness, truth, robustness, sanity, form or cost.
        about: its definition, and what it cannot tell, in a few sentences.
        paper: the source that it implements.
        metrics: what it measures, by name. A score with variants of one metric (a baseline, a fraction) names the
            variant behind a dot, as in "deletion.mean".
        requires: features that the experiment must have: those of a model, "truth", or "training" (one epoch at least).
        needs_model: whether `case.model` is there.
        needs_training: whether `case.training` is there.
        needs_method: whether `explanation.re_explain` is there; needs the model too.
        needs_random_labels: whether `case.random_labels` is there.
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
    function: ClassVar[str] = "score"

    @property
    def contract(self) -> type[Score]:
        """The functions that a score may have, with their defaults."""
        return Score

    def metric(self, name: str) -> Metric:
        """The metric behind a name or a variant's name."""
        return self.metrics[name.split(".")[0]]


@dataclass(frozen=True)
class RandomLabels:
    """A model of the same architecture that was trained on permuted labels (`random_labels.py`).

    Attributes:
        model: the trained model.
        memorised: the share of its training labels that it says.
        chance: the share that the most frequent one has.
    """

    model: ExplainedModel
    memorised: float
    chance: float


@dataclass(frozen=True)
class ScoreContext:
    """What all explanations of an experiment have in common.

    Attributes:
        data_info: `data.json`.
        inputs: (N, *input_shape), the explained examples.
        targets: (N,) the class that is explained.
        labels: (N,) their true classes.
        truth: bool, of the inputs' shape, where the evidence was planted; None where nobody knows.
        measured: bool, of the inputs' shape: padding and gaps are not scored; None where all was measured.
        model: the trained model; None for a score that does not need it.
        training: (M, *input_shape) training examples, mapped; None for a score that does not need them.
        training_labels: (M,) of those; None likewise.
        random_labels: the model trained on labels that mean nothing; None for a score that does not need it.
        seed: of the experiment.
        kept: what a score has computed for one explanation and needs for the others too (`removal.once`).
    """

    data_info: Mapping[str, Any]
    inputs: NDArray[np.float32]
    targets: NDArray[np.int64]
    labels: NDArray[np.int64]
    truth: NDArray[np.bool_] | None = None
    model: ExplainedModel | None = None
    training: NDArray[np.float32] | None = None
    training_labels: NDArray[np.int64] | None = None
    random_labels: RandomLabels | None = None
    seed: int = 0
    kept: dict[Any, Any] = field(default_factory=dict)
    measured: NDArray[np.bool_] | None = None

    def measured_of(self, chosen: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
        """The argument `measured` for some of the examples: of measures and of `Explanation.again`; {} for none."""
        return {} if self.measured is None else {"measured": self.measured[chosen]}


@dataclass(frozen=True)
class Explanation:
    """One variant of one method.

    Attributes:
        label: of the variant.
        method: its name.
        attributions: (N, *input_shape).
        per_channel: whether channels have values of their own.
        signed: whether values below zero mean evidence against the class.
        per_unit: whether a value is a change of the logit per unit of the input (a gradient), and not what the value
            has added; as the method declares it.
        random: whether another seed gives other attributions.
        cost: its entry in `cost.json`.
        checks: its entry in `checks.json`.
        re_explain: explains other inputs by the same method, with the same seed or another, on the same model or
            another: `re_explain(inputs, targets, seed=None, model=None, measured=None)`.
    """

    label: str
    method: str
    attributions: NDArray[np.float32]
    per_channel: bool = True
    signed: bool = True
    per_unit: bool = False
    random: bool = False
    cost: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, float] = field(default_factory=dict)
    re_explain: Callable[..., NDArray[np.float32]] | None = None


@dataclass(frozen=True)
class Curve:
    """A score along something: fractions removed, layers randomised.

    Attributes:
        x: (K,) positions, the same for all explanations.
        y: (N, K) value of each example.
        x_label, y_label: axis labels.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    x_label: str
    y_label: str


@dataclass(frozen=True)
class ScoreResult:
    """What a score found for one explanation.

    Attributes:
        values: by metric, (N,) float64; NaN where the metric is not defined for an example.
        curves: by name.
        note: on what it was measured with, the same for all explanations; the figure says it.
    """

    values: Mapping[str, NDArray[np.float64]]
    curves: Mapping[str, Curve] = field(default_factory=dict)
    note: str = ""


class Score(Protocol):
    """A score module, as the rest of the package sees it."""

    SPEC: ScoreSpec

    def score(
        self, explanation: Explanation, case: ScoreContext, rng: np.random.Generator, **parameters: Any
    ) -> ScoreResult: ...

    def check(self, **parameters: Any) -> None:
        """Refuse a combination of parameters (InputError), before any job is planned."""

    def fits(self, axes: Sequence[int], **parameters: Any) -> None:
        """Refuse parameters that examples of these sizes, without the channels, are too small for (InputError)."""
