"""All methods side by side, for each kind of data."""

import numpy as np
import pandas as pd
import pytest

from pellucid import files
from pellucid.draw import overview

CLASSES = ["a", "b"]
METHODS = {"saliency": {"mode": "absolute"}, "occlusion": {"sweep": {"window": [2, 3]}, "channels": "each"}}


@pytest.mark.parametrize("shape", [(40, 1), (40, 3), (8, 8, 1), (9, 9, 3)])
def test_names_every_explanation_and_marks_what_failed(tmp_path, drawn, rng, shape):
    inputs = rng.random((4, *shape)).astype(np.float32)
    shared = {"inputs": inputs, "labels": np.array([0, 0, 1, 1]), "predictions": np.array([0, 1, 0, 1])}
    for method, labels in {"saliency": ["saliency"], "occlusion": ["occlusion.window=2", "occlusion.window=3"]}.items():
        maps = rng.random((len(labels), *inputs.shape)).astype(np.float32)
        # One map of the second class is empty.
        maps[0, 2] *= method == "occlusion"
        files.write_arrays(
            tmp_path / method / "attributions.npz", {**shared, "variants": np.array(labels), "attributions": maps}
        )
    files.write_json(tmp_path / "data.json", {"kind": "image" if len(shape) == 3 else "series", "classes": CLASSES})
    rows = [("saliency", "sanity", 0.9, ">", 0.5, False), ("occlusion.window=2", "batch", 0.0, ">", 0.001, True)]
    columns = ["explanation", "check", "value", "sign", "limit", "passed"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "checks.csv", index=False)
    files.write_json(tmp_path / "chance.json", {"headline": "no better than chance"})
    overview.draw(
        methods=METHODS,
        attributions={method: tmp_path / method / "attributions.npz" for method in METHODS},
        title="Bumps",
        data_info=tmp_path / "data.json",
        checks=tmp_path / "checks.csv",
        chance=tmp_path / "chance.json",
        pictures=[],
    )
    (figure,) = drawn
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words.count("all zero") == 1
    texts = set(words) - {"all zero"}
    # The first example of b is taken for a.
    assert "no better than chance" in figure.get_suptitle()
    assert texts == {"a", "b → a", "saliency ✗", "occlusion.window=2", "occlusion.window=3"}
