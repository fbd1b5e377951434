"""Create, fill, finish and find runs in an MLflow store, by the digest of what they record."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid import files
from pellucid.tracking import uploads
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
# What one call to MLflow takes; its client divides what is more.
_MOST, _MOST_PARAMS = 1000, 100
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
        settings: further parameters. MLflow never changes a parameter: with other settings it is another run. If a run
            of an earlier version lacks some, it gets them.
        metrics: logged once.
        curves: metrics with their name, value and epoch; logged once.
        scores: metrics that follow the results, while the run stays the same.
        tags: follow the results too.
        attached: files, each with its path among the files of the run.
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
    curves: Sequence[tuple[str, float, int]] = ()
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
    """Writes runs of one experiment to one store.

    Attributes:
        uri: of the store, as MLflow takes it.
        threads: how many requests may be on their way at a time. A store on this machine is written by one: SQLite
            lets no more than one write.
    """

    def __init__(
        self, client: MlflowClient, experiment_id: str, folder: Path, origin: Origin, uri: str, threads: int
    ) -> None:
        self.client, self.experiment_id, self.folder, self.origin = client, experiment_id, folder, origin
        self.uri, self.threads = uri, threads
        self.unfinished: list[str] = []
        self.digests: set[str] = set()
        self._known: dict[str, list[Run]] | None = None

    def fail(self) -> None:
        """Mark every unfinished run as failed, so that MLflow does not show it as running for ever."""
        # The store itself may have failed: do not try for long.
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
        try:
            for run in self.unfinished:
                self.client.set_terminated(run, "FAILED")
            self.delete_twins()
        except Exception:
            return

    def look_up(self, name: str) -> None:
        """Ask once for all runs of a Pellucid experiment, instead of once for each."""
        self._known = {}
        for run in every_run(self.client, self.experiment_id, f"tags.`pellucid.experiment` = '{name}'"):
            self._known.setdefault(run.data.tags.get(_DIGEST, ""), []).append(run)

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

    def write(self, entry: Entry, log_model: Callable[[str], str] | None = None) -> str:
        """Record an entry in its run, which is created or brought up to date; return the run's id.

        Args:
            entry: what is recorded.
            log_model: records the model of a new run, and returns the model's id; metrics are those of the model too.
        """
        documents = {**entry.documents, **_renamed({**entry.params, **entry.settings})}
        contents = uploads.contents(entry.attached, documents)
        tags = {
            **entry.tags,
            _FILES: uploads.in_tag(contents, LONGEST_VALUE),
            **({_SCORES: files.digest(dict(entry.scores))} if entry.scores else {}),
        }
        self.digests.add(entry.digest)
        # The runs below that of an experiment are written several at a time themselves.
        threads = self.threads if log_model else 1
        if finished := self._finished(entry):
            held = finished.data.tags.get(_FILES, "")
            different = uploads.changed(contents, held) if held != tags[_FILES] else set()
            self._send(finished, entry, documents, different, threads)
            self._update(finished, entry, tags)
            return str(finished.info.run_id)
        ended = entry.ended()
        run = self.client.create_run(
            self.experiment_id,
            start_time=ended - entry.milliseconds,
            tags={**tags, **self.origin.tags, _DIGEST: entry.digest},
            run_name=entry.name,
        )
        run_id: str = run.info.run_id
        self.unfinished.append(run_id)
        documents["origin.json"] = {**self.origin.facts, **entry.digests}
        self._send(run, entry, documents, {*contents, "origin.json"}, threads)
        model = log_model(run_id) if log_model else None
        self._log(
            run_id,
            params={**entry.params, **entry.settings},
            metrics={**entry.metrics, **entry.scores},
            curves=entry.curves,
            model=model,
        )
        self.client.set_terminated(run_id, "FINISHED", end_time=ended)
        self.unfinished.remove(run_id)
        return run_id

    def _send(self, run: Run, entry: Entry, documents: Mapping[str, Any], names: set[str], threads: int) -> None:
        uploads.send(run.info.artifact_uri, self.uri, entry.attached, documents, names, threads)

    def _finished(self, entry: Entry) -> Run | None:
        """Return the finished run of an entry; runs that a killed process left, or whose files are gone, are deleted.

        A run with the same digest and other settings is another record, and stays as it is.
        """
        settings = _values(entry.settings)
        finished = None
        known = self._search(entry.digest) if self._known is None else self._known.get(entry.digest, [])
        for run in known:
            is_whole = run.info.status == "FINISHED" and not is_gone(run.info.artifact_uri)
            differs = any(run.data.params.get(key, value) != value for key, value in settings.items())
            if finished is None and is_whole and not differs:
                finished = run
            elif not is_whole or (finished is not None and run.data.params == finished.data.params):
                self._delete(run.info.run_id)
        return finished

    def _update(self, run: Run, entry: Entry, tags: Mapping[str, str]) -> None:
        """Bring up to date what may change in a run: name, scores, missing settings, tags, duration."""
        run_id, held = run.info.run_id, run.data.tags
        scores = entry.scores if held.get(_SCORES) != tags.get(_SCORES) else {}
        # The tags come last: a process that is killed before leaves the old ones.
        self._log(
            run_id,
            params={**entry.params, **entry.settings},
            metrics=scores,
            tags={key: value for key, value in tags.items() if held.get(key) != value},
            logged=run.data.params,
        )
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

    def _log(
        self,
        run: str,
        *,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        curves: Sequence[tuple[str, float, int]] = (),
        tags: Mapping[str, str] | None = None,
        logged: Container[str] = (),
        model: str | None = None,
    ) -> None:
        """Log under keys that MLflow accepts, except for parameters that are logged already, in one request.

        Where it is too much for one, MLflow's client makes several; then the tags come after the rest.
        """
        from mlflow.entities import Metric, Param, RunTag

        recorded, of_metrics = now(), as_keys(metrics, _PUNCTUATION)
        fields = [Param(key, fitting(str(params[name]))) for name, key in as_keys(params).items() if key not in logged]
        numbers = [
            Metric(of_metrics[name], _shown(value), recorded, 0, model_id=model) for name, value in metrics.items()
        ]
        numbers += [Metric(name, value, recorded, step) for name, value, step in curves]
        changed = [RunTag(key, value) for key, value in (tags or {}).items()]
        if len(fields) <= _MOST_PARAMS and len(fields) + len(numbers) + len(changed) <= _MOST:
            self.client.log_batch(run, params=fields, metrics=numbers, tags=changed)
            return
        self.client.log_batch(run, params=fields, metrics=numbers)
        self.client.log_batch(run, tags=changed)


def _shown(value: float) -> float:
    """Return a number with 12 digits: MLflow's pages show all 17, and 0.078 as 0.07799999999999999."""
    return float(f"{float(value):.12g}")


def _renamed(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return `names.json`, which keeps names and long values that MLflow does not accept; nothing if there are none."""
    keys, values = as_keys(params), {name: str(value) for name, value in params.items()}
    if all(name == key and values[name] == fitting(values[name]) for name, key in keys.items()):
        return {}
    return {"names.json": {"keys": keys, "values": values}}


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
