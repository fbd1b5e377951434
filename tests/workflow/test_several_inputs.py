"""Models of two inputs through the real workflow: a table and a function, and NumPy arrays and a `.keras` file."""

import html

import numpy as np
import pytest

from pellucid import files, tables
from tests.support import tiny, two_inputs

MODULE = """
import keras
from keras import layers

def make(shapes, outputs):
    ecg, patient = (keras.Input(shapes[name], name=name) for name in ("ecg", "patient"))
    maps = layers.GlobalAveragePooling1D()(layers.Conv1D(4, 3, activation="relu", name="conv")(ecg))
    both = layers.Concatenate()([maps, layers.Dense(3, activation="relu")(patient)])
    return keras.Model([ecg, patient], layers.Dense(outputs)(both))
"""
N, STEPS = 90, two_inputs.STEPS


@pytest.fixture
def data():
    """Series of two channels, whose class follows from a bump and from the age."""
    rng = np.random.default_rng(2)
    ecg = 0.3 * rng.standard_normal((N, STEPS, two_inputs.CHANNELS)).astype(np.float32)
    patient = np.stack([rng.normal(60, 9, N), rng.integers(0, 2, N)], axis=1).astype(np.float32)
    kind = rng.integers(0, two_inputs.CLASSES, N)
    ecg[kind == 1, 4:7] += 2
    patient[kind == 2, 0] += 25
    return ecg, patient, kind


def written(ecg, patient, kind):
    names = [f"{channel}{step}" for channel in "ab" for step in range(STEPS)]
    lines = [",".join([*names, "age", "sex", "kind"])]
    for series, numbers, label in zip(ecg, patient, kind, strict=True):
        values = [*np.moveaxis(series, 1, 0).ravel(), *numbers]
        lines.append(",".join([*(f"{value:.4f}" for value in values), f"k{label}"]))
    return "\n".join(lines) + "\n"


def answers(folder, experiment, model, prepared):
    """Compare the predictions of the explained examples with the model's own, on both inputs."""
    found = files.read_arrays(folder / "results" / experiment / "explain" / "occlusion" / "attributions.npz")
    explained, held = prepared
    inputs = {explained: found["inputs"], held: found[f"other/{held}"]}
    inputs = {name: array[..., 0] if name == "patient" and array.ndim == 3 else array for name, array in inputs.items()}
    expected = np.asarray(model([inputs["ecg"], inputs["patient"]], training=False)).argmax(1)
    np.testing.assert_array_equal(found["predictions"], expected)
    return found


@pytest.mark.slow
def test_two_inputs_of_a_table_and_a_function(keras, tmp_path, data):
    (tmp_path / "own_model.py").write_text(MODULE)
    (tmp_path / "beats.csv").write_text(written(*data))
    inputs = {
        "ecg": {"signal": "[ab][0-9]*", "channels": ["a", "b"], "layout": "channel_major"},
        "patient": ["age", "sex"],
    }
    experiment = {
        "dataset": {"source": "table", "file": "beats.csv", "label": "kind", "inputs": inputs},
        "model": {"architecture": "function", "build": "own_model:make", "features": ["conv", "relu", "rescale_rule"]},
        "training": {"epochs": 3},
        "examples": {"per_class": 1, "choose": "any"},
        "methods": {"occlusion": {"window": 1}, "deep_shap": {}, "random_attribution": {}},
        "views": {"architecture": {}},
        "scores": {"deletion_insertion": {"steps": 3}, "random_labels": {}, "form": {}},
    }
    of_patient = {**experiment, "examples": {**experiment["examples"], "input": "patient"}}
    # Measured examples are scored with their own held values, and with the random background of their block.
    experiment = {**experiment, "examples": {**experiment["examples"], "summarise": "all", "scored": "measured"}}
    tiny.write_config(
        tmp_path, {"run": ["of_ecg", "of_patient"], "experiments": {"of_ecg": experiment, "of_patient": of_patient}}
    )
    # Without the record in MLflow: `test_opened_files` has that of two inputs.
    said = tiny.build(tmp_path, "results")
    assert "left out" not in said
    results = tmp_path / "results"
    model = keras.models.load_model(results / "of_ecg" / "model" / "model.keras", compile=False)
    found = answers(tmp_path, "of_ecg", model, ("ecg", "patient"))
    assert found["attributions"].shape[2:] == (STEPS, two_inputs.CHANNELS)
    found = answers(tmp_path, "of_patient", model, ("patient", "ecg"))
    assert found["attributions"].shape[2:] == (two_inputs.NUMBERS, 1)
    for experiment in ("of_ecg", "of_patient"):
        checks = tables.read(results / experiment / "score" / "checks.csv")
        assert set(checks["explanation"]) == {"occlusion", "deep_shap", "random_attribution"}
        assert checks[checks["check"] == "batch"]["passed"].all()
        page = html.unescape((results / experiment / "page.html").read_text(encoding="utf-8"))
        assert "the others keep the example's values" in page
    assert tiny.planned(tmp_path, "results") == set()


@pytest.mark.slow
def test_two_inputs_of_arrays_and_a_model_file(keras, tmp_path, data):
    ecg, patient, kind = data
    two_inputs.convolutional(keras).save(tmp_path / "both.keras")
    np.savez(tmp_path / "beats.npz", x=ecg, clinic=patient, y=kind)
    experiment = {
        "dataset": {"source": "table", "file": "beats.npz", "inputs": {"ecg": {"signal": "x"}, "patient": ["clinic"]}},
        "model": {"architecture": "keras_file", "file": "both.keras"},
        "training": {"epochs": 0},
        "preprocessing": {"scale": "none"},
        "examples": {"per_class": 1, "choose": "any"},
        "methods": {"occlusion": {"window": 3}, "grad_cam": {}, "lrp": {}},
    }
    tiny.write_config(tmp_path, {"run": ["own"], "experiments": {"own": experiment}})
    tiny.build(tmp_path, *(f"results/own/explain/{name}/{name}.png" for name in experiment["methods"]))
    model = keras.models.load_model(tmp_path / "both.keras", compile=False)
    found = answers(tmp_path, "own", model, ("ecg", "patient"))
    np.testing.assert_allclose(
        found["other/patient"], patient[[np.abs(ecg - x).sum((1, 2)).argmin() for x in found["inputs"]]]
    )
