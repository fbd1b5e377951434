"""Random labels: whether an explanation changes when the model is trained on permuted labels."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.similarity import MEASURES
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all
from pellucid.tasks import MULTI_LABEL

# As in the paper: a model that predicts this share of its training labels has learnt them.
LEARNT = 0.95

SPEC = ScoreSpec(
    title="Random labels",
    family="sanity",
    about="A second model is trained: the same architecture, recipe and examples, but the labels are shuffled. It can "
    "only memorise them. Every method explains the same examples on it, for the same classes. The metric is how "
    "similar the absolute attributions are to those of the first model: rank correlation, and structural similarity "
    "(SSIM). A map that does not change does not show how inputs and classes belong together. The table also says "
    "what share of its labels the second model has memorised. If the share is low, this model hardly differs from an "
    "untrained one, and the test is weak. With several labels it is the share of right answers; with values, the "
    "share of their variance (R²).",
    paper="Adebayo J, Gilmer J, Muelly M, Goodfellow I, Hardt M, Kim B. Sanity Checks for Saliency Maps. NeurIPS "
    "(2018), section 4.2",
    metrics={
        "labels_rank_correlation": Metric("Random labels: rank corr.", "lower", -1, 1),
        "labels_ssim": Metric("Random labels: SSIM", "lower", -1, 1),
        "memorised": Metric("Labels memorised", "neither", 0, 1, of_model=True),
    },
    requires=("training",),
    needs_model=True,
    needs_method=True,
    needs_random_labels=True,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    epochs: Annotated[
        Annotated[int, Field(ge=1, le=100_000)] | Literal["recipe"],
        Field(
            description="epochs of the training on random labels. recipe: as many as the experiment's own training "
            "has. Memorising takes longer than learning"
        ),
    ] = "recipe",
    examples: ExampleCount = "all",
) -> ScoreResult:
    """Return both similarities of the scored examples, NaN for others; and the share of memorised labels."""
    assert explanation.re_explain is not None
    assert case.random_labels is not None
    other = case.random_labels
    scored = first_of_each(case.labels, examples)
    measured = case.measured_of(scored)
    original = np.abs(explanation.attributions[scored])
    as_before = case.explained_as(scored)
    maps = np.abs(explanation.re_explain(case.inputs[scored], case.targets[scored], model=other.model, **as_before))
    values = {
        f"labels_{name}": scatter_to_all(measure(original, maps, **measured), scored, len(case.inputs))
        for name, measure in MEASURES.items()
    }
    values["memorised"] = np.full(len(case.inputs), other.memorised)
    # With several labels most answers are "no": chance is high, and counts only what is above it.
    learnt = other.memorised
    if case.task == MULTI_LABEL:
        learnt = (other.memorised - other.chance) / max(1 - other.chance, np.finfo(float).eps)
    weak = "" if learnt >= LEARNT else f", less than {LEARNT:g}: a weak test"
    if case.task == MULTI_LABEL and weak:
        weak = f", less than {LEARNT:g} of what is above chance: a weak test"
    share = f"{other.memorised:.2f} of its random labels (chance {other.chance:.2f})"
    return ScoreResult(values, note=f"the second model has memorised {share}{weak}")
