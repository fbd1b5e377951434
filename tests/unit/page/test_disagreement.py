"""The disagreement of each example: its means over the examples are those of the table of the agreement."""

import numpy as np
import pandas as pd
import pytest

from pellucid import files
from pellucid.compare import agreement
from pellucid.page.disagreement import correlations, disagreement


@pytest.mark.parametrize("gaps", [False, True])
def test_means_over_the_examples_are_those_of_the_table_of_the_agreement(tmp_path, rng, gaps):
    labels = ["saliency", "occlusion", "rise"]
    maps = [rng.normal(size=(4, 30, 2)).astype(np.float32) for _ in labels]
    maps[1][2] = 0
    maps[2][2] = 3
    measured = np.ones((4, 30, 2), bool)
    measured[:, 20:] = not gaps
    shared = {"labels": np.array([0, 0, 1, 1]), **({"measured": measured} if gaps else {})}
    paths = []
    for label, of_label in zip(labels, maps, strict=True):
        paths.append(tmp_path / f"{label}.npz")
        files.write_arrays(paths[-1], {**shared, "variants": np.array([label]), "attributions": of_label[np.newaxis]})
    files.write_json(tmp_path / "data.json", {"classes": ["a", "b"]})
    agreement.run(
        attributions=paths, data_info=tmp_path / "data.json", table=tmp_path / "a.csv", arrays=tmp_path / "a.npz"
    )
    similar = correlations(maps, measured if gaps else None)
    np.testing.assert_allclose(similar.mean(0), files.read_arrays(tmp_path / "a.npz")["spearman"][0], atol=1e-12)
    rows = pd.read_csv(tmp_path / "a.csv").query("over == 'all'")
    np.testing.assert_allclose(disagreement(similar, [0, 1, 2]).mean(), 1 - rows["spearman"].mean())


def test_of_fewer_than_two_explanations_there_is_no_disagreement():
    assert np.isnan(disagreement(np.ones((3, 2, 2)), [1])).all()
