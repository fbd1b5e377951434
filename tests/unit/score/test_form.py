"""Sparseness and complexity on maps whose values are known."""

import numpy as np

from pellucid.score import form
from pellucid.score.base import Explanation, ScoreContext


def scored(rows):
    maps = np.asarray(rows, np.float32)[..., np.newaxis]
    case = ScoreContext({}, maps, np.zeros(len(maps), int), np.zeros(len(maps), int))
    return form.score(Explanation("map", "map", maps), case, np.random.default_rng(0)).values


def test_equal_values_are_least_sparse_and_most_complex():
    found = scored([[2, 2, -2, 2], [0, 0, 0, 0]])
    np.testing.assert_allclose(found["sparseness"], 0, atol=1e-12)
    np.testing.assert_allclose(found["complexity"], 1)


def test_one_value_is_most_sparse_and_least_complex():
    found = scored([[0, 0, 5, 0]])
    np.testing.assert_allclose(found["sparseness"], 3 / 4)
    np.testing.assert_allclose(found["complexity"], 0, atol=1e-12)


def test_gini_is_half_the_relative_mean_difference(rng):
    rows = rng.normal(size=(5, 30))
    size = np.abs(rows)
    difference = np.abs(size[:, :, np.newaxis] - size[:, np.newaxis]).mean((1, 2))
    np.testing.assert_allclose(scored(rows)["sparseness"], difference / (2 * size.mean(1)), rtol=1e-5)


def test_complexity_is_the_entropy(rng):
    from scipy.stats import entropy

    rows = rng.normal(size=(5, 30))
    np.testing.assert_allclose(scored(rows)["complexity"], entropy(np.abs(rows), axis=1) / np.log(30), rtol=1e-5)
