"""Models of two inputs from prepared data to predictions: whichever is explained, it is the same model."""

import shutil
import textwrap

import numpy as np
import pytest

from pellucid import files
from pellucid.errors import InputError
from pellucid.evaluate.run import evaluate
from pellucid.network.named_inputs import Rows
from pellucid.prepare.run import preprocess
from pellucid.summarise import selection
from tests.support.prepared import choose, data_files, fit

INPUTS = {"ecg": {"signal": "t*", "unit": "mV"}, "patient": ["age", "sex"]}
# A layer that draws has a name: its stream is of this name, and Keras counts the layers of a process.
OWN = """
import keras
from keras import layers

def net(shapes, outputs):
    ecg, patient = (keras.Input(shapes[name], name=name) for name in ("ecg", "patient"))
    maps = layers.Conv1D(4, 5, activation="relu")(ecg)
    joined = layers.Concatenate()([layers.GlobalAveragePooling1D()(maps), layers.Dense(3, activation="relu")(patient)])
    return keras.Model([ecg, patient], layers.Dense(outputs)(layers.Dropout(0.3, name="dropped")(joined)))

def embedded(shapes, outputs):
    ecg = keras.Input(shapes["ecg"], name="ecg")
    patient = keras.Input(shapes["patient"], name="patient", dtype="int32")
    joined = layers.Concatenate()([layers.Flatten()(ecg), layers.Flatten()(layers.Embedding(99, 2)(patient))])
    return keras.Model([ecg, patient], layers.Dense(outputs)(joined))

def swapped(shapes, outputs):
    one, other = (keras.Input(shape, name=name) for name, shape in zip(("patient_data", "ecg"), shapes.values()))
    return keras.Model([one, other], layers.Dense(outputs)(layers.Concatenate()([layers.Flatten()(x) for x in (one, other)])))
"""
RECIPE = {"epochs": 2, "batch_size": 32}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table of 120 series of 20 samples with age and sex, of which age tells the class."""
    path, rng = tmp_path_factory.mktemp("table") / "data.csv", np.random.default_rng(0)
    label = np.arange(120) % 2
    columns = [rng.normal(size=(120, 20)), 50 + 10 * rng.normal(size=120) + 20 * label, rng.integers(0, 2, 120), label]
    header = ",".join([*(f"t{place}" for place in range(20)), "age", "sex", "label"])
    np.savetxt(path, np.column_stack(columns), "%.6f", ",", header=header, comments="")
    return path


def prepared(table, folder, explained, inputs=INPUTS, **changes):
    usual = {"split": {"test": 0.25, "validation": 0.2}, "scale": "standard", "seed": 1}
    dataset = {"source": "table", "file": str(table), "inputs": inputs}
    preprocess(dataset=dataset, paths={"file": str(table)}, folder=folder, explained=explained, **usual | changes)
    return folder


@pytest.fixture(scope="module")
def data(table, tmp_path_factory):
    """The prepared data by the name of the explained input."""
    folder = tmp_path_factory.mktemp("data")
    return {name: prepared(table, folder / name, name) for name in INPUTS}


def fitted(data, folder, build="net", **changes):
    folder.mkdir(exist_ok=True)
    (folder / "own_two_inputs.py").write_text(textwrap.dedent(OWN))
    model = {"architecture": "function", "build": f"own_two_inputs:{build}", "folder": str(folder), "features": []}
    others = {split: str(data / f"other_{split}.npz") for split in ("train", "validation")}
    return fit(data, folder, model, RECIPE, others=others, **changes)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A folder with the model that was trained where the series is explained."""
    folder = tmp_path_factory.mktemp("trained")
    fitted(data["ecg"], folder)
    return folder


def test_the_files_hold_the_explained_input_and_the_others_apart(data):
    of_ecg, of_patient = (files.read_json(data[name] / "data.json") for name in ("ecg", "patient"))
    assert (of_ecg["explained_input"], of_ecg["shape"], of_ecg["channels"]) == ("ecg", [20, 1], ["signal"])
    assert (of_patient["explained_input"], of_patient["shape"], of_patient["channels"]) == (
        "patient",
        [2],
        ["age", "sex"],
    )
    assert [about["name"] for about in of_patient["inputs"]] == ["patient", "ecg"]
    assert of_patient["inputs"][0]["units"] == ["standard deviations"] * 2
    for split in ("train", "validation", "test"):
        ecg, patient = (files.map_array(data[name] / f"x_{split}.npy") for name in ("ecg", "patient"))
        np.testing.assert_array_equal(ecg, files.map_arrays(data["patient"] / f"other_{split}.npz")["ecg"])
        np.testing.assert_array_equal(patient, files.map_arrays(data["ecg"] / f"other_{split}.npz")["patient"])
        assert patient.dtype == np.float32


def test_each_input_is_scaled_by_its_training_examples(table, data):
    raw = np.loadtxt(table, delimiter=",", skiprows=1)
    patient, info = (
        np.asarray(files.map_array(data["patient"] / "x_train.npy")),
        files.read_json(data["ecg"] / "data.json"),
    )
    np.testing.assert_allclose(patient.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(patient.std(0), 1, atol=1e-5)
    statistics = next(about for about in info["inputs"] if about["name"] == "patient")["scale_statistics"]
    restored = patient * statistics["divisor"] + statistics["offset"]
    distances = np.abs(restored[:, np.newaxis] - raw[:, 20:22]).max(2)
    assert distances.min(1).max() < 1e-4


def test_the_model_is_the_same_whichever_input_is_explained(data, trained, tmp_path):
    other = fitted(data["patient"], tmp_path)
    assert other["weights_digest"] == files.read_json(trained / "model" / "training.json")["weights_digest"]
    assert (tmp_path / "model/history.csv").read_text() == (trained / "model/history.csv").read_text()


def test_a_killed_training_ends_with_the_same_weights(data, trained, tmp_path, monkeypatch):
    from pellucid.train import epochs

    ended = epochs.EpochCallback.on_epoch_end

    def killed(self, epoch, logs=None):
        ended(self, epoch, logs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(epochs.EpochCallback, "on_epoch_end", killed)
        fitted(data["ecg"], tmp_path)
    # The same path of the module, and so the same settings: the checkpoints go on.
    again = fitted(data["ecg"], tmp_path)
    assert again["weights_digest"] == files.read_json(trained / "model" / "training.json")["weights_digest"]


@pytest.mark.parametrize("explained", list(INPUTS))
def test_predictions_are_those_of_the_whole_model(data, trained, tmp_path, explained, keras):
    arguments = data_files(data[explained], "labels", "data_info") | {
        "x": str(data[explained] / "x_test.npy"),
        "others": str(data[explained] / "other_test.npz"),
    }
    # The network is the same, whichever of its inputs is explained.
    shutil.copy(trained / "model/model.keras", tmp_path)
    info = files.read_json(trained / "model/training.json")
    files.write_json(tmp_path / "training.json", {**info, "explained_input": explained})
    evaluate(**arguments, model=tmp_path / "model.keras", threads=1, memory_mb=64, folder=tmp_path)
    x = {name: np.asarray(files.map_array(data[name] / "x_test.npy")) for name in INPUTS}
    network = keras.models.load_model(trained / "model/model.keras")
    expected = network.predict(x, verbose=0)
    np.testing.assert_allclose(files.read_arrays(tmp_path / "predictions.npz")["probabilities"], expected, atol=1e-6)
    accuracy = (expected.argmax(1) == files.read_arrays(data["ecg"] / "labels.npz")["test"]).mean()
    assert files.read_json(tmp_path / "metrics.json")["accuracy"] == pytest.approx(accuracy)

    others = str(data[explained] / "other_test.npz")
    chosen = files.read_arrays(
        choose(tmp_path / "examples.npz", data[explained], tmp_path / "predictions.npz", others=others)
    )
    (held,) = (name for name in INPUTS if name != explained)
    np.testing.assert_array_equal(chosen[f"other/{held}"], x[held][chosen["indices"]])
    np.testing.assert_array_equal(chosen["inputs"], x[explained][chosen["indices"]])


def test_an_embedding_takes_whole_numbers_that_are_not_scaled(table, tmp_path, keras):
    data = prepared(table, tmp_path / "data", "ecg", {**INPUTS, "patient": ["sex"]}, scale="none")
    fitted(data, tmp_path, "embedded")
    arguments = data_files(data, "labels", "data_info") | {"x": str(data / "x_test.npy")}
    arguments |= {"others": str(data / "other_test.npz"), "model": tmp_path / "model/model.keras", "folder": tmp_path}
    evaluate(**arguments, threads=1, memory_mb=64)
    x = {"ecg": files.map_array(data / "x_test.npy"), **files.map_arrays(data / "other_test.npz")}
    expected = keras.models.load_model(tmp_path / "model/model.keras").predict(x, verbose=0)
    np.testing.assert_allclose(files.read_arrays(tmp_path / "predictions.npz")["probabilities"], expected, atol=1e-6)


def test_the_measured_examples_hold_the_other_inputs(data, tmp_path):
    y = files.read_arrays(data["ecg"] / "labels.npz")["test"]
    logits = np.stack([-y, y], 1).astype(np.float32)
    files.write_arrays(tmp_path / "predictions.npz", {"logits": logits, "probabilities": logits, "labels": y})
    paths = {name: data["ecg"] / file for name, file in (("x", "x_test.npy"), ("truth", "truth.npz"))}
    selection.select(
        **paths,
        groups=data["ecg"] / "groups.npz",
        data_info=data["ecg"] / "data.json",
        predictions=tmp_path / "predictions.npz",
        number=3,
        target="predicted",
        align="none",
        seed=1,
        output=tmp_path / "measured.npz",
        others=data["ecg"] / "other_test.npz",
    )
    measured, patient = files.read_arrays(tmp_path / "measured.npz"), files.map_array(data["patient"] / "x_test.npy")
    np.testing.assert_array_equal(measured["other/patient"], patient[measured["indices"]])


def test_a_file_of_a_model_is_taken_by_the_names_of_its_inputs(data, trained, tmp_path):
    path = tmp_path / "model.keras"
    shutil.copy(trained / "model/model.keras", path)
    model = {"architecture": "keras_file", "file": str(path)}
    others = {split: str(data["patient"] / f"other_{split}.npz") for split in ("train", "validation")}
    fit(data["patient"], tmp_path, model, {"epochs": 0}, others=others, paths={"file": str(path)})
    digests = [files.read_json(folder / "model/training.json")["weights_digest"] for folder in (trained, tmp_path)]
    assert digests[0] == digests[1]


def test_a_model_without_these_inputs_is_refused(data, table, trained, tmp_path):
    with pytest.raises(InputError, match=r'2 input\(s\) \("patient_data", "ecg"\); expected .* "ecg", "patient"'):
        fitted(data["ecg"], tmp_path, "swapped")
    with pytest.raises(
        InputError, match=r'input "patient": found .*, and a model that takes it as int32; expected whole'
    ):
        fitted(data["ecg"], tmp_path, "embedded")
    longer = prepared(table, tmp_path / "data", "ecg", {**INPUTS, "patient": ["age"]})
    model = {"architecture": "keras_file", "file": str(trained / "model/model.keras")}
    with pytest.raises(
        InputError, match=r'"patient" of 2; expected .*"patient" of 1, the shapes of the data: "patient"'
    ):
        fit(longer, tmp_path, model, {"epochs": 0}, paths={"file": model["file"]})
    with pytest.raises(InputError, match=r'2 inputs \("ecg", "patient"\), and data of one'):
        one = tmp_path / "one"
        dataset = {"source": "table", "file": str(table), "signal": "t*"}
        preprocess(
            dataset=dataset,
            paths={"file": str(table)},
            folder=one,
            split={"test": 0.25, "validation": 0.2},
            scale="none",
            seed=1,
        )
        fit(one, tmp_path, model, {"epochs": 0}, paths={"file": model["file"]})


@pytest.mark.parametrize("explained", ["ECG", None])
def test_an_input_that_the_data_do_not_have_is_refused(table, tmp_path, explained):
    with pytest.raises(InputError, match=r'examples.input: found .*; expected an input of the data: "ecg", "patient"'):
        prepared(table, tmp_path / "data", explained)


def test_examples_are_copies_only_where_all_inputs_are(tmp_path):
    rows = [f"{place % 3},{place % 4},{place % 2}" for place in range(40)]
    (tmp_path / "data.csv").write_text("\n".join(["t,age,label", *rows]) + "\n")
    prepared(tmp_path / "data.csv", tmp_path / "data", "b", {"a": ["t"], "b": ["age"]}, split="none")
    # 12 different rows of both inputs, of which each alone has 3 or 4.
    assert files.read_json(tmp_path / "data/data.json")["duplicates"]["within_test"] == 40 - 12


def test_a_constant_number_is_told_with_its_input(tmp_path):
    rows = [f"{place},{place % 5},7,{place % 2}" for place in range(40)]
    (tmp_path / "data.csv").write_text("\n".join(["t,age,ward,label", *rows]) + "\n")
    prepared(tmp_path / "data.csv", tmp_path / "data", "a", {"a": ["t"], "b": ["age", "ward"]})
    notes = files.read_json(tmp_path / "data/data.json")["notes"]
    assert "Input b: Constant in the training examples, and 0 after scaling: ward." in notes


def test_rows_are_no_array():
    with pytest.raises(TypeError):
        np.concatenate(Rows({"a": np.zeros((2, 3))}))
