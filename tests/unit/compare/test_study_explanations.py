"""Explanations after several trainings, on maps whose similarity is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from pellucid import files
from pellucid.compare import study_explanations

MEMBERS = {f"s__training_seed_{seed}": {"training.seed": seed} for seed in (1, 2, 3)}


def explained(maps, indices, targets, label="saliency"):
    return {
        "variants": np.array([label]),
        "attributions": np.asarray(maps, np.float32)[np.newaxis],
        "indices": np.array(indices),
        "targets": np.array(targets),
    }


def test_only_the_same_example_and_the_same_class_are_compared():
    one = explained(np.zeros((3, 5, 1)), [7, 2, 4], [0, 1, 1])
    two = explained(np.zeros((3, 5, 1)), [4, 9, 7], [1, 1, 2])
    first, second = study_explanations.shared(one, two)
    assert (first.tolist(), second.tolist()) == ([2], [0])


def test_an_example_that_is_explained_for_several_labels_counts_for_each(rng):
    maps = rng.random((3, 20, 1)).astype(np.float32)
    one = explained(maps, [7, 7, 4], [0, 2, 1])
    # Another training has the rows in another order, and example 4 for another label.
    two = explained(maps[[1, 0, 2]], [7, 7, 4], [2, 0, 0])
    first, second = study_explanations.shared(one, two)
    assert (first.tolist(), second.tolist()) == ([0, 1], [1, 0])
    found, pairs, indices = study_explanations.similarities([one, two], "saliency")
    assert (pairs, indices.tolist()) == (2, [7, 7])
    assert found["rank_correlation"].tolist() == [1, 1]


def test_labels_of_one_example_count_together_in_intervals(tmp_path, rng):
    members, attributions = list(MEMBERS)[:2], {}
    for name in members:
        attributions[name, "saliency"] = tmp_path / f"{name}.npz"
        given = explained(rng.random((12, 20, 1)), np.repeat(np.arange(6), 2), np.tile([0, 1], 6))
        files.write_arrays(attributions[name, "saliency"], given)
    study_explanations.run(
        groups=[members], members=MEMBERS, methods={name: ["saliency"] for name in members}, seed=1,
        attributions=attributions, own_seed={}, table=tmp_path / "t.csv",
    )  # fmt: skip
    rows = pd.read_csv(tmp_path / "t.csv")
    assert (set(rows["examples"]), set(rows["groups"])) == ({12}, {6})
    assert set(rows["interval"]) == {"studentised, over groups"}


def test_the_similarity_of_an_example_is_the_mean_over_its_pairs(rng):
    maps = rng.standard_normal((3, 2, 20, 1)).astype(np.float32)
    given = [
        explained(maps[0], [0, 5], [1, 1]),
        explained(maps[1][::-1], [5, 0], [1, 1]),
        # The third takes example 5 for another class.
        explained(maps[2], [0, 5], [1, 0]),
    ]
    found, pairs, _ = study_explanations.similarities(given, "saliency")
    assert pairs == 4
    absolute = np.abs(maps[..., 0])
    pair = [spearmanr(absolute[a, 0], absolute[b, 0])[0] for a, b in ((0, 1), (0, 2), (1, 2))]
    expected = [np.mean(pair), spearmanr(absolute[0, 1], absolute[1, 1])[0]]
    np.testing.assert_allclose(found["rank_correlation"], expected, rtol=1e-9)
    top = [set(np.argsort(-absolute[which, 1])[:2]) for which in (0, 1)]
    assert found["overlap"][1] == len(top[0] & top[1]) / 2


@pytest.fixture
def results(tmp_path, rng):
    same = rng.random((4, 6, 1))
    for place, name in enumerate(MEMBERS):
        folder = tmp_path / name
        noise = explained(rng.random((4, 6, 1)), range(4), [0] * 4)
        # The sign turns over from one training to the next, and counts for nothing.
        still = explained(same * (-1) ** place, range(4), [0] * 4, "input_magnitude")
        files.write_arrays(folder / "explain" / "saliency" / "attributions.npz", noise)
        files.write_arrays(folder / "explain" / "input_magnitude" / "attributions.npz", still)
        (folder / "score" / "seed_stability").mkdir(parents=True)
        rows = ["explanation,method,metric,class,mean", f"saliency,saliency,seed_rank_correlation,all,0.{place + 1}"]
        (folder / "score" / "seed_stability" / "scores.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def table(results):
    methods = {name: ["saliency", "input_magnitude"] for name in MEMBERS}
    inputs = {
        "attributions": {
            (name, method): results / name / "explain" / method / "attributions.npz"
            for name, explained in methods.items()
            for method in explained
        },
        "own_seed": {name: results / name / "score" / "seed_stability" / "scores.csv" for name in MEMBERS},
    }
    arguments = {"groups": [list(MEMBERS)], "members": MEMBERS, "methods": methods, "seed": 1, **inputs}
    study_explanations.run(**arguments, table=results / "t.csv")
    return pd.read_csv(results / "t.csv").set_index(["explanation", "metric"])


def test_what_does_not_look_at_the_model_is_the_same_after_every_training(results):
    rows = table(results)
    still = rows.loc[("input_magnitude", "rank_correlation"), ["mean", "low", "high"]]
    assert still.to_list() == pytest.approx([1, 1, 1])
    assert rows.loc[("input_magnitude", "overlap"), "family"] == "control"
    noise = rows.loc[("saliency", "rank_correlation")]
    assert noise["low"] <= noise["mean"] <= noise["high"] < 1
    assert rows["examples"].unique().tolist() == [4]
    assert rows["pairs"].unique().tolist() == [12]
    assert rows["trainings"].unique().tolist() == [3]


def test_the_methods_own_seed_stands_beside_it(results):
    rows = table(results)
    # The mean of 0.1, 0.2 and 0.3 over the members.
    assert rows.loc[("saliency", "rank_correlation"), "own seed"] == pytest.approx(0.2)
    assert np.isnan(rows.loc[("saliency", "overlap"), "own seed"])


def test_without_a_common_example_there_is_no_number_but_advice(results, caplog):
    for place, name in enumerate(MEMBERS):
        for method in ("saliency", "input_magnitude"):
            arrays = explained(np.ones((4, 6, 1)), np.arange(4) + 4 * place, [0] * 4, method)
            files.write_arrays(results / name / "explain" / method / "attributions.npz", arrays)
    rows = table(results)
    assert rows["mean"].isna().all()
    assert rows["examples"].unique().tolist() == [0]
    assert "0 of 12 pairs" in caplog.text
    assert "choose: any" in caplog.text
