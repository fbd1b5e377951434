"""Stability over seeds: 1 without randomness, chance for pure noise, and better with more samples."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.score.seed_stability import score
from tests.support.explained import case_of, explanation_of


@pytest.fixture
def case(heartbeat):
    return case_of(heartbeat, np.random.default_rng(5).random((5, 186, 1), np.float32))


def run(explanation, case, **parameters):
    return score(explanation, case, np.random.default_rng(3), **parameters).values


@pytest.mark.parametrize("method", ["saliency", "grad_cam", "input_magnitude", "all_equal"])
def test_a_method_without_randomness_scores_one_after_one_run(case, method):
    explanation = explanation_of(case, method)
    found = run(explanation, case, runs=5)
    for values in found.values():
        np.testing.assert_allclose(values, 1)
    assert explanation.re_explain.calls == [5]


def test_noise_scores_at_chance(case):
    explanation = explanation_of(case, "random_attribution")
    found = run(explanation, case, runs=4, share=0.2)
    assert explanation.re_explain.calls == [5] * 3
    # Five examples, six pairs: standard errors of about 0.07 / √30 and 0.06 / √30.
    assert abs(found["seed_rank_correlation"].mean()) < 0.06
    assert abs(found["seed_overlap"].mean() - 0.2) < 0.05


def test_more_samples_are_steadier(case):
    few, many = (run(explanation_of(case, "smoothgrad", samples=number), case) for number in (2, 100))
    for name in few:
        assert (many[name] > few[name]).all()
        assert (many[name] < 1).all()


def test_is_the_mean_over_all_pairs_of_runs(case):
    maps = np.random.default_rng(8).random((3, 5, 186, 1)).astype(np.float32)
    runs = iter(maps[1:])
    seeds = []

    def again(inputs, targets, seed):
        seeds.append(seed)
        return -next(runs)  # the sign does not count

    explanation = replace(explanation_of(case, "saliency"), attributions=maps[0], re_explain=again)
    found = run(explanation, case, runs=3)["seed_rank_correlation"]
    matrix = np.array([[np.corrcoef(maps[:, i, :, 0].argsort(1).argsort(1)) for i in range(5)]])[0]
    np.testing.assert_allclose(found, [(one.sum() - 3) / 6 for one in matrix], rtol=1e-9)
    assert len(set(seeds)) == 2


def test_every_method_meets_the_same_seeds_and_repeats(case):
    one, two = (run(explanation_of(case, "random_attribution"), case) for _ in range(2))
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)


def test_examples_that_are_not_scored_have_no_value(case):
    case = replace(case, labels=np.array([0, 0, 1, 1, 1]))
    found = run(explanation_of(case, "random_attribution"), case, examples=1)
    np.testing.assert_array_equal(np.isfinite(found["seed_overlap"]), [True, False, True, False, False])
