"""Faithfulness correlation: 1 for what values have added to a linear model, 0 at chance, and SciPy's on a network."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import pearsonr

from pellucid.score.faithfulness_correlation import score
from pellucid.score.shared.fills import fills
from pellucid.score.shared.removal import subsets
from pellucid.score.shared.set_drops import correlation
from pellucid.score.shared.units import units
from tests.support.explained import case_of
from tests.support.score_evidence import explanation, keras_answer, linear_case


def rng():
    return np.random.default_rng(7)


def reference(case, kind):
    """The baseline that `score` draws from `rng()`."""
    everything = np.ones((1, len(case.inputs), *case.inputs.shape[1:]), bool)
    return fills(case, [kind], rng().spawn(2)[1])[kind](slice(0, len(case.inputs)), everything)[0]


@pytest.mark.parametrize("unit", ["value", "sample", "window"])
@pytest.mark.parametrize("baseline", ["zero", "mean", "noise", "other"])
def test_is_1_for_what_values_have_added_to_a_linear_model(linear, unit, baseline):
    case, weights = linear_case(linear)
    added = weights * (case.inputs - reference(case, baseline))
    options = {"unit": unit, "window": 3, "baselines": [baseline]}
    (found,) = score(explanation(added), case, rng(), **options).values.values()
    (opposite,) = score(explanation(-3 * added), case, rng(), **options).values.values()
    np.testing.assert_allclose(found, 1, atol=1e-5)
    np.testing.assert_allclose(opposite, -1, atol=1e-5)


def test_a_random_map_is_at_chance(linear):
    case, _ = linear_case(linear, number=400)
    maps = np.random.default_rng(1).normal(size=case.inputs.shape)
    found = score(explanation(maps), case, rng(), unit="value", baselines=["zero"]).values
    values = found["faithfulness_correlation.zero"]
    assert 0.05 < values.std() < 0.4
    assert abs(values.mean()) < 4 * values.std() / 20


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3])
def test_a_map_of_equal_values_gets_0(linear, value):
    case, _ = linear_case(linear)
    found = score(explanation(np.full(case.inputs.shape, value)), case, rng()).values
    for values in found.values():
        np.testing.assert_array_equal(values, 0)


def test_an_example_that_no_set_changes_is_left_out(heartbeat):
    inputs = rng().random((3, 186, 1), np.float32)
    inputs[1] = 0.4  # its own mean
    case, maps = case_of(heartbeat, inputs), rng().normal(size=inputs.shape)
    found = score(explanation(maps), case, rng(), baselines=["mean"]).values["faithfulness_correlation.mean"]
    assert np.isfinite(found).tolist() == [True, False, True]


def test_is_scipys_correlation_of_one_prediction_at_a_time(multivariate):
    inputs, maps = (np.random.default_rng(seed).normal(size=(2, 100, 6)).astype(np.float32) for seed in (3, 4))
    case = case_of(multivariate, inputs)
    found = score(explanation(maps), case, rng(), runs=12, share=0.3, baselines=["zero"]).values
    labels = units(inputs, unit="sample", window="auto", channels="together")
    (chosen,) = subsets(labels, 12, 0.3, rng().spawn(2)[0])
    ask = keras_answer(multivariate, "logit")
    for row in range(2):
        said, drops = [], []
        for one in chosen:
            assert one.sum() == 30
            said.append(maps[row][one].sum())
            drops.append(ask(inputs[row], case.targets[row]) - ask(inputs[row] * ~one[:, None], case.targets[row]))
        assert found["faithfulness_correlation.zero"][row] == pytest.approx(pearsonr(said, drops)[0], abs=1e-4)


def test_correlation_is_scipys():
    one, other = (np.random.default_rng(seed).normal(size=(40, 3)) for seed in (1, 2))
    expected = [pearsonr(one[:, row], other[:, row])[0] for row in range(3)]
    np.testing.assert_allclose(correlation(one, other), expected, atol=1e-12)


def test_the_model_is_asked_once_for_all_explanations(linear):
    case, weights = linear_case(linear)
    exact = explanation(case.inputs * weights)
    first = score(exact, case, rng()).values
    passes = case.model.forward_passes
    assert passes == len(case.inputs) * (4 * 100 + 4)
    score(explanation(weights), case, rng())
    second = score(exact, case, rng()).values
    assert case.model.forward_passes == passes
    for name, found in first.items():
        np.testing.assert_array_equal(second[name], found)
    score(exact, replace(case, inputs=case.inputs + 1), rng())
    assert case.model.forward_passes == 2 * passes


def test_order_and_size_of_batches_do_not_matter(linear):
    (whole, _weights), (small, _) = linear_case(linear), linear_case(linear, batch_size=3)
    maps = np.random.default_rng(1).normal(size=whole.inputs.shape)
    back = replace(small, inputs=small.inputs[::-1], targets=small.targets[::-1])
    one, other = score(explanation(maps), whole, rng()), score(explanation(maps[::-1]), back, rng())
    for name, found in one.values.items():
        np.testing.assert_allclose(other.values[name][::-1], found, atol=1e-4)
