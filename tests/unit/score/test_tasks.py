"""Scores of several labels, of values and of contrasts: closed forms on linear models."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.network.explained_model import ExplainedModel
from pellucid.score import (
    deletion_insertion,
    faithfulness_correlation,
    infidelity,
    random_labels,
    random_logit,
    region_perturbation,
    road,
    sensitivity_n,
    sufficiency,
)
from pellucid.score.base import Explanation, RandomLabels, ScoreContext
from pellucid.score.shared.fills import filling
from pellucid.targets import contrast, split

SHAPE = (8, 2)
TARGETS = {"output": [0, 1, 2, 0], "contrast": [contrast(0, 1), contrast(2, 1), contrast(1, 0), contrast(2, 0)]}


@pytest.fixture(scope="module", params=["multi_label", "regression"])
def linear_of(request, keras):
    """A linear model of three outputs, with its W (*shape, 3) and b."""
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(16, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    dense = keras.layers.Dense(3, activation="sigmoid" if request.param == "multi_label" else "linear")
    model = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), dense])
    dense.set_weights([kernel, bias])
    return ExplainedModel(model, request.param), kernel.reshape(*SHAPE, 3), bias


@pytest.fixture(params=TARGETS)
def case(request, linear_of):
    """A case, the explanation w · x of its targets, and the constant of each target."""
    model, kernel, bias = linear_of
    rng = np.random.default_rng(1)
    targets = np.array(TARGETS[request.param], np.int64)
    why, other = split(targets)
    weights, constant = np.moveaxis(kernel, -1, 0)[why], bias[why]
    if request.param == "contrast":
        weights, constant = weights - np.moveaxis(kernel, -1, 0)[other], constant - bias[other]
    inputs = rng.normal(size=(4, *SHAPE)).astype(np.float32)
    context = ScoreContext(
        data_info={"kind": "series", "classes": ["a", "b", "c"], "task": model.task},
        inputs=inputs,
        targets=targets,
        labels=why,
        model=model,
    )
    return context, Explanation("exact", "gradient_input", weights * inputs), constant


def expected_quantity(case, logits):
    """What scores look at, of logits (…, N)."""
    plain = case.task == "multi_label" and (split(case.targets)[1] < 0).all()
    return 1 / (1 + np.exp(-logits)) if plain else logits


def test_deletion_looks_at_the_probability_the_value_or_the_difference(case):
    context, exact, constant = case
    found = deletion_insertion.score(exact, context, np.random.default_rng(0), unit="value", baselines=["zero"])
    curve = found.curves["deletion.zero"]
    evidence = -np.sort(-exact.attributions.reshape(4, -1), axis=1)
    left = evidence.sum(1, keepdims=True) - np.pad(evidence.cumsum(1), ((0, 0), (1, 0)))
    np.testing.assert_allclose(
        curve.y, expected_quantity(context, left + constant[:, np.newaxis]), rtol=1e-4, atol=1e-4
    )
    contrasts = (split(context.targets)[1] >= 0).all()
    words = {
        ("multi_label", False): "probability",
        ("multi_label", True): "difference of the logits",
        ("regression", False): "value",
        ("regression", True): "difference of the values",
    }
    assert curve.y_label == words[context.task, contrasts]


def test_comprehensiveness_is_the_drop_of_what_is_looked_at(case):
    context, exact, constant = case
    found = sufficiency.score(
        exact, context, np.random.default_rng(0), unit="value", baselines=["zero"], fractions=[0.25]
    )
    evidence = -np.sort(-exact.attributions.reshape(4, -1), axis=1)
    whole = expected_quantity(context, evidence.sum(1) + constant)
    without = expected_quantity(context, evidence[:, 4:].sum(1) + constant)
    np.testing.assert_allclose(found.values["comprehensiveness.zero"], whole - without, rtol=1e-4, atol=1e-4)


def test_an_exact_explanation_is_fully_faithful(case):
    context, exact, _ = case
    rng = np.random.default_rng(0)
    options = {"unit": "value", "baselines": ["zero"]}
    correlation = faithfulness_correlation.score(exact, context, rng, runs=30, **options)
    np.testing.assert_allclose(correlation.values["faithfulness_correlation.zero"], 1, atol=1e-5)
    unfaithful = infidelity.score(exact, context, rng, runs=30, **options).values
    np.testing.assert_allclose(unfaithful["infidelity.subset.zero"], 0, atol=1e-6)


def test_further_scores_look_at_the_same_quantity(case):
    context, exact, _ = case
    rng = np.random.default_rng(0)
    options = {"unit": "value", "baselines": ["zero"]}
    deletion = deletion_insertion.score(exact, context, np.random.default_rng(0), **options).curves["deletion.zero"]
    regions = region_perturbation.score(exact, context, np.random.default_rng(0), share=1, **options)
    np.testing.assert_allclose(regions.curves["most first.zero"].y, deletion.y, rtol=1e-5, atol=1e-5)
    assert regions.curves["most first.zero"].y_label == deletion.y_label
    exactly = sensitivity_n.score(exact, context, rng, runs=30, **options).values["sensitivity_n.zero"]
    np.testing.assert_allclose(exactly, 1, atol=1e-5)
    assert road.score(exact, context, rng).curves["most first"].y_label == deletion.y_label


def test_training_examples_of_another_class_label_or_of_any_value():
    rng = np.random.default_rng(0)
    answers = {
        "single_label": np.array([0, 1, 2, 0]),
        "multi_label": np.array([[1, 0, 1], [0, 1, 0], [1, 1, 1], [1, 0, 0]], np.uint8),
        "regression": rng.normal(size=(4, 3)).astype(np.float32),
    }
    allowed = {"single_label": [{1, 2}, {0, 2, 3}], "multi_label": [{1}, {0, 3}], "regression": [{0, 1, 2, 3}] * 2}
    training = np.arange(4, dtype=np.float32).reshape(4, 1, 1) * np.ones((1, 5, 1), np.float32)
    for task, labels in answers.items():
        case = ScoreContext(
            data_info={"task": task},
            inputs=np.random.default_rng(2).normal(size=(40, 5, 1)).astype(np.float32),
            # Of a contrast, the explained output counts.
            targets=np.array([0, contrast(1, 0)] * 20),
            labels=np.array([0, 1] * 20),
            training=training,
            training_labels=labels,
        )
        drawn = filling(case, "other", np.random.default_rng(3))[:, 0, 0].astype(int)
        assert [set(drawn[which::2]) for which in (0, 1)] == allowed[task], task


def test_the_other_output_of_a_contrast_is_a_third(rng):
    targets = np.array([contrast(0, 1), 2, contrast(3, 2)] * 200)
    others = random_logit.other_targets(targets, 4, rng)
    (why, minus), (drawn, kept) = split(targets), split(others)
    np.testing.assert_array_equal(minus, kept)
    assert (drawn != why).all()
    assert (drawn[minus >= 0] != minus[minus >= 0]).all()
    assert {tuple(pair) for pair in zip(why, drawn, strict=True)} == {
        *((0, 2), (0, 3)), *((2, 0), (2, 1), (2, 3)), *((3, 0), (3, 1)),
    }  # fmt: skip


def test_what_is_memorised_of_several_labels_counts_above_chance(case):
    context, exact, _ = case
    exact = replace(exact, re_explain=lambda inputs, targets, **others: exact.attributions)
    for memorised, weak in ((0.999, False), (0.96, True)):
        other = replace(context, random_labels=RandomLabels(context.model, memorised, 0.9))
        note = random_labels.score(exact, other, np.random.default_rng(0)).note
        assert ("a weak test" in note) == (weak and context.task == "multi_label")
