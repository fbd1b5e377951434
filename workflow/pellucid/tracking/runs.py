"""Runs in an MLflow store: begun, filled, finished, and found again by the digest of what they record."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid import files
from pellucid.tracking.place import is_gone
from pellucid.user_text import as_keys

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_DIGEST = "pellucid.digest"
_FILES = "pellucid.files"
# In names such as "accuracy mean/learning rate 0.001, filters [8]", which the project makes.
_PUNCTUATION = ',=():[]{}"'
_LONGEST_VALUE = 5000  # characters of a parameter or tag that every kind of store takes


class Runs:
    """Writes runs of one experiment to one store."""

    def __init__(self, client: MlflowClient, experiment_id: str, folder: Path, origin: Mapping[str, str]) -> None:
        self.client, self.experiment_id, self.folder, self.origin = client, experiment_id, folder, origin
        self.unfinished: list[str] = []
        self.digests: set[str] = set()

    def fail(self) -> None:
        """Mark every run that was begun and not finished as failed, so that none is shown as running for ever."""
        # The store may be what failed: it is asked once more, and the job ends.
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
        for run in self.unfinished:
            with suppress(Exception):
                self.client.set_terminated(run, "FAILED")
        with suppress(Exception):
            self.delete_twins()

    def delete_twins(self) -> None:
        """Delete runs that a late server began after MLflow's client had given up and tried again.

        Such a run is open, has a digest, and another run was made for it: now, or by an earlier job.
        """
        for run in self._open_runs():
            digest = run.data.tags.get(_DIGEST)
            if digest is None or run.info.run_id in self.unfinished:
                continue
            if digest in self.digests or any(other.info.status == "FINISHED" for other in self._search(digest)):
                self._delete(run.info.run_id)

    def _open_runs(self) -> list[Run]:
        found: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs([self.experiment_id], "attributes.status = 'RUNNING'", page_token=token)
            found += page
            if not (token := page.token):
                return found

    def _run(
        self, name: str, digest: str, attached: list[tuple[Path, str]], tags: Mapping[str, str]
    ) -> tuple[str, bool]:
        """The run that records `digest`: the finished one, brought up to date, or a new one (then True)."""
        held = files.digest([files.sha256(path) for path, _ in attached])
        self.digests.add(digest)
        finished = None
        for found in self._search(digest):
            if finished is None and found.info.status == "FINISHED" and not is_gone(found.info.artifact_uri):
                finished = found
            else:
                # A process that was killed leaves its run open for ever: it is replaced. So is one without its files.
                self._delete(found.info.run_id)
        if finished is not None:
            run = finished.info.run_id
            if finished.data.tags.get(_FILES) != held:
                self._attach(run, attached)
            # The tag of the files comes after them: a process that is killed in between leaves the old one.
            for key, value in {**tags, _FILES: held}.items():
                if finished.data.tags.get(key) != value:
                    self.client.set_tag(run, key, value)
            return run, False
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
        """Delete a run and its model, which MLflow would go on listing."""
        for model in self.client.search_logged_models([self.experiment_id], f"source_run_id = '{run}'"):
            self.client.delete_logged_model(model.model_id)
        self.client.delete_run(run)

    def _attach(self, run: str, attached: list[tuple[Path, str]]) -> None:
        for path, place in attached:
            self.client.log_artifact(run, str(path), place or None)

    def _log(
        self, run: str, *, params: Mapping[str, Any], metrics: Mapping[str, float], tags: Mapping[str, Any]
    ) -> None:
        """Log under keys that MLflow takes; names that are no such keys, and long values, are whole in `names.json`."""
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
    """A value of the length that MLflow takes."""
    return value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…"


def now() -> int:
    return int(time.time() * 1000)
