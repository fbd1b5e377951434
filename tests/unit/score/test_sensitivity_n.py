"""Sensitivity-n: exact explanations of a linear model have it for every n, and one size is faithfulness correlation."""

import numpy as np
import pytest

from pellucid.score import faithfulness_correlation
from pellucid.score.sensitivity_n import score
from tests.support.linear_model import constant, explained_by, gradient, gradient_input, linear_case, noise


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("unit", ["value", "sample", "window"])
def test_what_values_have_added_has_it_for_every_size(unit):
    case, _ = linear_case((40, 3))
    found = score(explained_by(case, gradient_input), case, rng(), unit=unit, baselines=["zero"])
    np.testing.assert_allclose(found.curves["correlation.zero"].y, 1, atol=1e-5)
    np.testing.assert_allclose(found.values["sensitivity_n.zero"], 1, atol=1e-5)
    # Measured from the mean, a value has added its difference from it.
    from_mean = explained_by(case, lambda *asked: gradient(*asked) * (case.inputs - case.inputs.mean(1, keepdims=True)))
    np.testing.assert_allclose(score(from_mean, case, rng(), unit=unit).values["sensitivity_n.mean"], 1, atol=1e-5)


def test_noise_is_at_chance_below_the_truth_and_equal_values_are_zero():
    case, _ = linear_case((40, 3), number=60)
    chance = score(explained_by(case, noise), case, rng(), baselines=["zero"]).values["sensitivity_n.zero"]
    assert abs(chance.mean()) < 4 * chance.std() / np.sqrt(60)
    assert chance.max() < 0.9
    np.testing.assert_array_equal(score(explained_by(case, constant), case, rng()).values["sensitivity_n.zero"], 0)


def test_one_size_is_the_faithfulness_correlation():
    case, _ = linear_case((40, 3))
    explanation = explained_by(case, noise)
    found = score(explanation, case, rng(), shares=[0.2], runs=30).values["sensitivity_n.mean"]
    (stream,) = rng().spawn(1)
    same = faithfulness_correlation.score(explanation, case, stream, share=0.2, runs=30, baselines=["zero", "mean"])
    np.testing.assert_array_equal(found, same.values["faithfulness_correlation.mean"])


def test_the_model_is_asked_for_the_first_explanation_alone():
    case, _ = linear_case((40, 3))
    explanation, asked = explained_by(case, gradient_input), []
    ask = case.model.score
    case.model.score = lambda x, targets: asked.append(len(x)) or ask(x, targets)
    score(explanation, case, rng())
    first = sum(asked)
    score(explained_by(case, noise), case, rng())
    assert sum(asked) == first > 0


def test_an_input_whose_logit_never_changes_has_no_value():
    case, _ = linear_case((40, 3))
    case.model.weights[...] = 0
    assert np.isnan(score(explained_by(case, noise), case, rng()).values["sensitivity_n.zero"]).all()
