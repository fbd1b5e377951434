"""The record of a team: PostgreSQL, an MLflow server that asks for a password, and files in S3; all of them real."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import unquote

import pytest

from pellucid import tracking
from pellucid.errors import InputError
from pellucid.tracking import drivers
from tests.support import team
from tests.support.recorded import CLASSES, SHAPE, Project, every

pytestmark = pytest.mark.slow

ARTIFACTS = f"s3://{team.BUCKET}/of_the_team/runs"
# Those of one record that are made once, whatever the number of its runs: is the server there, the MLflow experiment,
# runs that are there, runs that are open, and the model with its data set.
ONCE = 9
RUNS = 6


@pytest.fixture(scope="module")
def servers() -> Iterator[Any]:
    """PostgreSQL, S3 and MLflow, the last two behind proxies; the passwords are in the environment, and nowhere else."""
    team.require("psycopg", "boto3")
    secrets = {
        "PGPASSWORD": team.PASSWORD,
        "MLFLOW_TRACKING_USERNAME": team.USER,
        "MLFLOW_TRACKING_PASSWORD": team.PASSWORD,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        **team.KEYS,
    }
    with mock.patch.dict(os.environ, secrets), team.postgresql() as database, team.s3() as s3:
        os.environ["MLFLOW_S3_ENDPOINT_URL"] = s3
        with (
            team.mlflow_server(drivers.with_driver(database), {}) as server,
            team.counting(server) as mlflow_proxy,
            team.counting(s3) as s3_proxy,
        ):
            os.environ["MLFLOW_S3_ENDPOINT_URL"] = s3_proxy.address
            yield SimpleNamespace(database=database, server=server, mlflow=mlflow_proxy, s3=s3_proxy)


@pytest.fixture(autouse=True)
def surroundings(servers: Any) -> Iterator[None]:
    """The environment and MLflow's own settings as they were before the test; proxies that let everything through."""
    import mlflow

    servers.mlflow.begin()
    servers.s3.begin()
    with mock.patch.dict(os.environ):
        yield
        mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def model(keras: Any) -> Any:
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(CLASSES, activation="softmax")]
    return keras.Sequential(layers)


@pytest.fixture(params=["server", "database"])
def uri(servers: Any, request: pytest.FixtureRequest) -> str:
    return servers.mlflow.address if request.param == "server" else servers.database


def project_of(folder: Path, uri: str, name: str, model: Any) -> Project:
    """Results of one experiment with six runs, and a store that was prepared as the workflow does it."""
    tracking.prepare(uri=uri, experiment=name, artifacts=ARTIFACTS, output=folder / "store.json")
    made = Project(folder, drivers.with_driver(uri), name, model)
    made.uri = uri
    made.view()
    return made


def record(project: Project, **changes: Any) -> dict[str, Any]:
    return project.track(artifacts=ARTIFACTS, **changes)


def client(project: Project) -> Any:
    import mlflow

    return mlflow.MlflowClient(tracking_uri=drivers.with_driver(project.uri))


def runs_of(project: Project) -> list[Any]:
    made = client(project)
    return list(made.search_runs([made.get_experiment_by_name(project.experiment).experiment_id]))


def test_the_same_results_recorded_twice_are_the_same_runs(
    tmp_path: Path, uri: str, model: Any, request: pytest.FixtureRequest, servers: Any
) -> None:
    project = project_of(tmp_path, uri, request.node.name, model)
    before = project.digests()
    first = record(project)
    sent = servers.s3.count
    second = record(project)
    assert second == first
    assert servers.s3.count == sent + 1  # whether the bucket is there
    made = runs_of(project)
    assert {run.info.run_id for run in made} == every(first)
    assert len(made) == RUNS
    assert {run.info.status for run in made} == {"FINISHED"}
    assert all(run.info.artifact_uri.startswith(ARTIFACTS) for run in made)
    assert project.digests() == before
    for path in (tmp_path / "tracking.json", tmp_path / "store.json"):
        assert team.PASSWORD not in path.read_text()
        assert uri in path.read_text()


def test_what_is_recorded_can_be_read_again(
    tmp_path: Path, servers: Any, model: Any, request: pytest.FixtureRequest
) -> None:
    import mlflow

    project = project_of(tmp_path, servers.mlflow.address, request.node.name, model)
    ids = record(project)
    run = client(project).get_run(ids["run"])
    assert run.data.metrics["accuracy"] == 0.75
    assert run.data.params["dataset.width"] == "2"
    curve = client(project).get_metric_history(ids["run"], "epoch_loss")
    assert [(point.step, point.value) for point in curve] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    logged = run.outputs.model_outputs[0].model_id
    page = client(project).get_logged_model(logged)
    assert str(page.status) == "READY"
    assert {metric.key for metric in page.metrics} >= {"accuracy", "log_loss"}
    assert page.params["dataset.width"] == "2"
    loaded = mlflow.tensorflow.load_model(f"models:/{logged}")
    expected = model.predict(project.x_test, verbose=0)
    assert (loaded.predict(project.x_test, verbose=0) == expected).all()
    child = ids["explanations"]["occlusion.window=3"]
    kept = Path(client(project).download_artifacts(child, "explanation.png", str(tmp_path)))
    assert kept.read_bytes() == (project.results / "explain" / "occlusion" / "occlusion.window=3.png").read_bytes()


def test_a_run_takes_three_requests_and_only_changed_files_are_sent(
    tmp_path: Path, servers: Any, model: Any, request: pytest.FixtureRequest
) -> None:
    project = project_of(tmp_path, servers.mlflow.address, request.node.name, model)
    servers.mlflow.begin()
    record(project)
    assert servers.mlflow.count == 3 * RUNS + ONCE, servers.mlflow.asked
    project.draw("explain/occlusion/occlusion.window=3", "second")
    servers.mlflow.begin()
    servers.s3.begin()
    record(project)
    # Is it there, the experiment, its runs, the tag of one run, open runs.
    assert servers.mlflow.count == 5, servers.mlflow.asked
    puts = [name for name in servers.s3.asked if name.startswith("PUT")]
    assert sorted(unquote(Path(name).name) for name in puts) == ["explanation.png", "explanation.svg"]


def test_a_slow_server_is_asked_several_things_at_a_time(
    tmp_path: Path, servers: Any, model: Any, request: pytest.FixtureRequest
) -> None:
    project = project_of(tmp_path, servers.mlflow.address, request.node.name, model)
    project.settings = {**project.settings, "methods": {"occlusion": {"sweep": {"window": [*range(1, 17)]}}}}
    project.explain("occlusion")
    servers.mlflow.begin(delay=0.2)
    servers.s3.begin(delay=0.2)
    began = time.monotonic()
    record(project)
    seconds = time.monotonic() - began
    one_by_one = 0.2 * (servers.mlflow.count + servers.s3.count)
    assert len(runs_of(project)) == 19
    assert seconds < one_by_one / 2.5, (seconds, one_by_one)


def wrong_password(servers: Any) -> dict[str, Any]:
    os.environ["MLFLOW_TRACKING_PASSWORD"] = "another-secret"
    return {"uri": servers.mlflow.address}


def wrong_database_password(servers: Any) -> dict[str, Any]:
    os.environ["PGPASSWORD"] = "another-secret"
    return {"uri": servers.database}


def no_keys(servers: Any) -> dict[str, Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del os.environ[name]
    return {"uri": servers.mlflow.address}


def no_bucket(servers: Any) -> dict[str, Any]:
    return {"uri": servers.mlflow.address, "artifacts": "s3://another/place"}


def another_place(servers: Any) -> dict[str, Any]:
    return {"uri": servers.mlflow.address, "artifacts": f"s3://{team.BUCKET}/elsewhere"}


def dying_server(servers: Any) -> dict[str, Any]:
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
    servers.mlflow.begin(ends_after=17)
    return {"uri": servers.mlflow.address}


def dying_s3(servers: Any) -> dict[str, Any]:
    servers.s3.begin(ends_after=9)
    return {"uri": servers.mlflow.address}


FAULTS = [
    (wrong_password, "tracking.uri", "MLFLOW_TRACKING_PASSWORD"),
    (wrong_database_password, "tracking.uri", "password authentication failed"),
    (no_keys, "tracking.artifacts", "AWS_ACCESS_KEY_ID"),
    (no_bucket, "tracking.artifacts", "no bucket another"),
    (another_place, "tracking.artifacts", "MLflow cannot move them"),
    (dying_server, "tracking.uri", "The results are complete"),
    (dying_s3, "tracking.artifacts", "The results are complete"),
]


@pytest.mark.parametrize(("fault", "where", "text"), FAULTS, ids=[row[0].__name__ for row in FAULTS])
def test_what_fails_is_told_in_a_sentence_and_made_up_for(
    tmp_path: Path, servers: Any, model: Any, request: pytest.FixtureRequest, fault: Any, where: str, text: str
) -> None:
    project = project_of(tmp_path, servers.mlflow.address, request.node.name, model)
    before = project.digests()
    with mock.patch.dict(os.environ), pytest.raises(InputError) as caught:
        project.track(**{"artifacts": ARTIFACTS, **fault(servers)})
    said = str(caught.value)
    assert said.startswith(where)
    assert text in said
    assert len(said.splitlines()) == 1
    assert "another-secret" not in said
    assert "Traceback" not in said
    assert project.digests() == before
    assert not (tmp_path / "tracking.json").exists()
    servers.mlflow.begin()
    servers.s3.begin()
    ids = record(project)
    assert {run.info.run_id for run in runs_of(project)} == every(ids)
    assert {run.info.status for run in runs_of(project)} == {"FINISHED"}


@pytest.mark.parametrize(
    ("missing", "changes", "extra"),
    [(("psycopg", "psycopg2"), {}, "pellucid[postgresql]"), (("boto3",), {"artifacts": ARTIFACTS}, "pellucid[s3]")],
)
def test_a_missing_package_is_named(
    servers: Any, tmp_path: Path, missing: tuple[str, ...], changes: dict[str, str], extra: str
) -> None:
    uri = servers.mlflow.address if changes else servers.database
    with (
        mock.patch.object(drivers, "find_spec", lambda name: None if name in missing else name),
        pytest.raises(InputError, match="pip install") as caught,
    ):
        tracking.prepare(uri=uri, experiment="e", output=tmp_path / "store.json", **changes)
    assert extra in str(caught.value)
    assert not (tmp_path / "store.json").exists()
