"""Localisation in frequency, on maps whose scores are known, and against scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pellucid.errors import InputError
from pellucid.network.signal_transforms import ShortTimeTransform
from pellucid.score import localisation_frequency
from pellucid.score.base import Explanation, ScoreContext

N, LENGTH = 200, 62
BINS = LENGTH // 2 + 1
SERIES = {"kind": "series", "classes": ["a", "b"]}


@pytest.fixture
def truth(rng):
    """Four of 32 bins of each example."""
    return rng.permuted(np.broadcast_to(np.arange(BINS) < 4, (N, BINS)), axis=1)


def scored(attributions, truth, domain="frequency"):
    labels = np.zeros(len(truth), int)
    inputs = np.zeros((len(truth), LENGTH, attributions.shape[-1]), np.float32)
    case = ScoreContext(SERIES, inputs, labels, labels, truth_frequency=truth)
    explanation = replace(Explanation("map", "map", attributions.astype(np.float32)), domain=domain)
    return localisation_frequency.score(explanation, case, np.random.default_rng(0)).values


def test_the_evidence_itself_scores_one_and_its_opposite_nothing(truth):
    for channels in (1, 3):
        maps = np.repeat(truth[..., np.newaxis], channels, axis=-1).astype(float)
        for name, values in scored(-2 * maps, truth).items():
            np.testing.assert_allclose(values, 1, err_msg=name)
        for name, values in scored(1 - maps, truth).items():
            np.testing.assert_allclose(values, 0, err_msg=name)


def test_controls_have_what_chance_gives(truth, rng):
    chance = {"relevance_rank": 1 / 8, "relevance_mass": 1 / 8, "auroc": 1 / 2}
    for same in (np.ones, np.zeros):
        found = scored(same((N, BINS, 1)), truth)
        for name, values in found.items():
            np.testing.assert_allclose(values, chance[name], err_msg=name)
    for name, values in scored(rng.standard_normal((N, BINS, 2)), truth).items():
        assert abs(values.mean() - chance[name]) < 4 * values.std() / np.sqrt(N), name
        assert values.min() >= 0 and values.max() <= 1


def test_auroc_is_that_of_scikit_learn(truth, rng):
    maps = rng.integers(0, 6, (N, BINS, 1)).astype(float) + truth[..., np.newaxis]
    expected = [roc_auc_score(inside, row) for inside, row in zip(truth, maps[..., 0], strict=True)]
    np.testing.assert_allclose(scored(maps, truth)["auroc"], expected)


def test_by_hand_with_channels_summed():
    truth = np.array([[True, True, False, False]])
    maps = np.array([[[4.0, 0.0], [-0.5, 0.5], [1.0, -1.0], [3.0, 0.0]]])
    found = scored(maps, truth)
    assert found["relevance_rank"][0] == 1 / 2
    assert found["relevance_mass"][0] == 5 / 10
    # Pairs (4, 2), (4, 3), (1, 2), (1, 3): two of four are in the right order.
    assert found["auroc"][0] == 1 / 2


def test_what_has_no_evidence_or_no_other_bin_has_no_value(truth, rng):
    truth[3], truth[5] = False, True
    found = scored(rng.random((N, BINS, 1)), truth)
    assert {name: np.flatnonzero(np.isnan(values)).tolist() for name, values in found.items()} == {
        "relevance_rank": [3],
        "relevance_mass": [3],
        "auroc": [3, 5],
    }


def test_an_explanation_over_time_is_refused_even_where_its_shape_would_fit(truth, rng):
    assert localisation_frequency.SPEC.domains == ("frequency", "stft")
    with pytest.raises(InputError, match="maps of the shape"):
        scored(rng.random((N, BINS, 1)), truth, "stft")
    for domain in ("time", "bands"):
        with pytest.raises(InputError, match=f'found a map over "{domain}"; expected frequency'):
            scored(rng.random((N, BINS, 1)), truth, domain)


def test_maps_with_other_bins_are_refused(truth, rng):
    with pytest.raises(InputError, match=r"maps of the shape \(200, 33, 1\)"):
        scored(rng.random((N, BINS + 1, 1)), truth)


def tones(places, length, frame, channels=1):
    """The map that a tone has over short frames: the size of its coefficients, (N, bins, frames, channels)."""
    time = np.arange(length)
    x = np.stack([np.sin(2 * np.pi * place * time / length + place) for place in places])
    x = np.repeat(x[..., np.newaxis], channels, -1).astype(np.float32)
    return np.abs(ShortTimeTransform(length, channels, frame).forward(x))


@pytest.mark.parametrize(("length", "frame"), [(240, 60), (256, 64), (250, 40)])
def test_a_tone_is_found_over_short_frames_whatever_it_leaks(length, frame):
    bins = length // 2 + 1
    places = [bins // 4, bins // 3, bins // 2]
    truth = np.arange(bins) == np.array(places)[:, np.newaxis]
    found = scored_short(tones(places, length, frame, 2), truth, length)
    np.testing.assert_allclose(found["relevance_rank"], 1)
    np.testing.assert_allclose(found["auroc"], 1)
    # A few frames at the ends hold a part of the signal, whose spectrum is wide.
    assert (found["relevance_mass"] > 0.6).all()
    elsewhere = scored_short(tones([place + bins // 3 for place in places], length, frame), truth, length)
    assert (elsewhere["relevance_rank"] == 0).all()
    assert (elsewhere["relevance_mass"] < 0.1).all()


def scored_short(maps, truth, length):
    labels = np.zeros(len(truth), int)
    inputs = np.zeros((len(truth), length, maps.shape[-1]), np.float32)
    case = ScoreContext(SERIES, inputs, labels, labels, truth_frequency=truth)
    explanation = replace(Explanation("map", "map", maps.astype(np.float32)), domain="stft")
    return localisation_frequency.score(explanation, case, np.random.default_rng(0)).values


def test_bins_of_short_frames_by_hand():
    """A signal of 80 samples in frames of 20: a bin of a frame is four of the signal."""
    truth = np.zeros((2, 41), bool)
    truth[0, 16] = truth[1, [18, 19]] = True  # at the bins 4, and 4.5 and 4.75
    carries, judged = localisation_frequency.in_short_frames(truth, 80, 11)
    assert np.flatnonzero(carries[0]).tolist() == [4]
    assert np.flatnonzero(carries[1]).tolist() == [4, 5]
    assert np.flatnonzero(~judged[0]).tolist() == [2, 3, 5, 6]
    assert np.flatnonzero(~judged[1]).tolist() == [3, 6]


def test_a_control_over_short_frames_has_what_chance_gives(rng):
    truth = rng.permuted(np.broadcast_to(np.arange(121) < 3, (150, 121)), axis=1)
    found = scored_short(rng.random((150, 31, 9, 1)), truth, 240)["auroc"]
    assert abs(np.nanmean(found) - 0.5) < 4 * np.nanstd(found) / np.sqrt(np.isfinite(found).sum())
