"""Create and open the MLflow store; report in one line why it cannot be used."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.errors import InputError
from pellucid.tracking import artifact_folder, buckets, database, drivers, faults, former_names, saved_views
from pellucid.tracking.origin import origin_of
from pellucid.tracking.record import Record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

logger = logging.getLogger(__name__)

# Requests that are on their way at a time to a server, whose answers take longer than its work.
_THREADS = 8
_ANSWER = 10  # seconds within which a server must answer
_MAKE_IT = "Make it: snakemake --cores 1 --forcerun tracking_store"


def ensure(uri: str, experiment: str, artifacts: str = "") -> str:
    """Create what is missing of the store and the experiment; return the experiment's id.

    Args:
        uri: of the store.
        experiment: name of the MLflow experiment.
        artifacts: where the files of its runs lie, in S3; empty for beside the database, or where the server has them.
    """
    from mlflow.exceptions import MlflowException

    with answering(uri, artifacts):
        if path := database.database_of(uri):
            database.make(path, uri)
        elif not uri.startswith("http"):
            faults.upgrade(drivers.with_driver(uri), uri)
        client = client_of(uri)
        known = find_experiment(client, uri, experiment, artifacts)
        if known is None:
            try:
                known = client.get_experiment(artifact_folder.create(client, experiment, uri, artifacts))
            except MlflowException:
                # Another project was faster, or the server had accepted a request that timed out.
                known = find_experiment(client, uri, experiment, artifacts)
                if known is None:
                    raise
        _bring_up_to_date(client, known)
        return str(known.experiment_id)


def restore(uri: str, experiment: str) -> None:
    """Restore the MLflow experiment where it was deleted on MLflow's page, and bring it up to date.

    The paths of a copied project are corrected, and records of an earlier version get the current names.

    Raises:
        InputError: the store cannot be used.
    """
    with answering(uri):
        if path := database.database_of(uri):
            database.check(path)
        client = client_of(uri)
        if known := find_experiment(client, uri, experiment):
            _bring_up_to_date(client, known)


def _bring_up_to_date(client: MlflowClient, experiment: Experiment) -> None:
    """Give the experiment its views, and its runs of earlier versions the names of today."""
    saved_views.save(client, experiment)
    former_names.renew(client, experiment)


@contextmanager
def opened(uri: str, experiment: str, folder: Path, root: Path, artifacts: str = "") -> Iterator[Record]:
    """Open the store for writing; it must exist and have the experiment."""
    with answering(uri, artifacts):
        if path := database.database_of(uri):
            if not path.is_file():
                raise InputError.unexpected("tracking.uri", f"no database at {path}", "one", _MAKE_IT)
            database.check(path)
        client = client_of(uri)
        known = find_experiment(client, uri, experiment, artifacts)
        if known is None:
            raise InputError.unexpected(
                "tracking.experiment", f'no experiment "{experiment}" in {uri}', "one", _MAKE_IT
            )
        threads = 1 if path else _THREADS
        address = drivers.with_driver(uri)
        record = Record(client, known.experiment_id, folder, origin_of(root), address, threads)
        try:
            yield record
            record.delete_twins()
        except BaseException:
            # An incomplete run is marked as failed, and replaced by the next attempt.
            record.fail()
            raise


def find_experiment(client: MlflowClient, uri: str, experiment: str, artifacts: str = "") -> Experiment | None:
    """Return the MLflow experiment, restored if it was deleted on MLflow's page; None if there is none of this name."""
    from mlflow.exceptions import MlflowException

    known = client.get_experiment_by_name(experiment)
    if known is None:
        return None
    if known.lifecycle_stage == "deleted":
        try:
            client.restore_experiment(known.experiment_id)
            logger.info('the MLflow experiment "%s", which was deleted on MLflow\'s page, is restored', experiment)
        except MlflowException:
            # Another job was faster.
            if client.get_experiment(known.experiment_id).lifecycle_stage == "deleted":
                raise
    artifact_folder.require_place(known, artifacts)
    return artifact_folder.settle(client, known, uri)


def client_of(uri: str) -> MlflowClient:
    """Return MLflow's client, which logs warnings and errors only."""
    import mlflow

    address = drivers.with_driver(uri)
    mlflow.set_tracking_uri(address)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # They would print the traceback of errors that `answering` reports in one line, and warn of every retry.
    for name in ("mlflow.store.db.utils", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return mlflow.MlflowClient(tracking_uri=address)


@contextmanager
def answering(uri: str, artifacts: str = "") -> Iterator[None]:
    """Report within seconds, in one line, why a store cannot be used; MLflow's own settings wait for minutes.

    Raises:
        InputError: the store cannot be used.
    """
    drivers.few_attempts()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        _require_answer(uri)
        if artifacts:
            buckets.require(artifacts)
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, ModuleNotFoundError) as error:
        raise faults.of_store(error, uri) from None
    except Exception as error:
        if not buckets.is_of_s3(error):
            raise
        raise buckets.fault(error, artifacts) from None


def _require_answer(uri: str) -> None:
    """Ask a server or a database once whether it answers: MLflow would try for minutes."""
    if uri.startswith("http"):
        import requests

        try:
            # Any answer will do; a server that accepts the connection and stays silent counts as down.
            requests.get(uri.rstrip("/") + "/health", timeout=_ANSWER)
        except (requests.RequestException, ValueError) as error:
            found = f"no answer from {uri} ({faults.in_one_line(error)})"
            raise InputError.unexpected("tracking.uri", found, "an MLflow server", faults.AFTERWARDS) from None
    elif "://" not in uri or uri.startswith("file:"):
        raise InputError.unexpected(
            "tracking.uri", uri, "sqlite:///folder/name.db, or the address of a server (http://…)"
        )
    elif database.database_of(uri) is None:
        import sqlalchemy

        sqlalchemy.create_engine(drivers.with_driver(uri)).connect().close()
