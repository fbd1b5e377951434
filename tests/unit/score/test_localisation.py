"""Scores against the planted evidence, on maps whose scores are known."""

import numpy as np
import pytest

from pellucid.score import localisation, precision_recall
from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.shared.bootstrap import interval

SHAPE = (200, 40, 1)
SERIES = {"kind": "series", "classes": ["a", "b"]}


@pytest.fixture
def truth(rng):
    """An eighth of the samples of each example, in one piece."""
    found = np.zeros(SHAPE, bool)
    for row, start in zip(found, rng.integers(0, 35, len(found)), strict=True):
        row[start : start + 5] = True
    return found


def scored(module, attributions, truth, data_info=SERIES):
    n = len(truth)
    case = ScoreContext(data_info, np.zeros(truth.shape, np.float32), np.zeros(n, int), np.zeros(n, int), truth)
    found = module.score(Explanation("map", "map", attributions.astype(np.float32)), case, np.random.default_rng(0))
    return found.values


@pytest.mark.parametrize("module", [localisation, precision_recall])
def test_the_evidence_itself_scores_one(module, truth):
    for sign in (1, -3):
        for name, values in scored(module, sign * truth, truth).items():
            np.testing.assert_allclose(values, 1, err_msg=name)


@pytest.mark.parametrize("module", [localisation, precision_recall])
def test_a_random_map_scores_at_chance(module, truth, rng):
    chance = {"relevance_rank": 1 / 8, "relevance_mass": 1 / 8, "pointing_game": 1 / 8, "aup": None, "aur": 1 / 2}
    for name, values in scored(module, rng.random(SHAPE), truth).items():
        error = values.std() / np.sqrt(len(values))
        if chance[name] is not None:
            assert abs(values.mean() - chance[name]) < 4 * error + 0.02, name


def test_chance_is_in_the_interval_of_a_random_map_and_out_of_that_of_one_that_knows_a_little(truth, rng):
    noise = rng.random(SHAPE)
    for name, chance in {"relevance_rank": 1 / 8, "relevance_mass": 1 / 8, "pointing_game": 1 / 8}.items():
        _, low, high, *_ = interval(scored(localisation, noise, truth)[name], np.random.default_rng(1))
        assert low <= chance <= high, name
        _, low, *_ = interval(scored(localisation, noise + 0.2 * truth, truth)[name], np.random.default_rng(1))
        assert low > chance, name
    _, low, high, *_ = interval(scored(precision_recall, noise, truth)["aur"], np.random.default_rng(1))
    assert low <= 1 / 2 <= high


def test_a_constant_map_has_what_chance_gives(truth):
    for name, values in scored(localisation, np.ones(SHAPE), truth).items():
        np.testing.assert_allclose(values, 1 / 8, err_msg=name)
    found = scored(precision_recall, np.ones(SHAPE), truth)
    np.testing.assert_allclose(found["aup"], 1 / 8)
    np.testing.assert_allclose(found["aur"], 1)
    for name, values in scored(localisation, np.zeros(SHAPE), truth).items():
        np.testing.assert_allclose(values, 1 / 8, err_msg=name)


def test_the_opposite_of_the_evidence_scores_nothing(truth):
    for name, values in scored(localisation, ~truth, truth).items():
        np.testing.assert_allclose(values, 0, err_msg=name)


def test_by_hand():
    truth = np.array([[[1], [1], [0], [0]]], bool)
    attributions = np.array([[[4.0], [-1.0], [2.0], [3.0]]])
    found = scored(localisation, attributions, truth)
    assert found["relevance_rank"][0] == 1 / 2
    assert found["relevance_mass"][0] == 5 / 10
    assert found["pointing_game"][0] == 1
    # Scaled to 0–1: 1, 0, 1/3, 2/3. Three steps of a third: chosen 3, 2, 1 values, of which 1, 1, 1 are evidence.
    found = scored(precision_recall, attributions, truth)
    np.testing.assert_allclose(found["aup"], (1 / 3 + 1 / 2 + 1) / 3)
    np.testing.assert_allclose(found["aur"], 1 / 2)


def test_an_example_without_evidence_has_no_score(truth, rng):
    truth[3] = False
    for module in (localisation, precision_recall):
        for values in scored(module, rng.random(SHAPE), truth).values():
            assert np.flatnonzero(np.isnan(values)).tolist() == [3]


def test_one_map_for_all_channels_is_also_scored_by_its_time(rng):
    truth = np.zeros((30, 20, 3), bool)
    truth[:, 4:8, 1] = True
    time = np.repeat(truth.any(-1, keepdims=True), 3, axis=-1)
    found = scored(localisation, time, truth)
    np.testing.assert_allclose(found["relevance_rank.time"], 1)
    np.testing.assert_allclose(found["relevance_rank.cells"], 1 / 3)
    np.testing.assert_allclose(found["relevance_mass.cells"], 1 / 3)
