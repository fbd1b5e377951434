"""Average drop, increase, gain and ADCC: worked by hand, and what must win and lose."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.score import adcc, average_drop
from pellucid.score.adcc import harmonic
from pellucid.score.shared.masks import mask_of
from pellucid.targets import contrast
from tests.support.linear_model import LinearModel, constant, explained_by, gradient_input, linear_case, noise


def rng():
    return np.random.default_rng(7)


def test_the_mask_is_evidence_for_the_class_as_a_share_of_the_strongest():
    case, _ = linear_case((4, 1), number=2)
    maps = np.array([[-8, 2, 4, 0], [-1, -2, -3, -4]], np.float32)[..., np.newaxis]
    explanation = replace(explained_by(case, noise), attributions=maps)
    np.testing.assert_allclose(mask_of(explanation, maps)[..., 0], [[0, 0.5, 1, 0], [0, 0, 0, 0]])
    unsigned = mask_of(replace(explanation, signed=False), maps)
    np.testing.assert_allclose(unsigned[..., 0], [[1, 0.25, 0.5, 0], [0.25, 0.5, 0.75, 1]])


@pytest.fixture
def two():
    """Two inputs of two values; the logit of class 0 is the sum of the values, that of class 1 is 0."""
    case, _ = linear_case((2, 1), classes=2, number=2)
    model = LinearModel(np.array([[[1.0, 0.0]], [[1.0, 0.0]]]))
    inputs = np.array([[[2.0], [1.0]], [[2.0], [-1.0]]], np.float32)
    return replace(case, model=model, inputs=inputs, targets=np.zeros(2, int), labels=np.zeros(2, int))


def sigmoid(z):
    return 1 / (1 + np.exp(-np.asarray(z, float)))


def test_drop_increase_and_gain_by_hand(two):
    # Half of the second value stays of the first input, nothing of the second one.
    maps = np.array([[[1.0], [0.5]], [[1.0], [-1.0]]])
    explanation = replace(explained_by(two, noise), attributions=maps.astype(np.float32))
    found = average_drop.score(explanation, two, rng()).values
    whole, left = sigmoid([3, 1]), sigmoid([2.5, 2])
    np.testing.assert_allclose(found["average_drop.zero"], [(whole[0] - left[0]) / whole[0], 0], rtol=1e-6)
    np.testing.assert_array_equal(found["increase.zero"], [0, 1])
    np.testing.assert_allclose(found["average_gain.zero"], [0, (left[1] - whole[1]) / (1 - whole[1])], rtol=1e-6)


def test_adcc_by_hand(two):
    maps = np.array([[[1.0], [0.5]], [[1.0], [-1.0]]], np.float32)
    # The map of the masked input is the other way round for the first example, and the same for the second.
    again = np.array([[[0.5], [1.0]], [[1.0], [-1.0]]], np.float32)
    explanation = replace(explained_by(two, noise), attributions=maps, re_explain=lambda *_, **__: again)
    found = adcc.score(explanation, two, rng()).values
    np.testing.assert_allclose(found["coherency.zero"], [0, 1], atol=1e-7)
    np.testing.assert_allclose(found["mask_complexity"], [0.75, 0.5])
    np.testing.assert_allclose(found["adcc.zero"], [0, 3 / (1 / 1 + 1 / 0.5 + 1 / 1)], rtol=1e-6)


def test_the_harmonic_mean_is_that_of_statistics():
    from statistics import harmonic_mean

    rows = rng().random((3, 20))
    rows[0, 4] = 0
    np.testing.assert_allclose(harmonic(*rows), [harmonic_mean(column.tolist()) for column in rows.T])


def test_equal_values_have_no_drop_and_no_adcc():
    case, _ = linear_case((40, 2), number=8)
    equal = explained_by(case, constant, signed=False)
    np.testing.assert_array_equal(average_drop.score(equal, case, rng()).values["average_drop.zero"], 0)
    np.testing.assert_array_equal(average_drop.score(equal, case, rng()).values["increase.zero"], 0)
    np.testing.assert_array_equal(adcc.score(equal, case, rng()).values["adcc.zero"], 0)


def test_what_was_added_beats_noise_which_is_coherent_by_chance_alone():
    case, _ = linear_case((40, 2), number=60)
    exact, chance = explained_by(case, gradient_input), explained_by(case, noise)
    drops = [average_drop.score(one, case, rng()).values["average_drop.zero"].mean() for one in (exact, chance)]
    assert drops[0] + 0.1 < drops[1]
    of_both = [adcc.score(one, case, rng()).values for one in (exact, chance)]
    assert of_both[0]["adcc.zero"].mean() > of_both[1]["adcc.zero"].mean() + 0.1
    # Explained with the same random numbers, a random map would be the same map.
    assert of_both[1]["coherency.zero"].mean() == pytest.approx(0.5, abs=0.05)


def test_a_baseline_is_where_the_rest_goes():
    case, _ = linear_case((40, 2), number=4)
    maps = np.zeros(case.inputs.shape, np.float32)
    explanation = replace(explained_by(case, noise), attributions=maps)
    found = average_drop.score(explanation, case, rng(), baselines=["zero", "mean"]).values
    whole = case.model.output(case.inputs, case.targets)
    for name, left in (
        ("zero", 0 * case.inputs),
        ("mean", np.broadcast_to(case.inputs.mean(1, keepdims=True), (4, 40, 2))),
    ):
        after = case.model.output(left, case.targets)
        np.testing.assert_allclose(found[f"average_drop.{name}"], np.maximum(whole - after, 0) / whole, atol=1e-5)


def test_a_contrast_has_no_value(two):
    class Model(LinearModel):
        def output(self, x, targets):
            return np.full(len(x), 0.5)

    case = replace(two, targets=np.array([contrast(0, 1), 0]), model=Model(two.model.weights))
    maps = np.ones((2, 2, 1), np.float32)
    explanation = replace(explained_by(two, noise), attributions=maps, re_explain=lambda *_, **__: maps)
    for module in (average_drop, adcc):
        found = module.score(explanation, case, rng())
        assert all(np.isnan(values[0]) and np.isfinite(values[1]) for values in found.values.values())
        assert "contrast" in found.note
