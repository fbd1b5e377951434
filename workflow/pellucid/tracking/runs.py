"""Create, fill, finish and find runs in an MLflow store, by the digest of what they record."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid import files
from pellucid.tracking.artifact_folder import is_gone
from pellucid.tracking.origin import Origin
from pellucid.user_text import as_keys

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_DIGEST = "pellucid.digest"
_FILES = "pellucid.files"
_SCORES = "pellucid.scores"
# Removed from names such as "accuracy mean/learning rate 0.001, filters [8]", which stay different without them.
_PUNCTUATION = ',=():[]{}"'
LONGEST_VALUE = 5000  # characters of a parameter or tag that every kind of store accepts


@dataclass(frozen=True)
class Entry:
    """What one run records.

    Attributes:
        name: of the run in MLflow's lists.
        digest: identifies the run, together with `settings`.
        computed: a file that was written when the computation ended.
        seconds: how long the computation took, as its job measured it.
        params: what the computation was given; logged once.
        settings: further parameters. MLflow never changes a parameter: with other settings it is another run, and a
            run that lacks some, as of an earlier version, gets them.
        metrics: logged once.
        scores: metrics that follow the results, while the run stays the same.
        tags: follow the results too.
        attached: files, each with its folder among the files of the run.
        documents: contents of JSON files, by name.
        digests: of the data, the model and the settings behind it; for `origin.json`, which is written once.
    """

    name: str
    digest: str
    computed: Path
    seconds: float
    params: Mapping[str, Any]
    tags: Mapping[str, str]
    attached: Sequence[tuple[Path, str]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def milliseconds(self) -> int:
        """How long the computation took, as MLflow counts it."""
        return round(1000 * self.seconds)

    def ended(self) -> int:
        """Return when the computation ended, in milliseconds; a file from the future ended now."""
        return min(int(self.computed.stat().st_mtime * 1000), now())


class Runs:
    """Writes runs of one experiment to one store."""

    def __init__(self, client: MlflowClient, experiment_id: str, folder: Path, origin: Origin) -> None:
        self.client, self.experiment_id, self.folder, self.origin = client, experiment_id, folder, origin
        self.unfinished: list[str] = []
        self.digests: set[str] = set()

    def fail(self) -> None:
        """Mark every unfinished run as failed, so that MLflow does not show it as running for ever."""
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
        for run in every_run(self.client, self.experiment_id, "attributes.status = 'RUNNING'"):
            digest = run.data.tags.get(_DIGEST)
            if digest is None or run.info.run_id in self.unfinished:
                continue
            if digest in self.digests or any(other.info.status == "FINISHED" for other in self._search(digest)):
                self._delete(run.info.run_id)

    def write(self, entry: Entry, complete: Callable[[str], None] | None = None) -> str:
        """Record an entry in its run, which is created or brought up to date; return the run's id.

        Args:
            entry: what is recorded.
            complete: adds to a new run what takes more than one call.
        """
        tags = {
            **entry.tags,
            _FILES: files.digest([[[files.sha256(path), place] for path, place in entry.attached], entry.documents]),
            **({_SCORES: files.digest(dict(entry.scores))} if entry.scores else {}),
        }
        self.digests.add(entry.digest)
        if finished := self._finished(entry):
            self._update(finished, entry, tags)
            return str(finished.info.run_id)
        ended = entry.ended()
        run_id: str = self.client.create_run(
            self.experiment_id,
            start_time=ended - entry.milliseconds,
            tags={**tags, **self.origin.tags, _DIGEST: entry.digest},
            run_name=entry.name,
        ).info.run_id
        self.unfinished.append(run_id)
        self._attach(run_id, entry)
        self.client.log_dict(run_id, {**self.origin.facts, **entry.digests}, "origin.json")
        self._log(run_id, params={**entry.params, **entry.settings}, metrics={**entry.metrics, **entry.scores})
        if complete:
            complete(run_id)
        self.client.set_terminated(run_id, "FINISHED", end_time=ended)
        self.unfinished.remove(run_id)
        return run_id

    def _finished(self, entry: Entry) -> Run | None:
        """Return the finished run of an entry; runs that a killed process left, or whose files are gone, are deleted.

        A run with the same digest and other settings is another record, and stays as it is.
        """
        settings = _values(entry.settings)
        finished = None
        for run in self._search(entry.digest):
            is_whole = run.info.status == "FINISHED" and not is_gone(run.info.artifact_uri)
            differs = any(run.data.params.get(key, value) != value for key, value in settings.items())
            if finished is None and is_whole and not differs:
                finished = run
            elif not is_whole or (finished is not None and run.data.params == finished.data.params):
                self._delete(run.info.run_id)
        return finished

    def _update(self, run: Run, entry: Entry, tags: Mapping[str, str]) -> None:
        """Bring up to date what may change in a run: name, files, scores, missing settings, tags, duration."""
        run_id, held = run.info.run_id, run.data.tags
        if held.get(_FILES) != tags[_FILES]:
            self._attach(run_id, entry)
        scores = entry.scores if held.get(_SCORES) != tags.get(_SCORES) else {}
        self._log(run_id, params={**entry.params, **entry.settings}, metrics=scores, logged=run.data.params)
        # The tags come last: a process that is killed before leaves the old ones.
        for key, value in tags.items():
            if held.get(key) != value:
                self.client.set_tag(run_id, key, value)
        end = run.info.start_time + entry.milliseconds
        if run.info.end_time != end:
            self.client.set_terminated(run_id, "FINISHED", end_time=end)

    def _search(self, digest: str) -> list[Run]:
        return list(self.client.search_runs([self.experiment_id], f"tags.`{_DIGEST}` = '{digest}'"))

    def _delete(self, run: str) -> None:
        """Delete a run and its model: MLflow would go on listing the model."""
        for model in self.client.search_logged_models([self.experiment_id], f"source_run_id = '{run}'"):
            self.client.delete_logged_model(model.model_id)
        self.client.delete_run(run)

    def _attach(self, run: str, entry: Entry) -> None:
        for path, place in entry.attached:
            self.client.log_artifact(run, str(path), place or None)
        for name, content in entry.documents.items():
            self.client.log_dict(run, content, name)

    def _log(
        self, run: str, *, params: Mapping[str, Any], metrics: Mapping[str, float], logged: Container[str] = ()
    ) -> None:
        """Log under keys that MLflow accepts, except for parameters that are logged already.

        Other names, and long values, are kept whole in `names.json`.
        """
        from mlflow.entities import Metric, Param

        recorded, values = now(), {name: str(value) for name, value in params.items()}
        of_params, of_metrics = as_keys(params), as_keys(metrics, _PUNCTUATION)
        fields = [Param(key, fitting(values[name])) for name, key in of_params.items() if key not in logged]
        changed = any(name != key or values[name] != fitting(values[name]) for name, key in of_params.items())
        if fields and changed:
            self.client.log_dict(run, {"keys": of_params, "values": values}, "names.json")
        for start in range(0, len(fields), 100):
            self.client.log_batch(run, params=fields[start : start + 100])
        numbers = [Metric(of_metrics[name], float(value), recorded, 0) for name, value in metrics.items()]
        for start in range(0, len(numbers), 1000):
            self.client.log_batch(run, metrics=numbers[start : start + 1000])


def every_run(client: MlflowClient, experiment_id: str, search: str = "") -> list[Run]:
    """Return all runs of an experiment that a search finds: a server gives them page by page."""
    runs: list[Run] = []
    token = None
    while True:
        page = client.search_runs([experiment_id], search, page_token=token)
        runs += page
        if not (token := page.token):
            return runs


def _values(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as MLflow holds them; their names are the project's own, and need no change."""
    return {name: fitting(str(value)) for name, value in settings.items()}


def fitting(value: str) -> str:
    """Return a value, cut to the length that MLflow accepts."""
    return value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 1]}…"


def now() -> int:
    """Return the time in milliseconds, as MLflow counts it."""
    return int(time.time() * 1000)
