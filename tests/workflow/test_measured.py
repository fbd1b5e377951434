"""Whole test sets: the same bytes from 1, 4 and 16 parts, a lost part is made again, what MLflow gets, and scores."""

import numpy as np
import pandas as pd
import pytest

from pellucid import files
from tests.support import tiny

EXPERIMENT = {
    "dataset": {"source": "digits"},
    "model": {"architecture": "digit_cnn"},
    "training": {"epochs": 1, "batch_size": 128},
    # 12 blocks of 32 examples: of 16 parts some are empty. Gradient SHAP draws random numbers for every example.
    "methods": {"gradient_shap": {"background": 4, "samples": 4}},
}
SUMMARIES = ("class_maps.npz", "shares.npz", "importance.csv", "agreement.json", "groups.csv", "groups.json")


def content(parts, **more):
    examples = {"per_class": 1, "summarise": "all", "parts": parts, **more}
    return {"run": ["digits"], "experiments": {"digits": {**EXPERIMENT, "examples": examples}}}


def summaries(folder):
    return {name: (folder / "results/digits/summaries/gradient_shap" / name).read_bytes() for name in SUMMARIES}


def maps(folder, parts):
    here = folder / "results/digits/measured/gradient_shap"
    return np.concatenate([np.load(here / f"part_{part}of{parts}.npy") for part in range(1, parts + 1)]).tobytes()


@pytest.mark.slow
def test_one_four_and_sixteen_parts_give_the_same_bytes_and_a_lost_part_is_made_again_alone(tmp_path):
    summary, shown = "results/digits/summaries/gradient_shap/groups.json", "results/digits/examples.npz"
    tiny.write_config(tmp_path, content(1))
    tiny.build(tmp_path, summary, shown)
    here = tmp_path / "results/digits"
    expected, whole = summaries(tmp_path), maps(tmp_path, 1)
    before = (tmp_path / shown).read_bytes()
    for parts in (4, 16):
        tiny.write_config(tmp_path, content(parts))
        said = tiny.build(tmp_path, summary, shown)
        assert "Train" not in said
        assert "Choose" not in said
        assert maps(tmp_path, parts) == whole
        assert summaries(tmp_path) == expected
    assert (tmp_path / shown).read_bytes() == before

    # What a killed job leaves is no output: the part alone is made again, and with the same bytes.
    (here / "measured/gradient_shap/part_3of16.npy").unlink()
    (tmp_path / summary).unlink()
    planned = tiny.messages(tiny.snakemake(tmp_path, "--dry-run", summary))
    assert [line for line in planned if line.startswith("Explain")] == [
        "Explain part 3of16 of the measured examples of digits by gradient_shap"
    ]
    # From here on everything is built: figures, page and record.
    tiny.build(tmp_path)
    assert maps(tmp_path, 16) == whole
    assert summaries(tmp_path) == expected

    # Inputs are stored once, and MLflow refers to the maps.
    chosen = files.read_arrays(here / "measured/examples.npz")
    assert "inputs" not in chosen
    assert len(chosen["indices"]) == len(np.load(here / "data/x_test.npy"))
    index = int(chosen["indices"][7])
    tiny.build(tmp_path, f"results/digits/measured/gradient_shap/example_{index}.png")
    recorded = list((tmp_path / "results/mlflow").rglob("*.npy"))
    assert recorded == []
    (reference,) = (tmp_path / "results/mlflow").rglob("measured.json")
    parts = files.read_json(reference)["gradient_shap"]
    assert [part["sha256"] for part in parts] == [files.sha256(tmp_path / part["path"]) for part in parts]

    # Scores and checks of three measured examples of each class read these maps: nothing is explained for them.
    tiny.write_config(tmp_path, content(16, scored=3) | {"defaults": {"scores": {"form": {}}}})
    said = tiny.build(tmp_path, "results/digits/score/form/scores.png", "results/digits/score/checks.csv")
    assert "Explain" not in said
    assert "Choose the measured examples of digits that are scored" in said
    scored = files.read_arrays(here / "score/examples.npz")
    assert np.bincount(scored["labels"]).tolist() == [3] * 10
    np.testing.assert_array_equal(chosen["indices"][scored["rows"]], scored["indices"])
    table = pd.read_csv(here / "score/form/scores.csv")
    assert set(table[table["over"] == "all"]["examples"]) == {30}
    checked = pd.read_csv(here / "score/checks.csv").set_index("check")
    # Gradient SHAP draws its background anew in every block: a check with other numbers would fail.
    assert checked.loc["batch", "passed"]
