"""The leaderboard over experiments, on leaderboards written by hand."""

import numpy as np
import pandas as pd
import pytest

from pellucid.compare import experiments

KEY = "deletion_insertion.insertion_less_deletion"


def board(folder, name, explanations, ranks, failed=(), **scores):
    table = pd.DataFrame({"explanation": explanations, "mean rank": ranks})
    table.insert(1, "family", ["control" if one == "all_equal" else "gradient" for one in explanations])
    table["failed checks"] = ["sanity 0.8 > 0.5" if one in failed else "" for one in explanations]
    for baseline, values in scores.items():
        table[f"{KEY}.{baseline} mean"] = values
    table.to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv"


@pytest.fixture
def boards(tmp_path):
    names = ["saliency", "occlusion", "all_equal"]
    return {
        "one": board(tmp_path, "one", names, [1, 2, 3], ["all_equal"], zero=[0.5, 0.25, 0], mean=[0.5, 0.375, 0]),
        "two": board(
            tmp_path, "two", [*names, "cam", "rise"], [5, 2, 4, 1, 3], ["all_equal", "cam"], mean=[1, 2, 3, 4, 5]
        ),
    }


@pytest.fixture
def table(boards, tmp_path):
    experiments.run(boards=boards, table=tmp_path / "all.csv")
    return pd.read_csv(tmp_path / "all.csv", index_col="explanation")


def test_ranks_among_unlike_numbers_are_brought_to_one_scale(table):
    # Of three: 0, 0.5 and 1; of five: 1, 0.25, 0.75, 0 and 0.5.
    assert table["relative rank"].to_dict() == {
        "cam": 0, "occlusion": 0.375, "saliency": 0.5, "rise": 0.5, "all_equal": 0.875,
    }  # fmt: skip
    assert table.index[0] == "cam"
    assert table["experiments"].to_dict() == {"cam": 1, "occlusion": 2, "saliency": 2, "rise": 1, "all_equal": 2}
    assert np.isnan(table.loc["cam", "one: mean rank"])
    assert table.loc["cam", "two: mean rank"] == 1


def test_explanations_without_a_mean_rank_take_no_place_among_the_others(boards, tmp_path):
    # By two scores of one family and one of another; maps over frequencies have ranks by one of them alone.
    ranks = {
        "infidelity.infidelity_scaled rank": [2, 1, 3, np.nan],
        "infidelity rank": [1, 2, 3, 4],
        "faithfulness_correlation rank": [2, 1, 3, np.nan],
        "parameter_randomisation.parameter_rank_correlation.end rank": [3, 1, 4, 2],
        "form.sparseness rank": [1, 2, 3, 4],
    }
    table = pd.read_csv(boards["one"]).set_index("explanation").reindex(["saliency", "occlusion", "all_equal", "rise"])
    table["family"], table["failed checks"] = table["family"].fillna("perturbation"), ""
    table = table.assign(**ranks, **{"mean rank": [2.5, 1, 3.5, np.nan]})
    table.to_csv(tmp_path / "mixed.csv")
    experiments.run(boards={"mixed": tmp_path / "mixed.csv", "one": boards["one"]}, table=tmp_path / "of.csv")
    of = pd.read_csv(tmp_path / "of.csv", index_col="explanation")
    assert of["mixed: relative rank"].dropna().to_dict() == {"occlusion": 0, "saliency": 0.5, "all_equal": 1}
    assert of.loc["rise", "experiments"] == 0


def test_the_baseline_is_the_one_that_most_experiments_have(table):
    column = "insertion less deletion (baseline: mean)"
    assert table.loc["occlusion", column] == (0.375 + 2) / 2
    assert table.loc["cam", column] == 4
    assert table.loc["saliency", f"one: {column}"] == 0.5


def test_what_failed_is_counted_and_kept(table):
    assert table["failed in"].to_dict() == {"cam": 1, "occlusion": 0, "saliency": 0, "rise": 0, "all_equal": 2}
    assert table.loc["cam", "two: failed checks"] == "sanity 0.8 > 0.5"


def test_boards_without_that_score_are_ranked_all_the_same(tmp_path):
    boards = {name: board(tmp_path, name, ["saliency", "occlusion"], [2, 1]) for name in ("one", "two")}
    experiments.run(boards=boards, table=tmp_path / "all.csv")
    table = pd.read_csv(tmp_path / "all.csv", index_col="explanation")
    assert list(table.index) == ["occlusion", "saliency"]
    assert table["insertion less deletion"].isna().all()
    assert table["relative rank"].to_dict() == {"occlusion": 0, "saliency": 1}


def test_its_experiments_are_read_from_its_columns(table):
    assert experiments.experiments(list(table.columns)) == ["one", "two"]


def test_experiments_say_which_examples_they_score_where_these_are_not_all_shown(boards, tmp_path, table):
    assert experiments.scored(table) == {}
    experiments.run(boards=boards, table=tmp_path / "of.csv", over={"one": "", "two": "measured examples"})
    of = pd.read_csv(tmp_path / "of.csv", index_col="explanation")
    assert experiments.scored(of) == {"one": "shown examples", "two": "measured examples"}
    assert experiments.experiments(list(of.columns)) == ["one", "two"]
    experiments.run(boards=boards, table=tmp_path / "same.csv", over={"one": "", "two": ""})
    assert (tmp_path / "same.csv").read_bytes() == (tmp_path / "all.csv").read_bytes()
