"""Random labels: SciPy's correlation of two linear models' weights, 1 for what does not look at the model."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import RandomLabels
from pellucid.score.random_labels import score
from pellucid.score.shared.similarity import ssim
from tests.support.explained import case_of, explanation_of


@pytest.fixture(scope="module")
def other(keras):
    """A second linear model, and its weights (12, 3, 4)."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.layers.Input((12, 3)), keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")]
    )
    return model, model.layers[-1].get_weights()[0].reshape(12, 3, 4)


@pytest.fixture
def case(linear, other):
    inputs = np.random.default_rng(2).normal(size=(6, 12, 3)).astype(np.float32)
    case = case_of(linear[0], inputs, targets=[0, 1, 2, 3, 0, 1])
    return replace(case, random_labels=RandomLabels(ExplainedModel(other[0]), memorised=0.97, chance=0.25))


def run(explanation, case, **parameters):
    return score(explanation, case, np.random.default_rng(3), **parameters)


def test_saliency_of_linear_models_is_compared_as_scipy_compares_their_weights(linear, other, case):
    found = run(explanation_of(case, "saliency"), case).values
    ours, theirs = (np.abs(np.moveaxis(weights, -1, 0)[case.targets]) for weights in (linear[1], other[1]))
    expected = [spearmanr(one.ravel(), two.ravel()).statistic for one, two in zip(ours, theirs, strict=True)]
    np.testing.assert_allclose(found["labels_rank_correlation"], expected, atol=1e-6)
    np.testing.assert_allclose(found["labels_ssim"], ssim(ours, theirs), atol=1e-5)
    # Two models that have nothing to do with each other.
    assert np.abs(expected).mean() < 0.4


@pytest.mark.parametrize("method", ["random_attribution", "input_magnitude", "all_equal"])
def test_what_does_not_look_at_the_model_stays_as_it_is(case, method):
    found = run(explanation_of(case, method), case).values
    np.testing.assert_allclose(found["labels_rank_correlation"], 1, atol=1e-12)
    np.testing.assert_allclose(found["labels_ssim"], 1, atol=1e-12)


def test_the_same_model_again_changes_nothing(case):
    same = replace(case, random_labels=RandomLabels(case.model, 1.0, 0.25))
    for method in ("saliency", "integrated_gradients", "smoothgrad"):
        found = run(explanation_of(case, method), same).values
        np.testing.assert_allclose(found["labels_rank_correlation"], 1, atol=1e-12)


@pytest.mark.parametrize(("memorised", "weak"), [(0.97, False), (0.62, True)])
def test_says_how_much_that_model_has_memorised_and_when_the_test_is_weak(case, memorised, weak):
    case = replace(case, random_labels=replace(case.random_labels, memorised=memorised))
    found = run(explanation_of(case, "saliency"), case)
    np.testing.assert_array_equal(found.values["memorised"], memorised)
    assert f"has memorised {memorised:.2f} of its random labels (chance 0.25)" in found.note
    assert ("a weak test" in found.note) == weak


def test_only_the_chosen_are_explained_again(case):
    explanation = explanation_of(case, "saliency")
    found = run(explanation, case, examples=1).values["labels_rank_correlation"]
    assert explanation.re_explain.calls == [4]
    np.testing.assert_array_equal(np.isfinite(found), [True] * 4 + [False] * 2)
    np.testing.assert_allclose(found[:4], run(explanation, case).values["labels_rank_correlation"][:4])
