"""Create, fill, finish and find runs in an MLflow store, by the digest of what they record."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid import files
from pellucid.tracking.artifact_folder import is_gone
from pellucid.user_text import as_keys

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_DIGEST = "pellucid.digest"
_FILES = "pellucid.files"
# Removed without loss from names such as "accuracy mean/learning rate 0.001, filters [8]", which the project makes.
_PUNCTUATION = ',=():[]{}"'
_LONGEST_VALUE = 5000  # characters of a parameter or tag that every kind of store accepts


class Runs:
    """Writes runs of one experiment to one store."""

    def __init__(self, client: MlflowClient, experiment_id: str, folder: Path, origin: Mapping[str, str]) -> None:
        self.client, self.experiment_id, self.folder, self.origin = client, experiment_id, folder, origin
        self.unfinished: list[str] = []
        self.digests: set[str] = set()

    def fail(self) -> None:
        """Mark every unfinished run as failed, so that none is shown as running for ever."""
        # The store itself may have failed: do not try for long.
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
        for run in self.unfinished:
            with suppress(Exception):
                self.client.set_terminated(run, "FAILED")
        with suppress(Exception):
            self.delete_twins()

    def delete_twins(self) -> None:
        """Delete runs that a slow server created twice, because MLflow's client timed out and tried again.

        Such a run is open, and another run has its digest: from this job or an earlier one.
        """
        for run in self._open_runs():
            digest = run.data.tags.get(_DIGEST)
            if digest is None or run.info.run_id in self.unfinished:
                continue
            if digest in self.digests or any(other.info.status == "FINISHED" for other in self._search(digest)):
                self._delete(run.info.run_id)

    def _open_runs(self) -> list[Run]:
        runs: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs([self.experiment_id], "attributes.status = 'RUNNING'", page_token=token)
            runs += page
            if not (token := page.token):
                return runs

    def _run(
        self, name: str, digest: str, attached: list[tuple[Path, str]], tags: Mapping[str, str]
    ) -> tuple[str, bool]:
        """Return the id of the run with `digest`, its files and tags brought up to date, and whether it is new."""
        held = files.digest([files.sha256(path) for path, _ in attached])
        self.digests.add(digest)
        finished = None
        for run in self._search(digest):
            if finished is None and run.info.status == "FINISHED" and not is_gone(run.info.artifact_uri):
                finished = run
            else:
                # Replace runs that a killed process left open, and runs whose files are gone.
                self._delete(run.info.run_id)
        if finished is not None:
            run_id = finished.info.run_id
            if finished.data.tags.get(_FILES) != held:
                self._attach(run_id, attached)
            # The files come before their tag: a process that is killed in between leaves the old tag.
            for key, value in {**tags, _FILES: held}.items():
                if finished.data.tags.get(key) != value:
                    self.client.set_tag(run_id, key, value)
            return run_id, False
        started = self.client.create_run(
            self.experiment_id, tags={**tags, **self.origin, _DIGEST: digest, _FILES: held}, run_name=name
        )
        self.unfinished.append(started.info.run_id)
        self._attach(started.info.run_id, attached)
        return started.info.run_id, True

    def _finish(self, run: str) -> None:
        self.client.set_terminated(run, "FINISHED")
        self.unfinished.remove(run)

    def _search(self, digest: str) -> list[Run]:
        return list(self.client.search_runs([self.experiment_id], f"tags.`{_DIGEST}` = '{digest}'"))

    def _delete(self, run: str) -> None:
        """Delete a run and its model: MLflow would go on listing the model."""
        for model in self.client.search_logged_models([self.experiment_id], f"source_run_id = '{run}'"):
            self.client.delete_logged_model(model.model_id)
        self.client.delete_run(run)

    def _attach(self, run: str, attached: list[tuple[Path, str]]) -> None:
        for path, place in attached:
            self.client.log_artifact(run, str(path), place or None)

    def _log(
        self, run: str, *, params: Mapping[str, Any], metrics: Mapping[str, float], tags: Mapping[str, Any]
    ) -> None:
        """Log under keys that MLflow accepts; other names, and long values, are kept whole in `names.json`."""
        from mlflow.entities import Metric, Param, RunTag

        recorded, values = now(), {name: str(value) for name, value in params.items()}
        of_params, of_metrics = as_keys(params), as_keys(metrics, _PUNCTUATION)
        if any(name != key for name, key in of_params.items()) or any(
            value != fitting(value) for value in values.values()
        ):
            self.client.log_dict(run, {"keys": of_params, "values": values}, "names.json")
        logged = [Param(of_params[name], fitting(value)) for name, value in values.items()]
        for start in range(0, len(logged), 100):
            self.client.log_batch(run, params=logged[start : start + 100])
        numbers = [Metric(of_metrics[name], float(value), recorded, 0) for name, value in metrics.items()]
        for start in range(0, len(numbers), 1000):
            self.client.log_batch(run, metrics=numbers[start : start + 1000])
        self.client.log_batch(run, tags=[RunTag(key, fitting(str(value))) for key, value in tags.items()])


def fitting(value: str) -> str:
    """Return a value, cut to the length that MLflow accepts."""
    return value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…"


def now() -> int:
    """Return the time in milliseconds, as MLflow counts it."""
    return int(time.time() * 1000)
