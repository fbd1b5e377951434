"""Record an experiment, its explanations and views, and comparisons of experiments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pellucid import files, plugins, tables
from pellucid.compare import leaderboard, view_measures
from pellucid.config.shown_examples import told
from pellucid.config.variants import variants
from pellucid.explain.shared import stored_maps
from pellucid.tasks import SINGLE_LABEL
from pellucid.tracking import logged_model, notes, score_metrics, summaries, uploads
from pellucid.tracking.runs import Entry, Runs, fitting
from pellucid.tracking.settings_in_words import device_of, effective, flat, target_in_words
from pellucid.tracking.uploads import at, below
from pellucid.user_text import in_markdown, readable

_STUDY = "pellucid.study"
_PARENT = "mlflow.parentRunId"
# Settings that may change while the parent run stays the same: none of them changes the model.
_LATER = ("methods", "views", "scores", "examples", "figures", "title")


class Record(Runs):
    """Writes results to runs of one MLflow experiment.

    Attributes:
        recorded: the files of an experiment that are recorded.
        copies_arrays: whether the arrays of explanations and views are copied, rather than their paths and digests.
    """

    recorded: frozenset[Path] = frozenset()
    copies_arrays: bool = False

    def experiment(self, name: str, settings: Mapping[str, Any], threads: int, study: str) -> str:
        """Record the parent run: configuration, learning curves, metrics, figures, model, data set; return its id."""
        data = files.read_json(self.folder / "data" / "data.json")
        training = files.read_json(self.folder / "model" / "training.json")
        # Examples without labels are predicted, and nothing is evaluated.
        evaluated = self.folder / "evaluation" / "metrics.json" in self.recorded
        metrics = files.read_json(self.folder / "evaluation" / "metrics.json") if evaluated else {}
        of_model = {key: value for key, value in settings.items() if key not in _LATER}
        self.digest = files.digest([name, of_model, data["digest"], training["weights_digest"], metrics])
        board = self._leaderboard
        best = best_explanation(board) if board else ""
        leading = score_metrics.leading()
        score = self._scores.get(best, {}).get(leading, math.nan)
        # If no explanation leads any more, NaN replaces the value of the former leader.
        scores = {leading: score} if board and any(leading in of_label for of_label in self._scores.values()) else {}
        note = notes.note_of(settings["title"], data, metrics.pop("notes", []))
        tags = {
            "mlflow.note.content": notes.with_leaderboard(note, board, "" if math.isnan(score) else best),
            "pellucid.kind": "experiment",
            "pellucid.rule": "train",
            "pellucid.experiment": name,
            "pellucid.seed": str(settings["seed"]),
            "pellucid.title": fitting(readable(settings["title"])),
            "pellucid.task": data.get("task", SINGLE_LABEL),
            **({_STUDY: study} if study else {}),
            **({"pellucid.device": device_of(training["device"])} if "device" in training else {}),
            **({"pellucid.best_explanation": best or "none"} if board else {}),
            **({"pellucid.chance": self._chance()} if evaluated else {}),
        }
        entry = Entry(
            name=name,
            digest=self.digest,
            computed=self.folder / "model" / "training.json",
            seconds=files.read_json(self.folder / "model" / "cost.json")["seconds"],
            params={**flat(of_model), "threads": threads},
            tags=tags,
            attached=self._of_experiment(),
            metrics={key: value for key, value in metrics.items() if value is not None}
            | {"best_epoch": training["best_epoch"], "parameters": training["parameters"]},
            scores=scores,
            curves=self._curves(),
            documents={"configuration.json": dict(settings)},
            digests={
                "configuration digest": files.digest(of_model),
                "data digest": data["digest"],
                "model digest": training["weights_digest"],
            },
        )

        def log_model(run: str) -> str:
            return logged_model.log(self, run, name, entry.params)

        return self.write(entry, log_model)

    def _chance(self) -> str:
        """Return whether the model is better than chance, in words."""
        sentence = files.read_json(self.folder / "evaluation" / "chance.json")["sentence"]
        return fitting(sentence) or "better than chance"

    def children(
        self, write: Callable[..., str], plugins: Mapping[str, Mapping[str, Any]], name: str, parent: str, *more: Any
    ) -> dict[str, str]:
        """Record every variant of every method or view by `write`, several at a time; return the ids by label."""
        calls = {
            label: partial(write, name, parent, plugin, label, values, *more)
            for plugin, parameters in plugins.items()
            for label, values in variants(plugin, parameters).items()
        }
        return dict(zip(calls, uploads.together(list(calls.values()), self.threads), strict=True))

    def explanation(
        self,
        name: str,
        parent: str,
        method: str,
        label: str,
        parameters: Mapping[str, Any],
        settings: Mapping[str, Any],
    ) -> str:
        """Record a variant of a method as a child run: parameters, cost, scores, checks, figure; return its id.

        Args:
            name: of the experiment.
            parent: id of its run.
            method: name of the method.
            label: of the variant.
            parameters: of the variant.
            settings: of the experiment: how the examples were chosen, and the parameters of the scores.
        """
        folder, spec = self.folder / "explain" / method, plugins.spec("explain", method)
        arrays = files.read_arrays(folder / "attributions.npz")
        values, _ = stored_maps.maps_of(arrays, label)
        explained = [arrays[key] for key in ("indices", "inputs", "targets")]
        cost, scores = files.read_json(folder / "cost.json")[label], self._scores.get(label, {})
        tags = self._of_child(name, parent, "explanation", method, f"explain_{method}")
        tags["pellucid.target"] = fitting(readable(target_in_words(settings["examples"].get("target", "predicted"))))
        tags["mlflow.note.content"] = notes.with_scores(f"{spec.title}. {spec.paper}", scores)
        checks = self.folder / "score" / "checks.csv"
        if checks in self.recorded:
            tags["pellucid.failed_checks"] = leaderboard.failed(checks, [label])[0] or "none"
        return self.write(
            Entry(
                name=run_name(name, label),
                digest=files.digest([self.digest, label, parameters, explained, values]),
                computed=folder / "cost.json",
                seconds=cost["seconds"],
                params={**flat(effective(parameters)), "method": method, "experiment": name},
                settings=flat({"examples": told(settings["examples"])}) | score_metrics.parameters(settings["scores"]),
                tags=tags,
                attached=self._pictures_of(folder, label, "explanation")
                + self._copied(folder / "attributions.npz")
                + summaries.attached(self.recorded, self.folder, label),
                metrics={key: cost[key] for key in ("seconds", "forward_passes", "backward_passes", "examples")}
                | files.read_json(folder / "checks.json")[label],
                scores=scores,
                documents=self._referred(folder / "attributions.npz", arrays)
                | summaries.references(self.recorded, self.folder, label),
                digests={"experiment digest": self.digest},
            )
        )

    def view(self, name: str, parent: str, view: str, label: str, parameters: Mapping[str, Any]) -> str:
        """Record a variant of a view as a child run: parameters, cost, texts, figure; return its id."""
        folder, spec = self.folder / "views" / view, plugins.spec("views", view)
        arrays = files.read_arrays(folder / f"{label}.npz")
        cost = files.read_json(folder / f"{label}.json")
        tags = self._of_child(name, parent, "view", view, f"view_{view}")
        texts = below("", [folder / f"{label}.{suffix}" for suffix in spec.texts])
        measures = folder.with_name(f"{view}_measures.csv")
        measured = view_measures.means(measures, label) if measures in self.recorded else {}
        texts += [at("", measures)] if measured else []
        return self.write(
            Entry(
                name=run_name(name, label),
                digest=files.digest([self.digest, label, parameters, arrays]),
                computed=folder / f"{label}.json",
                seconds=cost["seconds"],
                params={**flat(parameters), "view": view, "experiment": name},
                tags={**tags, "mlflow.note.content": f"{spec.title}. {spec.paper}"},
                attached=self._pictures_of(folder, label, "view") + texts + self._copied(folder / f"{label}.npz"),
                metrics={key: cost[key] for key in ("seconds", "forward_passes", "backward_passes")}
                | {f"{view}/{name}": mean for name, mean in measured.items()},
                documents=self._referred(folder / f"{label}.npz", arrays),
                digests={"experiment digest": self.digest},
            )
        )

    def comparison(
        self,
        name: str,
        kind: str,
        note: str,
        params: Mapping[str, Any],
        tables: Sequence[Path],
        attached: Sequence[Path],
    ) -> str:
        """Record a comparison as a run of its own, with its tables and figures; return its id."""
        tags = {
            "mlflow.note.content": notes.with_csv(in_markdown(note), tables[0]),
            "pellucid.kind": kind,
            "pellucid.rule": f"track_{kind}",
            **({_STUDY: name} if kind == "study" else {}),
        }
        return self.write(
            Entry(
                name=name,
                digest=files.digest([kind, name, params, [files.sha256(path) for path in tables]]),
                computed=tables[0],
                seconds=0,
                params=params,
                tags=tags,
                attached=[at(_folder_of(path), path) for path in (*tables, *attached)],
            )
        )

    def _of_experiment(self) -> list[tuple[Path, str]]:
        """Return the files of the parent run, each with its path among them."""
        data, model, evaluation = (self.folder / name for name in ("data", "model", "evaluation"))
        attached = below("figures", [path for folder in (data, model, evaluation) for path in self._pictures(folder)])
        for name in ("*.csv", "metrics.json", "thresholds.json"):
            attached += below("evaluation", self._files(evaluation, name))
        attached += [at("training", model / "history.csv"), at("data", data / "data.json")]
        compared = self.folder / "score"
        attached += below("scores", self._files(compared, "*.csv"))
        attached += below("", self._files(self.folder, "page.html"))
        attached += below("figures/scores", [*self._pictures(compared), *self._pictures(self.folder / "explain")])
        for path in [*self._files(compared, "*/*.csv"), *self._pictures(compared, "*/")]:
            attached.append(at(f"{_folder_of(path)}/scores/{path.parent.name}".lstrip("/"), path))
        return attached

    @staticmethod
    def _of_child(name: str, parent: str, kind: str, plugin: str, rule: str) -> dict[str, str]:
        key = "pellucid.method" if kind == "explanation" else "pellucid.view"
        return {
            _PARENT: parent,
            "pellucid.kind": kind,
            "pellucid.rule": rule,
            "pellucid.experiment": name,
            key: plugin,
        }

    def _copied(self, path: Path) -> list[tuple[Path, str]]:
        return [at("", path)] if self.copies_arrays else []

    def _referred(self, path: Path, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return `arrays.json`: the path, the digest and the content of a file of arrays."""
        content = {name: f"{array.dtype} {list(array.shape)}" for name, array in arrays.items()}
        reference = {
            "path": str(files.in_results(path)),
            "sha256": files.sha256(path),
            "bytes": path.stat().st_size,
            "arrays": content,
        }
        return {"arrays.json": reference}

    @cached_property
    def _leaderboard(self) -> Path | None:
        path = self.folder / "score" / "leaderboard.csv"
        return path if path in self.recorded else None

    @cached_property
    def _scores(self) -> dict[str, dict[str, float]]:
        """Mean of every score over all examples, by explanation and metric."""
        return score_metrics.means(self._files(self.folder / "score", "*/scores.csv"), self._leaderboard)

    def _files(self, folder: Path, pattern: str) -> list[Path]:
        depth = len(folder.parts) + 1 + pattern.count("/")
        inside = (path for path in self.recorded if path.is_relative_to(folder) and len(path.parts) == depth)
        return sorted(path for path in inside if path.match(pattern))

    def _pictures(self, folder: Path, inside: str = "") -> list[Path]:
        return sorted([*self._files(folder, f"{inside}*.png"), *self._files(folder, f"{inside}*.svg")])

    def _pictures_of(self, folder: Path, label: str, name: str) -> list[tuple[Path, str]]:
        """Return the figures of a variant under one name: MLflow compares files of one name that are in no folder."""
        return [(path, f"{name}{path.suffix}") for path in self._pictures(folder) if path.stem == label]

    def _curves(self) -> list[tuple[str, float, int]]:
        """Return the name, the value and the epoch of every point of the curves of the training."""
        import pandas as pd

        table = pd.read_csv(self.folder / "model" / "history.csv", index_col="epoch")
        return [(f"epoch_{name}", float(value), int(epoch)) for name in table for epoch, value in table[name].items()]


def _folder_of(path: Path) -> str:
    return "figures" if path.suffix in (".png", ".svg") else ""


def run_name(experiment: str, label: str) -> str:
    """Return the name of the run of an explanation or a view."""
    return f"{experiment} · {label}"


def best_explanation(board: Path) -> str:
    """Return the explanation with the best mean rank among those that failed no check; empty if there is none."""
    ranked = tables.read(board, index="explanation")
    ranked = ranked[ranked["mean rank"].notna() & ranked["failed checks"].isna() & (ranked["family"] != "control")]
    return str(ranked.index[0]) if len(ranked) else ""
