"""The shape of a model's output, read from its configuration, against the shape that Keras gives it."""

import json

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.models import keras_file
from pellucid.models.imported import archive, declared_outputs


def models(keras):
    """Models by name, with whether the number of time steps is told."""
    layers = keras.layers
    series, steps = keras.Input((8, 3)), layers.GRU(4, return_sequences=True)
    scores = layers.Dense(5)
    attended = layers.MultiHeadAttention(2, 3)(series, series)
    body = keras.Sequential([keras.Input((8, 3)), layers.Conv1D(4, 3, padding="same"), layers.ReLU()])
    return {
        "chain": (keras.Sequential([series, steps, layers.Dense(5, activation="softmax")]), True),
        "activation": (keras.Model(series, layers.Activation("softmax")(scores(steps(series)))), True),
        "distributed": (keras.Sequential([series, layers.TimeDistributed(layers.Dense(5))]), True),
        "both ways": (
            keras.Sequential([series, layers.Bidirectional(layers.LSTM(2, return_sequences=True)), layers.Dense(5)]),
            True,
        ),
        "nested": (keras.Model(series, layers.Dense(5)(body(series))), True),
        "nested end": (keras.Model(series, keras.Sequential([body, layers.Dense(5)])(series)), True),
        "joined": (keras.Model(series, layers.Dense(5)(layers.Add()([attended, series]))), True),
        "strided": (keras.Sequential([series, layers.Conv1D(5, 3, strides=2, activation="softmax")]), False),
        "one score": (keras.Sequential([series, layers.LSTM(4), layers.Dense(5)]), True),
        "pooled": (keras.Sequential([body, layers.GlobalAveragePooling1D(), layers.Dense(5)]), True),
        "kept": (keras.Sequential([body, layers.GlobalMaxPooling1D(keepdims=True), layers.Flatten()]), True),
        "reshaped": (keras.Sequential([series, layers.Flatten(), layers.Dense(10), layers.Reshape((2, 5))]), False),
        "image": (keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(5, 1)]), True),
    }


def test_the_shape_is_that_of_keras(keras):
    told_of_all = {}
    for name, (model, told) in models(keras).items():
        shape, expected = declared_outputs.shape(json.loads(model.to_json())), model.output_shape[1:]
        assert len(shape) == len(expected), name
        assert all(mine in (None, size) for mine, size in zip(shape, expected, strict=True)), name
        told_of_all[name] = len(shape) != 2 or shape[0] == expected[0]
        assert told_of_all[name] == told, name


def test_operations_and_layers_of_ones_own_are_left_to_the_job(keras):
    class Mine(keras.layers.Layer):
        def call(self, inputs):
            return inputs[:, 0]

    inputs = keras.Input((8, 3))
    for tensor in (keras.ops.mean(inputs, 1), Mine()(inputs)):
        config = json.loads(keras.Model(inputs, keras.layers.Dense(5)(tensor)).to_json())
        assert declared_outputs.shape(config) is None
        declared_outputs.require_steps(config, None, "mine")


@pytest.mark.parametrize(
    ("name", "steps", "message"),
    [
        (
            "chain",
            None,
            "an output of shape 8 × 5 for one example: scores at each of 8 time steps.* steps: last, a pos",
        ),
        ("nested end", None, "scores at each of 8 time steps"),
        ("strided", None, r"an output of shape \? × ?.* at each of its time steps"),
        ("chain", 8, "found steps: 8; expected steps from 0 to 7: its output has 8"),
        ("one score", "last", "steps: last, and an output of shape 5 for one example"),
        ("image", None, "an output of 3 axes for one example"),
    ],
)
def test_what_does_not_fit_ends_while_the_run_is_planned(keras, tmp_path, name, steps, message):
    path = tmp_path / "model.keras"
    models(keras)[name][0].save(path)
    settings = {"file": str(path), "features": "auto", "allow_code": False, "classes": ()}
    with pytest.raises(InputError, match=message):
        keras_file.features(**settings, new_head=False, steps=steps)
    keras_file.features(**settings, new_head=True, steps=None)  # another end


def test_a_model_of_whole_numbers_is_refused(keras):
    inputs = keras.Input((8, 3), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 255)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(scaled)))
    with pytest.raises(InputError, match=r'mine: found inputs of the type uint8; .*keras.Input\(shape, dtype="float32'):
        archive.check(json.loads(model.to_json()), "mine")
    # As the message says: the same scores.
    real = keras.Input((8, 3), dtype="float32")
    again = keras.Model(real, keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(real))))
    again.set_weights(model.get_weights())
    archive.check(json.loads(again.to_json()), "mine")
    x = np.arange(24).reshape(1, 8, 3)
    np.testing.assert_allclose(
        np.asarray(again(x.astype(np.float32))), np.asarray(model(x.astype(np.uint8))), atol=1e-6
    )
