"""Explanations by frequencies from Python: shapes, axes, checks, figures and comparisons."""

import numpy as np
import pytest

import pellucid
from pellucid import files
from tests.support import svg


@pytest.fixture(scope="module")
def model():
    import keras

    keras.utils.set_random_seed(2)
    inputs = keras.Input((50, 2))
    hidden = keras.layers.Conv1D(4, 5, activation="relu", bias_initializer="normal")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(hidden)))


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).standard_normal((4, 50, 2)).astype(np.float32)


def test_says_its_axes_passes_its_checks_and_is_saved(model, x, tmp_path):
    found = pellucid.explain(
        model, x, "integrated_gradients", domain="frequency", steps=200, sampling_rate_hz=100, y=[0, 1, 0, 1]
    )
    assert found.attributions.shape == (4, 26, 2)
    assert found.domain == "frequency"
    np.testing.assert_allclose(found.axes["frequencies"], np.fft.rfftfreq(50, 0.01))
    assert set(found.checks["check"]) == {"completeness", "coverage", "batch", "flat"}
    assert found.checks["passed"].all()
    found.save(tmp_path / "a.npz")
    np.testing.assert_array_equal(files.read_arrays(tmp_path / "a.npz")["integrated_gradients/map"], found.attributions)
    found.plot([0, 3])
    in_time = pellucid.explain(model, x, "integrated_gradients", steps=200)
    assert in_time.axes == {}
    np.testing.assert_allclose(found.attributions.sum((1, 2)), in_time.attributions.sum((1, 2)), atol=1e-5)


def test_a_comparison_ranks_maps_over_time_alone(model, x):
    compared = pellucid.compare(
        model,
        x,
        methods={"saliency": {}, "gradient_input": {}, "occlusion": {"domain": "stft"}},
        scores={"deletion_insertion": {"steps": 4, "baselines": ["zero"]}, "cost": {}},
    )
    of_time = compared.leaderboard.loc[["saliency", "gradient_input"]]
    assert of_time.filter(like="deletion").notna().any(axis=None)
    assert compared.leaderboard.loc["occlusion"].filter(regex=r"(deletion|insertion).* mean").isna().all()
    assert compared.leaderboard.loc["occlusion", "cost.forward_passes mean"] > 0
    compared.plot()


def test_of_several_inputs_each_example_keeps_its_own(x):
    import keras

    signal, other = keras.Input((50, 2), name="signal"), keras.Input((2,), name="age")
    outputs = keras.layers.Dense(2, use_bias=False)(keras.layers.Flatten()(signal))
    model = keras.Model({"signal": signal, "age": other}, keras.layers.Multiply()([outputs, other]))
    age = np.array([[1, 1], [2, 2], [3, 3], [4, 4]], np.float32)
    options = {"input": "signal", "domain": "frequency", "target": 0}
    found = pellucid.explain(model, {"signal": x, "age": age}, "gradient_input", **options)
    once = pellucid.explain(model, {"signal": x, "age": np.ones_like(age)}, "gradient_input", **options)
    expected = once.attributions * age[:, :1, np.newaxis]
    np.testing.assert_allclose(found.attributions, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "parameters", "unit"),
    [
        ("saliency", {}, "∂ logit / ∂ input"),
        ("saliency", {"domain": "frequency"}, "∂ logit / ∂ coefficient"),
        ("smoothgrad", {"mode": "squared", "samples": 3}, "mean of (∂ logit / ∂ input)²"),
        ("smoothgrad", {"mode": "signed", "samples": 3}, "mean of ∂ logit / ∂ input"),
        ("extremal_mask", {"game": "delete", "iterations": 10}, "mask (1: perturbed)"),
        ("extremal_perturbation", {"game": "delete", "iterations": 10}, "share of the masks that perturb the value"),
    ],
)
def test_the_unit_is_that_of_the_parameters(model, x, tmp_path, method, parameters, unit):
    found = pellucid.explain(model, x, method, **parameters)
    assert found.unit == unit
    assert unit in repr(found)
    found.save(tmp_path / "a.svg")
    assert unit in " ".join(svg.words(tmp_path / "a.svg"))
