"""Keep the files of runs beside the database, also after the project was copied or moved.

MLflow stores absolute paths: a copied project would write into the files of the original, and a moved one into its old
place.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pellucid.errors import InputError
from pellucid.tracking.database import database_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

logger = logging.getLogger(__name__)

# Tag of an MLflow experiment: the path beside which its files lie. Without it, the user chose their place.
_BESIDE = "pellucid.beside"
_ARTIFACTS = Path("results/mlflow/artifacts")  # if the database is a server
# The columns in which MLflow stores paths of an experiment's files.
_OF_EXPERIMENT = "experiment_id = ?"
_PATHS = (
    ("experiments", "artifact_location", _OF_EXPERIMENT),
    ("runs", "artifact_uri", _OF_EXPERIMENT),
    ("logged_models", "artifact_location", _OF_EXPERIMENT),
    # A registered model is linked to an experiment through its run.
    ("model_versions", "source", f"run_id in (select run_uuid from runs where {_OF_EXPERIMENT})"),
    ("model_versions", "storage_location", f"run_id in (select run_uuid from runs where {_OF_EXPERIMENT})"),
)


def create(client: MlflowClient, name: str, uri: str, artifacts: str = "") -> str:
    """Create the MLflow experiment; return its id. A server chooses the place of the files, unless one is named."""
    if artifacts:
        return str(client.create_experiment(name, artifact_location=artifacts.rstrip("/")))
    if uri.startswith("http"):
        return str(client.create_experiment(name))
    beside, place = _place_of(uri)
    return str(client.create_experiment(name, artifact_location=place.as_uri(), tags={_BESIDE: str(beside)}))


def require_place(experiment: Experiment, artifacts: str) -> None:
    """Refuse an MLflow experiment whose files lie elsewhere than the configuration says: MLflow cannot move them.

    Raises:
        InputError: they lie elsewhere.
    """
    held = experiment.artifact_location.rstrip("/")
    if artifacts and held != artifacts.rstrip("/"):
        raise InputError.unexpected(
            "tracking.artifacts",
            f'{artifacts}, while the files of "{experiment.name}" lie at {held}',
            "the same place",
            "MLflow cannot move them: leave tracking.artifacts as it was, or give tracking.experiment another name.",
        )


def settle(client: MlflowClient, experiment: Experiment, uri: str) -> Experiment:
    """Return the experiment; after the project was copied or moved, its files get a new place beside the database.

    Raises:
        InputError: another project shares the files or the database, or the files are gone.
    """
    location = _local(experiment.artifact_location)
    if uri.startswith("http") or location is None:
        return experiment
    beside, place = _place_of(uri)
    before, is_there = experiment.tags.get(_BESIDE), location.resolve() == place
    if before == str(beside) or (before is None and not is_there and not _is_from_elsewhere(location, beside, place)):
        return experiment
    first_is_there = before is not None and Path(before).exists()
    if _is_shared(uri, before, beside, is_there):
        raise InputError.unexpected(
            f'tracking.experiment "{experiment.name}"',
            f"files or a database that belong to {before or location.parent}",
            "files of this project's own",
            "Replace links by copies, or give tracking.experiment another name to begin a new record.",
        )
    if before is None and not is_there and not place.is_dir():
        raise InputError.unexpected(
            f'tracking.experiment "{experiment.name}" in {uri}',
            f"no files at {location}, nor at {place}",
            "them beside the database",
            "Bring them back, or give tracking.experiment another name to begin a new record.",
        )
    # A database that was moved alone still has its files where they were.
    if not is_there and (first_is_there or place.is_dir() or not location.is_dir()):
        _move_paths(beside, experiment, place)
        logger.warning(
            'the project was copied or moved: files of "%s" are kept at %s from now on; those at %s stay there',
            experiment.name,
            place,
            location,
        )
    client.set_experiment_tag(experiment.experiment_id, _BESIDE, str(beside))
    return client.get_experiment(experiment.experiment_id)


def _is_shared(uri: str, before: str | None, beside: Path, is_there: bool) -> bool:
    """Return whether another project uses the same files or database: through links, or through a database server."""
    if database_of(uri) is None:
        return before is not None or not is_there
    if before is None or not Path(before).exists():
        return False
    return beside.stat().st_nlink > 1 or (is_there and not beside.samefile(before))


def is_gone(artifact_uri: str) -> bool:
    """Return whether the files of a run should lie on this machine but are missing, as after a copy of the database."""
    folder = _local(artifact_uri)
    return folder is not None and not folder.is_dir()


def _place_of(uri: str) -> tuple[Path, Path]:
    """Return the path beside which files lie (the database, else the project), and their folder."""
    if database := database_of(uri):
        database = database.resolve()
        return database, (database.parent / "artifacts").resolve()
    return Path.cwd(), _ARTIFACTS.resolve()


def _local(location: str) -> Path | None:
    parts = urlsplit(location)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    return Path(unquote(parts.path) if parts.scheme else location)


def _is_from_elsewhere(location: Path, beside: Path, place: Path) -> bool:
    """Return whether files without a tag belong to a project that was copied or moved under an earlier version."""
    if not beside.is_file():
        return location.parts[-3:] == _ARTIFACTS.parts
    return not location.is_dir() or (location.name == place.name and _is_another(location.parent / beside.name, beside))


def _is_another(path: Path, database: Path) -> bool:
    return path.exists() and not path.samefile(database)


def _move_paths(database: Path, experiment: Experiment, place: Path) -> None:
    """Replace the folder in all paths of an experiment, in one transaction: other jobs may do the same."""
    before, after = experiment.artifact_location.rstrip("/"), place.as_uri()
    with closing(sqlite3.connect(database, timeout=20)) as connection, connection:
        for table, column, of_experiment in _PATHS:
            connection.execute(
                f"update {table} set {column} = ? || substr({column}, ?) "
                f"where ({column} = ? or substr({column}, 1, ?) = ?) and {of_experiment}",
                (after, len(before) + 1, before, len(before) + 1, f"{before}/", experiment.experiment_id),
            )
