"""Consistency of maps whose strongest parts are known."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.consistency import SPEC, score


class Model:
    """Predicts the class that stands in the first value of an input."""

    def logits(self, x):
        return np.eye(3)[x.reshape(len(x), -1)[:, 0].astype(int)]


def scored(classes, places, *, signs=None, per_channel=True, shape=(8, 2), **parameters):
    """Score maps with all of their attribution at one place each."""
    n = len(classes)
    inputs, maps = np.zeros((n, *shape), np.float32), np.zeros((n, *shape), np.float32)
    inputs.reshape(n, -1)[:, 0] = classes
    for one, place, sign in zip(maps, places, signs or [1] * n, strict=True):
        if place is not None:
            one[place] = sign
    case = ScoreContext({"classes": ["a", "b", "c"]}, inputs, np.array(classes), np.array(classes), model=Model())
    explanation = Explanation(
        label="map", method="saliency", attributions=maps, per_channel=per_channel, signed=True, is_gradient=False,
        cost={}, checks={}, re_explain=None,
    )  # fmt: skip
    return score(explanation, case, np.random.default_rng(0), **parameters).values


def test_a_place_for_each_class_is_consistent():
    values = scored([0, 0, 1, 1, 2, 2], [(0, 0), (1, 0), (4, 1), (5, 1), (7, 0), (6, 0)], parts=4)
    np.testing.assert_array_equal(values["consistency"], 1)
    np.testing.assert_allclose(values["consistency_gain"], 1 - 1 / 5)


def test_one_place_for_all_classes_is_chance():
    values = scored([0, 0, 1, 1], [(0, 0)] * 4)
    np.testing.assert_allclose(values["consistency"], 1 / 3)
    np.testing.assert_allclose(values["consistency_gain"], 0)


def test_by_hand_with_signs_and_one_that_stands_alone():
    #   the third has the place of the first two with the other sign; the last one has nothing
    values = scored([0, 1, 0, 0], [(0, 0), (1, 0), (0, 0), None], signs=[1, 1, -1, 1], parts=4)
    np.testing.assert_array_equal(values["consistency"], [0, 0, np.nan, np.nan])
    np.testing.assert_allclose(values["consistency_gain"], [-2 / 3, 0, np.nan, np.nan])


def test_a_map_of_all_channels_is_looked_at_once():
    both = scored([0, 1], [(0, slice(None))] * 2, per_channel=False)
    np.testing.assert_array_equal(both["consistency"], 0)
    apart = scored([0, 0], [(0, 0), (0, 1)])
    assert np.isnan(apart["consistency"]).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 7, 1)])
def test_short_examples_have_fewer_parts(shape):
    values = scored([0, 0], [(0,) * len(shape)] * 2, shape=shape, parts=40)
    np.testing.assert_array_equal(values["consistency"], 1)


def test_random_places_gain_nothing_on_average():
    rng = np.random.default_rng(3)
    gains = []
    for _ in range(100):
        classes = rng.integers(0, 3, 30).tolist()
        gains.append(
            np.nanmean(scored(classes, [(int(place), 0) for place in rng.integers(0, 8, 30)])["consistency_gain"])
        )
    assert abs(np.mean(gains)) < 2.5 * np.std(gains) / 10


def test_its_metrics_have_their_range():
    assert [SPEC.metric(name).low for name in ("consistency", "consistency_gain")] == [0, -1]
