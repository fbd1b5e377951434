"""The table of a study's members, and the summary over its repeats."""

import numpy as np
import pandas as pd
import pytest

from pellucid import files
from pellucid.compare import study

MEMBERS = {
    f"s__filters_{width}__seed_{seed}": {"model.filters": [width], "training.seed": seed}
    for width in (8, 16)
    for seed in (1, 2, 3)
}
SCORES = dict(zip(MEMBERS, [0.5, 0.75, 1.0, 0.25, 0.25, 0.25], strict=True))


@pytest.fixture
def tables(tmp_path):
    for name in MEMBERS:
        metrics = {"balanced_accuracy": SCORES[name], "macro_auroc": None, "test_examples": 9}
        files.write_json(tmp_path / name / "metrics.json", metrics)
        files.write_json(tmp_path / name / "training.json", {"best_epoch": 4})
        files.write_json(tmp_path / name / "cost.json", {"seconds": 2.5 + SCORES[name], "epochs": 5})
    inputs = {
        part: {name: tmp_path / name / f"{part}.json" for name in MEMBERS} for part in ("metrics", "training", "cost")
    }
    paths = {"table": tmp_path / "members.csv", "summary": tmp_path / "summary.csv"}
    study.run(members=MEMBERS, **inputs, **paths)
    return paths


def test_a_row_for_each_member(tables):
    rows = pd.read_csv(tables["table"], index_col="member")
    assert rows["balanced_accuracy"].to_dict() == SCORES
    assert rows["model.filters"].to_list() == ["[8]"] * 3 + ["[16]"] * 3
    assert rows["training.seed"].to_list() == [1, 2, 3, 1, 2, 3]
    assert rows["best epoch"].to_list() == [4] * 6
    assert rows["seconds"].to_dict() == {name: 2.5 + score for name, score in SCORES.items()}


def test_mean_and_standard_deviation_over_the_seeds(tables):
    rows = pd.read_csv(tables["summary"])
    assert rows["model.filters"].to_list() == ["[8]", "[16]"]
    assert rows["n"].to_list() == [3, 3]
    np.testing.assert_allclose(rows["balanced_accuracy mean"], [0.75, 0.25])
    # Of 0.5, 0.75 and 1 with n - 1 in the denominator.
    np.testing.assert_allclose(rows["balanced_accuracy sd"], [0.25, 0])
    assert rows["macro_auroc mean"].isna().all()
    assert "training.seed" not in rows and "seconds mean" not in rows
