"""`Input((None, 1))`: a model for series of any length gets the length of the data, and stays the same function."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.models import keras_file
from tests.support.own_models import with_random_weights


def chain(keras, shape):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input(shape),
            layers.Conv1D(4, 5, activation="relu", padding="same"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ]
    )


def ways(keras, shape):
    layers = keras.layers
    x = layers.Input(shape)
    maps = layers.Conv1D(4, 3, padding="same", activation="relu")(x)
    maps = layers.Add()([maps, layers.Conv1D(4, 1)(x)])
    return keras.Model(x, layers.Dense(3, activation="softmax")(layers.GlobalMaxPooling1D()(maps)))


def built(model, path, input_shape):
    model.save(path)
    parameters = {"file": str(path), "features": "auto", "allow_code": False, "new_head": False, "classes": ()}
    return keras_file.features(**parameters), keras_file.build(input_shape, 3, file=path)


def test_pictures_of_any_size(keras, tmp_path):
    layers = [keras.layers.Conv2D(3, 3, activation="relu"), keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(3)]
    model = with_random_weights(keras.Sequential([keras.layers.Input((None, None, 1)), *layers]))
    features, taken = built(model, tmp_path / "model.keras", (9, 8, 1))
    assert taken.input_shape == (None, 9, 8, 1)
    assert {"conv", "relu"} <= set(features)


@pytest.mark.parametrize("make", [chain, ways])
def test_the_length_is_that_of_the_data(keras, tmp_path, make):
    model = with_random_weights(make(keras, (None, 1)))
    features, taken = built(model, tmp_path / "model.keras", (50, 1))
    assert taken.input_shape == (None, 50, 1)
    assert "conv" in features
    # What is found in the file does not depend on the open axis.
    of_one_length = with_random_weights(make(keras, (50, 1)))
    assert features == built(of_one_length, tmp_path / "other.keras", (50, 1))[0]
    x = np.random.default_rng(0).random((3, 50, 1), np.float32)
    expected = np.asarray(model(x, training=False))
    if make is chain:
        expected = np.asarray(keras.ops.softmax(expected))
    np.testing.assert_allclose(np.asarray(taken(x, training=False)), expected, rtol=1e-5, atol=1e-6)


def test_channels_and_axes_must_be_those_of_the_data(keras, tmp_path):
    model = chain(keras, (None, 2))
    for shape, told in (((50, 1), "expected 50 × 1, the shape of the data's"), ((50, 2, 1), "found inputs of shape")):
        with pytest.raises(InputError, match=told):
            built(model, tmp_path / "model.keras", shape)
