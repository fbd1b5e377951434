"""Activation maximisation against a closed form, against real inputs, and against tf-keras-vis."""

import numpy as np
import pytest

from pellucid.draw.views.activation_maximisation import draw
from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.activation_maximisation import compute
from pellucid.views.shared.ascent import roughness
from tests.support.view_data import given, random_examples

FREE = {"l2": 0, "smoothness": 0, "jitter": 0}


def run(model, seed=0, **parameters):
    explained_model = ExplainedModel(model)
    train = random_examples(explained_model.input_shape, explained_model.n_classes)
    return (
        compute(explained_model, given(explained_model, train), np.random.default_rng(seed), **parameters),
        train,
        explained_model,
    )


def test_without_regularisers_a_linear_model_has_its_optimum_at_the_limits(linear):
    model, weights, bias = linear
    found, (x, _), _ = run(model, **FREE, steps=400)
    low, high = x.min((0, 1)), x.max((0, 1))
    expected = np.where(np.moveaxis(weights, -1, 0) > 0, high, low)
    np.testing.assert_array_equal(found["inputs"], expected.astype(np.float32))
    np.testing.assert_allclose(found["scores"], np.einsum("ctk,tkc->c", expected, weights) + bias, rtol=1e-5)


@pytest.mark.parametrize("network", ["heartbeat", "multivariate", "digit"])
def test_goes_beyond_every_real_example_inside_their_range(request, network):
    found, (x, labels), model = run(request.getfixturevalue(network), **FREE)
    assert (found["scores"] > found["best_scores"]).all()
    assert (found["inputs"] >= x.min(tuple(range(x.ndim - 1)))).all()
    assert (found["inputs"] <= x.max(tuple(range(x.ndim - 1)))).all()
    np.testing.assert_allclose(model.score(found["inputs"], found["units"]), found["scores"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["best_scores"], model.logits(x).max(0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["mean"][1], x[labels == 1].mean(0), atol=1e-6)
    # It rises: the end is the highest, but for what the last small steps do.
    rise = found["history"].max(0) - found["history"][0]
    assert (found["history"][-1] > found["history"].max(0) - 0.02 * rise).all()


@pytest.mark.parametrize("network", ["multivariate", "digit"])
def test_regularisers_lower_what_they_weigh(request, network):
    model = request.getfixturevalue(network)
    free, (x, _), _ = run(model, **FREE)
    smooth, _, _ = run(model, **FREE | {"smoothness": 30})
    near, _, _ = run(model, **FREE | {"l2": 30})
    deviation, mean = x.std(), x.mean()
    units = [(found["inputs"] - mean) / deviation for found in (free, smooth, near)]
    assert (roughness(units[1])[0] < 0.7 * roughness(units[0])[0]).all()
    axes = tuple(range(1, x.ndim))
    assert (np.square(units[2]).mean(axes) < 0.7 * np.square(units[0]).mean(axes)).all()


@pytest.mark.parametrize("network", ["heartbeat", "digit"])
def test_filters_answer_more_than_to_any_real_example(request, network):
    found, (x, _), model = run(request.getfixturevalue(network), **FREE, of="filters", shown=5)
    layer = model.conv_layers[-1]
    assert str(found["layer"]) == layer
    assert found["count"] == model.activations(x[:1], layer).shape[-1]
    assert len(found["units"]) == 5
    real = model.activations(x, layer)
    real = real.mean(tuple(range(1, real.ndim - 1)))[:, found["units"]]
    np.testing.assert_allclose(found["best_scores"], real.max(0), atol=1e-5)
    answering = ~found["silent"]
    assert answering.any()
    assert (found["scores"] >= found["best_scores"])[answering].all()


def test_units_do_not_depend_on_each_other_or_on_the_batch(multivariate):
    # What one class gets among four, it gets alone: random numbers are shared by all of them.
    model, small = ExplainedModel(multivariate), ExplainedModel(multivariate, batch_size=3)
    data = given(model, random_examples(model.input_shape, 4))
    one, two = (compute(p, data, np.random.default_rng(1), steps=20, starts=2) for p in (model, small))
    np.testing.assert_allclose(one["inputs"], two["inputs"], atol=1e-3)
    assert one["start_scores"].shape == (4, 2)
    np.testing.assert_array_equal(one["scores"], one["start_scores"].max(1))


def test_the_same_seed_gives_the_same_inputs_and_another_seed_others(digit):
    one, two, other = (run(digit, seed=seed, steps=10)[0]["inputs"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_without_a_convolution_filters_are_the_last_features(keras):
    layers = keras.layers
    model = keras.Sequential([layers.Input((12, 3)), layers.Flatten(), layers.Dense(7, name="hidden"), layers.Dense(4)])
    found, _, _ = run(model, of="filters", steps=5)
    assert str(found["layer"]) == "hidden"
    assert found["count"] == 7
    with pytest.raises(InputError, match="model: found no convolution layer"):
        run(model, of="filters", layer="nowhere")


@pytest.mark.slow
@pytest.mark.parametrize("steps", [50, 200])
def test_reaches_a_higher_logit_than_tf_keras_vis_in_as_many_steps(keras, digit, steps):
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    found, (x, _), model = run(digit, **FREE, steps=steps)
    peer = ActivationMaximization(
        keras.Model(digit.inputs, digit.outputs), model_modifier=ReplaceToLinear(), clone=True
    )
    start = np.random.default_rng(0).uniform(x.min(), x.max(), (10, 8, 8, 1)).astype(np.float32)
    theirs = peer(
        CategoricalScore(list(range(10))),
        seed_input=start,
        input_range=(float(x.min()), float(x.max())),
        input_modifiers=None,
        regularizers=None,
        # Their default step is made for values from 0 to 255.
        optimizer=keras.optimizers.RMSprop(1 / 255),
        steps=steps,
    )
    reached = model.score(np.clip(np.asarray(theirs), x.min(), x.max()).astype(np.float32), np.arange(10))
    assert (found["scores"] >= reached - 1e-3).all()


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_labels_and_values_of_a_linear_model_have_their_optima_at_the_limits(keras, task):
    rng = np.random.default_rng(0)
    dense = keras.layers.Dense(3, activation="sigmoid" if task == "multi_label" else "linear")
    network = keras.Sequential([keras.Input((6, 2)), keras.layers.Flatten(), dense])
    dense.set_weights([0.2 * rng.normal(size=(12, 3)), rng.normal(size=3)])
    model, kernel = ExplainedModel(network, task), dense.get_weights()[0].reshape(6, 2, 3)
    x = rng.random((30, 6, 2), np.float32)
    if task == "multi_label":
        # Nobody has the last label; the second one only together with the first.
        answers = np.zeros((30, 3), np.uint8)
        answers[:20, 0], answers[5:8, 1] = 1, 1
        units, means = [0, 1], [x[:20].mean(0), x[5:8].mean(0)]
    else:
        answers = np.stack([np.arange(30), -np.arange(30), np.arange(30) % 10], axis=1).astype(np.float32)
        units, means = [0, 1, 2], [x[27:].mean(0), x[:3].mean(0), x[9::10].mean(0)]
    data = given(model, (x, answers))
    data.data_info["task"] = task
    found = compute(model, data, np.random.default_rng(0), **FREE, steps=400)
    np.testing.assert_array_equal(found["units"], units)
    low, high = x.min((0, 1)), x.max((0, 1))
    expected = np.where(np.moveaxis(kernel, -1, 0)[units] > 0, high, low)
    np.testing.assert_array_equal(found["inputs"], expected.astype(np.float32))
    np.testing.assert_allclose(found["mean"], means, atol=1e-6)
    assert ("probabilities" in found) == (task == "multi_label")
    if task == "multi_label":
        logits = np.array([model.logits(found["inputs"])[row, unit] for row, unit in enumerate(units)])
        np.testing.assert_allclose(found["probabilities"], 1 / (1 + np.exp(-logits.astype(float))), rtol=1e-5)
    figure = draw(found, {**data.data_info, "kind": "series", "channels": ["a", "b"], "unit": "", "sampling_rate_hz": None},
                  {}, "Activation maximisation")  # fmt: skip
    texts = " ".join(text.get_text() for axes in figure.axes for text in [axes.title, axes._left_title])
    assert ("value" if task == "regression" else "logit") in texts


def test_padding_counts_neither_in_the_range_nor_in_the_mean(linear):
    model = ExplainedModel(linear[0])
    x, labels = random_examples(model.input_shape, model.n_classes)
    measured = np.ones(x.shape, bool)
    measured[::2, -2:] = False
    measured[:, -1] = False
    x[~measured] = -50
    data = given(model, (x, labels))
    data.__dict__["training_measured"] = measured
    found = compute(model, data, np.random.default_rng(0), **FREE, steps=50)
    assert found["inputs"].min() >= 0
    expected = np.ma.masked_array(x, ~measured)[labels == 1].mean(0).filled(np.nan)
    np.testing.assert_allclose(found["mean"][1], expected, rtol=1e-5)
    assert np.isnan(found["mean"][:, -1]).all()
    info = {
        "kind": "series", "classes": data.data_info["classes"], "channels": [str(n) for n in range(x.shape[-1])],
        "sampling_rate_hz": None, "unit": "",
    }  # fmt: skip
    figure = draw(found, info, {}, "A title")
    assert all(np.isfinite(axes.get_ylim()).all() for axes in figure.axes)
