"""The MLflow store: made where it is missing, opened, and told in one line where it does not answer."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pellucid.errors import InputError
from pellucid.tracking.origin import origin_of
from pellucid.tracking.record import Record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

logger = logging.getLogger(__name__)

ARTIFACTS = Path("results/mlflow/artifacts")
_ANSWER = 10  # seconds that a server may take to say that it is there


def ensure(uri: str, experiment: str) -> str:
    """Create what is missing of the store and the experiment; return the experiment's id."""
    with answering(uri):
        if not uri.startswith("http"):
            if path := database_of(uri):
                path.parent.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "mlflow", "db", "upgrade", uri]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                lines = done.stderr.strip().splitlines()
                raise InputError("tracking.uri", f"{uri} ({lines[-1] if lines else 'no answer'})", "a database")
        client = client_of(uri)
        found = find_experiment(client, uri, experiment)
        if found is not None:
            return str(found.experiment_id)
        # A server stores artifacts where it was told to; beside a database file they lie next to it, and those of any
        # other database under results/.
        place = path.parent / "artifacts" if (path := database_of(uri)) else ARTIFACTS
        location = None if uri.startswith("http") else place.resolve().as_uri()
        return str(client.create_experiment(experiment, artifact_location=location))


def restore(uri: str, experiment: str) -> None:
    """Restore the MLflow experiment where it was deleted on MLflow's page; what else is wrong, the server tells."""
    from mlflow.exceptions import MlflowException

    with answering(uri), suppress(MlflowException):
        find_experiment(client_of(uri), uri, experiment)


@contextmanager
def opened(uri: str, experiment: str, folder: Path, root: Path) -> Iterator[Record]:
    """The store, which must be there with its experiment, opened to write to."""
    if (path := database_of(uri)) and not path.is_file():
        raise InputError(
            "tracking.uri", f"no database at {path}", "one", "Make it: snakemake --cores 1 --forcerun tracking_store"
        )
    with answering(uri):
        client = client_of(uri)
        found = find_experiment(client, uri, experiment)
        if found is None:
            raise InputError(
                "tracking.experiment",
                f'no experiment "{experiment}" in {uri}',
                "one",
                "Make it: snakemake --cores 1 --forcerun tracking_store",
            )
        record = Record(client, found.experiment_id, folder, origin_of(root))
        try:
            yield record
        except BaseException:
            # What is half recorded is shown as such, and replaced by the next try.
            record.fail()
            raise


def find_experiment(client: MlflowClient, uri: str, experiment: str) -> Experiment | None:
    """The MLflow experiment, restored where it was deleted on MLflow's page; None where there is none of that name."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(experiment)
    if found is None:
        return None
    check_place(found, uri)
    if found.lifecycle_stage == "deleted":
        try:
            client.restore_experiment(found.experiment_id)
            logger.info('the MLflow experiment "%s", which was deleted on MLflow\'s page, is restored', experiment)
        except MlflowException:
            # Another job was quicker.
            if client.get_experiment(found.experiment_id).lifecycle_stage == "deleted":
                raise
    return found


def client_of(uri: str) -> MlflowClient:
    import mlflow

    mlflow.set_tracking_uri(uri)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return mlflow.MlflowClient(tracking_uri=uri)


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """Settings under which a server that is down is told within seconds; without them each call waits for minutes."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    hint = "The results are complete; when it is up, run again and only the record is made."
    if uri.startswith("http"):
        import requests

        try:
            # Whatever it answers, it is there; one that takes the connection and says nothing is down as well.
            requests.get(uri.rstrip("/") + "/health", timeout=_ANSWER)
        except (requests.RequestException, ValueError) as error:
            raise InputError("tracking.uri", f"no answer from {uri} ({error})", "an MLflow server", hint) from None
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        import mlflow.exceptions

        if isinstance(error, mlflow.exceptions.MlflowException) and uri.startswith("http"):
            raise InputError("tracking.uri", f"{uri}, which failed ({error})", "an MLflow server", hint) from error
        raise


def check_place(experiment: Experiment, uri: str) -> None:
    """MLflow keeps absolute paths: a project that was moved would go on writing where it once was.

    Raises:
        InputError: as said.
    """
    path = database_of(uri)
    if path is None:
        return
    place = (path.parent / "artifacts").resolve().as_uri()
    there = Path(unquote(urlsplit(experiment.artifact_location).path)).is_dir()
    if experiment.artifact_location != place and not there:
        raise InputError(
            f'tracking.experiment "{experiment.name}" in {uri}',
            f"artifacts at {experiment.artifact_location}",
            f"them at {place}, beside the database",
            "The project was moved: move it back, or give tracking.experiment another name to begin a new record.",
        )


def database_of(uri: str) -> Path | None:
    """The file of a sqlite store."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None
