"""Record an experiment, its explanations and views, and comparisons of experiments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import files, plugins, tables
from pellucid.compare import leaderboard
from pellucid.network import runtime
from pellucid.tracking.runs import Runs, fitting, now
from pellucid.user_text import in_markdown, readable

_SCORES = "pellucid.scores"
_STUDY = "pellucid.study"
_PARENT = "mlflow.parentRunId"


class Record(Runs):
    """Writes what Pellucid made to runs of one MLflow experiment.

    Attributes:
        made: the files of an experiment that are recorded.
    """

    made: frozenset[Path] = frozenset()

    def experiment(self, name: str, settings: Mapping[str, Any], threads: int, study: str) -> str:
        """Record the parent run: configuration, learning curves, scores, figures, model, data set; return its id."""
        data = files.read_json(self.folder / "data" / "data.json")
        training = files.read_json(self.folder / "model" / "training.json")
        # Examples without labels are predicted, and nothing is evaluated.
        evaluated = self.folder / "evaluation" / "metrics.json" in self.made
        metrics = files.read_json(self.folder / "evaluation" / "metrics.json") if evaluated else {}
        # Without methods, views, scores, examples and title: a change of a method's parameter makes no new parent run.
        recorded = {
            key: value
            for key, value in settings.items()
            if key not in ("methods", "views", "scores", "examples", "title")
        }
        self.digest = files.digest([name, recorded, data["digest"], training["weights_digest"], metrics])
        parts = {part: self.folder / part for part in ("data", "model", "evaluation")}
        attached = [(path, "figures") for folder in parts.values() for path in self._pictures(folder)]
        attached += [(path, "evaluation") for path in self._files(parts["evaluation"], "*.csv")]
        attached += [(path, "evaluation") for path in self._files(parts["evaluation"], "metrics.json")]
        attached += [(parts["model"] / "history.csv", "training"), (parts["data"] / "data.json", "data")]
        compared = self.folder / "score"
        attached += [(path, "scores") for path in self._files(compared, "*.csv")]
        attached += [(path, f"scores/{path.parent.name}") for path in self._files(compared, "*/*.csv")]
        overviews = [*self._pictures(compared), *self._pictures(self.folder / "explain")]
        attached += [(path, "figures/scores") for path in overviews]
        attached += [(path, f"figures/scores/{path.parent.name}") for path in self._pictures(compared, "*/")]
        run, new = self._run(
            name,
            self.digest,
            attached,
            {
                "mlflow.note.content": note_of(settings["title"], data, metrics.pop("notes", [])),
                "pellucid.kind": "experiment",
                "pellucid.experiment": name,
                "pellucid.title": fitting(readable(settings["title"])),
                **({_STUDY: study} if study else {}),
            },
        )
        if not new:
            return run
        self._log(
            run,
            params={**_flat(recorded), "threads": threads},
            metrics={key: value for key, value in metrics.items() if value is not None}
            | {"best_epoch": training["best_epoch"], "parameters": training["parameters"]},
            tags={
                "pellucid.rule": "train",
                "pellucid.seed": settings["seed"],
                "pellucid.config_digest": files.digest(recorded),
                "pellucid.data_digest": data["digest"],
                "pellucid.model_digest": training["weights_digest"],
            },
        )
        self._curves(run)
        self._model_and_data(run, name, data, training)
        self._finish(run)
        return run

    def explanation(self, name: str, parent: str, method: str, label: str, parameters: Mapping[str, Any]) -> str:
        """Record a variant of a method as a child run: parameters, passes, time, arrays, figure; return its id."""
        folder = self.folder / "explain" / method
        arrays = files.read_arrays(folder / "attributions.npz")
        values = arrays["attributions"][list(arrays["variants"]).index(label)]
        explained = [arrays[key] for key in ("indices", "inputs", "targets")]
        digest = files.digest([self.digest, label, parameters, explained, values])
        attached = [(path, "figures") for path in self._pictures(folder) if path.stem == label]
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
            params={**_flat(parameters), "method": method, "experiment": name},
            metrics={key: cost[key] for key in ("seconds", "forward_passes", "backward_passes", "examples")}
            | files.read_json(folder / "checks.json")[label],
            tags={"mlflow.note.content": f"{spec.title}. {spec.paper}", "pellucid.rule": f"explain_{method}"},
        )
        self._finish(run)
        return run

    def view(self, name: str, parent: str, view: str, label: str, parameters: Mapping[str, Any]) -> str:
        """Record a variant of a view as a child run: parameters, passes, time, arrays, texts, figure; return its id."""
        folder, spec = self.folder / "views" / view, plugins.spec("views", view)
        arrays = files.read_arrays(folder / f"{label}.npz")
        digest = files.digest([self.digest, label, parameters, arrays])
        attached = [(path, "figures") for path in self._pictures(folder) if path.stem == label]
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
            params={**_flat(parameters), "view": view, "experiment": name},
            metrics={key: cost[key] for key in ("seconds", "forward_passes", "backward_passes")},
            tags={"mlflow.note.content": f"{spec.title}. {spec.paper}", "pellucid.rule": f"view_{view}"},
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
        """Record a comparison as a run of its own, with its tables and figures; return its id."""
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
        """Log the scores of an explanation as metrics and its failed checks as a tag, again whenever they change."""
        from mlflow.entities import Metric, RunTag

        scores, checks = self._scores.get(label, {}), self.folder / "score" / "checks.csv"
        (failed,) = leaderboard.failed(checks if checks in self.made else None, [label])
        held = files.digest([scores, failed])
        if not scores or self.client.get_run(run).data.tags.get(_SCORES) == held:
            return
        recorded = now()
        metrics = [Metric(name, value, recorded, 0) for name, value in scores.items()]
        tags = [RunTag("pellucid.failed_checks", failed or "none")] if checks in self.made else []
        self.client.log_batch(run, metrics=metrics, tags=[*tags, RunTag(_SCORES, held)])

    @cached_property
    def _scores(self) -> dict[str, dict[str, float]]:
        """Mean of every score over all examples, by explanation and metric."""
        means: dict[str, dict[str, float]] = {}
        for path in self._files(self.folder / "score", "*/scores.csv"):
            rows = tables.over_all(tables.read(path))
            for row in rows[rows["mean"].notna()].itertuples():
                means.setdefault(row.explanation, {})[f"score.{path.parent.name}.{row.metric}"] = float(row.mean)
        return means

    def _files(self, folder: Path, pattern: str) -> list[Path]:
        depth = len(folder.parts) + 1 + pattern.count("/")
        below = (path for path in self.made if path.is_relative_to(folder) and len(path.parts) == depth)
        return sorted(path for path in below if path.match(pattern))

    def _pictures(self, folder: Path, below: str = "") -> list[Path]:
        return sorted([*self._files(folder, f"{below}*.png"), *self._files(folder, f"{below}*.svg")])

    def _curves(self, run: str) -> None:
        """Log the epoch curves in calls of 1,000 values, MLflow's limit: many small calls are slow."""
        import pandas as pd
        from mlflow.entities import Metric

        recorded = now()
        table = pd.read_csv(self.folder / "model" / "history.csv", index_col="epoch")
        values = [
            Metric(f"epoch_{name}", float(value), recorded, int(epoch))
            for name in table.columns
            for epoch, value in table[name].items()
        ]
        for start in range(0, len(values), 1000):
            self.client.log_batch(run, metrics=values[start : start + 1000])

    def _model_and_data(self, run: str, name: str, data: Mapping[str, Any], training: Mapping[str, Any]) -> None:
        """Log the model with its signature and an input example, and the data set by `log_input`."""
        runtime.start()
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
        # Only the fluent interface logs models. It finishes the run, so that this comes last.
        with mlflow.start_run(run_id=run):
            # mlflow.keras fails to store an input example: it writes into a folder before creating it.
            logged = mlflow.tensorflow.log_model(
                model,
                name=name,
                signature=infer_signature(example, model(example).numpy()),
                input_example=np.asarray(example),
                pip_requirements=requirements,
                # Not the temporary file that Snakemake runs.
                tags={"mlflow.source.name": "pellucid"},
            )
            for other in self.client.search_logged_models([self.experiment_id], f"source_run_id = '{run}'"):
                # A slow server may have begun another one for a request that timed out.
                if other.model_id != logged.model_id:
                    self.client.delete_logged_model(other.model_id)
            source = HTTPDatasetSource(data["homepage"])
            # MLflow allows 36 characters for a digest.
            _log_data_set(
                MetaDataset(source, name=data["source"], digest=data["digest"][:36]),
                {"licence": data["licence"], "citation": data["citation"][:500]},
            )


def _log_data_set(data_set: Any, tags: dict[str, str]) -> None:
    """Attach a data set to the active run.

    MLflow looks for the data set and inserts it if it is new. Where another experiment records the same one at the same
    moment, the insertion fails; the next attempt finds it.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    for last in (False, False, True):
        try:
            mlflow.log_input(data_set, context="train, validation, test", tags=tags)
            return
        except MlflowException as error:
            if last or not re.search("unique|duplicate", str(error), re.IGNORECASE):
                raise


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested settings to dotted names."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def note_of(title: str, data: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """Return the note of an experiment, in Markdown: title, data, licence, citation, and what to know of both."""
    source = f"Data: {data['title']}. Licence: {data['licence']}. Cite: {data['citation']}. {data['homepage']}"
    about = f"{in_markdown(title)}\n\n{source}"
    return "\n\n".join([about, *(f"- {in_markdown(note)}" for note in (*data.get("notes", ()), *notes))])
