"""Little data, as the documentation says it: one file per class, and ten signals without labels for a model as it is."""

import re

import numpy as np
import pytest
import yaml

from pellucid import files
from pellucid.datasets.base import UNLABELLED
from tests.conftest import ROOT
from tests.support import tiny

PAGE = (ROOT / "docs" / "how_to" / "your_data.md").read_text(encoding="utf-8")


def documented(name):
    """Return the experiment of this name, as the page on one's own data has it."""
    (found,) = [text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S) if f"run: [{name}]" in text]
    assert len(found.splitlines()) <= 12
    return yaml.safe_load(found)


@pytest.fixture(scope="module")
def ten(keras, tmp_path_factory):
    """A folder with ten signals without labels, somebody's model, and the page's configuration with few methods."""
    folder = tmp_path_factory.mktemp("ten")
    rng = np.random.default_rng(0)
    np.savetxt(folder / "ten.csv", rng.random((10, 40)), delimiter=",")
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Conv1D(4, 5, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(2)]
    keras.Sequential([keras.layers.Input((40, 1)), *layers]).save(folder / "model.keras")
    content = documented("ten")
    content["defaults"] = {
        "methods": {"saliency": {}, "grad_cam": {}},
        "views": {"feature_maps": {}, "embedding": {}},
        "scores": {"random_logit": {}, "deletion_insertion": {"steps": 4}, "random_labels": {}},
    }
    tiny.write_config(folder, content)
    return folder


@pytest.mark.slow
def test_ten_signals_go_through_the_whole_workflow(ten, keras):
    said = tiny.build(ten)
    assert "ten: the evaluation (accuracy, confusion matrix, reliability) is left out: the data have no labels." in said
    assert "ten: embedding is left out: the data have no labels" in said
    here = ten / "results" / "ten"
    assert sorted(path.name for path in (here / "evaluation").iterdir()) == ["predictions.csv", "predictions.npz"]
    explained = files.read_arrays(here / "explain" / "grad_cam" / "attributions.npz")
    x = np.loadtxt(ten / "ten.csv", delimiter=",").astype(np.float32)[:, :, np.newaxis]
    np.testing.assert_array_equal(explained["inputs"], x)
    assert set(explained["labels"].tolist()) == {UNLABELLED}
    answers = keras.models.load_model(ten / "model.keras")(x, training=False)
    np.testing.assert_array_equal(explained["targets"], np.asarray(answers).argmax(1))
    scores = (here / "score" / "deletion_insertion" / "scores.csv").read_text()
    # Rows over all examples, and none of a class: nobody knows the classes.
    assert ",all,all," in scores
    assert ",class," not in scores
    assert files.read_json(here / "tracking.json")["explanations"].keys() == {"saliency", "grad_cam"}
    assert tiny.planned(ten) == set()


@pytest.mark.slow
def test_an_evaluation_cannot_be_asked_for(ten):
    asked = tiny.snakemake(ten, "--dry-run", "results/ten/evaluation/metrics.json")
    assert asked.returncode != 0


def test_one_file_per_class(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "beats").mkdir()
    for name in ("normal", "abnormal"):
        np.savetxt(tmp_path / "beats" / f"{name}.csv", rng.random((12, 30)), delimiter=",")
    dataset = re.search(r"^ *dataset: (\{.*label: file\})$", PAGE, re.M)[1]
    model = {"architecture": "gap_cnn"}
    content = {"run": ["beats"], "experiments": {"beats": {"dataset": yaml.safe_load(dataset), "model": model}}}
    tiny.write_config(tmp_path, content)
    tiny.build(tmp_path, "results/beats/data/data.json")
    info = files.read_json(tmp_path / "results/beats/data/data.json")
    assert info["classes"] == ["abnormal", "normal"]
    assert [sum(count.values()) for count in info["counts"].values()] == [16, 4, 4]
    # Another file of the pattern is another class, and prepares the data again.
    np.savetxt(tmp_path / "beats" / "other.csv", rng.random((12, 30)), delimiter=",")
    assert "Prepare the data of beats" in tiny.planned(tmp_path, "results/beats/data/data.json")
