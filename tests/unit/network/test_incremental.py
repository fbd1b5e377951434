"""Scores that are recomputed around a window are those of full passes."""

import numpy as np
import pytest

from pellucid.network import incremental_plan
from pellucid.network.explained_model import ExplainedModel
from tests.conftest import settled


def networks(keras):
    """Chains with every layer that a plan carries a box through, by name."""
    layers = keras.layers
    yield (
        "same padding, strides, dilation",
        [
            layers.Input((61, 2)),
            layers.Conv1D(5, 4, strides=2, padding="same", activation="tanh"),
            layers.Conv1D(4, 3, dilation_rate=2, padding="causal"),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.MaxPooling1D(3, strides=2, padding="same"),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(7, activation="elu"),
            layers.Dense(3),
            layers.Softmax(),
        ],
    )
    yield (
        "global mean",
        [
            layers.Input((40, 3)),
            layers.Rescaling(2.0, offset=-1.0),
            layers.Conv1D(6, 5, use_bias=False),
            layers.Activation("gelu"),
            layers.AveragePooling1D(2),
            layers.GlobalAveragePooling1D(),
            layers.Dense(4, activation="softmax"),
        ],
    )
    yield (
        "images",
        [
            layers.Input((17, 14, 3)),
            layers.Conv2D(6, (3, 5), padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(5, 3, strides=(2, 1)),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ],
    )
    yield (
        "nested",
        [
            layers.Input((12, 12, 1)),
            keras.Sequential([layers.Input((12, 12, 1)), layers.Conv2D(4, 3), layers.AveragePooling2D((2, 3))]),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ],
    )
    yield "no window at all", [layers.Input((20, 2)), layers.Flatten(), layers.Dense(3, activation="softmax")]


NAMES = ["same padding, strides, dilation", "global mean", "images", "nested", "no window at all"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("memory", [2**14, 2**30])
def test_scores_are_those_of_full_passes(keras, monkeypatch, rng, name, memory):
    keras.utils.set_random_seed(5)
    model = settled(keras.Sequential(dict(networks(keras))[name]))
    shape, classes = model.input_shape[1:], model.output_shape[1]
    axes = len(shape) - 1
    x, fill = (rng.normal(size=(6, *shape)).astype(np.float32) for _ in range(2))
    targets = rng.integers(classes, size=6)
    size = (5, 3)[:axes]
    ends = [length - covered + 1 for length, covered in zip(shape[:-1], size, strict=True)]
    starts = np.stack(np.unravel_index(np.arange(np.prod(ends)), ends), axis=1)
    channels = np.arange(len(starts)) % (shape[-1] + 1) - 1
    arguments = (x, fill, targets, starts, size, channels)
    full = ExplainedModel(model, batch_size=4)
    monkeypatch.setattr(full._scorers, "for_windows", lambda *_: None)
    expected = full.covered_scores(*arguments)
    monkeypatch.setattr("pellucid.network.window_scores._WORK_OF_TRACING", -1e30)
    explained_model = ExplainedModel(model)
    explained_model._memory = memory
    found = explained_model.covered_scores(*arguments)
    assert explained_model._scorers.made
    assert found.shape == (len(starts), 6)
    assert np.ptp(expected, axis=0).min() > 0
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(expected).max(), rtol=2e-5)
    assert explained_model.forward_passes == full.forward_passes == expected.size


def test_a_model_that_is_no_chain_has_no_plan(keras):
    inputs = keras.Input((20, 2))
    one, other = (keras.layers.Conv1D(3, 3)(inputs) for _ in range(2))
    joined = keras.layers.Flatten()(keras.layers.Add()([one, other]))
    assert incremental_plan.plan(keras.Model(inputs, keras.layers.Dense(2)(joined))) is None


@pytest.mark.parametrize("layer", ["LSTM", "SeparableConv1D", "GlobalMaxPooling1D"])
def test_a_model_with_another_kind_of_layer_has_no_plan(keras, layer):
    layers = keras.layers
    kinds = {
        "LSTM": [layers.LSTM(3)],
        "SeparableConv1D": [layers.SeparableConv1D(3, 3), layers.Flatten()],
        "GlobalMaxPooling1D": [layers.GlobalMaxPooling1D()],
    }
    assert incremental_plan.plan(keras.Sequential([layers.Input((20, 2)), *kinds[layer], layers.Dense(2)])) is None


def test_little_work_is_done_in_full(heartbeat, rng):
    model = ExplainedModel(heartbeat)
    x = rng.random((2, 186, 1), np.float32)
    model.covered_scores(x, x * 0, np.array([0, 1]), np.array([[3], [9]]), (15,), np.array([-1, 0]))
    assert not model._scorers.made
    assert model._scorers.plan is not None


def test_work_is_that_of_the_layers(keras):
    layers = keras.layers
    model = keras.Sequential([layers.Input((10, 2)), layers.Conv1D(3, 4), layers.Flatten(), layers.Dense(5)])
    # 7 positions of 4 × 2 × 3 multiplications and 21 × 5; a window of 2 touches 5 positions.
    assert incremental_plan.plan(model).work((2,)) == (5 * 24 + 5 * 15, 7 * 24 + 7 * 15)
