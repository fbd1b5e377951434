"""The record in MLflow: what it holds, that it is made once, and that a broken one is mended."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from pellucid import files, plugins, tracking
from pellucid.config.variants import variants
from pellucid.errors import InputError
from pellucid.tracking.record import note_of
from tests.support.servers import closed_port

SHAPE, CLASSES, EPOCHS = (6, 1), 3, 3

SETTINGS: dict[str, Any] = {
    "title": "Three kinds of bump",
    "seed": 5,
    "dataset": {"source": "bumps", "width": 2},
    "model": {"architecture": "linear"},
    "training": {"epochs": EPOCHS, "class_weights": "none"},
    "examples": {"per_class": 1},
    "methods": {"saliency": {"mode": "absolute"}, "occlusion": {"sweep": {"window": [2, 3]}, "baseline": "zero"}},
    "views": {},
}

METRICS = {"accuracy": 0.75, "log_loss": 0.5, "macro_auroc": None}


def every(record: dict[str, Any]) -> set[str]:
    """The ids of all runs that a record names."""
    return {record["run"], *record["explanations"].values(), *record["views"].values()}


class Killed(BaseException):
    """Ends the process as it seems to the code: nothing catches it."""


class Project:
    """Results of one experiment on disk, made by hand, and the MLflow experiment that they are recorded in."""

    def __init__(self, folder: Path, uri: str, experiment: str, model: Any) -> None:
        self.root, self.uri, self.experiment, self.model = folder, uri, experiment, model
        self.results = folder / "results" / "bumps"
        self.settings = SETTINGS
        rng = np.random.default_rng(1)
        self.x_test = rng.standard_normal((9, *SHAPE)).astype(np.float32)
        files.write_array(self.results / "data" / "x_test.npy", self.x_test)
        self.data = {
            "title": "Bumps",
            "licence": "CC0",
            "citation": "Nobody. Bumps (2020)",
            "homepage": "https://example.org/bumps",
            "source": "bumps",
            "digest": files.digest(self.x_test),
        }
        files.write_json(self.results / "data" / "data.json", self.data)
        files.write(self.results / "model" / "model.keras", model.save)
        self.write_history(EPOCHS)
        self.training = {
            "best_epoch": 2,
            "parameters": model.count_params(),
            "weights_digest": files.digest([np.asarray(weight) for weight in model.get_weights()]),
            "versions": {"numpy": np.__version__},
        }
        files.write_json(self.results / "model" / "training.json", self.training)
        files.write_json(self.results / "evaluation" / "metrics.json", METRICS)
        files.write_json(self.results / "evaluation" / "chance.json", {"sentence": "The model is no better."})
        for name in ("per_class", "confusion_matrix", "reliability", "predictions"):
            (self.results / "evaluation" / f"{name}.csv").write_text(f"{name}\n1\n")
        for name in ("data/examples", "model/history", "evaluation/confusion_matrix", "evaluation/reliability"):
            self.draw(name)
        for method in SETTINGS["methods"]:
            self.explain(method)

    def view(self, scale: float = 1.0) -> None:
        """Results of two variants of a view."""
        self.settings = {**SETTINGS, "views": {"architecture": {"sweep": {"shown": [3, 4]}}}}
        folder = self.results / "views" / "architecture"
        for label in variants("architecture", self.settings["views"]["architecture"]):
            files.write_arrays(folder / f"{label}.npz", {"parameters": scale * np.arange(4)})
            files.write_json(folder / f"{label}.json", {"seconds": 0.5, "forward_passes": 3, "backward_passes": 1})
            for suffix in plugins.spec("views", "architecture").texts:
                (folder / f"{label}.{suffix}").write_text(f"layers as {suffix}")
            self.draw(f"views/architecture/{label}")

    def write_history(self, epochs: int) -> None:
        rows = [f"{epoch},{1 / epoch},{epoch / (epoch + 1)}" for epoch in range(1, epochs + 1)]
        (self.results / "model" / "history.csv").write_text("\n".join(["epoch,loss,val_accuracy", *rows]) + "\n")

    def draw(self, name: str, content: str = "first") -> None:
        for suffix in ("png", "svg"):
            (self.results / f"{name}.{suffix}").write_text(f"{name} {suffix} {content}")

    def explain(self, method: str, scale: float = 1.0) -> None:
        runs = variants(method, self.settings["methods"][method])
        folder = self.results / "explain" / method
        arrays = {
            "indices": np.array([0, 4]),
            "inputs": self.x_test[[0, 4]],
            "targets": np.array([1, 2]),
            "variants": np.array(list(runs)),
            "attributions": scale * np.stack([self.x_test[[0, 4]] + index for index in range(len(runs))]),
        }
        files.write_arrays(folder / "attributions.npz", arrays)
        cost = {"seconds": 0.25, "forward_passes": 12, "backward_passes": 2, "examples": 2}
        files.write_json(folder / "cost.json", dict.fromkeys(runs, cost))
        files.write_json(folder / "checks.json", {label: {"completeness_residual": 0.125} for label in runs})
        for label in runs:
            self.draw(f"explain/{method}/{label}")

    def track(self, **changes: Any) -> dict[str, Any]:
        """Record the results; return what `tracking.json` holds."""
        arguments = {
            "uri": self.uri,
            "experiment": self.experiment,
            "name": "bumps",
            "settings": self.settings,
            "threads": 2,
            "folder": self.results,
            "made": [*self.results.rglob("*.*")],
            "root": self.root,
            "output": self.root / "tracking.json",
        }
        tracking.track(**{**arguments, **changes})
        return files.read_json(self.root / "tracking.json")

    def compare(self, **changes: Any) -> dict[str, Any]:
        """Record a study; return what its `tracking.json` holds."""
        for name in ("summary.csv", "members.csv", "members.png"):
            if not (self.root / name).exists():
                (self.root / name).write_text("n\n2\n")
        arguments = {
            "uri": self.uri,
            "experiment": self.experiment,
            "name": "rates",
            "kind": "study",
            "note": "Rates",
            "params": {"model.filters": [[8], [16]]},
            "metrics": {"accuracy mean/filters [8]": 0.5},
            "tables": [self.root / "summary.csv"],
            "attached": [self.root / "members.csv", self.root / "members.png"],
            "root": self.root,
            "output": self.root / "study.json",
        }
        tracking.track_comparison(**{**arguments, **changes})
        return files.read_json(self.root / "study.json")

    @property
    def client(self) -> Any:
        import mlflow

        return mlflow.MlflowClient(tracking_uri=self.uri)

    @property
    def experiment_id(self) -> str:
        return self.client.get_experiment_by_name(self.experiment).experiment_id

    def runs(self) -> dict[str, Any]:
        """Every run that is not deleted, by its id."""
        return {run.info.run_id: run for run in self.client.search_runs([self.experiment_id])}

    def parent(self) -> Any:
        """The run of the experiment, after a new record."""
        run = self.track()["run"]
        return self.runs()[run]

    def models(self) -> list[Any]:
        return list(self.client.search_logged_models([self.experiment_id]))

    def artifacts(self, run: str, path: str | None = None) -> set[str]:
        found = self.client.list_artifacts(run, path)
        return {one.path for one in found if not one.is_dir}.union(
            *(self.artifacts(run, one.path) for one in found if one.is_dir)
        )

    def artifact(self, run: str, path: str) -> Path:
        return Path(self.client.download_artifacts(run, path, str(self.root)))

    def digests(self) -> dict[str, str]:
        """Of every file of the results."""
        return {str(path): files.sha256(path) for path in self.results.rglob("*") if path.is_file()}


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

        call, count = getattr(mlflow.MlflowClient, method), itertools.count(1)

        def counted(*arguments: Any, **options: Any) -> Any:
            if next(count) == nth:
                raise Killed
            return call(*arguments, **options)

        return mock.patch.object(mlflow.MlflowClient, method, counted)

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

    insert, calls = mlflow.log_input, []

    def late(*arguments: Any, **options: Any) -> None:
        calls.append(None)
        if len(calls) == 1:
            raise mlflow.MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.digest")
        insert(*arguments, **options)

    monkeypatch.setattr(mlflow, "log_input", late)
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
        (first["explanations"]["occlusion.window=3"], "figures/occlusion.window=3.png", "explain/occlusion"),
        (first["run"], "figures/reliability.svg", "evaluation"),
    ):
        text = project.artifact(run, path).read_text()
        assert text == (project.results / source / Path(path).name).read_text()
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


# The second call of set_terminated ends the experiment's run, the third that of the first explanation.
@pytest.mark.parametrize(
    ("method", "nth", "left"),
    [("log_batch", 1, 1), ("log_artifact", 3, 1), ("set_terminated", 1, 1), ("set_terminated", 3, 2)],
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
    expected = {
        "mlflow.source.git.commit": commit,
        "pellucid.git_dirty": "false",
        "pellucid.lock_digest": files.sha256(project.root / "envs" / "lock.txt"),
        "pellucid.config_digest": files.digest(own),
        "pellucid.data_digest": project.data["digest"],
        "pellucid.model_digest": project.training["weights_digest"],
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
    tags = project.parent().data.tags
    names = ("mlflow.source.git.commit", "pellucid.git_dirty", "pellucid.lock_digest")
    assert [tags[name] for name in names] == ["unknown"] * 3


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
    }


def test_the_run_of_an_experiment_names_its_data_set(project: Project) -> None:
    (entry,) = project.parent().inputs.dataset_inputs
    assert entry.dataset.name == "bumps"
    assert entry.dataset.digest == project.data["digest"][:36]
    assert "https://example.org/bumps" in entry.dataset.source
    tags = {tag.key: tag.value for tag in entry.tags}
    assert (tags["licence"], tags["citation"]) == ("CC0", "Nobody. Bumps (2020)")


def test_the_model_loads_without_pickle_and_predicts_the_same(project: Project) -> None:
    import mlflow

    (output,) = project.parent().outputs.model_outputs
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
    assert run.info.run_name == "occlusion.window=3"
    assert run.data.params == {"window": "3", "baseline": "zero", "method": "occlusion", "experiment": "bumps"}
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
    figures = {"figures/occlusion.window=3.png", "figures/occlusion.window=3.svg"}
    assert project.artifacts(child) == {"attributions.npz", *figures}
    kept = files.read_arrays(project.artifact(child, "attributions.npz"))
    made = files.read_arrays(project.results / "explain" / "occlusion" / "attributions.npz")
    np.testing.assert_array_equal(kept["attributions"], made["attributions"])


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


def test_a_server_that_takes_connections_and_says_nothing_is_told_as_down(tmp_path: Path) -> None:
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


def test_a_view_is_a_child_with_its_parameters_cost_texts_and_figure(project: Project) -> None:
    project.view()
    record = project.track()
    child = record["views"]["architecture.shown=4"]
    run = project.runs()[child]
    assert run.data.tags["mlflow.parentRunId"] == record["run"]
    assert run.data.tags["pellucid.kind"] == "view"
    assert run.data.tags["pellucid.view"] == "architecture"
    assert run.data.tags["pellucid.rule"] == "view_architecture"
    assert run.data.params == {"shown": "4", "view": "architecture", "experiment": "bumps"}
    assert run.data.metrics == {"seconds": 0.5, "forward_passes": 3, "backward_passes": 1}
    stored = {item.path for item in project.client.list_artifacts(child)}
    texts = {f"architecture.shown=4.{suffix}" for suffix in plugins.spec("views", "architecture").texts}
    assert stored == {"figures", "architecture.shown=4.npz", *texts}
    drawn = {item.path for item in project.client.list_artifacts(child, "figures")}
    assert drawn == {f"figures/architecture.shown=4.{suffix}" for suffix in ("png", "svg")}


def test_a_view_that_changed_is_recorded_anew_and_nothing_else(project: Project) -> None:
    project.view()
    first = project.track()
    project.view(scale=2.0)
    second = project.track()
    assert second["explanations"] == first["explanations"]
    assert not set(second["views"].values()) & set(first["views"].values())


def test_scores_are_metrics_of_the_explanations_run_and_are_brought_up_to_date(project: Project) -> None:
    folder = project.results / "score" / "localisation"
    folder.mkdir(parents=True)

    def write(value: float) -> None:
        lines = ["explanation,method,metric,class,mean,low,high,examples"]
        lines += [
            f"saliency,saliency,relevance_rank.time,all,{value},0.1,0.9,2",
            "saliency,saliency,aup,N,0.9,0.1,0.9,2",
        ]
        lines += ["saliency,saliency,undefined,all,,,,0"]
        (folder / "scores.csv").write_text("\n".join(lines) + "\n")

    write(0.25)
    first = project.track()
    run = first["explanations"]["saliency"]
    assert project.runs()[run].data.metrics["score.localisation.relevance_rank.time"] == 0.25
    assert [name for name in project.runs()[run].data.metrics if name.startswith("score.")] == [
        "score.localisation.relevance_rank.time"
    ]
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
    assert project.runs()[run].data.metrics["score.localisation.relevance_rank.time"] == 0.75


def test_a_study_is_one_run_known_by_its_tables(project: Project) -> None:
    first = project.compare()
    assert project.compare(note="Other words") == first
    run = project.runs()[first["run"]]
    assert run.data.tags["pellucid.kind"] == "study"
    assert run.data.tags["pellucid.study"] == "rates"
    assert run.data.tags["mlflow.note.content"] == "Other words"
    # MLflow refuses brackets in names.
    assert run.data.metrics == {"accuracy mean/filters 8": 0.5}
    assert run.data.params == {"model.filters": "[[8], [16]]"}
    assert project.artifacts(first["run"]) == {"summary.csv", "members.csv", "figures/members.png"}
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
