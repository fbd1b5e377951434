"""Pruning: which weights go, that they come back, and the ends of the scale."""

import logging

import numpy as np
import pytest
from scipy.stats import spearmanr

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.pruning import check, compute, kernels, prune, rank_correlation
from tests.support.view_data import given, random_examples


def run(model, **parameters):
    explained_model = ExplainedModel(model)
    test = random_examples(explained_model.input_shape, explained_model.n_classes, 10)
    return (
        compute(explained_model, given(explained_model, test=test), np.random.default_rng(0), **parameters),
        test,
        explained_model,
    )


def kernels_of(model):
    return [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]


def test_the_kernels_are_all_that_is_pruned(multivariate):
    # Conv 9 × 6 × 128 and 9 × 128 × 128, Dense 256 × 300 and 300 × 4; no bias, no batch normalisation.
    model = ExplainedModel(multivariate)
    places = kernels(model)
    assert places == [("conv_1", 0), ("conv_2", 0), ("dense_1", 0), ("classes", 0)]
    found, _, _ = run(multivariate, densities=[1], methods=[])
    flat = model.activations(np.zeros((1, 100, 6), np.float32), "flatten").shape[1]
    assert found["weights"] == 9 * 6 * 128 + 9 * 128 * 128 + flat * 300 + 300 * 4


def test_recurrent_kernels_are_kernels(keras):
    layers = keras.layers
    model = keras.Sequential([layers.Input((8, 2)), layers.LSTM(3, name="lstm"), layers.Dense(4, name="classes")])
    assert kernels(ExplainedModel(model)) == [("lstm", 0), ("lstm", 1), ("classes", 0)]


@pytest.mark.parametrize("density", [0.75, 0.3, 0.05])
def test_global_magnitude_removes_exactly_the_smallest(digit, density, rng):
    model = ExplainedModel(digit)
    own, places = model.weights, kernels(model)
    pruned = prune(own, places, "global_magnitude", density, rng)
    before = np.concatenate([own[name][at].ravel() for name, at in places])
    after = np.concatenate([pruned[name][at].ravel() for name, at in places])
    order = np.argsort(-np.abs(before), kind="stable")
    expected = np.zeros_like(before)
    kept = order[: round(density * len(before))]
    expected[kept] = before[kept]
    np.testing.assert_array_equal(after, expected)
    for name, _ in places:
        np.testing.assert_array_equal(pruned[name][1], own[name][1])


@pytest.mark.parametrize("strategy", ["layer_magnitude", "random"])
def test_every_kernel_keeps_its_share(digit, strategy, rng):
    model = ExplainedModel(digit)
    own, places = model.weights, kernels(model)
    for density in (0.8, 0.1):
        pruned = prune(own, places, strategy, density, rng)
        for name, at in places:
            kept = pruned[name][at] != 0
            assert kept.sum() == round(density * kept.size)
            np.testing.assert_array_equal(pruned[name][at][kept], own[name][at][kept])
            if strategy == "layer_magnitude":
                assert np.abs(own[name][at][kept]).min() >= np.abs(own[name][at][~kept]).max()


def test_equal_weights_still_keep_the_share(rng):
    found = prune({"a": [np.ones((4, 5), np.float32)]}, [("a", 0)], "global_magnitude", 0.3, rng)
    assert (found["a"][0] != 0).sum() == 6


def test_sparser_random_masks_drop_what_denser_ones_drop(digit):
    model = ExplainedModel(digit)
    sparse, dense = (
        prune(model.weights, kernels(model), "random", density, np.random.default_rng(5)) for density in (0.2, 0.6)
    )
    for name, at in kernels(model):
        assert (dense[name][at] != 0)[sparse[name][at] != 0].all()


def test_density_one_changes_nothing_and_density_zero_leaves_a_constant(digit):
    found, (x, y), model = run(digit, densities=[1, 0], repeats=2)
    whole = found["density"] == 1
    np.testing.assert_allclose(found["accuracy"][whole], (model.logits(x).argmax(1) == y).mean())
    np.testing.assert_allclose(found["rank_correlation"][whole], 1)
    # Ten classes of ten examples each: a constant answer is right for one in ten; no map has an order left.
    np.testing.assert_allclose(found["accuracy"][~whole], 0.1)
    np.testing.assert_allclose(found["chance"], 0.1)
    np.testing.assert_array_equal(found["rank_correlation"][~whole], 0)
    np.testing.assert_array_equal(found["kept"], found["density"])


def test_the_weights_come_back(multivariate):
    before = multivariate.get_weights()
    run(multivariate, densities=[0.1])
    for one, two in zip(before, multivariate.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_table_holds_one_line_per_trial_and_repeats_by_seed(digit):
    one, two = (run(digit, densities=[0.5, 0.2], repeats=2)[0] for _ in range(2))
    assert one["csv"] == two["csv"]
    lines = one["csv"].splitlines()
    assert lines[0] == "strategy,repeat,density,kept,accuracy,rank_correlation_saliency,rank_correlation_grad_cam"
    assert len(lines) == 1 + 2 * (2 + 1 + 1)
    # Two random masks are two different ones.
    first, second = one["rank_correlation"][0], one["rank_correlation"][2]
    assert (first != second).all()


def test_the_accuracy_is_that_of_a_model_with_those_weights(keras, digit, rng):
    found, (x, y), explained_model = run(digit, densities=[0.3], strategies=["layer_magnitude"], methods=[])
    model = keras.models.clone_model(digit)
    pruned = prune(explained_model.weights, kernels(explained_model), "layer_magnitude", 0.3, rng)
    for layer in model.layers:
        if layer.name in pruned:
            layer.set_weights(pruned[layer.name])
    np.testing.assert_allclose(found["accuracy"], (model.predict(x, verbose=0).argmax(1) == y).mean())


def test_a_method_that_does_not_apply_is_left_out_with_the_reason(linear, caplog):
    with caplog.at_level(logging.WARNING):
        found, _, _ = run(linear[0], densities=[0.5])
    assert list(found["methods"]) == ["saliency"]
    assert "grad_cam is left out: model: found no convolution layer" in caplog.text


def test_refuses_methods_that_do_not_exist():
    check(methods=["saliency"], points=3)
    with pytest.raises(InputError, match='methods: found "salency".*Did you mean "saliency"?'):
        check(methods=["salency"])


def test_the_rank_correlation_is_spearmans(rng):
    one, two = rng.normal(size=(2, 4, 9, 2)).astype(np.float32)
    two[1] = one[1] ** 3
    expected = [spearmanr(np.abs(a).ravel(), np.abs(b).ravel()).statistic for a, b in zip(one, two, strict=True)]
    np.testing.assert_allclose(rank_correlation(one, two), np.mean(expected), rtol=1e-9)
    assert np.isnan(rank_correlation(np.ones_like(one), two))
    two[:] = 1
    assert rank_correlation(one, two) == 0


def test_the_rank_correlation_is_over_measured_values(rng):
    one, two = rng.normal(size=(2, 3, 9, 2)).astype(np.float32)
    measured = rng.random(one.shape) < 0.5
    expected = [spearmanr(np.abs(a[at]), np.abs(b[at])).statistic for a, b, at in zip(one, two, measured, strict=True)]
    np.testing.assert_allclose(rank_correlation(one, two, measured), np.mean(expected), rtol=1e-9)
