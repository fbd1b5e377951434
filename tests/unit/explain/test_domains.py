"""Explanations by frequencies: closed forms of a linear model, the sums of those in time, exact Shapley values."""

import itertools
import math

import numpy as np
import pytest

from pellucid import plugins
from pellucid.api import settings
from pellucid.errors import InputError
from pellucid.explain.run import explain_variants
from pellucid.explain.shared import domains, stored_maps
from pellucid.network.explained_model import ExplainedModel

LENGTH, CHANNELS = 40, 2
OTHERS = ("frequency", "stft", "bands")
METHODS = [name for name, module in plugins.load("explain").items() if "domain" in plugins.names(module)]


@pytest.fixture(scope="module")
def weights():
    return np.random.default_rng(3).standard_normal((LENGTH, CHANNELS, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def linear(weights):
    """Two logits, each a weighted sum of all values."""
    import keras

    inputs = keras.Input((LENGTH, CHANNELS))
    outputs = keras.layers.Dense(2, use_bias=False)(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    model.layers[-1].set_weights([weights.reshape(-1, 2)])
    return ExplainedModel(model)


@pytest.fixture(scope="module")
def curved():
    """A small network with ReLUs."""
    import keras

    keras.utils.set_random_seed(5)
    inputs = keras.Input((LENGTH, CHANNELS))
    hidden = keras.layers.Conv1D(6, 5, activation="relu", bias_initializer="normal")(inputs)
    outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(hidden))
    return ExplainedModel(keras.Model(inputs, outputs))


@pytest.fixture(scope="module")
def inputs():
    return np.random.default_rng(0).standard_normal((3, LENGTH, CHANNELS)).astype(np.float32)


TARGETS = np.array([0, 1, 1])


def explained(method, model, x, **written):
    parameters = settings.completed("explain", method, written, (LENGTH,))
    results = explain_variants(method, parameters, model, {"inputs": x, "targets": TARGETS[: len(x)]}, seed=1)
    return stored_maps.maps_of(results.arrays, method)[0], results


def axes_of(maps):
    return tuple(range(1, maps.ndim))


def test_of_a_linear_model_a_frequency_has_the_product_of_both_spectra(linear, weights, inputs):
    """The real part of the conjugate spectrum of the weights times that of the input, divided by the length; bins that
    stand for two frequencies count twice (Vielhaben et al. 2024, equations 6 and 7, for relevances w x)."""
    twice = np.full(LENGTH // 2 + 1, 2.0)
    twice[[0, -1]] = 1
    of_weights = np.fft.rfft(np.moveaxis(weights, -1, 0)[TARGETS].astype(np.float64), axis=1)
    of_inputs = np.fft.rfft(inputs.astype(np.float64), axis=1)
    expected = (of_weights.conj() * of_inputs).real * twice[:, np.newaxis] / LENGTH
    for method in ("gradient_input", "integrated_gradients"):
        found, _ = explained(method, linear, inputs, domain="frequency")
        np.testing.assert_allclose(found, expected, atol=1e-4)
    window = {"window": 1, "channels": "each", "domain": "frequency"}
    np.testing.assert_allclose(explained("occlusion", linear, inputs, **window)[0], expected, atol=1e-4)
    size, _ = explained("saliency", linear, inputs, domain="frequency")
    np.testing.assert_allclose(size, np.abs(of_weights) * np.sqrt(twice / LENGTH)[:, np.newaxis], atol=1e-4)


def test_is_dft_lrp_of_the_relevances_in_time(curved, inputs):
    """A relevance R_t that z_k gives through x_t is R_t / x_t times the part of x_t that z_k makes (DFT-LRP)."""
    in_time, _ = explained("integrated_gradients", curved, inputs)
    found, _ = explained("integrated_gradients", curved, inputs, domain="frequency")
    transform = domains.transform_of((LENGTH, CHANNELS), domain="frequency")
    z = transform.forward(inputs)
    expected = np.empty_like(found)
    for place in range(z.shape[1]):
        alone = np.zeros_like(z)
        alone[:, place] = z[:, place]
        expected[:, place] = (in_time / inputs * transform.inverse(alone)).sum(1)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("domain", OTHERS)
@pytest.mark.parametrize("baseline", ["zero", "mean", "noise"])
def test_sums_to_the_same_change_as_in_time(curved, inputs, domain, baseline):
    in_time, before = explained("integrated_gradients", curved, inputs, baseline=baseline)
    found, after = explained("integrated_gradients", curved, inputs, baseline=baseline, domain=domain)
    np.testing.assert_allclose(found.sum(axes_of(found)), in_time.sum((1, 2)), atol=1e-5)
    checks = [results.checks["integrated_gradients"]["completeness_residual"] for results in (before, after)]
    np.testing.assert_allclose(*checks, atol=1e-4)


@pytest.mark.parametrize("domain", OTHERS)
def test_the_baseline_leaves_padding_as_it_is(curved, inputs, domain):
    measured = np.ones(inputs.shape, bool)
    measured[:, 30:] = False
    padded = np.where(measured, inputs, 0)
    arrays = {"inputs": padded, "targets": TARGETS, "measured": measured}
    maps = []
    for other in ("time", domain):
        parameters = settings.completed(
            "explain", "integrated_gradients", {"domain": other, "baseline": "mean"}, (LENGTH,)
        )
        results = explain_variants("integrated_gradients", parameters, curved, arrays, seed=1)
        maps.append(stored_maps.maps_of(results.arrays, "integrated_gradients")[0])
        assert results.checks["integrated_gradients"]["completeness_residual_share"] < 0.05
    np.testing.assert_allclose(maps[1].sum(axes_of(maps[1])), maps[0].sum((1, 2)), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("domain", OTHERS)
def test_maps_have_the_shape_of_the_domain(curved, inputs, method, domain):
    found, results = explained(method, curved, inputs, domain=domain)
    shape = {"frequency": (21, 2), "stft": (9, 6, 2), "bands": (8, 2)}[domain]
    assert found.shape == (3, *shape)
    assert found.dtype == np.float32
    assert np.ptp(found) > 0
    # Nothing that reads maps in time finds them.
    assert results.arrays["attributions"].shape == (0, 3, LENGTH, CHANNELS)
    assert not len(results.arrays["variants"])


def test_kernel_shap_of_all_bands_is_exact(curved, inputs):
    transform = domains.transform_of((LENGTH, CHANNELS), domain="bands", bands=4)
    z = transform.forward(inputs[:1])
    parts = [
        transform.inverse(np.where(transform.spread(np.eye(8, dtype=bool)[place].reshape(4, 2)), z, 0))
        for place in range(8)
    ]
    kept = np.array(list(itertools.product([False, True], repeat=8)))
    mixed = np.concatenate([sum(part * bit for part, bit in zip(parts, row, strict=True)) for row in kept])
    value = dict(zip(map(tuple, kept), curved.score(mixed, np.zeros(256, np.int64)), strict=True))
    shapley = np.zeros(8)
    for row in kept:
        for player in np.flatnonzero(~row):
            more = row.copy()
            more[player] = True
            weight = math.factorial(row.sum()) * math.factorial(7 - row.sum()) / math.factorial(8)
            shapley[player] += weight * float(value[tuple(more)] - value[tuple(row)])
    found, _ = explained("kernel_shap", curved, inputs[:1], domain="bands", bands=4)
    np.testing.assert_allclose(found.ravel(), shapley, atol=1e-5)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "saliency"])
def test_finds_the_frequency_that_a_model_listens_to(method):
    """The logit is the energy of a filter at a tenth of the sampling rate; the input also has a louder sine."""
    import keras

    time = np.arange(100)
    inputs = keras.Input((100, 1))
    filtered = keras.layers.Conv1D(2, 30, use_bias=False)(inputs)
    energy = keras.layers.GlobalAveragePooling1D()(keras.ops.square(filtered))
    model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False)(energy))
    taps = np.stack([np.cos(2 * np.pi * 0.1 * time[:30]), np.sin(2 * np.pi * 0.1 * time[:30])], axis=-1)
    model.layers[1].set_weights([taps[:, np.newaxis].astype(np.float32)])
    model.layers[-1].set_weights([np.array([[1, 0], [1, 0]], np.float32)])
    x = np.sin(2 * np.pi * 0.1 * time) + 2 * np.sin(2 * np.pi * 0.37 * time)
    x = x[np.newaxis, :, np.newaxis].astype(np.float32)
    segments = {"kernel_shap": {"segments": 25}, "lime": {"segments": 25}, "rise": {"cells": 17}}.get(method, {})
    parameters = settings.completed("explain", method, {"domain": "frequency", **segments}, (100,))
    results = explain_variants(
        method, parameters, ExplainedModel(model), {"inputs": x, "targets": np.array([0])}, seed=1, sampling_rate=50.0
    )
    stored = stored_maps.domain_map(results.arrays, method)
    assert stored.unit == "Hz"
    assert abs(stored.facts["frequencies"][stored.maps[0, :, 0].argmax()] - 5) <= 1


def test_a_sweep_over_domains_keeps_the_map_in_time(curved, inputs):
    parameters = settings.completed("explain", "gradient_input", {}, (LENGTH,))
    parameters["sweep"] = {"domain": ["time", "frequency"]}
    arrays = explain_variants(
        "gradient_input", parameters, curved, {"inputs": inputs, "targets": TARGETS}, seed=1
    ).arrays
    assert stored_maps.labels_of(arrays) == ["gradient_input.domain=time", "gradient_input.domain=frequency"]
    in_time, domain = stored_maps.maps_of(arrays, "gradient_input.domain=time")
    assert domain == "time"
    np.testing.assert_array_equal(in_time, curved.gradient(inputs, TARGETS) * inputs)
    other = stored_maps.domain_map(arrays, "gradient_input.domain=frequency")
    assert other.unit == "cycles per sample"
    np.testing.assert_allclose(other.facts["frequencies"], np.fft.rfftfreq(LENGTH))


@pytest.mark.parametrize(
    ("method", "written", "said"),
    [
        ("saliency", {"domain": "frequency", "mode": "signed"}, "phase"),
        ("kernel_shap", {"domain": "stft", "partition": "superpixels"}, "superpixels are parts of images"),
        ("lime", {"domain": "frequency", "partition": "change_points"}, "they are places in time"),
        ("kernel_shap", {"domain": "bands", "partition": "windows"}, "segments says how many bands"),
        ("integrated_gradients", {"domain": "bands", "bands": 30}, "at most the 21 frequencies"),
        ("occlusion", {"domain": "stft", "frame": 9}, "even number"),
        ("rise", {"domain": "bands", "cells": 3}, "each band is a cell"),
    ],
)
def test_refuses_what_has_no_meaning(method, written, said):
    with pytest.raises(InputError, match=said):
        settings.completed("explain", method, written, (LENGTH,))


@pytest.mark.parametrize("method", METHODS)
def test_refuses_the_frequencies_of_images_and_of_numbers(method):
    with pytest.raises(InputError, match="only series have frequencies"):
        settings.completed("explain", method, {"domain": "frequency"}, (8, 8))
