"""Relative stability: the relative change of an explanation, against that of input, representation or output."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.near_copies import Copies, Radius, near_copies, uniform
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all
from pellucid.targets import split
from pellucid.tasks import MULTI_LABEL, REGRESSION
from pellucid.views.shared.features import FeatureLayer, feature_layer, features

# A change of the whole input, layer or output below this counts as this much.
_LEAST = 1e-6

SPEC = ScoreSpec(
    title="Relative stability",
    family="robustness",
    about="Each example is changed several times by noise and explained again, for the same target. The metric is a "
    "ratio of two sizes (Euclidean norms). Numerator: the change of the attributions, each as a share of its own "
    "value. Denominator: the change of the input (each value as a share of itself), of a layer's features (likewise), "
    "or of the outputs before the softmax. The table has log10(1 + the largest ratio): 0 for a map that never "
    "changes. Copies for which the model predicts another class (for labels: the label's other answer) are left out, "
    "because the explanation may change there. An example for which no copy is left has no value. Values near 0 would "
    "change by huge shares, so they are raised to the floor. Stable does not mean right.",
    paper="Agarwal C, Johnson N, Pawelczyk M, Krishna S, Saxena E, Zitnik M, Lakkaraju H. Rethinking Stability for "
    "Attribution-based Explanations. arXiv:2203.06877 (2022), relative input, representation and output stability "
    "with p = 2; the logarithm and the floor as a share of the largest value are this project's own",
    metrics={
        "relative_input_stability": Metric("Rel. input stability (log)", "lower", 0),
        "relative_representation_stability": Metric("Rel. representation stability (log)", "lower", 0),
        "relative_output_stability": Metric("Rel. output stability (log)", "lower", 0),
    },
    needs_model=True,
    needs_method=True,
    of_numbers=False,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    radius: Radius = 0.02,
    samples: Copies = 10,
    floor: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="floor: a change is divided by at least this size, as a share of the largest value of the "
            "map, input or layer; in the paper the floor is near 0",
        ),
    ] = 0.01,
    layer: FeatureLayer = "last_features",
    examples: ExampleCount = 2,
) -> ScoreResult:
    """Return the three stabilities of the scored examples, NaN for others; two where no layer is known.

    Raises:
        InputError: no layer of that name.
    """
    assert case.model is not None
    model, scored = case.model, first_of_each(case.labels, examples)
    inputs, maps, targets = case.inputs[scored], explanation.attributions[scored], case.targets[scored]
    try:
        place = feature_layer(model, layer)
    except InputError:
        if layer != "last_features":
            raise
        # A model of which only the outputs are known.
        place = ""
    logits = model.logits(inputs)
    before = features(model, inputs, place) if place else None
    names = [name for name in SPEC.metrics if place or "representation" not in name]
    ratios = {name: np.full((samples, len(scored)), np.nan) for name in names}
    for near in near_copies(explanation, case, scored, radius, uniform(case, samples, rng)):
        flat, part = near.inputs.reshape(-1, *inputs.shape[1:]), near.part
        near_logits = model.logits(flat).reshape(*near.inputs.shape[:2], -1)
        change = _size(_shares(near.maps, maps[part], floor))
        whole = {
            "relative_input_stability": _size(_shares(near.inputs, inputs[part], floor)),
            "relative_output_stability": _size(near_logits.astype(np.float64) - logits[part]),
        }
        if before is not None:
            near_features = features(model, flat, place).reshape(*near.inputs.shape[:2], -1)
            whole["relative_representation_stability"] = _size(_shares(near_features, before[part], floor))
        same = same_answer(case.task, logits[part], near_logits, targets[part])
        for name, by in whole.items():
            ratios[name][near.some, part] = np.where(same, change / np.maximum(by, _LEAST), np.nan)
    values = {name: np.log10(1 + _largest(of_all)) for name, of_all in ratios.items()}
    note = "" if place else "no representation: only the outputs of the model are known"
    return ScoreResult(
        {name: scatter_to_all(values[name], scored, len(case.inputs)) for name in names},
        note=note,
    )


def same_answer(
    task: str, logits: NDArray[np.float32], others: NDArray[np.float32], targets: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return whether the model answers as before: (copies, N).

    Its answer is the class with the largest logit; of several labels, whether it predicts the target's label at 0.5; a
    value of a regression is always counted as the same.

    Args:
        task: of the model.
        logits: (N, outputs).
        others: (copies, N, outputs), of the changed inputs.
        targets: (N,).
    """
    if task == REGRESSION:
        return np.ones(others.shape[:2], np.bool_)
    if task == MULTI_LABEL:
        rows, why = np.arange(len(targets)), split(targets)[0]
        return np.asarray((others[:, rows, why] > 0) == (logits[rows, why] > 0))
    return np.asarray(others.argmax(-1) == logits.argmax(-1))


def _shares(after: NDArray[np.float32], before: NDArray[np.float32], floor: float) -> NDArray[np.float64]:
    """Return the changes (K, N, …) as shares of the values before (N, …), at least a share of their largest."""
    size = np.abs(before.astype(np.float64))
    largest = size.max(tuple(range(1, size.ndim)), keepdims=True)
    least = np.where(largest > 0, floor * largest, floor)
    return np.asarray((after - before.astype(np.float64)) / np.maximum(size, least))


def _size(changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Euclidean norm of each change (K, N, …): (K, N)."""
    return np.asarray(np.linalg.norm(changes.reshape(*changes.shape[:2], -1), axis=-1))


def _largest(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest defined ratio of each example, (samples, N) to (N,); NaN where none is defined."""
    known = np.isfinite(ratios).any(0)
    return np.where(known, np.where(np.isfinite(ratios), ratios, 0).max(0), np.nan)
