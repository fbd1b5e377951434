"""Studies and comparisons in the real workflow: what is planned, what an added value reruns, and what they leave."""

import copy
import re
import time

import pandas as pd
import pytest

from pellucid import files
from tests.support import tiny
from tests.support.project import Project

CONFIG = {
    "run": ["rates"],
    "defaults": {
        "training": {"epochs": 1, "batch_size": 256},
        "examples": {"per_class": 1, "choose": "any", "target": "true"},
        "methods": {"saliency": {}, "random_attribution": {}},
        "scores": {"deletion_insertion": {"steps": 2, "baselines": ["zero"]}},
    },
    "experiments": {
        "rates": {
            **tiny.DIGITS,
            "title": "Digits",
            "sweep": {"training.learning_rate": [0.001]},
            "repeats": 2,
            "explain": "all",
        },
    },
}
MEMBER = "rates__learning_rate_0p001__training_seed_{}"


def varied(*rates, repeats=2):
    content = copy.deepcopy(CONFIG)
    content["experiments"]["rates"] |= {"sweep": {"training.learning_rate": list(rates)}, "repeats": repeats}
    return content


def test_twenty_members_are_planned_in_seconds_and_compared(tmp_path):
    tiny.write_config(tmp_path, varied(0.001, 0.003, 0.01, 0.03, repeats=5))
    started = time.perf_counter()
    counts = counted(tmp_path)
    seconds = time.perf_counter() - started
    assert counts["train"] == counts["track"] == counts["explain_saliency"] == 20
    alone = ("study", "draw_study", "study_explanations", "draw_study_explanations", "study_ranking", "comparison")
    alone += ("draw_study_ranking", "track_study")
    assert [counts[name] for name in alone] == [1] * len(alone)
    # Alone on two cores it takes 3 s; a machine that does other work as well gets more.
    assert seconds < 40


def counted(folder, *targets):
    """Return how many jobs of each rule are planned."""
    done = tiny.snakemake(folder, "--dry-run", "--quiet=reason", *targets)
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.MULTILINE)}


def test_members_are_explained_where_the_study_asks_for_it_or_their_name_does(tmp_path):
    content = varied(0.001, 0.003, 0.01, 0.03, repeats=25)
    content["experiments"]["rates"]["explain"] = "first"
    tiny.write_config(tmp_path, content)
    counts = counted(tmp_path)
    assert counts["preprocess"] == counts["train"] == counts["evaluate"] == counts["track"] == 100
    alone = ("select_examples", "explain_saliency", "draw_training", "draw_evaluation", "leaderboard", "page", "study")
    assert [counts[name] for name in alone] == [1] * len(alone)
    assert not {"study_explanations", "comparison"} & set(counts)
    named = counted(tmp_path, f"results/{MEMBER.format(7)}/explain/saliency/saliency.png")
    assert named["explain_saliency"] == named["draw_explanation"] == 1
    assert named["total"] == 6
    refused = tiny.snakemake(tmp_path, "--dry-run", "results/rates/study/explanations.csv")
    assert 'experiments.rates.explain is "first"; expected explain: all.' in refused.stdout + refused.stderr
    content["experiments"]["rates"]["explain"] = "none"
    tiny.write_config(tmp_path, content)
    assert set(counted(tmp_path)) == {
        *("preprocess", "train", "evaluate", "track", "tracking_store", "study", "draw_study", "track_study", "all"),
        "total",
    }


def test_a_member_alone_is_no_study_and_no_comparison(tmp_path):
    tiny.write_config(tmp_path, {**CONFIG, "run": [MEMBER.format(2)]})
    done = tiny.snakemake(tmp_path, "--dry-run", "--quiet", "reason")
    assert done.returncode == 0, done.stderr[-3000:]
    assert not re.search(r"^(study|comparison|draw_comparison) ", done.stdout + done.stderr, re.MULTILINE)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("study"), CONFIG)
    project.build()
    return project


@pytest.mark.slow
@pytest.mark.timeout(1800)  # with the fixture: fifty jobs
def test_a_study_leaves_its_tables_figures_and_record(project):
    assert project.planned() == set()
    here = project.folder / "results" / "rates" / "study"
    members = pd.read_csv(here / "members.csv", index_col="member")
    assert list(members.index) == [MEMBER.format(seed) for seed in (1, 2)]
    for name in members.index:
        metrics = files.read_json(project.folder / "results" / name / "evaluation" / "metrics.json")
        assert members.loc[name, "balanced_accuracy"] == pytest.approx(metrics["balanced_accuracy"])
    assert (members["seconds"] > 0).all()
    assert pd.read_csv(here / "summary.csv")["n"].to_list() == [2]
    stable = pd.read_csv(here / "explanations.csv").set_index(["explanation", "metric"])
    assert stable.loc[("random_attribution", "rank_correlation"), "mean"] == pytest.approx(1)
    assert 0 < stable.loc[("saliency", "rank_correlation"), "mean"] < 1
    assert stable["examples"].unique().tolist() == [10]
    ranking = pd.read_csv(here / "ranking.csv")
    assert set(ranking["explanation"]) == {"saliency", "random_attribution"}
    assert ranking["trainings"].to_list() == [2, 2]
    assert ranking["mean rank"].sum() == pytest.approx(3)
    (finding,) = files.read_json(here / "ranking.json")
    assert finding["pairs"] == 1
    assert (finding["joined"] == []) == bool(pd.read_csv(here / "differences.csv")["told apart"].all())
    board = pd.read_csv(project.folder / "results" / "comparison" / "leaderboard.csv", index_col="explanation")
    assert set(board.index) == {"saliency", "random_attribution"}
    assert board["experiments"].to_list() == [2, 2]
    for path in (
        here / "members.png",
        here / "explanations.png",
        here / "ranking.png",
        here.parents[1] / "comparison" / "leaderboard.png",
    ):
        assert path.stat().st_size > 10_000
    for path in (here / "tracking.json", here.parents[1] / "comparison" / "tracking.json"):
        assert files.read_json(path)["run"]


@pytest.mark.slow
def test_members_share_the_data_and_not_the_weights(project):
    one, two = (project.folder / "results" / MEMBER.format(seed) for seed in (1, 2))
    for name in ("data/x_train.npy", "data/labels.npz"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    digests = [files.read_json(path / "model" / "training.json")["weights_digest"] for path in (one, two)]
    assert digests[0] != digests[1]
    examples = [files.read_arrays(path / "examples.npz") for path in (one, two)]
    assert examples[0]["indices"].tolist() == examples[1]["indices"].tolist()


@pytest.mark.slow
def test_a_value_more_runs_its_members_and_the_comparison_alone(project):
    project.configure(varied(0.001, 0.003))
    planned = project.planned()
    project.configure(CONFIG)
    assert not {job for job in planned if MEMBER.format(1) in job or MEMBER.format(2) in job}
    new = {f"Train digit_cnn on {MEMBER.format(seed).replace('0p001', '0p003')}" for seed in (1, 2)}
    assert {job for job in planned if job.startswith("Train")} == new
    compared = {"Compare the members of rates", "Join the leaderboards of all experiments", "Record the study rates in MLflow"}  # fmt: skip
    assert compared <= planned


@pytest.mark.slow
def test_a_changed_value_of_one_member_reruns_only_it(project):
    content = varied(0.001)
    del content["experiments"]["rates"]["repeats"]
    content["experiments"]["rates"]["sweep"]["training.seed"] = [1, 3]
    project.configure(content)
    planned = project.planned()
    project.configure(CONFIG)
    assert {job for job in planned if job.startswith("Train")} == {f"Train digit_cnn on {MEMBER.format(3)}"}
    assert not {job for job in planned if MEMBER.format(1) in job}
