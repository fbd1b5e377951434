"""The record in MLflow: this package alone imports MLflow.

One MLflow experiment for the project; in it one parent run per Pellucid experiment, one child run per variant of each
method and of each view, and a run for each study and for the leaderboard over experiments. A run is identified by
the digest of what it records (`pellucid.digest`): the same results recorded twice are one run. Results on disk are the
truth; the record can be made again at any time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid import files
from pellucid.tracking.store import ensure, opened, restore

__all__ = ["ensure", "prepare", "restore", "track", "track_comparison"]

logger = logging.getLogger(__name__)


def prepare(*, uri: str, experiment: str, output: Path | str, artifacts: str = "") -> None:
    """Create the store and the MLflow experiment, before several processes write to them at once.

    A fresh database that is opened by several processes breaks: each tries to create the same tables.

    Args:
        uri: of the store, as in config.yaml.
        experiment: name of the MLflow experiment.
        output: gets the address and the experiment's id as JSON.
        artifacts: where the files of runs lie, in S3; empty for the store's own place.

    Raises:
        InputError: the store cannot be used.
    """
    identity = ensure(uri, experiment, artifacts)
    files.write_json(output, {"uri": uri, "experiment": experiment, "experiment_id": identity})
    logger.info("runs are recorded in %s", uri)


def track(
    *,
    uri: str,
    experiment: str,
    name: str,
    settings: Mapping[str, Any],
    threads: int,
    folder: Path | str,
    recorded: Sequence[Path | str],
    root: Path | str,
    output: Path | str,
    study: str = "",
    arrays: bool = False,
    artifacts: str = "",
) -> None:
    """Record one experiment, each of its explanations and each view of its model.

    Args:
        uri: of the store.
        experiment: name of the MLflow experiment.
        name: of the Pellucid experiment.
        settings: its resolved configuration.
        threads: number of CPU threads of its jobs.
        folder: `results/<experiment>`.
        recorded: the files in `folder` that are recorded. Old files, such as those of a score that is no longer in the
            configuration, are not among them.
        root: of the project, for the commit and the lock file.
        output: gets the ids of the runs as JSON.
        study: the study to which it belongs; empty for none.
        arrays: whether the arrays of explanations and views are copied into the store.
        artifacts: as in `prepare`.

    Raises:
        InputError: the store cannot be used.
    """
    with opened(uri, experiment, Path(folder), Path(root), artifacts) as record:
        record.recorded, record.copies_arrays = frozenset(map(Path, recorded)), arrays
        record.look_up(name)
        parent = record.experiment(name, settings, threads, study)
        children = record.children(record.explanation, settings["methods"], name, parent, settings)
        views = record.children(record.view, settings["views"], name, parent)
    ids = {"uri": uri, "experiment": experiment, "run": parent, "explanations": children, "views": views}
    files.write_json(output, ids)
    logger.info("recorded as run %s with %d explanations and %d views", parent, len(children), len(views))


def track_comparison(
    *,
    uri: str,
    experiment: str,
    name: str,
    kind: str,
    note: str,
    params: Mapping[str, Any],
    tables: Sequence[Path | str],
    attached: Sequence[Path | str],
    root: Path | str,
    output: Path | str,
    artifacts: str = "",
) -> None:
    """Record a comparison of experiments in a run of its own.

    Args:
        uri: of the store.
        experiment: name of the MLflow experiment.
        name: of the run.
        kind: study, or comparison.
        note: a description for readers.
        params: what was varied, or compared.
        tables: identify the run: other tables make another run. The description shows the first of them.
        attached: figures, and tables with run times, which differ each time and do not identify the run.
        root: of the project, for the commit and the lock file.
        output: gets the id of the run as JSON.
        artifacts: as in `prepare`.

    Raises:
        InputError: the store cannot be used.
    """
    with opened(uri, experiment, Path(output).parent, Path(root), artifacts) as record:
        run = record.comparison(name, kind, note, params, list(map(Path, tables)), list(map(Path, attached)))
    files.write_json(output, {"uri": uri, "experiment": experiment, "run": run})
    logger.info("recorded as run %s", run)
