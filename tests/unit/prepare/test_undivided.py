"""`split: none`: every split holds all examples, with or without labels, and nothing is said of what is not known."""

import numpy as np
import pytest

from pellucid import files
from pellucid.datasets.base import UNLABELLED
from pellucid.errors import InputError
from pellucid.prepare.example_selection import select
from tests.support import prepared

X = np.random.default_rng(0).random((10, 12))


def written(tmp_path, label, scale="none", rows=X):
    np.savetxt(tmp_path / "ten.csv", rows, delimiter=",")
    entry = {"source": "table", "label": label}
    folder, paths = tmp_path / "data", {"file": str(tmp_path / "ten.csv")}
    return prepared.prepare(folder, entry, paths=paths, split="none", classes=["no", "yes"], scale=scale)


def test_ten_examples_without_labels(tmp_path):
    folder = written(tmp_path, "none")
    info, labels = files.read_json(folder / "data.json"), files.read_arrays(folder / "labels.npz")
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(np.load(folder / f"x_{name}.npy")[:, :, 0], X.astype(np.float32))
        assert set(labels[name].tolist()) == {UNLABELLED}
        assert info["counts"][name] == {}
    assert (info["classes"], info["labelled"], info["split"]) == (
        ["no", "yes"],
        False,
        {"none": True, "by_group": False},
    )
    assert info["duplicates"] == {"within_test": 0}
    (note,) = info["notes"]
    assert note.startswith("The 10 examples are not divided (split: none)")


def test_two_examples_with_labels_are_enough(tmp_path):
    rows = np.column_stack([X[:2], [0, 0]])
    np.savetxt(tmp_path / "two.csv", rows, delimiter=",")
    entry, paths = {"source": "table"}, {"file": str(tmp_path / "two.csv")}
    folder = prepared.prepare(tmp_path / "data", entry, paths=paths, split="none", classes=[0, 1])
    info = files.read_json(folder / "data.json")
    assert (info["labelled"], info["counts"]["test"]) == (True, {"0": 2, "1": 0})
    with pytest.raises(
        InputError, match=r"2 example\(s\) of class \"0\"; expected at least 3 of each class, one for each"
    ):
        prepared.prepare(tmp_path / "divided", entry, paths=paths, classes=[0, 1])


def test_that_the_scale_is_that_of_the_examples_themselves_is_said(tmp_path):
    info = files.read_json(written(tmp_path, "none", scale="standard") / "data.json")
    assert any(note.startswith("They are scaled by their own statistics") for note in info["notes"])


def test_a_test_set_of_the_source_is_refused(tmp_path):
    rows = np.column_stack([X, np.arange(10) % 2])
    for name in ("a", "b"):
        np.savetxt(tmp_path / f"{name}.csv", rows, delimiter=",")
    paths = {"file": str(tmp_path / "a.csv"), "test": str(tmp_path / "b.csv")}
    with pytest.raises(InputError, match="split: found none, and a data source with a test set of its own"):
        prepared.prepare(tmp_path / "data", {"source": "table"}, paths=paths, split="none")


def test_the_first_examples_are_explained_for_the_class_that_is_predicted(tmp_path):
    folder = written(tmp_path, "none")
    logits = np.random.default_rng(1).normal(size=(10, 2)).astype(np.float32)
    labels = files.read_arrays(folder / "labels.npz")["test"]
    arrays = {"logits": logits, "probabilities": np.full((10, 2), 0.5), "labels": labels}
    files.write_arrays(tmp_path / "predictions.npz", arrays)
    select(
        **prepared.data_files(folder, "truth", "measured", "data_info"),
        x=folder / "x_test.npy",
        predictions=tmp_path / "predictions.npz",
        per_class=3,
        choose="correct",
        target="predicted",
        seed=1,
        first=7,
        output=tmp_path / "examples.npz",
    )
    chosen = files.read_arrays(tmp_path / "examples.npz")
    np.testing.assert_array_equal(chosen["indices"], np.arange(7))
    np.testing.assert_array_equal(chosen["targets"], logits.argmax(1)[:7])
    assert set(chosen["labels"].tolist()) == {UNLABELLED}
