"""Figures of examples without labels say what is predicted, and name no true class."""

import numpy as np
import pytest

from pellucid import files, tables
from pellucid.datasets.base import UNLABELLED
from pellucid.draw import data, explanation, overview
from pellucid.draw.shared import heading
from tests.support import svg

CLASSES = ["left", "right", "both"]
ABOUT = {"kind": "series", "unit": "mV", "sampling_rate_hz": 125.0, "channels": ["ECG"], "classes": CLASSES}
P = np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.05, 0.9, 0.05], [0.8, 0.1, 0.1]])


@pytest.fixture
def arranged(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "inputs": rng.random((5, 30, 1), np.float32),
        "labels": np.full(5, UNLABELLED),
        "predictions": P.argmax(1),
        "probabilities": P,
        "targets": P.argmax(1),
        "variants": np.array(["saliency"]),
        "attributions": rng.random((1, 5, 30, 1), np.float32),
    }
    files.write_arrays(tmp_path / "attributions.npz", arrays)
    empty = {"counts": {"train": {}}, "split": {"none": True}, "labelled": False}
    files.write_json(tmp_path / "data.json", ABOUT | empty)
    return tmp_path


def pictures(folder, name):
    return [folder / f"{name}.png", folder / f"{name}.svg"]


def test_an_explanation_shows_all_in_their_order(arranged):
    explanation.draw(
        method="saliency",
        variant="saliency",
        parameters={"mode": "absolute"},
        title="A title",
        data=arranged / "data.json",
        attributions=arranged / "attributions.npz",
        pictures=pictures(arranged, "saliency"),
    )
    drawn = svg.words(arranged / "saliency.svg")
    heads = [text for text in drawn if text.startswith("taken for")]
    assert heads == [f"taken for {CLASSES[p.argmax()]}, p = {p.max():.2f}" for p in P]
    # The last class is that of the index -1: no example is predicted to be of it.
    assert not any("both" in text for text in drawn)
    assert any("examples without labels, in the order of the data" in text for text in drawn)


def test_the_overview_names_what_is_predicted(arranged):
    checks = {"explanation": ["saliency"], "check": ["a"], "passed": [True]}
    import pandas as pd

    tables.write(arranged / "checks.csv", pd.DataFrame(checks))
    overview.draw(
        methods={"saliency": {"mode": "absolute"}},
        attributions={"saliency": arranged / "attributions.npz"},
        title="A title",
        data_info=arranged / "data.json",
        checks=arranged / "checks.csv",
        pictures=pictures(arranged, "overview"),
    )
    drawn = svg.words(arranged / "overview.svg")
    assert [text for text in drawn if text in CLASSES] == [CLASSES[p.argmax()] for p in P]
    assert any("the first examples, each with its predicted class," in text for text in drawn)


def test_the_data_have_no_numbers_of_classes(arranged):
    files.write_arrays(arranged / "labels.npz", {"train": np.full(5, UNLABELLED)})
    np.save(arranged / "x_train.npy", files.read_arrays(arranged / "attributions.npz")["inputs"])
    data.draw(
        data=arranged / "data.json",
        x=arranged / "x_train.npy",
        labels=arranged / "labels.npz",
        title="A title",
        pictures=pictures(arranged, "examples"),
    )
    drawn = svg.words(arranged / "examples.svg")
    assert any("Examples without labels: the first 5 of 5" in text for text in drawn)
    assert not any(name in text for name in CLASSES for text in drawn)


def test_views_name_no_true_class(arranged):
    arrays = files.read_arrays(arranged / "attributions.npz")
    assert heading.of_example(ABOUT, arrays, 1) == "taken for right, p = 0.70"
