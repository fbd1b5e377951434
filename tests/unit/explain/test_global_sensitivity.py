"""Sobol and HSIC against the closed forms of additive and product models, and by enumeration."""

import itertools

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain import hsic, sobol
from pellucid.explain.shared.total_indices import total_indices
from pellucid.network.explained_model import ExplainedModel


@pytest.fixture(scope="module")
def additive(keras):
    """A linear model of 8 × 1 values, its inputs, and what each of four segments adds to each target's logit."""
    layers = keras.layers
    model = keras.Sequential([layers.Input((8, 1)), layers.Flatten(), layers.Dense(3)])
    rng = np.random.default_rng(3)
    model.layers[-1].set_weights([rng.normal(size=(8, 3)), np.ones(3)])
    inputs, targets = rng.normal(size=(4, 8, 1)).astype(np.float32), np.array([0, 1, 2, 0])
    parts = (inputs[..., 0] * model.layers[-1].kernel.numpy()[:, targets].T).reshape(4, 4, 2).sum(-1)
    return ExplainedModel(model), inputs, targets, parts


@pytest.fixture(scope="module")
def product(keras):
    """The product of three positive values of a series, through logarithms; zero as soon as one is zero."""
    series = keras.Input((3, 1))
    logarithms = keras.ops.log(keras.ops.maximum(keras.layers.Flatten()(series), 1e-30))
    value = keras.ops.exp(keras.ops.sum(logarithms, axis=1, keepdims=True))
    dense = keras.layers.Dense(2, use_bias=False)
    model = keras.Model(series, dense(value))
    dense.set_weights([np.array([[1.0, -2.0]])])
    return ExplainedModel(model)


@pytest.mark.parametrize("sequence", ["sobol", "halton"])
def test_total_index_of_an_additive_model_is_its_share_of_the_variance(additive, sequence, rng):
    model, inputs, targets, parts = additive
    found = sobol.explain(model, inputs, targets, rng, designs=4096, segments=4, sequence=sequence)
    expected = parts**2 / np.square(parts).sum(1, keepdims=True)
    np.testing.assert_allclose(found[..., 0], np.repeat(expected, 2, axis=1), atol=0.01)


def test_total_indices_of_a_product_model(product, rng):
    """Of three uniform factors: V = 3^-3 - 4^-3, and E[f²] - E[E[f | others]²] = 3^-2 / 12 for each."""
    inputs = rng.uniform(0.5, 2, (2, 3, 1)).astype(np.float32)
    found = sobol.explain(product, inputs, np.array([0, 1]), rng, designs=8192, segments=3)
    np.testing.assert_allclose(found[..., 0], 3**-2 / 12 / (3**-3 - 4**-3), atol=0.02)
    # Interactions belong to each of their members: the total indices sum to more than 1.
    assert found.sum(1).min() > 1.1


def test_jansens_estimator_by_hand():
    scores = np.array([[1.0, 3.0], [2.0, 3.0], [1.0, 1.0]])[..., np.newaxis]
    # The variance of 1 and 3 is 2; mean squares of the differences are 1 / 2 and 2.
    np.testing.assert_allclose(total_indices(scores), [[0.5 / 2 / 2, 2 / 2 / 2]])


def test_no_variance_is_no_index(keras, rng):
    model = keras.Sequential([keras.layers.Input((8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    inputs, targets = np.zeros((2, 8, 1), np.float32), np.array([0, 1])
    for method in (sobol, hsic):
        assert not method.explain(ExplainedModel(model), inputs, targets, rng).any()


def test_passes_are_one_for_each_design_and_segment(additive, rng):
    model, inputs, targets, _ = additive
    before = model.forward_passes
    sobol.explain(model, inputs, targets, rng, designs=8, segments=4)
    hsic.explain(model, inputs, targets, rng, samples=16, segments=4)
    assert model.forward_passes - before == 4 * (8 * (1 + 4) + 16)


def test_dependence_is_the_trace_of_the_centred_kernels(rng):
    keep, scores = rng.random((40, 5)) < 0.5, rng.normal(size=40)
    centring = np.eye(40) - 1 / 40
    distances = np.abs(scores[:, None] - scores)
    kernel = np.exp(-(distances**2) / (2 * np.median(distances[distances > 0]) ** 2))
    for found, column in zip(hsic.dependence(keep, scores), keep.T, strict=True):
        binary = 1.5 - (column[:, None] != column)
        assert found == pytest.approx(np.trace(binary @ centring @ kernel @ centring) / 40**2, rel=1e-9)


def test_dependence_over_all_masks_in_closed_form():
    """A score that is one segment: two values, one distance, exp(-1/2) between them; the other segments are independent."""
    keep = np.array(list(itertools.product([False, True], repeat=4)))
    found = hsic.dependence(keep, 3.0 * keep[:, 1])
    np.testing.assert_allclose(found, [0, (1 - np.exp(-0.5)) / 4, 0, 0], atol=1e-12)
    # A product of two segments depends on both alike.
    found = hsic.dependence(keep, 3.0 * keep[:, 1] * keep[:, 2])
    np.testing.assert_allclose(found[1], found[2])
    assert found[1] > 0.02
    np.testing.assert_allclose(found[[0, 3]], 0, atol=1e-12)


def test_hsic_orders_the_segments_of_an_additive_model(additive, rng):
    model, inputs, targets, parts = additive
    found = hsic.explain(model, inputs, targets, rng, segments=4)[:, ::2, 0]
    np.testing.assert_array_equal(found.argmax(1), np.abs(parts).argmax(1))


def test_points_of_a_sobol_sequence_are_a_power_of_two():
    with pytest.raises(InputError, match=r"sobol\.designs.*48.*32 or 64"):
        sobol.check(designs=48, sequence="sobol")
    with pytest.raises(InputError, match=r"hsic\.samples.*500"):
        hsic.check(samples=500, sequence="sobol")
    hsic.check(samples=500, sequence="halton")
