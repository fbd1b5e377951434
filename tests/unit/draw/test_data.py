"""The figure of training examples."""

import re

import numpy as np

from pellucid import files
from pellucid.draw.data import draw


def test_classes_with_few_examples_leave_no_column_without_its_time(tmp_path):
    facts = {
        "kind": "series",
        "classes": ["few", "fewer"],
        "channels": ["ECG"],
        "unit": "mV",
        "sampling_rate_hz": 125.0,
        "counts": {"train": {"few": 3, "fewer": 1}},
    }
    files.write_json(tmp_path / "data.json", facts)
    files.write_array(tmp_path / "x.npy", np.random.default_rng(0).random((4, 30, 1), np.float32))
    files.write_arrays(tmp_path / "labels.npz", {"train": np.array([0, 0, 0, 1])})
    draw(
        data=tmp_path / "data.json",
        x=tmp_path / "x.npy",
        labels=tmp_path / "labels.npz",
        title="A title",
        pictures=[tmp_path / "a.svg"],
    )
    words = re.findall(r"<text[^>]*>([^<]+)</text>", (tmp_path / "a.svg").read_text())
    # Three columns have an example; the fourth has none, and is empty.
    assert words.count("time (s)") == 3
    assert "few (3)" in words
    assert "fewer (1)" in words
