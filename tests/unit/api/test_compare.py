"""`pellucid.compare` gives the tables of the workflow's rules for the same explanations."""

import numpy as np
import pandas as pd
import pytest

import pellucid
from pellucid import files, tables
from pellucid.compare import checks, leaderboard
from pellucid.score.run import run as score

METHODS = {"saliency": {"mode": "signed"}, "occlusion": {"window": 5}, "random_attribution": {}}
SCORES = {
    "deletion_insertion": {"steps": 5},
    "sensitivity": {"samples": 2},
    "parameter_randomisation": {},
    "cost": {},
}


@pytest.fixture(scope="module")
def case(gap_series):
    rng = np.random.default_rng(0)
    x, training = rng.random((6, 40, 3)).astype(np.float32), rng.random((20, 40, 3)).astype(np.float32)
    return {
        "model": gap_series,
        "x": x,
        "y": [0, 1, 2, 3, 0, 1],
        "training": training,
        "training_y": np.arange(20) % 4,
        "class_names": ["a", "b", "c", "d"],
        "seed": 5,
    }


@pytest.fixture(scope="module")
def comparison(case):
    return pellucid.compare(**case, methods=METHODS, scores=SCORES)


@pytest.fixture(scope="module")
def rules(case, comparison, tmp_path_factory):
    """The folder in which the workflow's functions left their tables for the same explanations."""
    folder = tmp_path_factory.mktemp("rules")
    case["model"].save(folder / "model.keras")
    np.save(folder / "x_train.npy", case["training"])
    files.write_arrays(folder / "labels.npz", {"train": case["training_y"]})
    methods, explained = {}, {}
    for name, explanation in comparison.explanations.items():
        files.write_json(folder / "data.json", explanation.data_info)
        methods[name] = explanation.parameters
        explained[name] = {kind: folder / f"{name}.{kind}" for kind in ("attributions", "cost", "checks")}
        files.write_arrays(explained[name]["attributions"], explanation.arrays)
        files.write_json(explained[name]["cost"], {name: explanation.cost})
        files.write_json(explained[name]["checks"], {name: {}})
    common = {"methods": methods, "explained": explained, "data_info": folder / "data.json", "seed": 5}
    common |= {"threads": 1, "memory_mb": 1024, "model": folder / "model.keras", "training": folder / "x_train.npy"}
    for name, parameters in SCORES.items():
        full = pellucid.api.functions.settings.completed("score", name, parameters, (40,))
        score(
            score=name,
            parameters=full,
            labels=folder / "labels.npz",
            table=folder / f"{name}.csv",
            arrays=folder / f"{name}.npz",
            **common,
        )
    checks.run(**common, randomised=folder / "parameter_randomisation.csv", table=folder / "checks.csv")
    leaderboard.run(
        scores={name: folder / f"{name}.csv" for name in SCORES},
        checks=folder / "checks.csv",
        table=folder / "leaderboard.csv",
        metrics=folder / "metrics.csv",
    )
    return folder


@pytest.mark.parametrize("name", SCORES)
def test_the_scores_are_those_of_the_rule(comparison, rules, name):
    pd.testing.assert_frame_equal(comparison.scores[name], tables.read(rules / f"{name}.csv"), check_dtype=False)
    for key, values in files.read_arrays(rules / f"{name}.npz").items():
        np.testing.assert_array_equal(comparison.by_example[f"{name}/{key}"], values)


def test_the_leaderboard_and_the_checks_are_those_of_the_rules(comparison, rules):
    expected = tables.read(rules / "leaderboard.csv", index="explanation")
    expected["failed checks"] = expected["failed checks"].fillna("")
    pd.testing.assert_frame_equal(comparison.leaderboard, expected)
    pd.testing.assert_frame_equal(
        comparison.checks, tables.read(rules / "checks.csv", words=(*tables.WORDS, "examples"))
    )
    assert "sanity" in set(comparison.checks["check"])


def test_an_explanation_inside_is_that_of_explain(case, comparison):
    arguments = {name: value for name, value in case.items() if name != "training_y"}
    alone = pellucid.explain(**arguments, method="occlusion", window=5)
    np.testing.assert_array_equal(comparison.explanations["occlusion"].attributions, alone.attributions)


def test_a_notebook_shows_the_table_and_the_overview(comparison):
    page = comparison._repr_html_()
    assert "Insertion less deletion (zero) ↑" in page
    assert "data:image/png;base64," in page
    for name in METHODS:
        assert f"<th>{name}</th>" in page
    texts = [text.get_text() for axes in comparison.plot().axes for text in axes.texts]
    assert {name.removesuffix(" ✗") for name in texts} >= set(METHODS)
    assert {name.split(" → ")[0] for name in texts} >= {"a", "b", "c", "d"}
    assert "leaderboard" in comparison.plot_leaderboard().get_suptitle()


def test_without_training_examples_the_baseline_that_needs_them_is_left_out(gap_series, case, caplog):
    caplog.set_level("INFO", "pellucid")
    comparison = pellucid.compare(gap_series, case["x"], methods=["saliency", "all_equal"])
    assert not [metric for metric in comparison.metrics["metric"] if metric.endswith("other")]
    assert {"deletion_insertion", "faithfulness_correlation", "cost"} == set(comparison.scores)
    assert 'the baseline "other" is left out, since it needs training=… and training_y=…' in caplog.text


def test_a_function_is_compared_by_methods_and_scores_that_need_outputs_alone(case):
    def function(batch):
        return batch[:, :4, 0]

    comparison = pellucid.compare(function, case["x"], methods=["occlusion", "random_attribution"])
    assert comparison.leaderboard.index[0] == "occlusion"
    with pytest.raises(pellucid.InputError, match="parameter_randomisation: it needs layers; it got function function"):
        pellucid.compare(function, case["x"], methods=["occlusion"], scores=["parameter_randomisation"])
