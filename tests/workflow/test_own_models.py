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


METHODS = {"saliency": {}, "occlusion": {"window": 3}, "grad_cam": {}, "guided_backpropagation": {}}


@pytest.fixture(scope="module")
def built(keras, tmp_path_factory):
    """A run of one experiment for each model: its folder, the models, and what it said."""
    folder, models, experiments = tmp_path_factory.mktemp("own"), {}, {}
    for name, make in own_models.ALL.items():
        models[name] = own_models.with_random_weights(make(keras))
        models[name].save(folder / f"own {name}.keras")
        experiments[name] = {
            "dataset": {"source": "digits"},
            "model": {"architecture": "keras_file", "file": f"own {name}.keras"},
            "training": {"epochs": 0},
            "examples": {"per_class": 1, "choose": "any"},
            "methods": METHODS,
            "views": {"architecture": {}, "feature_maps": {}, "activation_maximisation": {}},
            "scores": {"parameter_randomisation": {"steps": 2, "examples": 1}},
        }
    tiny.write_config(folder, {"run": list(experiments), "experiments": experiments})
    return folder, models, tiny.build(folder)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # with the fixture: a hundred jobs
@pytest.mark.parametrize("name", own_models.ALL)
def test_a_file_goes_through_the_whole_workflow(built, name):
    folder, models, _ = built
    here = folder / "results" / name
    training_info = files.read_json(here / "model" / "training.json")
    assert training_info["origin"] == "as they are in the file"
    assert training_info["files"]["file"]["sha256"] == files.sha256(folder / f"own {name}.keras")
    for method in METHODS:
        found = files.read_arrays(here / "explain" / method / "attributions.npz")
        assert found["attributions"].any()
    answer = np.asarray(models[name](found["inputs"], training=False))
    np.testing.assert_array_equal(found["predictions"], answer.argmax(1))


@pytest.mark.slow
def test_no_part_of_a_file_is_left_out_and_nothing_is_left_to_do(built):
    folder, _, said = built
    assert "left out" not in said
    assert tiny.planned(folder) == set()
