"""Explanations by frequencies in the real workflow: figures, tables and page, beside maps over time and without any."""

import pandas as pd
import pytest

from pellucid import files
from tests.support.project import Project

pytestmark = pytest.mark.slow

SERIES = {"dataset": {"source": "synthetic_ecg", "per_class": 20}, "model": {"architecture": "heartbeat_cnn"}}
CONFIG = {
    "run": ["both", "frequencies"],
    "defaults": {
        "training": {"epochs": 1, "batch_size": 64},
        "examples": {"per_class": 1, "choose": "any", "summarise": 1},
        "methods": {"only": ["saliency", "gradient_input"]},
        "views": {"only": ["architecture"]},
        "scores": {"only": ["localisation", "cost"]},
    },
    "experiments": {
        "both": {
            **SERIES,
            "title": "Both domains",
            "methods": {"saliency": {}, "gradient_input": {"sweep": {"domain": ["time", "frequency", "stft"]}}},
        },
        "frequencies": {
            **SERIES,
            "title": "Frequencies alone",
            "methods": {"saliency": {"domain": "frequency"}, "gradient_input": {"domain": "bands"}},
        },
    },
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("domains"), CONFIG)
    project.build("results")
    return project.folder / "results"


def test_maps_over_frequencies_have_figures_and_their_own_arrays(results):
    folder = results / "both" / "explain" / "gradient_input"
    arrays = files.read_arrays(folder / "attributions.npz")
    assert list(arrays["variants"]) == ["gradient_input.domain=time"]
    assert arrays["gradient_input.domain=frequency/map"].shape == (5, 94, 1)
    assert arrays["gradient_input.domain=frequency/frequencies"][-1] == pytest.approx(125 * 93 / 187)
    for label in arrays["domain_variants"]:
        assert (folder / f"{label}.png").stat().st_size > 5000


def test_scores_in_time_leave_them_out_and_summaries_too(results):
    of_score = pd.read_csv(results / "both" / "score" / "localisation" / "scores.csv")
    assert set(of_score["explanation"]) == {"saliency", "gradient_input.domain=time"}
    board = pd.read_csv(results / "both" / "score" / "leaderboard.csv", index_col="explanation")
    assert "gradient_input.domain=frequency" in board.index
    assert not list((results / "both" / "summaries").glob("*=frequency"))
    assert (results / "both" / "summaries" / "gradient_input.domain=time" / "class_maps.png").is_file()


def test_an_experiment_without_maps_over_time_is_built(results):
    board = pd.read_csv(results / "frequencies" / "score" / "leaderboard.csv", index_col="explanation")
    # The score for maps over time, which all experiments inherit, is left out where no method has one.
    assert not [column for column in board if column.startswith("localisation")]
    checks = pd.read_csv(results / "frequencies" / "score" / "checks.csv")
    assert set(checks["check"]) == {"coverage", "batch", "flat"}
    assert checks["passed"].all()
    sections = files.read_json(results / "frequencies" / "summary.json")["sections"]
    said = {section["heading"]: " ".join(section["sentences"]) for section in sections}
    assert said["Over frequencies"].startswith("2 explanations are over frequencies")
    assert all(method in said["Over frequencies"] for method in ("saliency", "gradient_input"))
    assert "What it looks at" not in said  # which says that no method was run
