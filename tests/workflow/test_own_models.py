"""Models of one's own through the real workflow: by path, and by function."""

import numpy as np
import pytest

from pellucid import files
from tests.support import own_models, tiny

MODULE = """
from own_width import width

def make(input_shape, n_classes):
    import keras
    layers = [keras.layers.Conv2D(width, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(n_classes)]
    return keras.Sequential([keras.layers.Input(input_shape), *layers])
"""


@pytest.mark.slow
def test_an_edit_of_what_a_function_imports_trains_again(tmp_path):
    (tmp_path / "own_model.py").write_text(MODULE)
    (tmp_path / "own_width.py").write_text("width = 2\n")
    experiment = {
        "dataset": {"source": "digits"},
        "model": {"architecture": "function", "build": "own_model:make"},
        "training": {"epochs": 1},
        "methods": {"grad_cam": {}},
    }
    tiny.write_config(tmp_path, {"run": ["own"], "experiments": {"own": experiment}})
    target = "results/own/model/training.json"
    tiny.build(tmp_path, target)
    training_info = files.read_json(tmp_path / target)
    assert training_info["origin"] == "trained"
    assert training_info["files"]["build"] == {
        "path": "own_model:make",
        "sha256": files.sha256(tmp_path / "own_model.py"),
    }
    assert training_info["parameters"] == 9 * 2 + 2 + 36 * 2 * 10 + 10
    assert tiny.planned(tmp_path, target) == set()
    (tmp_path / "own_width.py").write_text("width = 5\n")
    assert tiny.planned(tmp_path, target) == {"Train function on own"}


@pytest.mark.slow
@pytest.mark.parametrize("name", own_models.ALL)
def test_a_file_goes_through_the_whole_workflow(keras, tmp_path, name):
    model = own_models.with_random_weights(own_models.ALL[name](keras))
    model.save(tmp_path / "own model.keras")
    experiment = {
        "dataset": {"source": "digits"},
        "model": {"architecture": "keras_file", "file": "own model.keras"},
        "training": {"epochs": 0},
        "examples": {"per_class": 1, "choose": "any"},
        "methods": {"saliency": {}, "occlusion": {"window": 3}, "grad_cam": {}, "guided_backpropagation": {}},
        "views": {"architecture": {}, "feature_maps": {}, "activation_maximisation": {}},
        "scores": {"parameter_randomisation": {"steps": 2, "examples": 1}},
    }
    tiny.write_config(tmp_path, {"run": ["own"], "experiments": {"own": experiment}})
    said = tiny.build(tmp_path)
    assert "left out" not in said
    here = tmp_path / "results" / "own"
    training_info = files.read_json(here / "model" / "training.json")
    assert training_info["origin"] == "as they are in the file"
    assert training_info["files"]["file"]["sha256"] == files.sha256(tmp_path / "own model.keras")
    for method in experiment["methods"]:
        found = files.read_arrays(here / "explain" / method / "attributions.npz")
        assert found["attributions"].any()
    answer = np.asarray(model(found["inputs"], training=False))
    np.testing.assert_array_equal(found["predictions"], answer.argmax(1))
    assert tiny.planned(tmp_path) == set()
