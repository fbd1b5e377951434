"""Models of one's own that cannot be used: each ends with one clear message."""

import copy
import json
import sys
import zipfile

import pytest

from pellucid.config import resolution
from pellucid.config.resolution import ConfigError
from pellucid.errors import InputError
from tests.support import prepared
from tests.support.good_settings import GOOD, plain


def own(keras, *layers, shape=(8, 8, 1)):
    """What saves a small model with these layers before its ten classes."""
    made = [make(keras) for make in layers]
    return plain(keras, *made, keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax"), shape=shape)


def two_inputs(keras):
    left, right = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    joined = keras.layers.Flatten()(keras.layers.Add()([left, right]))
    return keras.Model([left, right], keras.layers.Dense(10)(joined))


def two_outputs(keras):
    image = keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()(image)
    return keras.Model(image, [keras.layers.Dense(10)(flat), keras.layers.Dense(1)(flat)])


def subclass(keras):
    class Mine(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2

    return own(keras, lambda _: Mine(name="mine"))


def activated(keras):
    return own(keras, lambda keras: keras.layers.Conv2D(2, 3, activation=lambda x: x * x, name="squared"))


def cut(keras, path):
    own(keras).save(path)
    path.write_bytes(path.read_bytes()[:-400])


def emptied(keras, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": []}}))


def legacy(keras, path):
    own(keras).save(path.with_suffix(".h5"))
    path.with_suffix(".h5").rename(path)


def save(make):
    return lambda keras, path: make(keras).save(path)


# Found while the workflow is planned.
OWN_FILES = [
    (
        "no zip",
        lambda keras, path: path.write_text("hello"),
        "model.keras: found a file that cannot be read",
        "Keras 3",
    ),
    ("a truncated archive", cut, "model.keras: found a file that cannot be read", "Keras 3"),
    ("an archive without weights", emptied, "There is no model.weights.h5 in the archive", ""),
    (
        "HDF5",
        legacy,
        "found a model in the older format HDF5 (.h5)",
        'keras.models.load_model("model.keras").save("model.keras") converts it',
    ),
    (
        "a Lambda layer",
        save(lambda keras: own(keras, lambda keras: keras.layers.Lambda(lambda x: x * 2, name="doubled"))),
        'found code: layer "doubled" (Lambda)',
        "allow_code: true",
    ),
    ("a lambda as an activation", save(activated), 'found code: layer "squared" (a lambda)', "allow_code: true"),
    ("a layer of one's own", save(subclass), '"Mine"', "without it"),
    ("two inputs", save(two_inputs), "found 2 inputs (", "expected a model of one input"),
    ("two outputs", save(two_outputs), "found 2 outputs; expected one", ""),
    (
        "never built",
        save(lambda keras: keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)])),
        "a model whose input sizes are not known",
        "built before it was saved",
    ),
]


def planned(**model):
    content = copy.deepcopy(GOOD)
    content["run"] = ["digits"]
    content["experiments"]["digits"]["model"] = model
    with pytest.raises(ConfigError) as told:
        resolution.resolve(content)
    (fault,) = told.value.faults
    return fault


@pytest.mark.parametrize(("write", "first", "then"), [row[1:] for row in OWN_FILES], ids=[row[0] for row in OWN_FILES])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_own_file(keras, tmp_path, write, first, then):
    path = tmp_path / "model.keras"
    write(keras, path)
    fault = planned(architecture="keras_file", file=str(path))
    assert fault.startswith("experiments.digits.model: ")
    assert str(path) in fault
    assert first in fault
    assert then in fault


@pytest.mark.parametrize(
    ("model", "first", "then"),
    [
        ({"architecture": "keras_file"}, "model: found architecture", "expected the key file as well"),
        ({"architecture": "keras_file", "file": "none.keras"}, "model.file: found no file at none.keras", ""),
        (
            {"architecture": "keras_file", "file": "https://example.org/model.keras"},
            "model: features: found auto, and an address",
            "a list of what the model has",
        ),
        ({"architecture": "keras_file", "file": "m.keras", "freeze": "last"}, 'freeze: found "last"', "all_but_last"),
        ({"architecture": "function", "build": "nowhere"}, 'build: found "nowhere"', "module:function"),
        (
            {"architecture": "function", "build": "no_such_module:make"},
            "build: found no file at no_such_module.py",
            "a file there",
        ),
    ],
)
def test_own_model_in_the_configuration(model, first, then):
    fault = planned(**model)
    assert first in fault
    assert then in fault


# Found where the data are known, before any epoch.
OWN_ENDS = [
    (
        "another input shape",
        lambda keras: own(keras, shape=(9, 9, 1)),
        "found a model for inputs of 9 × 9 × 1",
        "8 × 8 × 1",
    ),
    (
        "another number of classes",
        lambda keras: plain(keras, keras.layers.Flatten(), keras.layers.Dense(7, activation="softmax")),
        "found an output of shape 7; expected 10 scores",
        "new_head: true",
    ),
    (
        "one number",
        lambda keras: plain(keras, keras.layers.Flatten(), keras.layers.Dense(1)),
        "found an output of shape 1",
        "10 scores",
    ),
    (
        "maps for scores",
        lambda keras: plain(keras, keras.layers.Conv2D(10, 3)),
        "found an output of shape 6 × 6 × 10",
        "one for each class",
    ),
    (
        "several labels at once",
        lambda keras: plain(keras, keras.layers.Flatten(), keras.layers.Dense(10, activation="sigmoid")),
        "found 10 independent sigmoids",
        "a softmax, or logits",
    ),
    (
        "a softmax before the last layer",
        lambda keras: plain(
            keras,
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
            keras.layers.Rescaling(1.0),
        ),
        "found probabilities that are computed before the last layer",
        "a softmax or log-softmax as the last layer",
    ),
]


def begin(folder, data, model, paths):
    with pytest.raises(InputError) as told:
        prepared.fit(data, folder, model, paths=paths)
    assert not (folder / "model").exists()
    assert not (folder / "checkpoints").exists()
    return str(told.value)


@pytest.mark.parametrize(("make", "first", "then"), [row[1:] for row in OWN_ENDS], ids=[row[0] for row in OWN_ENDS])
def test_own_model_that_does_not_fit_the_data(keras, tmp_path, digits, make, first, then):
    path = tmp_path / "model.keras"
    make(keras).save(path)
    message = begin(tmp_path, digits, {"architecture": "keras_file", "file": str(path)}, {"file": str(path)})
    assert message.startswith(str(path))
    assert first in message
    assert then in message


def test_own_model_with_nothing_left_to_train(keras, tmp_path, digits):
    path = tmp_path / "model.keras"
    own(keras).save(path)
    model = {"architecture": "keras_file", "file": str(path)}
    model["freeze"] = [layer.name for layer in keras.models.load_model(path).layers]
    assert "and no weights to fit" in begin(tmp_path, digits, model, {"file": str(path)})
    model["freeze"] = ["dens"]
    assert 'freeze: found "dens"; expected layers of ' in begin(tmp_path, digits, model, {"file": str(path)})


FUNCTIONS = [
    ("nothing returned", "def make(shape, n):\n    pass", "found nothing returned", "a keras.Model"),
    ("something else returned", "def make(shape, n):\n    return 3", "found a int", "a keras.Model"),
    ("a function that fails", "def make(shape, n):\n    return 1 / 0", "ZeroDivisionError: division by zero", "line 2"),
    ("a module that fails", "import no_such_package\ndef make(shape, n): pass", "No module named", "line 1"),
    ("other arguments", "def make():\n    pass", "a function that fails (TypeError", "a keras.Model"),
    (
        "never built",
        "def make(shape, n):\n    import keras\n    return keras.Sequential([keras.layers.Dense(n)])",
        "found a model that is not built",
        "keras.Input(input_shape)",
    ),
    (
        "a Lambda layer",
        "def make(shape, n):\n    import keras\n    layers = keras.layers\n    return keras.Sequential("
        "[layers.Input(shape), layers.Lambda(lambda x: x, name='id'), layers.Flatten(), layers.Dense(n)])",
        'found code: layer "id" (Lambda)',
        "keras.ops",
    ),
]


@pytest.mark.parametrize(("source", "first", "then"), [row[1:] for row in FUNCTIONS], ids=[row[0] for row in FUNCTIONS])
def test_own_function(keras, tmp_path, digits, source, first, then):
    name = f"bad_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(source)
    model = {"architecture": "function", "build": f"{name}:make", "folder": str(tmp_path)}
    message = begin(tmp_path, digits, model, {})
    # It stays loaded as long as the process, which is one job; here others come after it.
    sys.modules.pop(name, None)
    assert message.startswith(f"function.build {name}:make: ")
    assert first in message
    assert then in message


def test_own_function_that_is_not_there(tmp_path):
    (tmp_path / "mine.py").write_text("def make_model(shape, n):\n    return None")
    fault = planned(architecture="function", build="mine:make", folder=str(tmp_path))
    assert 'build: found "mine:make"; expected a function of' in fault
    assert 'Did you mean "make_model"?' in fault
    (tmp_path / "mine.py").write_text("def make(shape, n)\n    return None")
    fault = planned(architecture="function", build="mine:make", folder=str(tmp_path))
    assert "found a module that is not Python (expected ':', line 1)" in fault
