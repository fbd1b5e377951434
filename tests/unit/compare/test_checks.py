"""Checks that a right method passes and a broken one fails, by the number that is wrong."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest

from pellucid import files, plugins
from pellucid.compare import checks
from pellucid.config.schema_errors import parameters_schema, with_defaults
from pellucid.score.base import Explanation, ScoreContext
from tests.support import prepared

EXPLAINED = {"attributions": "attributions.npz", "cost": "cost.json", "checks": "checks.json"}


@pytest.fixture
def project(keras, heartbeat, rng, tmp_path):
    """A model and its chosen examples on disk."""
    files.write(tmp_path / "model.keras", heartbeat.save)
    x = rng.random((6, 186, 1), np.float32)
    examples = {"inputs": x, "targets": np.arange(6) % 5, "labels": np.arange(6) % 5, "indices": np.arange(6)}
    files.write_arrays(tmp_path / "examples.npz", examples)
    files.write_array(tmp_path / "x_train.npy", rng.random((20, 186, 1), np.float32))
    files.write_json(tmp_path / "data.json", {"kind": "series", "classes": list("NSVFQ")})
    return tmp_path


def checked(project, method, randomised=None, change=None, **given):
    declared = parameters_schema(plugins.parameters(plugins.load("explain")[method]))
    parameters = with_defaults(given, declared)
    common = {"model": project / "model.keras", "seed": 1, "threads": 1, "memory_mb": 256}
    folder, training = project / method, project / "x_train.npy"
    prepared.explain(folder, method, parameters, examples=project / "examples.npz", training=training, **common)
    if change:
        change(folder)
    checks.run(
        methods={method: parameters},
        explained={method: {name: folder / file for name, file in EXPLAINED.items()}},
        data_info=project / "data.json",
        training=training,
        randomised=randomised,
        table=project / "checks.csv",
        **common,
    )
    return pd.read_csv(project / "checks.csv").set_index("check")


@pytest.mark.parametrize(
    ("method", "names"),
    [
        ("occlusion", {"coverage", "batch", "flat"}),
        ("integrated_gradients", {"completeness", "coverage", "batch", "flat"}),
    ],
)
def test_a_right_method_passes_what_it_declares(project, method, names):
    found = checked(project, method)
    assert names - {"coverage"} <= set(found.index) <= names
    assert found["passed"].all()


def test_values_that_do_not_sum_to_the_change_fail(project):
    def spoil(folder):
        content = files.read_json(folder / "checks.json")
        content["integrated_gradients"]["completeness_residual_share"] = 0.4
        files.write_json(folder / "checks.json", content)

    found = checked(project, "integrated_gradients", change=spoil)
    assert not found.loc["completeness", "passed"]
    assert found.loc["completeness", "value"] == 0.4


@pytest.mark.parametrize(("residual", "change", "similarity"), [(0.05, 0.001, 0.5), (0.06, 0.0012, 0.52)])
def test_the_limits_belong_to_what_passes(tmp_path, residual, change, similarity):
    maps = np.ones((3, 8, 1), np.float32)
    maps[:, 3] = 0
    explanation = Explanation(
        label="integrated_gradients",
        method="integrated_gradients",
        attributions=maps,
        checks={"completeness_residual_share": residual},
        re_explain=lambda inputs, targets, **known: maps.astype(np.float64) + change,
    )
    case = ScoreContext(data_info={}, inputs=maps, targets=np.zeros(3, int), labels=np.zeros(3, int))
    row = {"explanation": explanation.label, "metric": "parameter_rank_correlation.end", "class": "all"}
    pd.DataFrame([{**row, "mean": similarity}]).to_csv(tmp_path / "randomised.csv", index=False)
    found = checks.checked([(explanation, case)], tmp_path / "randomised.csv", gradients=False)
    assert found["check"].tolist() == ["completeness", "batch", "flat", "sanity"]
    assert found["passed"].tolist() == [residual == 0.05, residual == 0.05, True, residual == 0.05]
    assert found["examples"].tolist() == [""] * 4


def test_a_method_whose_maps_are_mostly_the_same_everywhere_fails_and_their_examples_are_named():
    maps = np.ones((3, 8, 1), np.float32)
    maps[0, 3], maps[1, 3], maps[2, 3] = 1 + 1e-7, 0, 2
    numbers, measured = np.array([7, 12, 9]), np.ones(maps.shape, bool)
    case = ScoreContext(data_info={}, inputs=maps, targets=numbers, labels=numbers, indices=numbers)
    explanation = Explanation(
        label="saliency",
        method="saliency",
        attributions=maps,
        checks={"completeness_residual_share": 0.0},
        re_explain=lambda inputs, targets, **known: maps[::-1],
    )
    (rounded,) = (row for row in checks.measured(explanation, case, gradients=False) if row[0] == "flat")
    assert rounded == ("flat", pytest.approx(1 / 3), ">", 0.5, True, "7")
    # Of the second map only padding differs.
    measured[1, 3] = False
    (padded,) = (
        row
        for row in checks.measured(explanation, dataclasses.replace(case, measured=measured), gradients=False)
        if row[0] == "flat"
    )
    assert padded == ("flat", pytest.approx(2 / 3), ">", 0.5, False, "7, 12")


def test_a_border_that_is_never_covered_fails(project, monkeypatch):
    from pellucid.explain import occlusion

    # Without the last window, flush with the end, as some libraries have it.
    monkeypatch.setattr(occlusion, "starts", lambda length, size, stride: list(range(0, length - size, stride)))
    whole = occlusion.explain

    @functools.wraps(whole)  # has the parameters of the method
    def uncovered(model, inputs, targets, rng, **parameters):
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(whole(model, inputs, targets, rng, **parameters))

    monkeypatch.setattr(occlusion, "explain", uncovered)
    found = checked(project, "occlusion", window=30, stride=20)
    assert not found.loc["coverage", "passed"]
    assert 0.8 < found.loc["coverage", "value"] < 1
    assert found.loc["batch", "passed"]


def test_a_map_that_depends_on_the_company_of_its_example_fails(project, monkeypatch):
    from pellucid.explain import saliency

    whole = saliency.explain

    @functools.wraps(whole)  # has the parameters of the method
    def averaged(model, inputs, targets, rng, **parameters):
        # Gradients averaged over the batch, a mistake of old scripts.
        return np.broadcast_to(whole(model, inputs, targets, rng, **parameters).mean(0), inputs.shape).copy()

    monkeypatch.setattr(saliency, "explain", averaged)
    found = checked(project, "saliency")
    assert not found.loc["batch", "passed"]
    assert found.loc["batch", "value"] > 0.01


def test_a_map_that_stays_without_a_trained_model_fails(project):
    columns = ["explanation", "method", "metric", "class", "mean", "low", "high", "examples"]
    row = ("saliency", "saliency", "parameter_rank_correlation.end", "all", 0.93, 0.9, 0.95, 6)
    pd.DataFrame([row], columns=columns).to_csv(project / "randomised.csv", index=False)
    found = checked(project, "saliency", randomised=project / "randomised.csv")
    assert not found.loc["sanity", "passed"]
    assert found.loc["sanity", "value"] == 0.93
