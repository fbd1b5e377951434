"""The planes against the singular value decomposition and planted clusters; neighbours against brute force."""

import numpy as np
import pytest

from pellucid.draw.views.embedding import draw
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.embedding import compute, planes, same_class
from tests.support.view_data import given, random_examples


def clusters(rng, each=30, groups=4):
    centres = 20 * np.eye(groups, 12)
    labels = np.repeat(np.arange(groups), each)
    return (centres[labels] + rng.normal(size=(len(labels), 12))).astype(np.float32), labels


def test_pca_is_the_singular_value_decomposition(rng):
    values = rng.normal(size=(40, 7)).astype(np.float32) @ np.diag([5, 3, 1, 1, 1, 1, 1]).astype(np.float32)
    pca, _, variance = planes(values, 10)
    centred = values - values.mean(0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(pca), np.abs(left[:, :2] * singular[:2]), atol=1e-3)
    np.testing.assert_allclose(variance, (singular**2 / (singular**2).sum())[:2], rtol=1e-4)


def test_tsne_keeps_planted_clusters_together(rng):
    values, labels = clusters(rng)
    _, tsne, _ = planes(values, 30)
    assert same_class(tsne, labels, 10).mean() > 0.99


def test_the_planes_are_the_same_every_time(rng):
    values, _ = clusters(rng)
    for one, two in zip(planes(values, 30), planes(values, 30), strict=True):
        np.testing.assert_array_equal(one, two)


def test_neighbours_are_those_of_brute_force(rng):
    values, labels = rng.normal(size=(25, 3)), rng.integers(0, 3, 25)
    expected = []
    for index in range(25):
        distances = np.linalg.norm(values - values[index], axis=1)
        distances[index] = np.inf
        expected.append((labels[np.argsort(distances)[:4]] == labels[index]).mean())
    np.testing.assert_allclose(same_class(values, labels, 4), expected)


def test_an_example_is_not_its_own_neighbour_even_where_all_are_one(rng):
    assert same_class(np.zeros((4, 2)), np.arange(4), 3).max() == 0


def test_says_the_shares_class_by_class_and_the_chance(multivariate):
    model = ExplainedModel(multivariate)
    test = random_examples(model.input_shape, 4)
    found = compute(model, given(model, test=test), np.random.default_rng(0), perplexity=500, neighbours=100)
    assert found["features"].shape == (32, 300)
    # All others are neighbours: 7 of 31 are of the same class, in every space, as by chance.
    np.testing.assert_allclose(found["neighbours_same"], 7 / 31)
    np.testing.assert_allclose(found["chance"], 7 / 31)
    lines = found["csv"].splitlines()
    assert lines[0] == "over,class,examples,same_class_features,same_class_pca,same_class_tsne"
    assert lines[1].startswith("all,all,32,0.225806")
    assert lines[2].startswith("class,class 0,8,0.225806")
    np.testing.assert_array_equal(found["predictions"], model.logits(test[0]).argmax(1)[found["indices"]])


@pytest.mark.parametrize("count", [5, 7])
def test_few_examples_still_have_planes(digit, count):
    model = ExplainedModel(digit)
    x, labels = random_examples(model.input_shape, 10)
    found = compute(model, given(model, test=(x[:count], labels[:count])), np.random.default_rng(0))
    assert np.isfinite(found["tsne"]).all()
    assert found["pca"].shape == (count, 2)


def test_what_has_no_plane_leaves_a_figure_with_the_reason(digit):
    model = ExplainedModel(digit)
    x, labels = random_examples(model.input_shape, 10)
    few = compute(model, given(model, test=(x[:3], labels[:3])), np.random.default_rng(0))
    same = compute(model, given(model, test=(np.zeros_like(x), labels)), np.random.default_rng(0))
    assert "3" in str(few["reason"])
    assert "dropout_2" in str(same["reason"])
    for found in (few, same):
        arrays = {name: values for name, values in found.items() if name != "csv"}
        assert draw(arrays, {}, {}, "title").axes == []
