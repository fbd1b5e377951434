"""Comprehensiveness and sufficiency against the closed form of a linear model and one prediction at a time."""

import numpy as np
import pytest

from pellucid.score.sufficiency import score
from tests.support.explained import case_of
from tests.support.score_evidence import explanation, keras_answer, linear_case


def rng():
    return np.random.default_rng(7)


def test_are_sums_of_what_values_have_added_on_a_linear_model(linear):
    case, weights = linear_case(linear)
    added = case.inputs * weights
    options = {"unit": "value", "of": "logit", "baselines": ["zero"], "fractions": [0.5, 0.1]}
    found = score(explanation(added), case, rng(), **options)
    ordered = -np.sort(-added.reshape(len(added), -1), axis=1)
    # A tenth of 36 values is 4, half is 18.
    top = np.stack([ordered[:, :4].sum(1), ordered[:, :18].sum(1)], axis=1)
    left = ordered.sum(1, keepdims=True) - top
    np.testing.assert_allclose(found.curves["comprehensiveness.zero"].y, top, atol=1e-5)
    np.testing.assert_allclose(found.curves["sufficiency.zero"].y, left, atol=1e-5)
    np.testing.assert_allclose(found.values["comprehensiveness.zero"], top.mean(1), atol=1e-5)
    np.testing.assert_allclose(found.values["sufficiency.zero"], left.mean(1), atol=1e-5)
    assert found.curves["sufficiency.zero"].x.tolist() == [0.1, 0.5]


def test_exact_attributions_are_best_and_their_opposite_worst(linear):
    case, weights = linear_case(linear)
    maps = {"exact": case.inputs * weights, "opposite": -case.inputs * weights}
    maps |= {seed: np.random.default_rng(seed).normal(size=case.inputs.shape) for seed in range(20)}
    options = {"unit": "value", "of": "logit", "baselines": ["zero"]}
    found = {name: score(explanation(one), case, rng(), **options).values for name, one in maps.items()}
    for metric, sign in (("comprehensiveness.zero", 1), ("sufficiency.zero", -1)):
        values = {name: sign * one[metric] for name, one in found.items()}
        for seed in range(20):
            assert (values["exact"] > values[seed]).all()
            assert (values["opposite"] < values[seed]).all()


def test_probabilities_are_those_of_one_prediction_at_a_time(digit):
    inputs = rng().random((3, 8, 8, 1), np.float32)
    case, maps = case_of(digit, inputs), rng().normal(size=(3, 8, 8, 1)).astype(np.float32)
    found = score(explanation(maps, signed=False), case, rng(), baselines=["mean"], fractions=[0.001, 0.25])
    ask = keras_answer(digit, "probability")
    for row in range(3):
        order = np.argsort(-np.abs(maps[row]).ravel())
        whole, drops, losses = ask(inputs[row], case.targets[row]), [], []
        for k in (1, 16):  # one unit at least
            without, alone = inputs[row].copy(), np.full((8, 8, 1), inputs[row].mean(), np.float32)
            without.ravel()[order[:k]] = inputs[row].mean()
            alone.ravel()[order[:k]] = inputs[row].ravel()[order[:k]]
            drops.append(whole - ask(without, case.targets[row]))
            losses.append(whole - ask(alone, case.targets[row]))
        assert found.values["comprehensiveness.mean"][row] == pytest.approx(np.mean(drops), abs=1e-5)
        assert found.values["sufficiency.mean"][row] == pytest.approx(np.mean(losses), abs=1e-5)


def test_everything_removed_is_nothing_kept(linear):
    case, weights = linear_case(linear)
    found = score(explanation(case.inputs * weights), case, rng(), fractions=[1.0]).values
    for baseline in ("zero", "mean", "linear", "other"):
        np.testing.assert_allclose(found[f"sufficiency.{baseline}"], 0, atol=1e-6)
        assert np.abs(found[f"comprehensiveness.{baseline}"]).max() > 0.01


def test_size_of_batches_does_not_matter(linear):
    (whole, weights), (small, _) = linear_case(linear), linear_case(linear, batch_size=3)
    maps = explanation(whole.inputs * weights)
    one, other = score(maps, whole, rng()).values, score(maps, small, rng()).values
    for name, found in one.items():
        np.testing.assert_allclose(other[name], found, atol=1e-5)
