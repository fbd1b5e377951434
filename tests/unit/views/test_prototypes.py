"""Prototypes on planted clusters, and each greedy step against every possible choice."""

import itertools

import numpy as np
import pytest

from pellucid.network.explained_model import ExplainedModel
from pellucid.views.prototypes import compute
from pellucid.views.shared import medoids, mmd
from tests.support.view_data import given, random_examples


def planted(rng, groups=3, around=12):
    """Clusters with a centre that is itself an example, the first of each: points in pairs on opposite sides."""
    centres = 30 * rng.normal(size=(groups, 4))
    offsets = rng.normal(size=(groups, around // 2, 4))
    points = np.concatenate([np.concatenate([c[None], c + o, c - o]) for c, o in zip(centres, offsets, strict=True)])
    return points, np.arange(groups) * (around + 1)


def prepared(points):
    distances = medoids.distances(points, points)
    return distances, mmd.kernel(distances, mmd.width(distances))


def test_medoids_are_the_planted_centres(rng):
    points, centres = planted(rng)
    np.testing.assert_array_equal(np.sort(medoids.medoids(prepared(points)[0], 3)), centres)


def test_prototypes_come_from_every_planted_cluster(rng):
    points, _ = planted(rng)
    distances, _ = prepared(points)
    chosen = mmd.prototypes(mmd.kernel(distances, 2.0), 3)
    assert sorted(chosen // 13) == [0, 1, 2]


def test_medoids_cost_no_more_than_any_choice(rng):
    distances = prepared(rng.normal(size=(14, 3)))[0]
    best = min(distances[list(pair)].min(0).sum() for pair in itertools.combinations(range(14), 2))
    np.testing.assert_allclose(distances[medoids.medoids(distances, 2)].min(0).sum(), best)


def test_medoids_cannot_be_improved_by_a_swap(rng):
    distances = prepared(rng.normal(size=(40, 3)))[0]
    found = medoids.medoids(distances, 4)
    cost = distances[found].min(0).sum()
    for position, candidate in itertools.product(range(4), range(40)):
        other = found.copy()
        other[position] = candidate
        assert distances[other].min(0).sum() >= cost - 1e-9


def test_every_greedy_step_is_the_best_of_all(rng):
    _, kernel = prepared(rng.normal(size=(20, 3)))
    chosen = mmd.prototypes(kernel, 5)
    for size in range(5):
        trials = [
            mmd.distance(kernel, np.array([*chosen[:size], other])) if other not in chosen[:size] else np.inf
            for other in range(20)
        ]
        assert np.argmin(trials) == chosen[size]


def test_the_discrepancy_is_that_of_its_definition_and_zero_for_all(rng):
    points = rng.normal(size=(9, 2))
    _, kernel = prepared(points)
    chosen = np.array([1, 4, 7])
    weights = np.full(9, 1 / 9)
    weights[chosen] -= 1 / 3
    np.testing.assert_allclose(mmd.distance(kernel, chosen), weights @ kernel @ weights, atol=1e-12)
    np.testing.assert_allclose(mmd.distance(kernel, np.arange(9)), 0, atol=1e-12)
    np.testing.assert_allclose(mmd.witness(kernel, chosen), kernel @ weights, atol=1e-12)


@pytest.mark.parametrize("rare", [False, True])
def test_every_criticism_is_the_best_of_all_with_the_log_determinant(rng, rare):
    _, kernel = prepared(rng.normal(size=(15, 3)))
    prototypes = mmd.prototypes(kernel, 3)
    found = mmd.criticisms(kernel, prototypes, 4, rare=rare)
    worth = mmd.witness(kernel, prototypes)
    worth = worth if rare else np.abs(worth)
    for size in range(4):
        trials = np.full(15, -np.inf)
        for other in set(range(15)) - {*prototypes, *found[:size]}:
            group = [*found[:size], other]
            trials[other] = worth[group].sum() + np.linalg.slogdet(kernel[np.ix_(group, group)])[1]
        assert trials.argmax() == found[size]


def test_an_outlier_is_criticised(rng):
    points = np.concatenate([rng.normal(size=(30, 2)), [[4.0, 4.0], [4.1, 4.0], [4.0, 4.1]]])
    _, kernel = prepared(points)
    assert mmd.criticisms(kernel, mmd.prototypes(kernel, 1), 1, rare=True)[0] >= 30


def test_identical_examples_do_no_harm():
    distances, kernel = prepared(np.zeros((4, 3)))
    assert len(set(mmd.prototypes(kernel, 3))) == 3
    assert len(set(medoids.medoids(distances, 9))) == 4
    assert len(mmd.criticisms(kernel, np.array([0]), 9, rare=True)) == 3


@pytest.mark.parametrize("method", ["mmd_critic", "k_medoids"])
@pytest.mark.parametrize("network", ["multivariate", "digit"])
def test_chosen_from_their_class_and_better_than_random(request, network, method):
    model = ExplainedModel(request.getfixturevalue(network))
    (x, y), test = (random_examples(model.input_shape, model.n_classes, 20, seed) for seed in (0, 1))
    data = given(model, (x, y), test)
    found, again = (compute(model, data, np.random.default_rng(3), method=method) for _ in range(2))
    np.testing.assert_array_equal(y[found["prototype_indices"]], found["prototype_labels"])
    np.testing.assert_array_equal(y[found["criticism_indices"]], found["criticism_labels"])
    np.testing.assert_array_equal(np.bincount(found["prototype_labels"]), [3] * model.n_classes)
    np.testing.assert_array_equal(x[found["prototype_indices"]], found["prototypes"])
    np.testing.assert_allclose(found["coverage"].reshape(-1, 3).sum(1), 1)
    assert not set(found["prototype_indices"]) & set(found["criticism_indices"])
    if method == "mmd_critic":
        assert (found["mmd2"] < found["mmd2_random"]).all()
    for name, values in found.items():
        np.testing.assert_array_equal(values, again[name])


def test_the_nearest_test_example_is_the_same_one_where_it_is_there(digit):
    # Test and training examples are the same here: every prototype finds itself, at no distance.
    model = ExplainedModel(digit)
    both = random_examples(model.input_shape, 10, 12)
    found = compute(model, given(model, both, both), np.random.default_rng(0))
    np.testing.assert_array_equal(found["nearest_indices"], found["prototype_indices"])
    np.testing.assert_allclose(found["nearest_distances"], 0, atol=1e-3)


def test_a_class_of_one_example_has_one_prototype(multivariate):
    model = ExplainedModel(multivariate)
    x, y = random_examples(model.input_shape, 4, 6)
    kept = np.flatnonzero((y != 2) | (np.arange(len(y)) == 2))
    found = compute(model, given(model, (x[kept], y[kept]), (x, y)), np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(found["prototype_labels"]), [3, 3, 1, 3])
    np.testing.assert_array_equal(np.bincount(found["criticism_labels"], minlength=4), [2, 2, 0, 2])
