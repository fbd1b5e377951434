"""What is told and refused about the classes and the range of one's own model, before any job is planned."""

import numpy as np
import pytest

from pellucid.config import model_classes, resolution
from pellucid.config.resolution import ConfigError
from pellucid.errors import InputError
from pellucid.models.imported import archive, own_keys


def resolved(**model):
    experiment = {"dataset": {"source": "digits"}, "training": {"epochs": model.pop("epochs", 0)}, "model": model}
    return resolution.resolve({"run": ["own"], "experiments": {"own": experiment}})


@pytest.fixture(scope="module")
def file(keras, tmp_path_factory):
    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10), layers.Softmax()])
    path = tmp_path_factory.mktemp("own") / "own.keras"
    model.save(path)
    return str(path)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"classes": ["a", "b", "a"]}, ['"a"', "twice"]),
        ({"classes": [1, "1"]}, ['"1"', "twice"]),
        ({"classes": ["a"]}, ['"a"']),
        ({"classes": ["a", "b", "c"]}, ["3 classes", "10 outputs"]),
        ({"input_range": [255, 255]}, ["input_range", "255"]),
        ({"input_range": [255]}, ["input_range"]),
    ],
)
def test_keys_that_cannot_be_right_are_refused_at_planning(file, keys, said):
    with pytest.raises(ConfigError) as refusal:
        resolved(architecture="keras_file", file=file, **keys)
    assert all(word in str(refusal.value) for word in said)


def test_a_new_head_may_have_any_number_of_classes(file):
    assert resolved(architecture="keras_file", file=file, new_head=True, classes=["a", "b"]).experiments


def test_a_guessed_order_is_told_once_for_each_experiment(file, tmp_path):
    (tmp_path / "mine.py").write_text("def make(shape, classes): ...\n")
    function = {"architecture": "function", "build": "mine:make", "folder": str(tmp_path)}
    (note,) = resolved(architecture="keras_file", file=file).notes
    assert note.startswith("own: ")
    assert "model.classes" in note
    assert resolved(architecture="keras_file", file=file, epochs=2).notes
    assert resolved(**function).notes
    assert not resolved(**function, epochs=2).notes
    assert not resolved(architecture="keras_file", file=file, new_head=True).notes
    assert not resolved(architecture="keras_file", file=file, classes=list(range(10))).notes
    assert not resolved(architecture="digit_cnn").notes


def ends(keras):
    """Models by the number of scores that their layers say; None where they do not."""
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3)(image))
    flat = layers.Flatten()(image)
    head = keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.Activation("softmax")])
    return [
        (keras.Model(image, layers.Dense(5)(flat)), 5),
        (keras.Model(image, layers.Softmax()(layers.Dropout(0.1)(layers.Dense(5)(flat)))), 5),
        (keras.Model(image, keras.ops.softmax(layers.Dense(7)(flat))), 7),
        (keras.Model(image, layers.Activation("softmax")(pooled)), 6),
        (keras.Model(image, head(pooled)), 4),
        (keras.Model(image, layers.Dense(1, activation="sigmoid")(flat)), 1),
        (keras.Model(image, layers.Concatenate()([layers.Dense(2)(flat), layers.Dense(3)(flat)])), None),
        (keras.Model(image, layers.Flatten()(layers.Conv2D(6, 8)(image))), None),
    ]


def test_the_number_of_outputs_is_read_from_the_file(keras, tmp_path):
    for model, expected in ends(keras):
        model.save(tmp_path / "model.keras")
        found = own_keys.number_of_outputs(archive.read(tmp_path / "model.keras"))
        assert found == expected
        assert found in (None, model.output_shape[-1])


def test_a_model_of_other_classes_than_the_data_set_names_is_refused(keras, tmp_path):
    model = keras.Sequential([keras.Input((4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    model.save(tmp_path / "model.keras")
    entry = {"architecture": "keras_file", "file": str(tmp_path / "model.keras"), "new_head": False}
    settings = {"dataset": {"classes": ["A", "B", "C"]}, "model": entry, "training": {"epochs": 0}}
    model_classes.require_number(settings)
    settings["dataset"]["classes"] = ["A", "B"]
    with pytest.raises(InputError, match=r"a model with 3 outputs; expected 2, one for each of dataset.classes: A, B"):
        model_classes.require_number(settings)
    model_classes.require_number({**settings, "model": {**entry, "new_head": True}})
    model_classes.require_number({**settings, "model": {**entry, "classes": ["A", "B", "C"]}})
    model_classes.require_number({**settings, "dataset": {}})


def test_a_sigmoid_has_two_classes(keras, tmp_path):
    model = keras.Sequential([keras.Input((4, 1)), keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid")])
    model.save(tmp_path / "model.keras")
    own_keys.check_number(["negative", "positive"], archive.read(tmp_path / "model.keras"), "model")


def test_no_range_leaves_the_model_itself(keras):
    model = keras.Sequential([keras.Input((4, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    assert own_keys.with_input_range(model, (0, 1), "model") is model
    assert np.shape(own_keys.with_input_range(model, (0, 2), "model")(np.zeros((3, 4, 1)))) == (3, 2)
