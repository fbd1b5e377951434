"""The files that the configuration asks for, and what the rules take from it."""

import pytest

from pellucid import plugins
from pellucid.config import experiment_files, job_priorities, page_files, resolution, source_files, study_files
from pellucid.config.experiment_files import TargetError
from tests.support import keras_archives

SERIES = {
    "dataset": {"source": "synthetic_series", "per_class": 12},
    "model": {"architecture": "gap_cnn", "filters": [4], "kernels": [5]},
}
NO_METHODS = dict.fromkeys(plugins.load("explain"), False)
NO_SCORES = dict.fromkeys(plugins.load("score"), False)
NO_VIEWS = dict.fromkeys(plugins.load("views"), False)


def resolved(**experiments):
    """Return a configuration whose experiments have no methods, scores and views but those that they name."""
    entries = {
        name: {
            **SERIES,
            **entry,
            "methods": NO_METHODS | entry.get("methods", {}),
            "scores": NO_SCORES | entry.get("scores", {}),
            "views": NO_VIEWS | entry.get("views", {}),
        }
        for name, entry in experiments.items()
    }
    return resolution.resolve({"run": list(entries), "experiments": entries})


@pytest.fixture(scope="module")
def config():
    return resolved(
        one={
            "title": "One\nseries",
            "seed": 3,
            "methods": {"saliency": {}, "occlusion": {"sweep": {"window": [5, 7]}}},
            "scores": {"random_labels": {}, "parameter_randomisation": {}},
            "views": {"embedding": {}},
            "training": {"augmentation": {"shift": 2}, "seed": 8},
        },
        two={"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}, "methods": {"saliency": {}}},
        rates={
            "methods": {"saliency": {}},
            "scores": {"seed_stability": {}},
            "sweep": {"training.learning_rate": [0.1]},
            "repeats": 2,
            "explain": "all",
        },
    )


MEMBERS = ["rates__learning_rate_0p1__training_seed_1", "rates__learning_rate_0p1__training_seed_2"]


def test_figures_of_everything_that_an_experiment_has(config):
    assert [path.removeprefix("results/one/") for path in experiment_files.figures(config, "one")] == [
        "data/examples.png",
        "model/history.png",
        "model/augmentation.png",
        "evaluation/confusion_matrix.png",
        "evaluation/reliability.png",
        "evaluation/evidence.png",
        "explain/occlusion/occlusion.window=5.png",
        "explain/occlusion/occlusion.window=7.png",
        "explain/saliency/saliency.png",
        "views/embedding/embedding.png",
        "score/parameter_randomisation/scores.png",
        "score/random_labels/scores.png",
        "score/agreement.png",
        "score/checks.png",
        "score/leaderboard.png",
        "score/tradeoffs.png",
        "explain/overview.png",
    ]


def test_an_experiment_without_scores_evidence_and_augmentation_has_fewer_figures(config):
    assert [path.removeprefix("results/two/") for path in experiment_files.figures(config, "two")] == [
        "data/examples.png",
        "model/history.png",
        "evaluation/confusion_matrix.png",
        "evaluation/reliability.png",
        "explain/saliency/saliency.png",
    ]


def test_every_figure_is_recorded_in_both_formats_beside_tables_and_arrays(config):
    recorded = experiment_files.recorded(config, "one")
    assert len(recorded) == len(set(recorded))
    for path in experiment_files.figures(config, "one"):
        assert {path, path.removesuffix("png") + "svg"} <= set(recorded)
    assert {
        "results/one/evaluation/evidence.csv",
        "results/one/explain/occlusion/cost.json",
        "results/one/views/embedding/embedding.npz",
        "results/one/score/random_labels/scores.csv",
        "results/one/score/metrics.csv",
        "results/one/page.html",
    } <= set(recorded)
    assert not any("score/" in path or "evidence" in path for path in experiment_files.recorded(config, "two"))


def test_explanations_keep_the_order_of_the_methods(config):
    assert experiment_files.explanations(config, "one", "cost", "checks") == {
        "cost": ["results/one/explain/occlusion/cost.json", "results/one/explain/saliency/cost.json"],
        "checks": ["results/one/explain/occlusion/checks.json", "results/one/explain/saliency/checks.json"],
    }


def test_settings_that_rules_take(config):
    assert experiment_files.setting(config, "one", "methods", "occlusion")["sweep"] == {"window": [5, 7]}
    assert experiment_files.heading(config, "one") == "One↵series"
    assert [experiment_files.training_seed(config, name) for name in ("one", "two")] == [
        8,
        experiment_files.setting(config, "two", "seed"),
    ]
    assert not experiment_files.is_untrained(config, "one")
    assert experiment_files.output_classes(config, "two") == []
    assert experiment_files.all_names(config, "methods") == ["occlusion", "saliency"]
    assert experiment_files.owner(config, MEMBERS[0]) == "rates"
    assert experiment_files.owner(config, "one") == ""


def test_a_model_from_elsewhere_is_untrained(tmp_path):
    keras_archives.write(tmp_path / "own.keras")
    model = {"architecture": "keras_file", "file": str(tmp_path / "own.keras"), "file_sha256": "none"}
    data = {"source": "synthetic_series", "classes": 2}
    config = resolved(own={"dataset": data, "model": model, "training": {"epochs": 0}})
    assert experiment_files.is_untrained(config, "own")
    assert source_files.paths(config, "own", "model") == {"file": str(tmp_path / "own.keras")}
    assert source_files.downloads(config) == {}


def test_a_file_elsewhere_is_downloaded_with_its_checksum():
    table = {"source": "table", "file": "https://example.org/x.csv", "file_sha256": "0" * 64, "label": 1}
    config = resolved(own={"dataset": table})
    (path,) = source_files.paths(config, "own", "dataset").values()
    assert path.startswith("results/downloads/")
    assert source_files.parameters(config, "own", "dataset") == ["file"]
    assert source_files.downloads(config)[path]["address"] == table["file"]
    assert source_files.downloads(config)[path]["sha256"] == table["file_sha256"]


def test_what_is_not_run_is_refused_with_the_words_that_run_it(config):
    with pytest.raises(
        TargetError, match=r"results/three is asked for, but not run: add it by --config 'run=\[three\]'"
    ):
        experiment_files.figures(config, "three")
    with pytest.raises(TargetError, match=r"results/three/study .* 'run=\[three\]'"):
        study_files.study_of(config, "three")


def test_evidence_is_refused_where_none_is_planted(config):
    assert experiment_files.truth_file(config, "one") == "results/one/data/truth.npz"
    with pytest.raises(TargetError, match='results/two/evaluation/evidence is asked for.*"digits"'):
        experiment_files.truth_file(config, "two")


def test_inputs_follow_from_what_a_plugin_declares():
    assert experiment_files.method_inputs("random_attribution") == {}
    assert set(experiment_files.method_inputs("saliency")) == {"model", "trained", "data_info"}
    assert "training" in experiment_files.method_inputs("deep_shap")
    assert set(experiment_files.score_inputs("cost")) == {"data_info", "groups"}
    assert {"random_labels", "random_training"} <= set(experiment_files.score_inputs("random_labels"))
    assert {"model", "training", "labels"} <= set(experiment_files.score_inputs("seed_stability"))
    assert {"model", "trained", "data_info"} <= set(experiment_files.view_inputs("embedding"))


def test_the_checks_read_the_one_score_that_they_need(config):
    assert list(experiment_files.randomisation_table(config, "one")) == ["parameter_randomisation"]
    assert experiment_files.randomisation_table(config, "two") == {}


def test_plugins_whose_code_counts(config):
    assert experiment_files.plugin_modules(config, "one", "methods") == ["explain.occlusion", "explain.saliency"]
    assert experiment_files.plugin_modules(config, "one", "scores") == [
        "score.parameter_randomisation",
        "score.random_labels",
    ]
    assert experiment_files.source_module(config, "two", "dataset") == ["datasets.digits"]
    assert experiment_files.source_module(config, "two", "model") == ["models.digit_cnn"]
    assert experiment_files.view_methods(config, "one", "embedding", "embedding") == []


def test_the_fastest_method_of_an_experiment_comes_first(config):
    first, later = (job_priorities.explanation_priority(config, "one", name) for name in ("saliency", "occlusion"))
    assert first == job_priorities.PRIORITIES["first_explanation"] > later == job_priorities.PRIORITIES["explanation"]


def test_a_study_compares_its_members_and_the_explanations_of_retrained_members(config):
    assert list(study_files.members(config, "rates")) == MEMBERS
    assert study_files.retrained(config, "rates") == [MEMBERS]
    assert study_files.member_methods(config, "rates") == {name: ["saliency"] for name in MEMBERS}
    assert study_files.member_results(config, "rates")["cost"] == [
        f"results/{name}/model/cost.json" for name in MEMBERS
    ]
    assert study_files.retrained_explanations(config, "rates") == {
        f"{name}/{key}": f"results/{name}/{path}"
        for name in MEMBERS
        for key, path in (
            ("groups of examples", "data/groups.npz"),
            ("saliency", "explain/saliency/attributions.npz"),
            ("seed stability", "score/seed_stability/scores.csv"),
        )
    }
    assert [path.rpartition("/")[2] for path in study_files.study_tables(config, "rates")] == [
        "summary.csv",
        "explanations.csv",
    ]
    assert study_files.heading(config, "rates") == "rates"
    # One method is nothing to rank.
    assert not study_files.ranks_retrained(config, "rates")
    with_scores = bare("all", cost={}, deletion_insertion={})
    assert study_files.study_figures(with_scores, "rates", ("png",)) == [
        f"results/rates/study/{figure}.png" for figure in ("members", "explanations", "ranking")
    ]
    assert study_files.study_tables(with_scores, "rates") == [
        f"results/rates/study/{table}.csv" for table in ("summary", "explanations", "ranking", "differences")
    ]
    # The cost judges nobody.
    assert study_files.member_scores(with_scores, "rates") == {name: ["deletion_insertion"] for name in MEMBERS}
    assert study_files.retrained_scores(with_scores, "rates") == {
        f"{name}/{key}": f"results/{name}/{path}"
        for name in MEMBERS
        for key, path in (
            ("examples", "examples.npz"),
            ("groups of examples", "data/groups.npz"),
            ("deletion_insertion/table", "score/deletion_insertion/scores.csv"),
            ("deletion_insertion/arrays", "score/deletion_insertion/scores.npz"),
        )
    }
    assert not study_files.ranks_retrained(bare("all"), "rates")


def test_all_that_a_run_makes(config):
    # Only one experiment has scores and several methods, so no leaderboard compares experiments.
    assert study_files.ranked(config) == ["one"]
    assert study_files.figures_over_experiments(config) == [
        "results/rates/study/members.png",
        "results/rates/study/explanations.png",
    ]
    assert study_files.records(config) == [
        *(f"results/{name}/tracking.json" for name in ("one", "two", *MEMBERS)),
        "results/rates/study/tracking.json",
    ]
    assert set(experiment_files.all_figures(config)) == {
        path for name in ("one", "two", *MEMBERS) for path in experiment_files.figures(config, name)
    }


def bare(explain, **scores):
    scored = {"methods": {"saliency": {}, "occlusion": {}}, "scores": scores or {"cost": {}}}
    return resolved(rates={**scored, "sweep": {"training.learning_rate": [0.1]}, "repeats": 2, "explain": explain})


def test_members_that_nobody_asks_to_explain_are_trained_evaluated_and_recorded_alone():
    config = bare("none")
    assert experiment_files.all_figures(config) == page_files.all_pages(config) == study_files.ranked(config) == []
    assert study_files.figures_over_experiments(config) == ["results/rates/study/members.png"]
    assert study_files.study_tables(config, "rates") == ["results/rates/study/summary.csv"]
    assert study_files.records(config) == [
        *(f"results/{name}/tracking.json" for name in MEMBERS),
        "results/rates/study/tracking.json",
    ]
    for name in MEMBERS:
        assert experiment_files.recorded(config, name) == []
        recorded = experiment_files.recorded_settings(config, name)
        settings = experiment_files.settings_of(config, name)
        assert recorded == {**settings, "methods": {}, "views": {}, "scores": {}}
        # By its name every file of a member can be asked for.
        assert experiment_files.figures(config, name)
        assert experiment_files.is_compared(config, name)
        assert page_files.inputs(config, name)["leaderboard"] == f"results/{name}/score/leaderboard.csv"


def test_the_first_member_is_an_experiment_as_any_other():
    config, (first, second) = bare("first"), MEMBERS
    assert experiment_files.all_figures(config) == experiment_files.figures(bare("all"), first)
    assert page_files.all_pages(config) == [f"results/{first}/page.html"]
    assert experiment_files.recorded(config, first) == experiment_files.recorded(bare("all"), first)
    assert experiment_files.recorded_settings(config, first) == experiment_files.settings_of(config, first)
    assert experiment_files.recorded(config, second) == []
    # One leaderboard is nothing to compare.
    assert study_files.figures_over_experiments(config) == ["results/rates/study/members.png"]


def test_explanations_by_several_trainings_are_refused_where_not_all_members_have_them():
    with pytest.raises(TargetError, match=r'experiments.rates.explain is "first"; expected explain: all\.'):
        study_files.retrained_explanations(bare("first"), "rates")


def test_two_leaderboards_are_compared():
    scored = {"methods": {"saliency": {}, "occlusion": {}}, "scores": {"cost": {}}}
    config = resolved(one=scored, two=scored)
    assert study_files.figures_over_experiments(config) == ["results/comparison/leaderboard.png"]
    assert study_files.records(config)[-1] == "results/comparison/tracking.json"


def test_what_does_not_apply_is_noted_by_experiment():
    config = resolution.resolve(
        {
            "run": ["one"],
            "defaults": {"methods": {"attention_weights": {}, "saliency": {}}},
            "experiments": {"one": SERIES},
        }
    )
    assert any(line.startswith("one: attention_weights is left out: ") for line in experiment_files.notes(config))


FREQUENCIES = {"dataset": {"source": "synthetic_frequencies"}, "model": {"architecture": "gap_cnn"}}


def in_frequency(methods, scores, entry=FREQUENCIES):
    experiment = {**entry, "methods": methods, "scores": scores, "views": NO_VIEWS}
    return resolution.resolve({"run": ["one"], "experiments": {"one": experiment}})


def test_frequencies_of_evidence_are_planted_evidence():
    config = in_frequency({"only": ["saliency"], "saliency": {"domain": "frequency"}}, {"localisation_frequency": {}})
    assert experiment_files.plants_evidence(config, "one")
    assert experiment_files.truth_file(config, "one") == "results/one/data/truth.npz"
    assert "localisation_frequency" in config.experiments["one"]["scores"]


@pytest.mark.parametrize(
    ("methods", "entry", "message"),
    [
        (
            {"only": ["saliency"]},
            FREQUENCIES,
            "of explanations over frequency or stft; no method has domain: frequency or stft",
        ),
        ({"only": ["saliency"], "saliency": {"domain": "frequency"}}, SERIES, "has no truth_frequency"),
    ],
)
def test_a_score_in_frequency_without_explanations_or_evidence_in_frequency_is_refused(methods, entry, message):
    with pytest.raises(resolution.ConfigError, match=message):
        in_frequency(methods, {"localisation_frequency": {}}, entry)
    # What a set names is left out, with the reason.
    config = in_frequency(methods, "all", entry)
    assert any(
        line.startswith("one: localisation_frequency is left out: ") and message.split("; ")[-1] in line
        for line in experiment_files.notes(config)
    )
