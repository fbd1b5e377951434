"""Layers of the user's own: registered in a module that the config names, and imported wherever the model is loaded."""

import json
import subprocess
import sys

import numpy as np
import pytest

import pellucid
from pellucid import files, own_code, plugins
from pellucid.errors import InputError
from pellucid.models import function, keras_file
from pellucid.models.imported import archive
from pellucid.network.explained_model import ExplainedModel
from pellucid.own_code import OwnCode
from tests.conftest import ROOT
from tests.support import own_models, prepared

SHAPE, CLASSES = own_models.SHAPE, own_models.CLASSES

MODULE = """
import keras
from {helper} import start

@keras.saving.register_keras_serializable(package="mine")
class Scale(keras.layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer=keras.initializers.Constant(start), name="factor")
    def call(self, x):
        return x * self.factor

@keras.saving.register_keras_serializable(package="mine")
def squash(x):
    return keras.ops.tanh(x) + 0.1 * x

def make(input_shape, n_classes):
    image = keras.Input(input_shape)
    hidden = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    hidden = Scale(name="scale")(hidden)
    hidden = keras.layers.Flatten()(hidden)
    hidden = keras.layers.Dense(6, activation=squash, name="squashed")(hidden)
    return keras.Model(image, keras.layers.Dense(n_classes, activation="softmax", name="classes")(hidden))
"""


@pytest.fixture(scope="module")
def module(keras, tmp_path_factory):
    """The folder and the name of a module that imports another one, and a model with its layers in a file."""
    folder = tmp_path_factory.mktemp("layers")
    (folder / "layers_of_mine.py").write_text(MODULE.format(helper="start_of_mine"))
    (folder / "start_of_mine.py").write_text("start = 1.5\n")
    code = OwnCode("layers_of_mine", str(folder))
    with own_code.importing(code.folder):
        model = own_code.loaded(code, "test").make(SHAPE, CLASSES)
    own_models.with_random_weights(model).save(folder / "own.keras")
    yield folder, model
    _forget(keras)


def _forget(keras):
    """Undo the import: another process knows nothing of it."""
    for name in ("layers_of_mine", "start_of_mine"):
        sys.modules.pop(name, None)
    for name in [name for name in keras.saving.get_custom_objects() if name.startswith("mine>")]:
        del keras.saving.get_custom_objects()[name]


@pytest.fixture
def forgotten(keras, module):
    _forget(keras)
    return module


def test_the_refusal_names_the_line_to_add(forgotten):
    folder, _ = forgotten
    with pytest.raises(InputError) as caught:
        keras_file.build(SHAPE, CLASSES, file=folder / "own.keras")
    text = str(caught.value)
    assert 'found "mine>Scale" of layers_of_mine, in "scale"' in text
    assert text.endswith("code: layers_of_mine.")
    entry = {
        "file": str(folder / "own.keras"),
        "features": "auto",
        "allow_code": False,
        "new_head": False,
        "classes": (),
    }
    with pytest.raises(InputError, match="code: layers_of_mine"):
        keras_file.features(**entry)
    # Planned without the module being imported; an own layer may rectify in any way, and DeepLIFT has no rule for it.
    assert keras_file.features(**entry, code="layers_of_mine") == ("conv",)
    assert "layers_of_mine" not in sys.modules


def test_it_is_a_file_of_the_experiment_with_its_imports(forgotten):
    folder, _ = forgotten
    code = str(folder / "layers_of_mine.py")
    given = {**plugins.defaults(keras_file), "file": "own.keras", "code": code}
    assert keras_file.addresses(**given) == {
        "file": "own.keras",
        "code": code,
        "code_start_of_mine": str(folder / "start_of_mine.py"),
    }
    assert keras_file.addresses(file="own.keras") == {"file": "own.keras"}
    assert str(OwnCode.of("my_models").file) == "my_models.py"


def test_every_later_stage_loads_it_from_what_the_training_wrote(keras, forgotten, digits, tmp_path):
    folder, model = forgotten
    code = str(folder / "layers_of_mine.py")
    entry = {"architecture": "keras_file", "file": str(folder / "own.keras"), "file_sha256": "none", "code": code}
    paths = keras_file.addresses(file=entry["file"], code=code)
    training_info = prepared.fit(digits, tmp_path, entry, {**prepared.BRIEF, "epochs": 0}, paths=paths)
    assert set(training_info["files"]) == {"file", "code", "code_start_of_mine"}
    assert training_info["code"]["module"] == "layers_of_mine"
    assert training_info["code"]["files"]["start_of_mine.py"] == "start = 1.5\n"
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((3, *SHAPE), np.float32))
    x = np.load(tmp_path / "x.npy")
    # Another process, in another folder, that has never seen the module.
    script = (
        "import sys, numpy as np; from pellucid.network.explained_model import ExplainedModel; "
        "model = ExplainedModel.load(sys.argv[1] + '/model/model.keras'); x = np.load(sys.argv[1] + '/x.npy'); "
        "np.save(sys.argv[1] + '/p.npy', model.probabilities(x)); "
        "np.save(sys.argv[1] + '/g.npy', model.gradient(x, np.array([0, 1, 2])))"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "workflow"), "PATH": "", "HOME": str(tmp_path)},
    )
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), model(x, training=False), rtol=1e-4, atol=1e-6)
    assert np.abs(np.load(tmp_path / "g.npy")).max() > 0


def test_a_function_needs_nothing_further(keras, forgotten, digits, tmp_path):
    folder, _ = forgotten
    entry = {**plugins.defaults(function), "build": "layers_of_mine:make", "folder": str(folder), "features": ["conv"]}
    paths = function.addresses(**entry)
    training_info = prepared.fit(
        digits, tmp_path, {"architecture": "function", **entry}, {**prepared.BRIEF, "epochs": 1}, paths=paths
    )
    assert training_info["code"]["module"] == "layers_of_mine"
    _forget(keras)
    explained_model = ExplainedModel.load(tmp_path / "model" / "model.keras")
    assert np.isfinite(explained_model.logits(np.ones((2, *SHAPE), np.float32))).all()


def test_a_module_without_layers_of_its_own_is_not_carried_along(keras, digits, tmp_path):
    (tmp_path / "plain_of_mine.py").write_text(
        "import keras\ndef make(shape, n):\n    return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), "
        "keras.layers.Dense(n)])\n"
    )
    entry = {**plugins.defaults(function), "build": "plain_of_mine:make", "folder": str(tmp_path), "features": []}
    training_info = prepared.fit(
        digits,
        tmp_path,
        {"architecture": "function", **entry},
        {**prepared.BRIEF, "epochs": 0},
        paths=function.addresses(**entry),
    )
    assert "code" not in training_info
    sys.modules.pop("plain_of_mine")


def test_a_notebook_takes_it_too(forgotten, keras):
    folder, _ = forgotten
    x = np.random.default_rng(1).random((2, *SHAPE), np.float32)
    with pytest.raises(InputError, match="code: layers_of_mine"):
        pellucid.explain(folder / "own.keras", x, "saliency")
    from_file = pellucid.explain(folder / "own.keras", x, "grad_cam", code=str(folder / "layers_of_mine.py"))
    # A model in memory has its layers already.
    in_memory = pellucid.explain(keras.models.load_model(folder / "own.keras"), x, "grad_cam")
    np.testing.assert_allclose(from_file.attributions, in_memory.attributions, rtol=1e-5)


FAULTY = {
    "no file": (None, "found no file .*faulty_of_mine.py; expected a Python module there"),
    "fails": ("import no_such_module_of_mine\n", "a module that fails .ModuleNotFoundError.*faulty_of_mine.py line 1"),
    "not Python": ("def (", "found a module that is not Python .*line 1"),
    "registers nothing": (
        "import keras\n",
        "found a module that registers nothing; expected layers under @keras.saving",
    ),
    "registers others": (
        "import keras\n@keras.saving.register_keras_serializable('mine')\nclass Other(keras.layers.Layer): pass\n",
        r'"mine>Scale" of layers_of_mine, in "scale", which code .* does not register; expected one of mine>Other',
    ),
    "one name twice": (
        "import keras\nregister = keras.saving.register_keras_serializable\n"
        "@keras.saving.register_keras_serializable('mine')\nclass Scale(keras.layers.Layer): pass\n"
        "@keras.saving.register_keras_serializable(package='mine', name='Scale')\nclass Two(keras.layers.Layer): pass\n",
        "found mine>Scale registered twice; expected each name once",
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_module_ends_with_a_sentence(keras, forgotten, tmp_path, name):
    folder, _ = forgotten
    text, message = FAULTY[name]
    if text is not None:
        (tmp_path / "faulty_of_mine.py").write_text(text)
    try:
        with pytest.raises(InputError, match=message):
            keras_file.build(SHAPE, CLASSES, file=folder / "own.keras", code=str(tmp_path / "faulty_of_mine.py"))
    finally:
        sys.modules.pop("faulty_of_mine", None)


def test_a_name_of_another_module_is_refused(keras, forgotten, tmp_path):
    folder, _ = forgotten

    @keras.saving.register_keras_serializable("mine")
    class Scale(keras.layers.Layer):
        pass

    with pytest.raises(InputError, match="found mine>Scale, which .*test_own_layers registers, too"):
        keras_file.build(SHAPE, CLASSES, file=folder / "own.keras", code=str(folder / "layers_of_mine.py"))


def test_files_of_a_record_stay_in_their_folder(tmp_path):
    files.write_json(tmp_path / "training.json", {"code": {"module": "x", "files": {"../x.py": ""}}})
    stored = json.loads((tmp_path / "training.json").read_text())["code"]
    with pytest.raises(InputError, match="found code for ../x.py"):
        own_code.restore(stored, "training.json")


def test_a_layer_of_no_module_is_refused_with_what_to_do(keras):
    @keras.saving.register_keras_serializable("mine", "nameless")
    class Nameless(keras.layers.Layer):
        pass

    Nameless.__module__ = "__main__"
    config = json.loads(keras.Sequential([keras.Input((4, 1)), Nameless(), keras.layers.Flatten()]).to_json())
    with pytest.raises(InputError, match="put it into a Python module.*code: <module>"):
        archive.check(config, "own.keras")
