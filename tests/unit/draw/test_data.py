"""The figure of training examples."""

import re

import numpy as np

from pellucid import files
from pellucid.draw.data import draw
from tests.support import svg


def test_classes_with_few_examples_leave_no_column_without_its_time(tmp_path):
    data_info = {
        "kind": "series",
        "classes": ["few", "fewer"],
        "channels": ["ECG"],
        "unit": "mV",
        "sampling_rate_hz": 125.0,
        "counts": {"train": {"few": 3, "fewer": 1}},
    }
    files.write_json(tmp_path / "data.json", data_info)
    files.write_array(tmp_path / "x.npy", np.random.default_rng(0).random((4, 30, 1), np.float32))
    files.write_arrays(tmp_path / "labels.npz", {"train": np.array([0, 0, 0, 1])})
    draw(
        data=tmp_path / "data.json",
        x=tmp_path / "x.npy",
        labels=tmp_path / "labels.npz",
        title="A title",
        pictures=[tmp_path / "a.svg"],
    )
    words = svg.words(tmp_path / "a.svg")
    # Three columns have an example; the fourth has none, and is empty.
    assert words.count("time (s)") == 3
    assert "few (3)" in words
    assert "fewer (1)" in words


def test_numbers_are_bars_with_their_names_of_which_the_first_are_shown(tmp_path):
    data_info = {
        "kind": "series",
        "classes": ["one"],
        "channels": [f"number {place}" for place in range(30)],
        "unit": "standard deviations",
        "sampling_rate_hz": None,
        "counts": {"train": {"one": 2}},
        "explained_input": "patient",
    }
    files.write_json(tmp_path / "data.json", data_info)
    files.write_array(tmp_path / "x.npy", np.random.default_rng(0).random((2, 30), np.float32))
    files.write_arrays(tmp_path / "labels.npz", {"train": np.array([0, 0])})
    paths = {"data": tmp_path / "data.json", "x": tmp_path / "x.npy", "labels": tmp_path / "labels.npz"}
    draw(**paths, title="A title", pictures=[tmp_path / "a.svg"])
    words = svg.words(tmp_path / "a.svg")
    assert [word for word in words if word.startswith("number")] == [f"number {place}" for place in range(24)]
    assert any("input patient, the first 24 of 30 numbers" in word for word in words)
    assert "standard deviations" in words


def test_notes_stand_under_the_title_and_long_ones_are_cut(tmp_path):
    data_info = {
        "kind": "series",
        "classes": ["one"],
        "channels": ["ECG"],
        "unit": "mV",
        "sampling_rate_hz": 125.0,
        "counts": {"train": {"one": 2}},
        "notes": ["Left out: 3 beats.", "Kept by record: " + "100: 2,237 N; " * 60],
    }
    files.write_json(tmp_path / "data.json", data_info)
    files.write_array(tmp_path / "x.npy", np.random.default_rng(0).random((2, 30, 1), np.float32))
    files.write_arrays(tmp_path / "labels.npz", {"train": np.array([0, 0])})
    heights = {}
    for name in ("with", "without"):
        paths = {"data": tmp_path / "data.json", "x": tmp_path / "x.npy", "labels": tmp_path / "labels.npz"}
        draw(**paths, title="A title", pictures=[tmp_path / f"{name}.svg"])
        heights[name] = float(re.search(r'height="([\d.]+)pt"', (tmp_path / f"{name}.svg").read_text())[1])
        files.write_json(tmp_path / "data.json", data_info | {"notes": []})
    words = " ".join(svg.words(tmp_path / "with.svg"))
    assert "Left out: 3 beats. Kept by record: 100: 2,237 N;" in words
    assert "… (complete in data.json)." in words
    assert "Left out" not in (tmp_path / "without.svg").read_text()
    assert heights["with"] > heights["without"]
