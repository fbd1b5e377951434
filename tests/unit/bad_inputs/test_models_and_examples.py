"""Models, and requests to them, that cannot be answered: each ends with one clear message."""

import shutil

import numpy as np
import pytest

from pellucid import files
from pellucid.errors import InputError
from pellucid.explain import deep_shap
from pellucid.network.explained_model import ExplainedModel
from tests.support import prepared
from tests.support.good_settings import plain


@pytest.fixture
def examples(tmp_path):
    x, one = np.zeros((2, 8, 8, 1), np.float32), np.zeros(2, int)
    arrays = {"inputs": x, "targets": one, "labels": one, "predictions": one, "indices": one}
    files.write_arrays(tmp_path / "examples.npz", arrays)
    return tmp_path / "examples.npz"


MODELS = [
    ("no file", lambda keras, path: None, "model.keras: found a model that cannot be loaded", "a .keras model"),
    ("no model", lambda keras, path: path.write_text("hello"), "found a model that cannot be loaded", "a .keras model"),
    (
        "code inside",
        lambda keras, path: plain(
            keras, keras.layers.Lambda(lambda x: x * 2), keras.layers.Flatten(), keras.layers.Dense(2)
        ).save(path),
        "found a model that cannot be loaded",
        "ambda",
    ),
    (
        "another input shape",
        lambda keras, path: plain(
            keras, keras.layers.Conv2D(1, 3), keras.layers.Flatten(), keras.layers.Dense(2), shape=(9, 9, 1)
        ).save(path),
        "inputs: found shape (2, 8, 8, 1)",
        "(N, 9, 9, 1)",
    ),
    (
        "no convolution layer",
        lambda keras, path: plain(keras, keras.layers.Flatten(), keras.layers.Dense(2)).save(path),
        "model: found no convolution layer",
        "at least one",
    ),
    (
        "no scores",
        lambda keras, path: plain(keras, keras.layers.Conv2D(2, 3)).save(path),
        "found an output of shape (6, 6, 2)",
        "one score for each of two or more classes",
    ),
    (
        "one score",
        lambda keras, path: plain(keras, keras.layers.Flatten(), keras.layers.Dense(1)).save(path),
        "found an output of shape (1,)",
        "two or more classes",
    ),
    (
        "sizes unknown",
        lambda keras, path: plain(
            keras, keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(2), shape=(None, None, 1)
        ).save(path),
        "found an input of shape (None, None, 1)",
        "sizes are all known",
    ),
]


@pytest.mark.parametrize(("save", "first", "then"), [row[1:] for row in MODELS], ids=[row[0] for row in MODELS])
def test_model(keras, tmp_path, examples, save, first, then):
    save(keras, tmp_path / "model.keras")
    with pytest.raises(InputError) as told:
        explain(tmp_path, examples, "grad_cam", {"layer": "last", "relu": True})
    assert first in str(told.value)
    assert then in str(told.value)
    assert not (tmp_path / "out").exists()


def explain(folder, examples, method, parameters):
    prepared.explain(folder / "out", method, parameters, model=folder / "model.keras", examples=examples, memory_mb=64)


def test_softmax_before_the_last_layer(keras):
    layers = keras.layers
    model = plain(keras, layers.Flatten(), layers.Dense(3, activation="softmax"), layers.Activation("linear"))
    with pytest.raises(InputError, match="found scores that are probabilities, made before the last layer"):
        ExplainedModel(model)


def test_layer_without_feature_maps(digit, tmp_path, examples):
    digit.save(tmp_path / "model.keras")
    for method in ("grad_cam", "grad_cam_plus_plus", "layer_cam"):
        with pytest.raises(InputError, match='layer: found "dense_1", whose output .* has no time or space left'):
            explain(tmp_path, examples, method, {"layer": "dense_1"})


def test_two_inputs(keras):
    left, right = keras.Input((4, 1)), keras.Input((4, 1))
    both = keras.layers.Flatten()(keras.layers.Add()([left, right]))
    with pytest.raises(InputError, match="found 2 inputs and 1 outputs; expected one of each"):
        ExplainedModel(keras.Model([left, right], keras.layers.Dense(2)(both)))


def test_layer_of_another_name(digit, tmp_path, examples):
    digit.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match='layer: found "conv_3"; expected first, last, or one of conv_1, conv_2'):
        explain(tmp_path, examples, "grad_cam", {"layer": "conv_3", "relu": True})
    assert not (tmp_path / "out").exists()


def test_window_larger_than_the_image(digit, tmp_path, examples):
    digit.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match="occlusion.window: found 15 on axis 0; expected at most the input's 8"):
        explain(tmp_path, examples, "occlusion", {"window": 15})
    assert not (tmp_path / "out").exists()


def test_references_that_are_none_or_of_another_shape(digit):
    one, target = np.zeros((1, 8, 8, 1), np.float32), np.array([0])
    with pytest.raises(InputError, match="references: found none; expected at least one"):
        ExplainedModel(digit).contributions(one, one[:0], target)
    with pytest.raises(InputError, match=r"found shape \(1, 8, 8\); expected \(N, 8, 8, 1\)"):
        ExplainedModel(digit).contributions(one, one[..., 0], target)


def test_values_that_are_multiplied_with_each_other_for_deep_shap(keras, rng):
    start = keras.Input((4, 1))
    gate = keras.layers.Conv1D(1, 3, padding="same", activation="sigmoid")(start)
    gated = keras.layers.Flatten()(keras.layers.Multiply(name="gated")([start, gate]))
    model, one = ExplainedModel(keras.Model(start, keras.layers.Dense(2)(gated))), np.zeros((1, 4, 1), np.float32)
    with pytest.raises(InputError, match=r"deep_shap: layer gated \(Multiply\): found operations .*\(Mul\)"):
        deep_shap.explain(model, one, np.array([0]), rng, training=one)
    assert model.forward_passes == 0


def test_targets_that_are_no_class(digit):
    with pytest.raises(InputError, match=r"targets: found shape \(1,\), from 10 to 10; expected \(1,\), from 0 to 9"):
        ExplainedModel(digit).gradient(np.zeros((1, 8, 8, 1), np.float32), np.array([10]))


@pytest.fixture
def folder(digits, tmp_path):
    """A copy of the digits as `data`, and predictions that are all right."""
    shutil.copytree(digits, tmp_path / "data")
    labels = files.read_arrays(digits / "labels.npz")["test"]
    right = np.eye(10, dtype=np.float32)[labels]
    files.write_arrays(tmp_path / "predictions.npz", {"labels": labels, "probabilities": right, "logits": right})
    return tmp_path


@pytest.mark.parametrize(
    ("choose", "target", "message"),
    [
        ("wrong", "predicted", 'examples.choose: no test example is "wrong"'),
        ("correct", "ten", 'examples.target: found "ten"; expected one of predicted, true, 0, 1'),
    ],
)
def test_examples_that_cannot_be_chosen(folder, choose, target, message):
    paths = (folder / "examples.npz", folder / "data", folder / "predictions.npz")
    with pytest.raises(InputError) as told:
        prepared.choose(*paths, choose=choose, target=target)
    assert message in str(told.value)
    assert not (folder / "examples.npz").exists()


def test_a_model_that_the_data_are_too_small_for(folder):
    data_info = files.read_json(folder / "data" / "data.json")
    data_info["shape"] = [5, 5, 1]
    files.write_json(folder / "data" / "data.json", data_info)
    with pytest.raises(InputError, match="model digit_cnn: found examples of shape 5 × 5 × 1; expected at least 6"):
        prepared.fit(folder / "data", folder, "digit_cnn")
    assert not (folder / "model").exists()
    assert not (folder / "checkpoints").exists()
