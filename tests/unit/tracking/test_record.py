"""The record in MLflow: what it holds, that it is made once, and that a broken one is mended."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from pellucid import files, plugins, tracking
from pellucid.errors import InputError
from pellucid.tracking import former_names, saved_views, store
from pellucid.tracking.notes import note_of, with_table
from pellucid.tracking.settings_in_words import effective
from tests.conftest import ROOT
from tests.support.recorded import CLASSES, METRICS, SETTINGS, SHAPE, Project, every
from tests.support.servers import closed_port


class Killed(BaseException):
    """Ends the process as it seems to the code: nothing catches it."""


@pytest.fixture(autouse=True)
def surroundings() -> Iterator[None]:
    """The environment and MLflow's own settings as they were before the test."""
    import mlflow

    with mock.patch.dict(os.environ):
        yield
        mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store that was prepared as the workflow does it."""
    folder = tmp_path_factory.mktemp("store")
    address = f"sqlite:///{folder}/new/mlflow.db"
    tracking.prepare(uri=address, experiment="first", output=folder / "store.json")
    return address


@pytest.fixture(scope="module")
def model(keras: Any) -> Any:
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(CLASSES, activation="softmax")]
    return keras.Sequential(layers)


@pytest.fixture
def project(tmp_path: Path, uri: str, model: Any, request: pytest.FixtureRequest) -> Project:
    """Results that are not recorded yet, with an MLflow experiment of their own."""
    made = Project(tmp_path, uri, request.node.name, model)
    (tmp_path / "artifacts").mkdir()
    made.client.create_experiment(made.experiment, artifact_location=(tmp_path / "artifacts").as_uri())
    return made


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], Any]:
    """A context in which the nth call of a method of MLflow's client ends the process."""

    def patch(method: str, nth: int) -> Any:
        import mlflow
        from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

        # Files are sent past the client.
        owner = LocalArtifactRepository if method == "log_artifact" else mlflow.MlflowClient
        call, count = getattr(owner, method), itertools.count(1)

        def counted(*arguments: Any, **options: Any) -> Any:
            if next(count) == nth:
                raise Killed
            return call(*arguments, **options)

        return mock.patch.object(owner, method, counted)

    return patch


def test_the_same_results_recorded_twice_are_the_same_runs(project: Project) -> None:
    before = project.digests()
    first = project.track()
    second = project.track()
    assert second == first
    expected = every(first)
    assert len(expected) == 4
    assert set(project.runs()) == expected
    assert len(project.models()) == 1
    assert project.digests() == before


def test_a_data_set_that_another_job_inserts_first_is_recorded(project: Project, monkeypatch) -> None:
    import mlflow

    insert, calls = mlflow.MlflowClient.log_inputs, []

    def late(*arguments: Any, **options: Any) -> None:
        calls.append(None)
        if len(calls) == 1:
            raise mlflow.MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.digest")
        insert(*arguments, **options)

    monkeypatch.setattr(mlflow.MlflowClient, "log_inputs", late)
    run = project.parent()
    assert len(run.inputs.dataset_inputs) == 1
    assert len(calls) == 2


def test_equal_results_of_two_experiments_are_two_records(project: Project) -> None:
    one, two = project.track(), project.track(name="bumps_again")
    assert not every(one) & every(two)
    assert len(project.runs()) == 8


def test_a_changed_parameter_of_a_method_adds_one_child(project: Project) -> None:
    first = project.track()
    methods = {**SETTINGS["methods"], "saliency": {"mode": "signed"}}
    project.settings = {**SETTINGS, "methods": methods}
    second = project.track()
    assert second["run"] == first["run"]
    old, new = first["explanations"].pop("saliency"), second["explanations"].pop("saliency")
    assert new != old
    assert second["explanations"] == first["explanations"]
    runs = project.runs()
    assert len(runs) == 5
    assert runs[old].data.tags["mlflow.parentRunId"] == runs[new].data.tags["mlflow.parentRunId"] == first["run"]
    assert (runs[old].data.params["mode"], runs[new].data.params["mode"]) == ("absolute", "signed")


def test_changed_attributions_add_one_child_each(project: Project) -> None:
    first = project.track()
    project.explain("occlusion", scale=2.0)
    second = project.track()
    assert second["run"] == first["run"]
    assert {label for label, run in second["explanations"].items() if run != first["explanations"][label]} == {
        "occlusion.window=2",
        "occlusion.window=3",
    }
    assert len(project.runs()) == 6


def test_a_changed_model_is_another_experiment_with_children_of_its_own(project: Project) -> None:
    first = project.track()
    files.write_json(project.results / "model" / "training.json", {**project.training, "weights_digest": "other"})
    second = project.track()
    runs = project.runs()
    assert len(runs) == 8
    for record in (first, second):
        parents = {runs[child].data.tags["mlflow.parentRunId"] for child in record["explanations"].values()}
        assert parents == {record["run"]}


def test_a_changed_figure_is_replaced_in_the_same_run(project: Project) -> None:
    first = project.track()
    project.draw("explain/occlusion/occlusion.window=3", "second")
    project.draw("evaluation/reliability", "second")
    assert project.track() == first
    assert len(project.runs()) == 4
    for run, path, source in (
        (
            first["explanations"]["occlusion.window=3"],
            "explanation.png",
            "explain/occlusion/occlusion.window=3.png",
        ),
        (first["run"], "figures/reliability.svg", "evaluation/reliability.svg"),
    ):
        text = project.artifact(run, path).read_text()
        assert text == (project.results / source).read_text()
        assert text.endswith("second")


def test_a_figure_whose_replacement_was_killed_is_replaced_by_the_next_record(
    project: Project, killed_at: Callable[[str, int], Any]
) -> None:
    first = project.track()
    project.draw("data/examples", "second")
    with killed_at("log_artifact", 1), pytest.raises(Killed):
        project.track()
    assert project.track() == first
    assert project.artifact(first["run"], "figures/examples.png").read_text().endswith("second")


def test_a_changed_title_is_brought_up_to_date(project: Project) -> None:
    first = project.track()
    project.settings = {**SETTINGS, "title": "Bumps of three kinds"}
    assert project.track() == first
    note = project.runs()[first["run"]].data.tags["mlflow.note.content"]
    assert note.startswith("Bumps of three kinds\n")
    assert all(part in note for part in ("CC0", "Nobody. Bumps (2020)", "https://example.org/bumps"))


def test_the_notes_of_the_data_stand_in_the_description() -> None:
    data = {"title": "Bumps", "licence": "CC0", "citation": "Nobody", "homepage": ""}
    without = note_of("A title", data)
    assert note_of("A title", data | {"notes": ["Left out: 3.", "One day."]}) == (
        f"{without}\n\n- Left out: 3.\n\n- One day."
    )


def test_the_users_own_data_have_no_citation_in_the_description() -> None:
    own = "the user's own data"
    data = {"title": "Series from a table", "licence": own, "citation": f"none: {own}", "homepage": ""}
    assert note_of("A title", data) == f"A title\n\nData: Series from a table, {own}."


def test_parameters_that_a_variant_does_not_read_are_not_recorded() -> None:
    in_time = {"domain": "time", "bands": 8, "baseline": "zero"}
    assert effective(in_time) == {"domain": "time", "baseline": "zero"}
    assert effective(in_time | {"domain": "bands"}) == in_time | {"domain": "bands"}


# The second call of set_terminated ends the experiment's run, the third that of the first explanation.
@pytest.mark.parametrize(
    ("method", "nth", "left"),
    [("log_batch", 1, 1), ("log_artifact", 3, 1), ("set_terminated", 1, 1), ("set_terminated", 3, 3)],
)
def test_a_record_that_was_killed_is_made_anew(
    project: Project, killed_at: Callable[[str, int], Any], method: str, nth: int, left: int
) -> None:
    with killed_at(method, nth), pytest.raises(Killed):
        project.track()
    assert not (project.root / "tracking.json").exists()
    unfinished = [run.info.run_id for run in project.runs().values() if run.info.status != "FINISHED"]
    assert len(project.runs()) == left
    assert len(unfinished) == 1
    record = project.track()
    runs = project.runs()
    assert set(runs) == every(record)
    assert unfinished[0] not in runs
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert len({run.data.tags["pellucid.digest"] for run in runs.values()}) == len(runs) == 4
    assert [one.source_run_id for one in project.models()] == [record["run"]]


def test_the_run_of_an_experiment_holds_its_configuration_scores_and_curves(project: Project) -> None:
    run = project.parent()
    assert run.data.params == {
        "seed": "5",
        "dataset.source": "bumps",
        "dataset.width": "2",
        "model.architecture": "linear",
        "training.epochs": "3",
        "training.class_weights": "none",
        "threads": "2",
    }
    scores = {key: value for key, value in run.data.metrics.items() if not key.startswith("epoch_")}
    assert scores == {"accuracy": 0.75, "log_loss": 0.5, "best_epoch": 2, "parameters": 21}
    curves = {
        name: {point.step: point.value for point in project.client.get_metric_history(run.info.run_id, f"epoch_{name}")}
        for name in ("loss", "val_accuracy")
    }
    assert curves["loss"] == pytest.approx({1: 1, 2: 1 / 2, 3: 1 / 3})
    assert curves["val_accuracy"] == pytest.approx({1: 1 / 2, 2: 2 / 3, 3: 3 / 4})


def test_curves_longer_than_one_call_to_mlflow_are_kept_whole(project: Project) -> None:
    project.write_history(700)
    run = project.track()["run"]
    for name in ("epoch_loss", "epoch_val_accuracy"):
        steps = sorted(point.step for point in project.client.get_metric_history(run, name))
        assert steps == list(range(1, 701))


def test_a_model_without_epochs_has_no_curves(project: Project) -> None:
    project.write_history(0)
    files.write_json(project.results / "model" / "training.json", {**project.training, "best_epoch": 0})
    metrics = project.parent().data.metrics
    assert metrics["best_epoch"] == 0
    assert metrics["accuracy"] == 0.75
    assert not [name for name in metrics if name.startswith("epoch_")]


def test_the_run_of_an_experiment_says_where_it_comes_from(project: Project) -> None:
    (project.root / "envs").mkdir()
    (project.root / "envs" / "lock.txt").write_text("numpy==2\n")
    (project.root / ".gitignore").write_text("/*\n!/code.py\n!/new.py\n!/envs\n")
    commit = _commit(project.root)
    record = project.track()
    run = project.runs()[record["run"]]
    assert run.info.run_name == "bumps"
    own = {
        key: value for key, value in SETTINGS.items() if key not in ("title", "methods", "views", "scores", "examples")
    }
    assert files.read_json(project.artifact(record["run"], "origin.json")) == {
        "commit": commit,
        "files differ from the commit": "false",
        "lock file digest": files.sha256(project.root / "envs" / "lock.txt"),
        "configuration digest": files.digest(own),
        "data digest": project.data["digest"],
        "model digest": project.training["weights_digest"],
    }
    expected = {
        "mlflow.source.git.commit": commit,
        "pellucid.git_dirty": "false",
        "pellucid.chance": "The model is no better.",
        "pellucid.rule": "train",
        "pellucid.seed": "5",
        "pellucid.kind": "experiment",
    }
    assert {key: run.data.tags.get(key) for key in expected} == expected
    # A method that was added and not yet committed is a change too.
    (project.root / "new.py").write_text("x = 1\n")
    added = project.track(name="after_an_addition")
    assert project.runs()[added["run"]].data.tags["pellucid.git_dirty"] == "true"
    (project.root / "new.py").unlink()
    (project.root / "code.py").write_text("x = 2\n")
    changed = project.track(name="after_an_edit")
    assert project.runs()[changed["run"]].data.tags["pellucid.git_dirty"] == "true"


def test_outside_a_repository_the_commit_is_unknown(project: Project) -> None:
    run = project.parent()
    assert [run.data.tags[name] for name in ("mlflow.source.git.commit", "pellucid.git_dirty")] == ["unknown"] * 2
    assert files.read_json(project.artifact(run.info.run_id, "origin.json"))["lock file digest"] == "unknown"


def test_the_run_of_an_experiment_keeps_its_figures_and_tables(project: Project) -> None:
    run = project.track()["run"]
    figures = ("examples", "history", "confusion_matrix", "reliability")
    tables = ("per_class", "confusion_matrix", "reliability", "predictions")
    assert project.artifacts(run) == {
        *(f"figures/{name}.{suffix}" for name in figures for suffix in ("png", "svg")),
        *(f"evaluation/{name}.csv" for name in tables),
        "evaluation/metrics.json",
        "training/history.csv",
        "data/data.json",
        "configuration.json",
        "origin.json",
    }
    # What may change while the run stays the same is in this file.
    assert files.read_json(project.artifact(run, "configuration.json")) == SETTINGS
    project.settings = {**SETTINGS, "examples": {"per_class": 7}}
    assert project.track()["run"] == run
    assert files.read_json(project.artifact(run, "configuration.json"))["examples"] == {"per_class": 7}


def test_the_run_of_an_experiment_names_its_data_set(project: Project) -> None:
    (entry,) = project.parent().inputs.dataset_inputs
    assert entry.dataset.name == "bumps"
    assert entry.dataset.digest == project.data["digest"][:36]
    assert "https://example.org/bumps" in entry.dataset.source
    tags = {tag.key: tag.value for tag in entry.tags}
    assert (tags["licence"], tags["citation"]) == ("CC0", "Nobody. Bumps (2020)")


def test_the_model_loads_without_pickle_and_predicts_the_same(project: Project, keras: Any) -> None:
    import mlflow

    # MLflow would write layers of the user's own into a pickle.
    with mock.patch.dict(keras.saving.get_custom_objects(), {"mine>Layer": keras.layers.Dense}):
        (output,) = project.parent().outputs.model_outputs
        assert "mine>Layer" in keras.saving.get_custom_objects()
    logged = project.client.get_logged_model(output.model_id)
    assert (logged.name, logged.tags["mlflow.source.name"]) == ("bumps", "pellucid")
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    loaded = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    np.testing.assert_allclose(loaded.predict(project.x_test), project.model(project.x_test).numpy(), rtol=1e-6)
    assert loaded.metadata.signature.inputs.input_types() == [np.dtype("float32")]
    assert loaded.metadata.signature.inputs.inputs[0].shape == (-1, *SHAPE)
    assert loaded.metadata.signature.outputs.inputs[0].shape == (-1, CLASSES)
    np.testing.assert_array_equal(loaded.input_example, project.x_test[:1])


def test_an_explanation_is_a_child_with_its_parameters_cost_and_figure(project: Project) -> None:
    record = project.track()
    child = record["explanations"]["occlusion.window=3"]
    run = project.runs()[child]
    assert run.info.run_name == "bumps · occlusion.window=3"
    assert run.data.params == {
        "window": "3",
        "baseline": "zero",
        "method": "occlusion",
        "experiment": "bumps",
        "examples.per_class": "1",
        "scores.localisation": '{"share": 0.1}',
    }
    assert run.data.metrics == {
        "seconds": 0.25,
        "forward_passes": 12,
        "backward_passes": 2,
        "examples": 2,
        "completeness_residual": 0.125,
    }
    expected = {
        "mlflow.parentRunId": record["run"],
        "pellucid.kind": "explanation",
        "pellucid.method": "occlusion",
        "pellucid.rule": "explain_occlusion",
        "pellucid.experiment": "bumps",
    }
    assert {key: run.data.tags.get(key) for key in expected} == expected
    assert "Zeiler" in run.data.tags["mlflow.note.content"]
    figures = {"explanation.png", "explanation.svg"}
    assert project.artifacts(child) == {"arrays.json", "origin.json", *figures}
    made = project.results / "explain" / "occlusion" / "attributions.npz"
    referred = files.read_json(project.artifact(child, "arrays.json"))
    assert (Path(referred["path"]), referred["sha256"]) == (made, files.sha256(made))
    assert referred["bytes"] == made.stat().st_size
    assert referred["arrays"]["attributions"] == "float32 [2, 2, 6, 1]"


def test_arrays_are_copied_where_the_configuration_asks_for_them(project: Project) -> None:
    first = project.track()
    assert project.track(arrays=True) == first
    child = first["explanations"]["saliency"]
    kept = files.read_arrays(project.artifact(child, "attributions.npz"))
    made = files.read_arrays(project.results / "explain" / "saliency" / "attributions.npz")
    np.testing.assert_array_equal(kept["attributions"], made["attributions"])


def test_the_device_of_a_training_is_a_tag_where_a_card_was_asked_for(project: Project) -> None:
    assert "pellucid.device" not in project.parent().data.tags
    for device, told in (({"name": "A1", "driver": "535.1"}, "A1 (driver 535.1)"), ({"name": "CPU"}, "CPU")):
        files.write_json(project.results / "model" / "training.json", {**project.training, "device": device})
        assert project.parent().data.tags["pellucid.device"] == told


def test_durations_are_those_of_the_computation(project: Project) -> None:
    cost = project.results / "explain" / "saliency" / "cost.json"
    os.utime(cost, (1_700_000_000, 1_700_000_000))
    record = project.track()
    runs = project.runs()
    child, parent = runs[record["explanations"]["saliency"]].info, runs[record["run"]].info
    assert (child.start_time, child.end_time) == (1_700_000_000_000 - 250, 1_700_000_000_000)
    assert parent.end_time - parent.start_time == 61_500
    # As of an earlier version, or of a process that was killed after MLflow itself had ended the run.
    project.client.set_terminated(record["run"], "FINISHED")
    assert project.track() == record
    assert project.runs()[record["run"]].info.end_time == parent.end_time
    compared = project.compare()["run"]
    run = project.runs()[compared].info
    assert run.end_time == run.start_time


def test_a_file_from_the_future_ends_no_run_there(project: Project) -> None:
    later = time.time() + 3600
    os.utime(project.results / "explain" / "saliency" / "cost.json", (later, later))
    child = project.track()["explanations"]["saliency"]
    assert project.runs()[child].info.end_time <= time.time() * 1000


@pytest.mark.parametrize(
    "changed",
    [{"examples": {"per_class": 2}}, {"scores": {"localisation": {"share": 0.2}, "cost": {}}}],
)
def test_other_settings_are_other_explanations_and_the_first_ones_are_found_again(
    project: Project, changed: dict[str, Any]
) -> None:
    first = project.track()
    project.settings = {**SETTINGS, **changed}
    second = project.track()
    assert second["run"] == first["run"]
    assert not set(second["explanations"].values()) & set(first["explanations"].values())
    assert len(project.runs()) == 7
    project.settings = SETTINGS
    assert project.track() == first
    assert len(project.runs()) == 7


def test_a_score_that_is_added_is_added_to_the_runs(project: Project) -> None:
    first = project.track()
    project.settings = {**SETTINGS, "scores": {**SETTINGS["scores"], "form": {"share": 3}}}
    assert project.track() == first
    params = project.runs()[first["explanations"]["saliency"]].data.params
    assert (params["scores.form"], params["scores.localisation"]) == ('{"share": 3}', '{"share": 0.1}')
    # Of two records that the settings fit, none is deleted.
    project.settings = {**SETTINGS, "scores": {"form": {"share": 4}}}
    project.track()
    project.settings = {**SETTINGS, "scores": {}}
    project.track()
    assert len(project.runs()) == 7


def test_a_store_that_is_prepared_again_keeps_its_experiment(uri: str, tmp_path: Path) -> None:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=uri)
    before = client.get_experiment_by_name("first")
    client.delete_experiment(before.experiment_id)
    tracking.prepare(uri=uri, experiment="first", output=tmp_path / "store.json")
    assert files.read_json(tmp_path / "store.json") == {
        "uri": uri,
        "experiment": "first",
        "experiment_id": before.experiment_id,
    }
    assert client.get_experiment_by_name("first").lifecycle_stage == "active"
    # Artifacts lie beside the database, wherever the workflow is started.
    database = Path(uri.removeprefix("sqlite:///"))
    assert before.artifact_location == (database.parent / "artifacts").as_uri()


def test_without_a_database_the_message_says_how_to_make_it(project: Project, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tracking_store") as raised:
        project.track(uri=f"sqlite:///{tmp_path}/none.db")
    assert raised.value.where == "tracking.uri"
    assert f"no database at {tmp_path}/none.db" in str(raised.value)
    assert not (tmp_path / "none.db").exists()


def test_without_the_experiment_the_message_says_how_to_make_it(project: Project) -> None:
    with pytest.raises(InputError, match='no experiment "elsewhere".*tracking_store') as raised:
        project.track(experiment="elsewhere")
    assert raised.value.where == "tracking.experiment"


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a text, and it is longer than the header of a database. " * 20)
    with pytest.raises(InputError, match="tracking.uri"):
        tracking.prepare(uri=f"sqlite:///{tmp_path}/text.db", experiment="any", output=tmp_path / "store.json")
    assert not (tmp_path / "store.json").exists()


def test_a_server_that_is_down_is_told_at_once_and_the_results_wait_for_it(project: Project, tmp_path: Path) -> None:
    before, address = project.digests(), f"http://127.0.0.1:{closed_port()}"
    started = time.perf_counter()
    for attempt in (
        lambda: project.track(uri=address),
        lambda: tracking.prepare(uri=address, experiment="any", output=tmp_path / "store.json"),
    ):
        with pytest.raises(InputError, match=f"no answer from {address}") as raised:
            attempt()
        assert raised.value.where == "tracking.uri"
    assert time.perf_counter() - started < 15
    assert not (tmp_path / "store.json").exists()
    assert not (tmp_path / "tracking.json").exists()
    assert project.digests() == before
    assert project.track()["run"] in project.runs()


def test_a_server_that_is_not_mlflow_is_refused(project: Project) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.raises(InputError, match="an MLflow server") as raised:
            project.track(uri=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert raised.value.where == "tracking.uri"


def _commit(root: Path) -> str:
    """Make a repository of `root` with one commit; return its name."""
    (root / "code.py").write_text("x = 1\n")
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "--quiet"], ["add", "code.py", "envs"], [*identity, "commit", "--quiet", "-m", "one"]):
        subprocess.run(["git", "-C", str(root), *arguments], check=True)
    done = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_server_that_takes_connections_and_says_nothing_is_told_as_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store._ANSWER <= 10
    monkeypatch.setattr(store, "_ANSWER", 1)  # the rest of the wait shows nothing
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.perf_counter()
        with pytest.raises(InputError, match=r"tracking.uri: found no answer from http://127.0.0.1"):
            tracking.prepare(
                uri=f"http://127.0.0.1:{silent.getsockname()[1]}", experiment="x", output=tmp_path / "store.json"
            )
        assert time.perf_counter() - started < 30
    with pytest.raises(InputError, match=r"tracking.uri: found no answer from http://127.0.0.1:99999"):
        tracking.prepare(uri="http://127.0.0.1:99999", experiment="x", output=tmp_path / "store.json")


def test_files_that_are_nowhere_are_refused(uri: str, tmp_path: Path) -> None:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=uri)
    client.create_experiment("moved", artifact_location=(tmp_path / "gone" / "artifacts").as_uri())
    with pytest.raises(InputError, match="no files at"):
        tracking.prepare(uri=uri, experiment="moved", output=tmp_path / "store.json")
    assert not (tmp_path / "gone").exists()


def test_a_view_is_a_child_with_its_parameters_cost_measures_texts_and_figure(project: Project) -> None:
    project.view()
    lines = [
        "variant,measure,mean,low,high",
        "architecture.shown=4,depth,0.75,,",
        "architecture.shown=3,depth,0.25,0,1",
    ]
    (project.results / "views" / "architecture_measures.csv").write_text("\n".join(lines) + "\n")
    record = project.track()
    child = record["views"]["architecture.shown=4"]
    run = project.runs()[child]
    assert run.data.tags["mlflow.parentRunId"] == record["run"]
    assert run.data.tags["pellucid.kind"] == "view"
    assert run.data.tags["pellucid.view"] == "architecture"
    assert run.data.tags["pellucid.rule"] == "view_architecture"
    assert run.data.params == {"shown": "4", "view": "architecture", "experiment": "bumps"}
    costs = {"seconds": 0.5, "forward_passes": 3, "backward_passes": 1}
    assert run.data.metrics == {**costs, "architecture/depth": 0.75}
    assert run.info.run_name == "bumps · architecture.shown=4"
    assert run.info.end_time - run.info.start_time == 500
    stored = {item.path for item in project.client.list_artifacts(child)}
    texts = {f"architecture.shown=4.{suffix}" for suffix in plugins.spec("views", "architecture").texts}
    assert stored == {"view.png", "view.svg", "arrays.json", "origin.json", "architecture_measures.csv", *texts}


def test_a_view_that_changed_is_recorded_anew_and_nothing_else(project: Project) -> None:
    project.view()
    first = project.track()
    project.view(scale=2.0)
    second = project.track()
    assert second["explanations"] == first["explanations"]
    assert not set(second["views"].values()) & set(first["views"].values())


def test_scores_are_metrics_of_the_explanations_run_and_are_brought_up_to_date(project: Project) -> None:
    rank = "score/localisation/relevance_rank.time"

    def write(value: float) -> None:
        lines = ["explanation,method,metric,class,mean,low,high,examples"]
        lines += [
            f"saliency,saliency,relevance_rank.time,all,{value},0.1,0.9,2",
            "saliency,saliency,aup,N,0.9,0.1,0.9,2",
        ]
        project.score("localisation", [*lines, "saliency,saliency,undefined,all,,,,0"])

    write(0.25)
    first = project.track()
    run = first["explanations"]["saliency"]
    assert {key: value for key, value in project.runs()[run].data.metrics.items() if "/" in key} == {rank: 0.25}
    note = project.runs()[run].data.tags["mlflow.note.content"]
    assert note.splitlines()[-1] == r"| **localisation/relevance\_rank.time**&emsp; | 0.25&emsp; | higher |"
    stored = {item.path for item in project.client.list_artifacts(first["run"], "scores/localisation")}
    assert stored == {"scores/localisation/scores.csv"}
    write(0.75)
    lines = [
        "explanation,check,value,sign,limit,passed",
        "saliency,sanity,0.9,>,0.5,False",
        "saliency,batch,0,>,1,True",
    ]
    (project.results / "score" / "checks.csv").write_text("\n".join(lines) + "\n")
    assert project.track()["explanations"] == first["explanations"]
    assert project.runs()[run].data.tags["pellucid.failed_checks"] == "sanity 0.9 > 0.5"
    assert project.runs()[run].data.metrics[rank] == 0.75
    assert "0.75" in project.runs()[run].data.tags["mlflow.note.content"]


BOARD = [
    "explanation,family,mean rank,failed checks",
    "saliency,gradient,1.5,sanity 0.9 > 0.5",
    "random_attribution,control,1.75,",
    "occlusion.window=3,perturbation,2.0,",
    "occlusion.window=2,perturbation,,",
]


def test_the_run_of_an_experiment_says_which_explanation_leads(project: Project) -> None:
    rows = ["explanation,method,metric,class,mean,low,high,examples"]
    rows += [
        f"{label},{label},insertion_less_deletion.mean,all,{mean},0,1,2"
        for label, mean in (("saliency", 0.5), ("occlusion.window=3", 0.25))
    ]
    project.score("deletion_insertion", rows)
    (project.results / "score" / "leaderboard.csv").write_text("\n".join(BOARD) + "\n")
    record = project.track()
    runs = project.runs()
    run = runs[record["run"]]
    # The first one failed a check, and the second one does not look at the model.
    assert run.data.tags["pellucid.best_explanation"] == "occlusion.window=3"
    assert run.data.metrics["score/deletion_insertion/insertion_less_deletion.mean"] == 0.25
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("Three kinds of bump\n")
    assert "\n| saliency&emsp; | 1.5&emsp; | sanity 0.9 &gt; 0.5 |\n" in note
    assert r"is that of occlusion.window=3." in note
    children = {label: runs[child].data.metrics for label, child in record["explanations"].items()}
    assert children["saliency"]["leaderboard/mean_rank"] == 1.5
    assert "leaderboard/mean_rank" not in children["occlusion.window=2"]
    (project.results / "score" / "leaderboard.csv").write_text("\n".join(BOARD[:3]) + "\n")
    assert project.track()["run"] == record["run"]
    run = project.runs()[record["run"]]
    assert run.data.tags["pellucid.best_explanation"] == "none"
    assert np.isnan(run.data.metrics["score/deletion_insertion/insertion_less_deletion.mean"])
    assert "among the metrics" not in run.data.tags["mlflow.note.content"]


def test_a_table_that_is_too_long_for_a_description_says_so() -> None:
    note = with_table("Long", ["a", "b"], [["x" * 50, str(row)] for row in range(200)])
    assert len(note) <= 5000
    assert note.endswith("the tables among the artifacts have all of them.")
    assert "| 0 |" in note and "| 199 |" not in note
    whole = with_table("Short", ["a", "b"], [["1", "2"]])
    assert whole == "Short\n\n| a&emsp; | b |\n| :--- | :--- |\n| 1&emsp; | 2 |"


def test_a_study_is_one_run_known_by_its_tables(project: Project) -> None:
    first = project.compare()
    assert project.compare(note="Other words") == first
    run = project.runs()[first["run"]]
    assert run.data.tags["pellucid.kind"] == "study"
    assert run.data.tags["pellucid.study"] == "rates"
    # The numbers are in the tables, and not one metric each.
    assert run.data.tags["mlflow.note.content"] == "Other words\n\n| n |\n| :--- |\n| 2 |"
    assert run.data.metrics == {}
    assert run.data.params == {"model.filters": "[[8], [16]]"}
    assert project.artifacts(first["run"]) == {
        "summary.csv",
        "members.csv",
        "figures/members.png",
        "origin.json",
    }
    (project.root / "summary.csv").write_text("n\n3\n")
    assert project.compare()["run"] != first["run"]


def test_a_member_says_which_study_it_belongs_to(project: Project) -> None:
    run = project.track()["run"]
    assert "pellucid.study" not in project.runs()[run].data.tags
    assert project.track(study="rates")["run"] == run
    assert project.runs()[run].data.tags["pellucid.study"] == "rates"


def test_every_rule_restores_an_experiment_that_was_deleted_on_mlflows_page(project: Project) -> None:
    for record in (project.track, project.compare):
        record()
        (found,) = project.client.search_experiments(filter_string=f"name = '{project.experiment}'")
        project.client.delete_experiment(found.experiment_id)
        record()
        assert project.client.get_experiment(found.experiment_id).lifecycle_stage == "active"
    project.client.delete_experiment(found.experiment_id)
    tracking.restore(project.uri, project.experiment)
    assert project.client.get_experiment(found.experiment_id).lifecycle_stage == "active"


def test_names_that_are_no_keys_of_mlflow_are_recorded_and_kept_as_they_are(project: Project) -> None:
    names = {
        "N": "normal",
        "~": "noise",
        "+": "rhythm change",
        "a[1]": "x" * 9000,
        **{str(n): str(n) for n in range(150)},
    }
    project.settings = {**project.settings, "dataset": {"source": "bumps", "class_names": names}}
    recorded = project.track()["run"]
    run = project.runs()[recorded]
    assert {"noise", "rhythm change", "149"} <= set(run.data.params.values())
    held = files.read_json(project.client.download_artifacts(run.info.run_id, "names.json"))
    assert held["values"]["dataset.class_names.a[1]"] == "x" * 9000
    assert run.data.params[held["keys"]["dataset.class_names.~"]] == "noise"


def test_a_run_that_cannot_be_recorded_is_not_left_running(project: Project) -> None:
    (project.results / "model" / "history.csv").write_text("loss\n0.5\n")
    with pytest.raises(ValueError, match="epoch"):
        project.track()
    assert "RUNNING" not in {run.info.status for run in project.runs().values()}


def _as_before(project: Project, record: dict[str, Any]) -> None:
    """Make the store one of the version before names of experiments and slashes."""
    for label, run in record["explanations"].items():
        project.client.update_run(run, name=label)
        project.client.log_metric(run, "score.localisation.relevance_rank.time", 0.25)
    project.client.update_run(record["explanations"]["saliency"], name="my favourite")
    with closing(sqlite3.connect(project.uri.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("delete from params where key like 'examples.%' or key like 'scores.%'")
        connection.execute("delete from experiment_tags where key = 'pellucid.names'")


@pytest.mark.parametrize("method", [None, "update_run", "log_batch", "set_experiment_tag"])
def test_what_an_earlier_version_recorded_is_found_and_gets_the_names_of_today(
    project: Project, killed_at: Callable[[str, int], Any], method: str | None
) -> None:
    first = project.track()
    tracking.restore(project.uri, project.experiment)
    _as_before(project, first)
    if method:
        with killed_at(method, 1), pytest.raises(Killed):
            tracking.restore(project.uri, project.experiment)
    tracking.restore(project.uri, project.experiment)
    runs = project.runs()
    window, saliency = (runs[first["explanations"][label]] for label in ("occlusion.window=3", "saliency"))
    assert window.info.run_name == "bumps · occlusion.window=3"
    assert saliency.info.run_name == "my favourite"
    names = ("score.localisation.relevance_rank.time", "score/localisation/relevance_rank.time")
    assert [window.data.metrics[name] for name in names] == [0.25, 0.25]
    assert runs[first["run"]].info.run_name == "bumps"
    assert project.track() == first
    assert project.runs()[saliency.info.run_id].data.params["examples.per_class"] == "1"
    with mock.patch.object(former_names, "every_run", side_effect=AssertionError("looked at every run again")):
        tracking.restore(project.uri, project.experiment)


def test_the_views_show_columns_that_runs_have(project: Project) -> None:
    test_the_run_of_an_experiment_says_which_explanation_leads(project)
    lines = ["explanation,check,value,sign,limit,passed", "saliency,sanity,0.9,>,0.5,False"]
    (project.results / "score" / "checks.csv").write_text("\n".join(lines) + "\n")
    files.write_json(project.results / "evaluation" / "metrics.json", {**METRICS, "balanced_accuracy": 0.5})
    project.track()
    tracking.restore(project.uri, project.experiment)
    tags = project.client.get_experiment(project.experiment_id).tags
    held = {f"metrics.`{key}`" for run in project.runs().values() for key in run.data.metrics}
    held |= {f"tags.`{key}`" for run in project.runs().values() for key in run.data.tags}
    for key in (saved_views.EXPERIMENTS, saved_views.EXPLANATIONS):
        state = json.loads(json.loads(tags[f"mlflow.sharedViewState.{key}"])["state"])
        assert set(state["selectedColumns"]) <= held
        assert project.client.search_runs([project.experiment_id], state.get("searchFilter", ""))


def test_every_search_of_the_documentation_finds_what_it_says(project: Project) -> None:
    rows = ["explanation,method,metric,class,mean,low,high,examples"]
    rows += ["saliency,saliency,insertion_less_deletion.mean,all,0.6,0,1,2"]
    rows += ["occlusion.window=3,occlusion,insertion_less_deletion.mean,all,0.4,0,1,2"]
    project.score("deletion_insertion", rows)
    lines = ["explanation,check,value,sign,limit,passed", "saliency,sanity,0.9,>,0.5,False"]
    (project.results / "score" / "checks.csv").write_text("\n".join(lines) + "\n")
    project.view()
    project.settings |= {
        "examples": {"choose": "correct", "per_class": 1},
        "scores": {"deletion_insertion": {"steps": 20}},
    }
    project.track(name="digits", study="digits_rates")
    project.settings |= {"examples": {"choose": "any"}, "scores": {"deletion_insertion": {"steps": 40}}}
    files.write_json(project.results / "evaluation" / "metrics.json", {"accuracy": 0.95})
    project.track(name="waves")
    project.compare(name="digits_rates")
    both, methods = ("digits", "waves"), ("saliency", "occlusion.window=2", "occlusion.window=3")
    views = ("architecture.shown=3", "architecture.shown=4")
    expected = {
        "tags.\"pellucid.kind\" = 'explanation'": {f"{name} · {label}" for name in both for label in methods},
        "tags.\"pellucid.method\" = 'occlusion'": {f"{name} · {label}" for name in both for label in methods[1:]},
        "tags.\"pellucid.view\" = 'architecture'": {f"{name} · {label}" for name in both for label in views},
        "tags.\"pellucid.experiment\" = 'digits'": {"digits", *(f"digits · {label}" for label in (*methods, *views))},
        "tags.\"pellucid.failed_checks\" = 'none'": {f"{name} · {label}" for name in both for label in methods[1:]},
        "tags.\"pellucid.kind\" = 'experiment' and metrics.accuracy > 0.9": {"waves"},
        'tags."pellucid.kind" = \'explanation\' and metrics."score/deletion_insertion/insertion_less_deletion.mean" > 0.5': {
            f"{name} · saliency" for name in both
        },
        "params.\"examples.choose\" = 'correct'": {f"digits · {label}" for label in methods},
        'params."scores.deletion_insertion" LIKE \'%"steps": 20%\'': {f"digits · {label}" for label in methods},
        "tags.\"pellucid.study\" = 'digits_rates'": {"digits", "digits_rates"},
    }
    text = (ROOT / "docs" / "how_to" / "compare.md").read_text(encoding="utf-8")
    table = text[text.index("| to find | search for |") :].split("\n\n")[0]
    searches = re.findall(r"\| `(.+)` \|$", table, re.MULTILINE)
    found = {
        search: {run.info.run_name for run in project.client.search_runs([project.experiment_id], search)}
        for search in searches
    }
    assert found == expected
