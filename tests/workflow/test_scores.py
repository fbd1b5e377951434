"""Scores and views in the real workflow: what they leave, and what an edit of one reruns."""

import copy
import re

import pandas as pd
import pytest

from pellucid import files
from pellucid.compare.failed_checks import failures
from tests.support.project import Project

pytestmark = pytest.mark.slow

CONFIG = {
    "run": ["series"],
    "defaults": {
        "training": {"epochs": 2, "batch_size": 64},
        "examples": {"per_class": 1, "choose": "any"},
        "methods": {"saliency": {}, "gradient_input": {}, "random_attribution": {}},
        "views": {"filters": {"sweep": {"layer": ["first", "last"]}}, "pruning": {"densities": [1, 0.2], "repeats": 1}},
        "scores": {
            "localisation": {},
            "deletion_insertion": {"steps": 4, "baselines": ["zero"]},
            "parameter_randomisation": {"steps": 2, "examples": 1},
            "random_labels": {"epochs": 1},
        },
    },
    "experiments": {
        "series": {
            "title": "Planted motifs",
            "dataset": {"source": "synthetic_series", "per_class": 20},
            "model": {"architecture": "gap_cnn"},
        }
    },
}
OVERVIEW = "Draw all explanations of series side by side"
CHECKED = {
    OVERVIEW,
    "Check the methods of series",
    "Draw the checks of series",
}
SECOND_MODEL = "Train gap_cnn on series with random labels"
COMPARED = {
    "Rank the explanations of series",
    "Draw the leaderboard of series",
    "Write the page of series",
    "Record series in MLflow",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("scored"), CONFIG)
    project.build()
    return project


@pytest.fixture
def project(built):
    yield built
    built.configure(CONFIG)


def changed(**settings):
    content = copy.deepcopy(CONFIG)
    for key, entries in settings.items():
        content["defaults"][key].update(entries)
    return content


def test_the_leaderboard_names_every_explanation_with_its_scores(project):
    here = project.folder / "results" / "series" / "score"
    board = pd.read_csv(here / "leaderboard.csv", index_col=0)
    assert set(board.index) == {"saliency", "gradient_input", "random_attribution"}
    scores = pd.read_csv(here / "localisation" / "scores.csv")
    chosen = scores[(scores["metric"] == "relevance_rank.cells") & (scores["class"] == "all")].set_index("explanation")
    assert board["localisation.relevance_rank.cells mean"].to_dict() == chosen["mean"].to_dict()
    # The control does not see the model.
    assert "sanity 1 > 0.5" in board.loc["random_attribution", "failed checks"]
    for name in ("leaderboard", "tradeoffs", "agreement", "checks", "localisation/scores", "../explain/overview"):
        assert (here / f"{name}.png").stat().st_size > 10_000


def test_a_changed_parameter_of_a_score_computes_no_explanation(project):
    project.configure(changed(scores={"deletion_insertion": {"steps": 5, "baselines": ["zero"]}}))
    scored = {"Score series by deletion_insertion", "Draw the score deletion_insertion of series"}
    assert project.planned() == scored | COMPARED


def test_a_map_is_compared_with_that_of_a_second_model(project):
    here = project.folder / "results" / "series"
    scores = pd.read_csv(here / "score" / "random_labels" / "scores.csv")
    means = scores[scores["class"] == "all"].set_index(["explanation", "metric"])["mean"]
    # The control does not see which model it is; the gradient does.
    assert means["random_attribution", "labels_rank_correlation"] == pytest.approx(1)
    assert means["saliency", "labels_rank_correlation"] < 0.9
    told = files.read_json(here / "random_labels" / "training.json")
    assert means["saliency", "memorised"] == pytest.approx(told["memorised"])
    assert not (here / "random_labels" / "checkpoints").exists()
    weights = (files.read_json(here / name / "training.json")["weights_digest"] for name in ("model", "random_labels"))
    assert len(set(weights)) == 2


def test_the_report_says_beside_a_map_what_it_failed_and_its_figure_waits_for_no_check(project):
    done = project.snakemake("--report", "report.html")
    assert done.returncode == 0, done.stderr[-3000:]
    text = (project.folder / "report.html").read_text(encoding="utf-8")
    failed = failures(project.folder / "results" / "series" / "score" / "checks.csv")
    assert "sanity: 1 > 0.5" in failed["random_attribution"]
    assert text.count("<strong>\\u2717 Fails ") == sum(map(bool, failed.values()))
    assert text.count("It has passed its checks") == list(failed.values()).count("")
    planned = project.planned("--forcerun", "check")
    assert planned >= CHECKED
    assert not {job for job in planned if re.fullmatch(r"Draw (saliency|random_attribution) of series", job)}


def test_no_report_is_made_of_a_damaged_table_of_checks(project):
    table = project.folder / "results" / "series" / "score" / "checks.csv"
    content = table.read_bytes()
    # A verdict turned round: the caption would say that the method has passed.
    table.write_bytes(content.replace(b",False", b",True ", 1))
    try:
        refused = project.snakemake("--report", "report.html")
    finally:
        table.write_bytes(content)
    assert refused.returncode != 0
    assert "--forcerun results/series/score/checks.csv" in refused.stderr


def test_other_epochs_on_random_labels_leave_the_model_and_the_explanations(project):
    project.configure(changed(scores={"random_labels": {"epochs": 2}}))
    scored = {SECOND_MODEL, "Score series by random_labels", "Draw the score random_labels of series"}
    assert project.planned() == scored | COMPARED


def test_a_changed_method_reruns_its_scores_and_no_other_explanation(project):
    project.configure(changed(methods={"saliency": {"mode": "signed"}}))
    planned = project.planned()
    assert {job for job in planned if job.startswith("Explain")} == {"Explain series by saliency"}
    assert {"Score series by localisation", "Compare the explanations of series with each other", OVERVIEW} <= planned
    assert planned >= CHECKED
    assert not {job for job in planned if job.startswith(("Train", "View", "Evaluate"))}


def test_a_changed_parameter_of_a_view_reruns_that_view_alone(project):
    project.configure(changed(views={"pruning": {"densities": [1, 0.5], "repeats": 1}}))
    expected = {"View pruning of series", "Draw pruning of series", "Record series in MLflow"}
    assert project.planned() == expected


def test_a_swept_view_has_a_file_and_a_figure_for_each_value(project):
    here = project.folder / "results" / "series" / "views" / "filters"
    for layer in ("first", "last"):
        assert (here / f"filters.layer={layer}.png").stat().st_size > 5_000
    first, last = (files.read_arrays(here / f"filters.layer={layer}.npz")["kernels"] for layer in ("first", "last"))
    assert first.shape[-1] == 9
    assert last.shape != first.shape


def test_the_record_has_a_run_for_each_explanation_and_view_and_their_scores(project):
    record = files.read_json(project.folder / "results" / "series" / "tracking.json")
    assert set(record["explanations"]) == {"saliency", "gradient_input", "random_attribution"}
    assert set(record["views"]) == {"filters.layer=first", "filters.layer=last", "pruning"}
