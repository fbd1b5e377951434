"""Input invariance: whether the explanation changes if all inputs are shifted and the model subtracts the shift."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.lazy_array import LazyRows
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all

# Relative changes up to this are rounding, of the shift and of a model in float32.
_ROUNDING = 0.01

SPEC = ScoreSpec(
    title="Input invariance",
    family="robustness",
    about="All inputs are shifted by a constant. A second model subtracts the constant before its first layer; it has "
    "the same weights and gives the same outputs. Its training examples are shifted as well. There are two metrics: "
    "the size (Euclidean norm) of the change of the attributions, as a share of their size; and the share of examples "
    f"for which this change is at most {_ROUNDING:g}. A method that compares with a fixed value, such as zero, changes "
    "with the shift: it depends on where zero lies, and the model does not. If a method draws random numbers for each "
    "input, they count as a change. Not defined for attributions that are all zero. A map that never changes has the "
    "best value.",
    paper="Kindermans PJ, Hooker S, Adebayo J, Alber M, Schütt KT, Dähne S, Erhan D, Kim B. The (Un)reliability of "
    "Saliency Methods. In: Explainable AI, Springer (2019), section 3, constant shift; the paper puts the shift into "
    "the bias of the first layer; with zero padding, that is a different function",
    metrics={
        "shift_change": Metric("Shifted input: change", "lower", 0),
        "shift_invariant": Metric("Shifted input: invariant", "higher", 0, 1, proportion=True),
    },
    needs_model=True,
    needs_training=True,
    needs_method=True,
    several_inputs=False,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    shift: Annotated[
        float,
        Field(
            ge=-1_000,
            le=1_000,
            description="constant that is added to every value, as a share of the range of its channel over the "
            "explained examples",
        ),
    ] = 1.0,
    examples: ExampleCount = "all",
) -> ScoreResult:
    """Return the change and whether it is none, for the scored examples; NaN for others, and for maps of zeros."""
    assert explanation.re_explain is not None
    scored = first_of_each(case.labels, examples)
    offset = offsets(case, shift)
    training = None
    if case.training is not None:
        training = LazyRows(case.training).scaled(-offset.astype(np.float64), np.ones(len(offset)))
    shifted = explanation.re_explain(
        case.inputs[scored] + offset,
        case.targets[scored],
        model=_shifted(case, offset),
        training=training,
        **case.explained_as(scored),
    )
    maps = explanation.attributions[scored].reshape(len(scored), -1).astype(np.float64)
    size = np.linalg.norm(maps, axis=1)
    change = np.linalg.norm(shifted.reshape(maps.shape) - maps, axis=1)
    change = np.where(size > 0, change / np.where(size > 0, size, 1), np.nan)
    values = {
        "shift_change": change,
        "shift_invariant": np.where(np.isnan(change), np.nan, change <= _ROUNDING),
    }
    return ScoreResult({name: scatter_to_all(value, scored, len(case.inputs)) for name, value in values.items()})


def offsets(case: ScoreContext, shift: float) -> NDArray[np.float32]:
    """Return the shift of each channel: (channels,). A channel without a range is shifted by `shift` itself."""
    everywhere = np.ones(case.inputs.shape, np.bool_) if case.measured is None else case.measured
    pairs = zip(np.moveaxis(case.inputs, -1, 0), np.moveaxis(everywhere, -1, 0), strict=True)
    spans = [float(np.ptp(values[inside])) if inside.any() else 0.0 for values, inside in pairs]
    return np.array([shift * (span or 1) for span in spans], np.float32)


def _shifted(case: ScoreContext, offset: NDArray[np.float32]) -> ExplainedModel:
    """Return the second model; one for all explanations, so that it is compiled once."""
    assert case.model is not None
    key = ("shifted", offset.tobytes())
    if key not in case.cache:
        case.cache[key] = case.model.for_shifted(offset)
    model: ExplainedModel = case.cache[key]
    return model
