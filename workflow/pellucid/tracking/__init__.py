"""The record in MLflow: this package alone imports MLflow.

One MLflow experiment for the project; in it one parent run per Pellucid experiment, one child run per variant of each
method and of each view, and a run for each study and for the leaderboard over experiments. A run is known by the digest
of what it records (`pellucid.digest`): the same results recorded twice are one run. Results on disk are the
truth; the record can be made again at any time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid import files
from pellucid.config.variants import variants
from pellucid.tracking.store import ensure, opened, restore

__all__ = ["ensure", "prepare", "restore", "track", "track_comparison"]

logger = logging.getLogger(__name__)


def prepare(*, uri: str, experiment: str, output: Path | str) -> None:
    """Create the store and the MLflow experiment, before several processes write to them at once.

    A fresh database that is opened by several processes breaks: each tries to create the same tables.

    Args:
        uri: of the store, as in config.yaml.
        experiment: name of the MLflow experiment.
        output: gets the address and the experiment's id as JSON.

    Raises:
        InputError: the store does not answer.
    """
    identity = ensure(uri, experiment)
    files.write_json(output, {"uri": uri, "experiment": experiment, "experiment_id": identity})
    logger.info("the record is kept in %s", uri)


def track(
    *,
    uri: str,
    experiment: str,
    name: str,
    settings: Mapping[str, Any],
    threads: int,
    folder: Path | str,
    made: Sequence[Path | str],
    root: Path | str,
    output: Path | str,
    study: str = "",
) -> None:
    """Record one experiment, each of its explanations and each view of its model.

    Args:
        uri: of the store.
        experiment: name of the MLflow experiment.
        name: of the Pellucid experiment.
        settings: its resolved configuration.
        threads: CPU threads that it ran with.
        folder: `results/<experiment>`.
        made: the files in it that are recorded; others, of scores that are no longer asked for, stay out.
        root: of the project, for the commit and the lock file.
        output: gets the ids of the runs as JSON.
        study: that it is a member of; empty for none.

    Raises:
        InputError: the store does not answer.
    """
    with opened(uri, experiment, Path(folder), Path(root)) as record:
        record.made = frozenset(map(Path, made))
        parent = record.experiment(name, settings, threads, study)
        children = {
            label: record.explanation(name, parent, method, label, chosen)
            for method, parameters in settings["methods"].items()
            for label, chosen in variants(method, parameters).items()
        }
        views = {
            label: record.view(name, parent, view, label, chosen)
            for view, parameters in settings["views"].items()
            for label, chosen in variants(view, parameters).items()
        }
    record_of = {"uri": uri, "experiment": experiment, "run": parent, "explanations": children, "views": views}
    files.write_json(output, record_of)
    logger.info("recorded as run %s with %d explanations and %d views", parent, len(children), len(views))


def track_comparison(
    *,
    uri: str,
    experiment: str,
    name: str,
    kind: str,
    note: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    tables: Sequence[Path | str],
    attached: Sequence[Path | str],
    root: Path | str,
    output: Path | str,
) -> None:
    """Record a comparison of experiments in a run of its own.

    Args:
        uri: of the store.
        experiment: name of the MLflow experiment.
        name: of the run.
        kind: study, or comparison.
        note: what it is, for people.
        params: what was varied, or compared.
        metrics: its main numbers; in their names, what MLflow does not allow becomes a space.
        tables: what the run is known by: other tables are another run.
        attached: what is recorded beside them: figures, and tables with times, which are new each time.
        root: of the project, for the commit and the lock file.
        output: gets the id of the run as JSON.

    Raises:
        InputError: the store does not answer.
    """
    with opened(uri, experiment, Path(output).parent, Path(root)) as record:
        run = record.comparison(name, kind, note, params, metrics, list(map(Path, tables)), list(map(Path, attached)))
    files.write_json(output, {"uri": uri, "experiment": experiment, "run": run})
    logger.info("recorded as run %s", run)
