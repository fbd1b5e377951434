"""Gradient SHAP against closed forms, integrated gradients, shap and captum within Monte Carlo error."""

import warnings

import numpy as np
import pytest

from pellucid.explain import gradient_shap, integrated_gradients
from pellucid.explain.run import completeness
from pellucid.network.explained_model import ExplainedModel
from tests.support.logits import logits_copy
from tests.support.torch_copy import channels_first, channels_last, torch_copy

NETWORKS = ["heartbeat", "multivariate", "digit"]


def sample(model, rng, n=4, m=12):
    """Inputs, their targets, and training examples."""
    shape = model.input_shape[1:]
    return (
        rng.random((n, *shape), np.float32),
        np.arange(n) % model.output_shape[1],
        rng.random((m, *shape), np.float32),
    )


def repeated(model, inputs, targets, training, runs=8, **options):
    """Mean over independent runs, and the standard error of that mean."""
    explained_model = ExplainedModel(model)
    found = np.stack(
        [
            gradient_shap.explain(
                explained_model, inputs, targets, np.random.default_rng(seed), training=training, **options
            )
            for seed in range(runs)
        ]
    )
    return found.mean(0), found.std(0, ddof=1) / np.sqrt(runs)


@pytest.mark.parametrize("samples", [12, 13, 40])
def test_on_a_linear_model_it_is_weight_times_distance_from_the_mean_row(linear, rng, samples):
    model, weights, _ = linear
    inputs, targets, training = sample(model, rng)
    found = gradient_shap.explain(ExplainedModel(model), inputs, targets, rng, training=training, samples=samples)
    exact = (inputs - training.mean(0)) * np.moveaxis(weights, -1, 0)
    # Every row weighs the same, also where some have a point more: nothing is left to chance.
    np.testing.assert_allclose(found, exact, atol=1e-6)


def test_on_a_quadratic_model_it_is_weight_times_the_difference_of_squares(keras, rng):
    keras.utils.set_random_seed(6)
    start = keras.Input((8, 2))
    dense = keras.layers.Dense(3, use_bias=False)
    model = keras.Model(start, dense(keras.layers.Flatten()(keras.layers.Multiply()([start, start]))))
    weights = dense.kernel.numpy().reshape(8, 2, 3)
    inputs, targets, training = sample(model, rng, n=3)
    exact = (inputs**2 - np.square(training).mean(0)) * np.moveaxis(weights, -1, 0)
    found, error = repeated(model, inputs, targets, training, runs=30, samples=36)
    assert (np.abs(found - exact) < 5 * error + 1e-6).all()
    assert error.max() < 0.05 * np.abs(exact).max()
    one = gradient_shap.explain(ExplainedModel(model), inputs, targets, rng, training=training, samples=12000)
    np.testing.assert_allclose(one, exact, atol=1e-4)


@pytest.mark.parametrize("network", NETWORKS)
def test_with_many_points_it_is_the_mean_of_integrated_gradients_over_the_rows(request, network, rng, monkeypatch):
    model = request.getfixturevalue(network)
    inputs, targets, training = sample(model, rng, m=3)
    explained_model = ExplainedModel(model)
    paths = []
    for row in training:
        monkeypatch.setattr(
            integrated_gradients.baselines, "baseline", lambda x, *_, row=row: np.broadcast_to(row, x.shape)
        )
        paths.append(integrated_gradients.explain(explained_model, inputs, targets, rng, steps=400))
    expected = np.mean(paths, axis=0)
    found = gradient_shap.explain(explained_model, inputs, targets, rng, training=training, samples=1200)
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("network", ["heartbeat", "digit"])
def test_agrees_with_shap_within_its_monte_carlo_error(request, network, rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shap = pytest.importorskip("shap")
    model = request.getfixturevalue(network)
    inputs, targets, training = sample(model, rng, n=2)
    explained_model = ExplainedModel(model)
    peer = shap.GradientExplainer(logits_copy(model), training, batch_size=200)
    runs = np.stack([peer.shap_values(inputs, nsamples=400, rseed=seed) for seed in range(6)])
    theirs, error = runs.mean(0), runs.std(0, ddof=1) / np.sqrt(6)
    theirs, error = theirs[np.arange(2), ..., targets], error[np.arange(2), ..., targets]
    found = gradient_shap.explain(explained_model, inputs, targets, rng, training=training, samples=1200)
    away = found - theirs
    assert np.sqrt(np.mean(away**2)) < 2 * np.sqrt(np.mean(error**2))
    # And that error is small enough for the agreement to mean something.
    assert np.sqrt(np.mean(error**2)) < 0.15 * np.sqrt(np.mean(theirs**2))
    assert np.corrcoef(found.ravel(), theirs.ravel())[0, 1] > 0.98


@pytest.mark.slow
def test_scatters_less_than_shap_with_as_many_samples(heartbeat, rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shap = pytest.importorskip("shap")
    inputs, _, training = sample(heartbeat, rng, n=2)
    targets = np.zeros(2, int)
    peer = shap.GradientExplainer(logits_copy(heartbeat), training)
    theirs = np.stack([peer.shap_values(inputs, nsamples=60, rseed=seed)[..., 0] for seed in range(6)])
    _, error = repeated(heartbeat, inputs, targets, training, runs=6, samples=60)
    assert np.mean(error**2) < 0.5 * np.mean(theirs.var(0, ddof=1) / 6)


@pytest.mark.slow
def test_agrees_with_captum_on_the_same_weights(keras, rng):
    torch = pytest.importorskip("torch")
    attr = pytest.importorskip("captum.attr")
    layers = keras.layers
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [layers.Input((10, 1)), layers.Flatten(), layers.Dense(8, activation="tanh"), layers.Dense(3)]
    )
    inputs, targets, training = sample(model, rng, n=3)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  (captum draws its positions from the global generator)
    peer = attr.GradientShap(torch_copy(model))
    theirs = peer.attribute(
        channels_first(inputs), channels_first(training), n_samples=20000, target=torch.tensor(targets)
    )
    found = gradient_shap.explain(ExplainedModel(model), inputs, targets, rng, training=training, samples=2400)
    np.testing.assert_allclose(found, channels_last(theirs), atol=0.02 * np.abs(found).max())


@pytest.mark.parametrize("network", NETWORKS)
def test_the_residual_is_reported_and_falls_with_more_samples(request, network, rng):
    model = request.getfixturevalue(network)
    inputs, targets, training = sample(model, rng)
    explained_model, residuals = ExplainedModel(model), []
    for samples in (8, 96, 960):
        given = {"training": training, "background": 8, "samples": samples}
        found = gradient_shap.explain(explained_model, inputs, targets, np.random.default_rng(2), **given)
        reported = completeness(gradient_shap, explained_model, inputs, targets, found, np.random.default_rng(2), given)
        residuals.append(reported["completeness_residual_share"])
    assert residuals[2] < residuals[1] < residuals[0]
    assert residuals[2] < 0.02


@pytest.mark.parametrize(("rows", "samples"), [(5, 5), (5, 13), (5, 40), (5, 3), (1, 7), (7, 1)])
def test_points_are_spread_evenly_over_rows_and_positions(rows, samples, rng):
    row, alpha, weight = gradient_shap.points(rows, samples, rng)
    assert len(row) == len(alpha) == len(weight) == samples
    assert ((alpha >= 0) & (alpha <= 1)).all()
    counted = np.bincount(row, minlength=rows)
    assert counted.max() - counted.min() <= 1
    used = np.unique(row)
    assert len(used) == min(rows, samples)
    for one in used:
        np.testing.assert_allclose(weight[row == one].sum(), 1 / len(used))
        # One point in each equal part of the way.
        parts = np.floor(np.sort(alpha[row == one]) * counted[one])
        np.testing.assert_array_equal(parts, np.arange(counted[one]))


def test_every_position_and_every_row_is_as_likely_as_the_others(rng):
    draws = [gradient_shap.points(5, 7, rng) for _ in range(3000)]
    alpha, weight = (np.concatenate([draw[part] for draw in draws]) for part in (1, 2))
    row = np.concatenate([draw[0] for draw in draws])
    shares = np.histogram(alpha, 10, (0, 1), weights=weight)[0] / weight.sum()
    np.testing.assert_allclose(shares, 0.1, atol=0.004)
    np.testing.assert_allclose(np.bincount(row) / len(row), 0.2, atol=0.004)


def test_takes_one_pass_per_point(heartbeat, rng):
    model = ExplainedModel(heartbeat)
    inputs, targets, training = sample(heartbeat, rng)
    gradient_shap.explain(model, inputs, targets, rng, training=training, samples=30)
    assert model.backward_passes == 4 * 30


@pytest.mark.parametrize("size", [1, 3, 17])
def test_neither_the_order_nor_the_company_of_inputs_matters(heartbeat, rng, size):
    inputs, targets, training = sample(heartbeat, rng, n=5)

    def explain(x, classes, **model):
        return gradient_shap.explain(
            ExplainedModel(heartbeat, **model), x, classes, np.random.default_rng(1), training=training, samples=20
        )

    whole = explain(inputs, targets)
    tolerance = 1e-5 * np.abs(whole).max()
    np.testing.assert_allclose(explain(inputs[::-1], targets[::-1], batch_size=size)[::-1], whole, atol=tolerance)
    np.testing.assert_allclose(explain(inputs[3:4], targets[3:4]), whole[3:4], atol=tolerance)
