"""The record in MLflow, and the only file that imports it.

One MLflow experiment for the project; in it one parent run per Pellucid experiment, one child run per variant of each
method and of each view, and a run for each study and for the leaderboard over experiments. A run is known by the digest
of what it records (`pellucid.digest`): the same results recorded twice are one run. Results on disk are the
truth; the record can be made again at any time.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import numpy as np

from pellucid import backend, files, plugins, tables
from pellucid.errors import InputError
from pellucid.explain.variants import variants
from pellucid.score import leaderboard
from pellucid.words import as_keys, in_markdown, readable

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

logger = logging.getLogger(__name__)

ARTIFACTS = Path("results/mlflow/artifacts")
_DIGEST = "pellucid.digest"
_FILES = "pellucid.files"
_SCORES = "pellucid.scores"
_STUDY = "pellucid.study"
_PARENT = "mlflow.parentRunId"
# In names such as "accuracy mean/learning rate 0.001, filters [8]", which the project makes.
_PUNCTUATION = ',=():[]{}"'
_LONGEST_VALUE = 5000  # characters of a parameter or tag that every kind of store takes
_ANSWER = 10  # seconds that a server may take to say that it is there


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


def ensure(uri: str, experiment: str) -> str:
    """Create what is missing of the store and the experiment; return the experiment's id."""
    with _answering(uri):
        if not uri.startswith("http"):
            if path := _database(uri):
                path.parent.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "mlflow", "db", "upgrade", uri]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                lines = done.stderr.strip().splitlines()
                raise InputError("tracking.uri", f"{uri} ({lines[-1] if lines else 'no answer'})", "a database")
        client = _client(uri)
        found = _found(client, uri, experiment)
        if found is not None:
            return str(found.experiment_id)
        # A server stores artifacts where it was told to; beside a database file they lie next to it, and those of any
        # other database under results/.
        place = path.parent / "artifacts" if (path := _database(uri)) else ARTIFACTS
        location = None if uri.startswith("http") else place.resolve().as_uri()
        return str(client.create_experiment(experiment, artifact_location=location))


def track(
    *,
    uri: str,
    experiment: str,
    name: str,
    settings: Mapping[str, Any],
    threads: int,
    folder: Path | str,
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
        root: of the project, for the commit and the lock file.
        output: gets the ids of the runs as JSON.
        study: that it is a member of; empty for none.

    Raises:
        InputError: the store does not answer.
    """
    with _record(uri, experiment, Path(folder), Path(root)) as record:
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
    with _record(uri, experiment, Path(output).parent, Path(root)) as record:
        run = record.comparison(name, kind, note, params, metrics, list(map(Path, tables)), list(map(Path, attached)))
    files.write_json(output, {"uri": uri, "experiment": experiment, "run": run})
    logger.info("recorded as run %s", run)


def restore(uri: str, experiment: str) -> None:
    """Restore the MLflow experiment where it was deleted on MLflow's page; what else is wrong, the server tells."""
    from mlflow.exceptions import MlflowException

    with _answering(uri), suppress(MlflowException):
        _found(_client(uri), uri, experiment)


@contextmanager
def _record(uri: str, experiment: str, folder: Path, root: Path) -> Iterator[_Record]:
    """The store, which must be there with its experiment, opened to write to."""
    if (path := _database(uri)) and not path.is_file():
        raise InputError(
            "tracking.uri", f"no database at {path}", "one", "Make it: snakemake --cores 1 --forcerun tracking_store"
        )
    with _answering(uri):
        client = _client(uri)
        found = _found(client, uri, experiment)
        if found is None:
            raise InputError(
                "tracking.experiment",
                f'no experiment "{experiment}" in {uri}',
                "one",
                "Make it: snakemake --cores 1 --forcerun tracking_store",
            )
        record = _Record(client, found.experiment_id, folder, _origin(root))
        try:
            yield record
        except BaseException:
            # What is half recorded is shown as such, and replaced by the next try.
            record.fail()
            raise


def _found(client: MlflowClient, uri: str, experiment: str) -> Experiment | None:
    """The MLflow experiment, restored where it was deleted on MLflow's page; None where there is none of that name."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(experiment)
    if found is None:
        return None
    _check_place(found, uri)
    if found.lifecycle_stage == "deleted":
        try:
            client.restore_experiment(found.experiment_id)
            logger.info('the MLflow experiment "%s", which was deleted on MLflow\'s page, is restored', experiment)
        except MlflowException:
            # Another job was quicker.
            if client.get_experiment(found.experiment_id).lifecycle_stage == "deleted":
                raise
    return found


class _Record:
    """Writes runs of one experiment to one store."""

    def __init__(self, client: MlflowClient, experiment_id: str, folder: Path, origin: Mapping[str, str]) -> None:
        self.client, self.experiment_id, self.folder, self.origin = client, experiment_id, folder, origin
        self.unfinished: list[str] = []

    def fail(self) -> None:
        """Mark every run that was begun and not finished as failed, so that none is shown as running for ever."""
        for run in self.unfinished:
            # The store may be what failed.
            with suppress(Exception):
                self.client.set_terminated(run, "FAILED")

    def experiment(self, name: str, settings: Mapping[str, Any], threads: int, study: str) -> str:
        """The parent run: configuration, learning curves, scores, figures, model and data set."""
        data = files.read_json(self.folder / "data" / "data.json")
        training = files.read_json(self.folder / "model" / "training.json")
        metrics = files.read_json(self.folder / "evaluation" / "metrics.json")
        # What is explained, and how, belongs to the child runs: another window is no other experiment.
        own = {
            key: value
            for key, value in settings.items()
            if key not in ("methods", "views", "scores", "examples", "title")
        }
        self.digest = files.digest([name, own, data["digest"], training["weights_digest"], metrics])
        parts = {part: self.folder / part for part in ("data", "model", "evaluation")}
        attached = [(path, "figures") for folder in parts.values() for path in _pictures(folder)]
        attached += [(path, "evaluation") for path in sorted(parts["evaluation"].glob("*.csv"))]
        attached += [(parts["evaluation"] / "metrics.json", "evaluation")]
        attached += [(parts["model"] / "history.csv", "training"), (parts["data"] / "data.json", "data")]
        compared = self.folder / "score"
        attached += [(path, "scores") for path in sorted(compared.glob("*.csv"))]
        attached += [(path, f"scores/{path.parent.name}") for path in sorted(compared.glob("*/*.csv"))]
        attached += [(path, "figures/scores") for path in [*_pictures(compared), *_pictures(self.folder / "explain")]]
        attached += [(path, f"figures/scores/{path.parent.name}") for path in _pictures(compared, "*/")]
        run, new = self._run(
            name,
            self.digest,
            attached,
            {
                "mlflow.note.content": _note(settings["title"], data, metrics.pop("notes", [])),
                "pellucid.kind": "experiment",
                "pellucid.experiment": name,
                "pellucid.title": _cut(readable(settings["title"])),
                **({_STUDY: study} if study else {}),
            },
        )
        if not new:
            return run
        self._log(
            run,
            params={**_flat(own), "threads": threads},
            metrics={key: value for key, value in metrics.items() if value is not None}
            | {"best_epoch": training["best_epoch"], "parameters": training["parameters"]},
            tags={
                "pellucid.rule": "train",
                "pellucid.seed": settings["seed"],
                "pellucid.config_digest": files.digest(own),
                "pellucid.data_digest": data["digest"],
                "pellucid.model_digest": training["weights_digest"],
            },
        )
        self._curves(run)
        self._model_and_data(run, name, data, training)
        self._finish(run)
        return run

    def explanation(self, name: str, parent: str, method: str, label: str, chosen: Mapping[str, Any]) -> str:
        """A child run: parameters, passes, time, arrays and the figure of one variant of a method."""
        folder = self.folder / "explain" / method
        arrays = files.read_arrays(folder / "attributions.npz")
        values = arrays["attributions"][list(arrays["variants"]).index(label)]
        explained = [arrays[key] for key in ("indices", "inputs", "targets")]
        digest = files.digest([self.digest, label, chosen, explained, values])
        attached = [(path, "figures") for path in _pictures(folder) if path.stem == label]
        attached += [(folder / "attributions.npz", "")]
        run, new = self._run(
            label,
            digest,
            attached,
            {
                _PARENT: parent,
                "pellucid.kind": "explanation",
                "pellucid.experiment": name,
                "pellucid.method": method,
                "pellucid.experiment_digest": self.digest,
            },
        )
        self._score(run, label)
        if not new:
            return run
        spec, cost = plugins.spec("explain", method), files.read_json(folder / "cost.json")[label]
        self._log(
            run,
            params={**_flat(chosen), "method": method, "experiment": name},
            metrics={key: cost[key] for key in ("seconds", "forward_passes", "backward_passes", "examples")}
            | files.read_json(folder / "checks.json")[label],
            tags={"mlflow.note.content": f"{spec.title}. {spec.paper}", "pellucid.rule": f"explain_{method}"},
        )
        self._finish(run)
        return run

    def comparison(
        self,
        name: str,
        kind: str,
        note: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tables: Sequence[Path],
        attached: Sequence[Path],
    ) -> str:
        """A run of its own: what was compared, its tables and figures."""
        digest = files.digest([kind, name, params, [files.sha256(path) for path in tables]])
        places = [(path, "figures" if path.suffix in (".png", ".svg") else "") for path in (*tables, *attached)]
        tags = {"mlflow.note.content": in_markdown(note), "pellucid.kind": kind}
        tags |= {_STUDY: name} if kind == "study" else {}
        run, new = self._run(name, digest, places, tags)
        if not new:
            return run
        self._log(run, params=params, metrics=metrics, tags={"pellucid.rule": f"track_{kind}"})
        self._finish(run)
        return run

    def _score(self, run: str, label: str) -> None:
        """The scores of an explanation as metrics of its run, and what it failed as a tag; logged again on change."""
        from mlflow.entities import Metric, RunTag

        scores, checks = self._scores.get(label, {}), self.folder / "score" / "checks.csv"
        (failed,) = leaderboard.failed(checks if checks.is_file() else None, [label])
        held = files.digest([scores, failed])
        if not scores or self.client.get_run(run).data.tags.get(_SCORES) == held:
            return
        now = _now()
        metrics = [Metric(name, value, now, 0) for name, value in scores.items()]
        tags = [RunTag("pellucid.failed_checks", failed or "none")] if checks.is_file() else []
        self.client.log_batch(run, metrics=metrics, tags=[*tags, RunTag(_SCORES, held)])

    @cached_property
    def _scores(self) -> dict[str, dict[str, float]]:
        """By explanation and metric, the mean over all examples of every score."""
        found: dict[str, dict[str, float]] = {}
        for path in sorted((self.folder / "score").glob("*/scores.csv")):
            rows = tables.over_all(tables.read(path))
            for row in rows[rows["mean"].notna()].itertuples():
                found.setdefault(row.explanation, {})[f"score.{path.parent.name}.{row.metric}"] = float(row.mean)
        return found

    def view(self, name: str, parent: str, view: str, label: str, chosen: Mapping[str, Any]) -> str:
        """A child run: parameters, passes, time, arrays, texts and the figure of one variant of a view."""
        folder, spec = self.folder / "views" / view, plugins.spec("views", view)
        arrays = files.read_arrays(folder / f"{label}.npz")
        digest = files.digest([self.digest, label, chosen, arrays])
        attached = [(path, "figures") for path in _pictures(folder) if path.stem == label]
        attached += [(folder / f"{label}.{suffix}", "") for suffix in ("npz", *spec.texts)]
        run, new = self._run(
            label,
            digest,
            attached,
            {
                _PARENT: parent,
                "pellucid.kind": "view",
                "pellucid.experiment": name,
                "pellucid.view": view,
                "pellucid.experiment_digest": self.digest,
            },
        )
        if not new:
            return run
        cost = files.read_json(folder / f"{label}.json")
        self._log(
            run,
            params={**_flat(chosen), "view": view, "experiment": name},
            metrics={key: cost[key] for key in ("seconds", "forward_passes", "backward_passes")},
            tags={"mlflow.note.content": f"{spec.title}. {spec.paper}", "pellucid.rule": f"view_{view}"},
        )
        self._finish(run)
        return run

    def _run(
        self, name: str, digest: str, attached: list[tuple[Path, str]], tags: Mapping[str, str]
    ) -> tuple[str, bool]:
        """The run that records `digest`: the finished one, brought up to date, or a new one (then True)."""
        held = files.digest([files.sha256(path) for path, _ in attached])
        finished = None
        for found in self._search(digest):
            if finished is None and found.info.status == "FINISHED":
                finished = found
            else:
                # A process that was killed leaves its run open for ever: it is replaced.
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

        now, values = _now(), {name: str(value) for name, value in params.items()}
        of_params, of_metrics = as_keys(params), as_keys(metrics, _PUNCTUATION)
        if any(name != key for name, key in of_params.items()) or any(
            value != _cut(value) for value in values.values()
        ):
            self.client.log_dict(run, {"keys": of_params, "values": values}, "names.json")
        logged = [Param(of_params[name], _cut(value)) for name, value in values.items()]
        for start in range(0, len(logged), 100):
            self.client.log_batch(run, params=logged[start : start + 100])
        numbers = [Metric(of_metrics[name], float(value), now, 0) for name, value in metrics.items()]
        for start in range(0, len(numbers), 1000):
            self.client.log_batch(run, metrics=numbers[start : start + 1000])
        self.client.log_batch(run, tags=[RunTag(key, _cut(str(value))) for key, value in tags.items()])

    def _curves(self, run: str) -> None:
        """Epoch curves, in calls of 1,000 values, MLflow's limit: one call each would take a hundred times as long."""
        import pandas as pd
        from mlflow.entities import Metric

        now = _now()
        table = pd.read_csv(self.folder / "model" / "history.csv", index_col="epoch")
        values = [
            Metric(f"epoch_{name}", float(value), now, int(epoch))
            for name in table.columns
            for epoch, value in table[name].items()
        ]
        for start in range(0, len(values), 1000):
            self.client.log_batch(run, metrics=values[start : start + 1000])

    def _model_and_data(self, run: str, name: str, data: Mapping[str, Any], training: Mapping[str, Any]) -> None:
        """The model with its signature and an input example, and the data set by `log_input`."""
        backend.start()
        import keras
        import mlflow.tensorflow
        from mlflow.data.http_dataset_source import HTTPDatasetSource
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.models import infer_signature

        keras.config.disable_interactive_logging()
        safe = not training.get("allow_code", False)
        model = keras.models.load_model(self.folder / "model" / "model.keras", compile=False, safe_mode=safe)
        example = files.map_array(self.folder / "data" / "x_test.npy")[:1]
        requirements = [f"{package}=={version}" for package, version in training["versions"].items()]
        # Only the fluent interface logs models: it gets this run, and finishes it, so that this comes last.
        with mlflow.start_run(run_id=run):
            # mlflow.keras cannot store an input example (it writes into a folder that is not there yet); this one can.
            mlflow.tensorflow.log_model(
                model,
                name=name,
                signature=infer_signature(example, model(example).numpy()),
                input_example=np.asarray(example),
                pip_requirements=requirements,
                # Not the temporary file that Snakemake runs.
                tags={"mlflow.source.name": "pellucid"},
            )
            source = HTTPDatasetSource(data["homepage"])
            # MLflow allows 36 characters for a digest.
            mlflow.log_input(
                MetaDataset(source, name=data["source"], digest=data["digest"][:36]),
                context="train, validation, test",
                tags={"licence": data["licence"], "citation": data["citation"][:500]},
            )


def _client(uri: str) -> MlflowClient:
    import mlflow

    mlflow.set_tracking_uri(uri)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return mlflow.MlflowClient(tracking_uri=uri)


@contextmanager
def _answering(uri: str) -> Iterator[None]:
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


def _check_place(experiment: Experiment, uri: str) -> None:
    """MLflow keeps absolute paths: a project that was moved would go on writing where it once was.

    Raises:
        InputError: as said.
    """
    path = _database(uri)
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


def _database(uri: str) -> Path | None:
    """The file of a sqlite store."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _origin(root: Path) -> dict[str, str]:
    """Tags that say which code and which packages made the results."""
    commit = _git(root, "rev-parse", "HEAD")
    # A project that was unpacked inside another repository is none of that one's.
    top = _git(root, "rev-parse", "--show-toplevel")
    commit = commit if top and Path(top).resolve() == root.resolve() else None
    changed = _git(root, "status", "--porcelain")
    lock = root / "envs" / "lock.txt"
    return {
        "mlflow.source.git.commit": commit or "unknown",
        "mlflow.source.name": "pellucid",
        "pellucid.git_dirty": "unknown" if commit is None else str(bool(changed)).lower(),
        "pellucid.lock_digest": files.sha256(lock) if lock.is_file() else "unknown",
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _pictures(folder: Path, below: str = "") -> list[Path]:
    return sorted([*folder.glob(f"{below}*.png"), *folder.glob(f"{below}*.svg")])


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted names."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _note(title: str, data: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    source = f"Data: {data['title']}. Licence: {data['licence']}. Cite: {data['citation']}. {data['homepage']}"
    about = f"{in_markdown(title)}\n\n{source}"
    return "\n\n".join([about, *(f"- {in_markdown(note)}" for note in (*data.get("notes", ()), *notes))])


def _cut(value: str) -> str:
    """A value of the length that MLflow takes."""
    return value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…"


def _now() -> int:
    return int(time.time() * 1000)
