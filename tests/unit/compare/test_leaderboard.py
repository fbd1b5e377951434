"""Ranks, the mean over families, and what failed, on tables written by hand."""

import numpy as np
import pandas as pd

from pellucid import files
from pellucid.compare import agreement, leaderboard

METHODS = ["saliency", "occlusion", "all_equal"]


def write(folder, score, metric, means, comparable=None):
    rows = [
        (name, name, metric, "all", mean, mean, mean, 9, "studentised", other, 9)
        for name, mean, other in zip(METHODS, means, means if comparable is None else comparable, strict=True)
    ]
    rows += [(name, name, metric, "a", 99.0, 0, 0, 3, "none", np.nan, 0) for name in METHODS]
    columns = ["explanation", "method", "metric", "class", "mean", "low", "high", "examples", "interval"]
    columns += ["comparable mean", "comparable examples"]
    known = pd.read_csv(folder / f"{score}.csv") if (folder / f"{score}.csv").is_file() else None
    table = pd.DataFrame(rows, columns=columns)
    table = table if known is None else pd.concat([known, table])
    path = folder / f"{score}.csv"
    table.to_csv(path, index=False)
    return path


def joined(folder, checks=None):
    scores = {path.stem: path for path in sorted(folder.glob("*.csv")) if path.stem != "checks"}
    leaderboard.run(scores=scores, checks=checks, table=folder / "out" / "l.csv", metrics=folder / "out" / "m.csv")
    return pd.read_csv(folder / "out" / "l.csv", index_col=0), pd.read_csv(folder / "out" / "m.csv", index_col=0)


def test_ranks_follow_what_is_better(tmp_path):
    write(tmp_path, "localisation", "relevance_rank", [0.5, 0.9, 0.1])
    write(tmp_path, "sensitivity", "max_sensitivity", [0.3, np.nan, 0.1])
    table, metrics = joined(tmp_path)
    assert table["localisation.relevance_rank rank"].to_dict() == {"occlusion": 1, "saliency": 2, "all_equal": 3}
    # Lower is better, and what has no value has no rank.
    assert table["sensitivity.max_sensitivity rank"].dropna().to_dict() == {"all_equal": 1, "saliency": 2}
    assert table["localisation.relevance_rank mean"]["occlusion"] == 0.9
    assert metrics.loc["sensitivity.max_sensitivity", "explanations"] == 2
    assert table["family"].to_dict() == {"occlusion": "perturbation", "saliency": "gradient", "all_equal": "control"}


def test_equal_means_share_their_rank(tmp_path):
    write(tmp_path, "localisation", "relevance_rank", [0.5, 0.9, 0.5])
    assert joined(tmp_path)[0]["localisation.relevance_rank rank"].to_dict() == {
        "occlusion": 1,
        "saliency": 2.5,
        "all_equal": 2.5,
    }


def test_ranks_are_those_of_the_means_over_common_examples(tmp_path):
    write(tmp_path, "localisation", "relevance_rank", [0.5, 0.9, 0.1], comparable=[0.5, 0.4, np.nan])
    table, metrics = joined(tmp_path)
    assert table["localisation.relevance_rank rank"].dropna().to_dict() == {"saliency": 1, "occlusion": 2}
    assert metrics.loc["localisation.relevance_rank", ["examples", "interval"]].tolist() == [9, "studentised"]


def test_a_family_of_many_metrics_counts_once_and_further_metrics_not_at_all(tmp_path):
    write(tmp_path, "localisation", "relevance_rank", [0.9, 0.5, 0.1])
    write(tmp_path, "localisation", "pointing_game", [0.1, 0.9, 0.5])
    for baseline in ("zero", "mean"):
        write(tmp_path, "deletion_insertion", f"insertion_less_deletion.{baseline}", [0.1, 0.2, 0.9])
    write(tmp_path, "form", "sparseness", [0.9, 0.1, 0.5])
    table, metrics = joined(tmp_path)
    # Truth: 1, 2, 3; faithfulness: 3, 2, 1.
    assert table["mean rank"].to_dict() == {"saliency": 2, "occlusion": 2, "all_equal": 2}
    assert metrics.loc["localisation.pointing_game", "first"] == np.False_
    assert "form.sparseness rank" not in table


def test_what_a_score_leaves_out_has_no_mean_rank_among_the_others(tmp_path, caplog):
    path = write(tmp_path, "localisation", "relevance_rank", [0.5, 0.9, 0.1])
    write(tmp_path, "sensitivity", "max_sensitivity", [0.3, 0.2, 0.1])
    of_all = joined(tmp_path)[0]["mean rank"]
    assert of_all.notna().all()
    known = pd.read_csv(path)
    known[known["explanation"] != "all_equal"].to_csv(path, index=False)
    table, _ = joined(tmp_path)
    assert table["mean rank"].dropna().to_dict() == {"occlusion": 1.5, "saliency": 2.5}
    assert table["sensitivity.max_sensitivity rank"]["all_equal"] == 1
    assert "not judged by the same scores as the others: all_equal" in caplog.text


def test_what_failed_is_told_with_its_number(tmp_path):
    write(tmp_path, "localisation", "relevance_rank", [0.5, 0.9, 0.1])
    checks = tmp_path / "checks.csv"
    rows = [
        ("saliency", "sanity", 0.83, ">", 0.5, False),
        ("saliency", "batch", 0.0, ">", 0.001, True),
        ("occlusion", "coverage", 0.75, "<", 1.0, False),
        ("occlusion", "sanity", 0.62, ">", 0.5, False),
    ]
    pd.DataFrame(rows, columns=["explanation", "check", "value", "sign", "limit", "passed"]).to_csv(checks, index=False)
    table, _ = joined(tmp_path, checks)
    told = table["failed checks"].fillna("")
    assert told["saliency"] == "sanity 0.83 > 0.5"
    assert told["occlusion"] == "coverage 0.75 < 1; sanity 0.62 > 0.5"
    assert told["all_equal"] == ""


def test_agreement_of_maps_whose_agreement_is_known(tmp_path, rng):
    maps = rng.random((4, 30, 1)).astype(np.float32)
    shared = {"labels": np.array([0, 0, 1, 1])}
    for name, found in {"one": [maps, 2 * maps], "two": [1 - maps], "three": [-maps]}.items():
        arrays = {**shared, "variants": np.array([f"{name}{k}" for k in range(len(found))])}
        files.write_arrays(tmp_path / f"{name}.npz", {**arrays, "attributions": np.stack(found)})
    files.write_json(tmp_path / "data.json", {"classes": ["a", "b"]})
    paths = [tmp_path / f"{name}.npz" for name in ("one", "two", "three")]
    agreement.run(
        attributions=paths, data_info=tmp_path / "data.json", table=tmp_path / "t.csv", arrays=tmp_path / "a.npz"
    )
    table = pd.read_csv(tmp_path / "t.csv").set_index(["explanation", "other", "class"])
    assert len(table) == 6 * 3
    assert np.isclose(table.loc[("one0", "one1", "all"), "spearman"], 1)
    assert np.isclose(table.loc[("one0", "two0", "b"), "spearman"], -1)
    # Absolute values count.
    assert np.isclose(table.loc[("one1", "three0", "a"), "spearman"], 1)
    assert table.loc[("one0", "two0", "all"), "overlap"] == 0
    arrays = files.read_arrays(tmp_path / "a.npz")
    assert arrays["order"].tolist().index(2) in (0, 3)
    np.testing.assert_allclose(arrays["spearman"], arrays["spearman"].transpose(0, 2, 1))
