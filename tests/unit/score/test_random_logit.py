"""Random logit: closed form on a linear model, and maps that do not know their class."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from pellucid.score.random_logit import other_classes, score
from tests.support.explained import case_of, explanation_of


def random_inputs(shape, number=6):
    return np.random.default_rng(5).random((number, *shape), np.float32)


def test_other_classes_are_never_the_targets_and_all_come(rng):
    targets = rng.integers(4, size=4000)
    others = other_classes(targets, 4, rng)
    assert (others != targets).all()
    counts = np.zeros((4, 4))
    np.add.at(counts, (targets, others), 1)
    # Each of the three others with one third: three standard errors of 1,000 draws are 0.045.
    share = counts / counts.sum(1, keepdims=True)
    np.testing.assert_allclose(share[~np.eye(4, dtype=bool)], 1 / 3, atol=0.05)
    np.testing.assert_array_equal(other_classes(np.array([0, 1, 1]), 2, rng), [1, 0, 0])


def test_on_a_linear_model_it_is_the_similarity_of_the_weights(linear):
    model, weights, _ = linear
    case = case_of(model, random_inputs((12, 3)))
    others = other_classes(case.targets, 4, np.random.default_rng(3))
    found = score(explanation_of(case, "saliency", mode="signed"), case, np.random.default_rng(3)).values
    expected = [
        spearmanr(np.abs(weights[..., target]).ravel(), np.abs(weights[..., other]).ravel()).statistic
        for target, other in zip(case.targets, others, strict=True)
    ]
    np.testing.assert_allclose(found["logit_rank_correlation"], expected, rtol=1e-5)


@pytest.mark.parametrize("method", ["input_magnitude", "random_attribution", "all_equal"])
def test_a_map_that_knows_no_class_scores_one(digit, method):
    case = case_of(digit, random_inputs((8, 8, 1)))
    for values in score(explanation_of(case, method), case, np.random.default_rng(3)).values.values():
        np.testing.assert_allclose(values, 1)


def test_attention_is_the_same_for_every_class_and_the_gradient_is_not(attention):
    case = case_of(attention, random_inputs((42, 3)))
    blind, seeing = (
        score(explanation_of(case, method), case, np.random.default_rng(3)).values
        for method in ("attention_weights", "saliency")
    )
    np.testing.assert_allclose(blind["logit_rank_correlation"], 1)
    assert (seeing["logit_rank_correlation"] < 0.999).all()
    assert (seeing["logit_ssim"] < 0.999).all()


def test_scores_the_chosen_examples_by_the_same_classes(digit):
    case = case_of(digit, random_inputs((8, 8, 1)), [1, 1, 1, 7, 7, 0])
    few, everyone = (
        score(explanation_of(case, "saliency"), case, np.random.default_rng(3), examples=number).values
        for number in (1, "all")
    )
    chosen = [0, 3, 5]
    for name in few:
        np.testing.assert_array_equal(np.flatnonzero(np.isfinite(few[name])), chosen)
        np.testing.assert_allclose(few[name][chosen], everyone[name][chosen], atol=1e-4)
