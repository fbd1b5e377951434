"""Results of one experiment on disk, made by hand, and the MLflow experiment that they are recorded in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pellucid import files, plugins, tracking
from pellucid.config.variants import variants

SHAPE, CLASSES, EPOCHS = (6, 1), 3, 3

SETTINGS: dict[str, Any] = {
    "title": "Three kinds of bump",
    "seed": 5,
    "dataset": {"source": "bumps", "width": 2},
    "model": {"architecture": "linear"},
    "training": {"epochs": EPOCHS, "class_weights": "none"},
    "examples": {"per_class": 1},
    "methods": {"saliency": {"mode": "absolute"}, "occlusion": {"sweep": {"window": [2, 3]}, "baseline": "zero"}},
    "views": {},
    "scores": {"localisation": {"share": 0.1}, "cost": {}},
}

METRICS = {"accuracy": 0.75, "log_loss": 0.5, "macro_auroc": None}


def every(record: dict[str, Any]) -> set[str]:
    """The ids of all runs that a record names."""
    return {record["run"], *record["explanations"].values(), *record["views"].values()}


class Project:
    """Results of one experiment on disk, made by hand, and the MLflow experiment that they are recorded in."""

    def __init__(self, folder: Path, uri: str, experiment: str, model: Any) -> None:
        self.root, self.uri, self.experiment, self.model = folder, uri, experiment, model
        self.results = folder / "results" / "bumps"
        self.settings = SETTINGS
        rng = np.random.default_rng(1)
        self.x_test = rng.standard_normal((9, *SHAPE)).astype(np.float32)
        files.write_array(self.results / "data" / "x_test.npy", self.x_test)
        self.data = {
            "title": "Bumps",
            "licence": "CC0",
            "citation": "Nobody. Bumps (2020)",
            "homepage": "https://example.org/bumps",
            "source": "bumps",
            "digest": files.digest(self.x_test),
        }
        files.write_json(self.results / "data" / "data.json", self.data)
        files.write(self.results / "model" / "model.keras", model.save)
        self.write_history(EPOCHS)
        self.training = {
            "best_epoch": 2,
            "parameters": model.count_params(),
            "weights_digest": files.digest([np.asarray(weight) for weight in model.get_weights()]),
            "versions": {"numpy": np.__version__},
        }
        files.write_json(self.results / "model" / "training.json", self.training)
        files.write_json(self.results / "model" / "cost.json", {"seconds": 61.5, "epochs": EPOCHS})
        files.write_json(self.results / "evaluation" / "metrics.json", METRICS)
        files.write_json(self.results / "evaluation" / "chance.json", {"sentence": "The model is no better."})
        for name in ("per_class", "confusion_matrix", "reliability", "predictions"):
            (self.results / "evaluation" / f"{name}.csv").write_text(f"{name}\n1\n")
        for name in ("data/examples", "model/history", "evaluation/confusion_matrix", "evaluation/reliability"):
            self.draw(name)
        for method in SETTINGS["methods"]:
            self.explain(method)

    def view(self, scale: float = 1.0) -> None:
        """Results of two variants of a view."""
        self.settings = {**SETTINGS, "views": {"architecture": {"sweep": {"shown": [3, 4]}}}}
        folder = self.results / "views" / "architecture"
        for label in variants("architecture", self.settings["views"]["architecture"]):
            files.write_arrays(folder / f"{label}.npz", {"parameters": scale * np.arange(4)})
            files.write_json(folder / f"{label}.json", {"seconds": 0.5, "forward_passes": 3, "backward_passes": 1})
            for suffix in plugins.spec("views", "architecture").texts:
                (folder / f"{label}.{suffix}").write_text(f"layers as {suffix}")
            self.draw(f"views/architecture/{label}")

    def write_history(self, epochs: int) -> None:
        rows = [f"{epoch},{1 / epoch},{epoch / (epoch + 1)}" for epoch in range(1, epochs + 1)]
        (self.results / "model" / "history.csv").write_text("\n".join(["epoch,loss,val_accuracy", *rows]) + "\n")

    def draw(self, name: str, content: str = "first") -> None:
        for suffix in ("png", "svg"):
            (self.results / f"{name}.{suffix}").write_text(f"{name} {suffix} {content}")

    def explain(self, method: str, scale: float = 1.0) -> None:
        runs = variants(method, self.settings["methods"][method])
        folder = self.results / "explain" / method
        arrays = {
            "indices": np.array([0, 4]),
            "inputs": self.x_test[[0, 4]],
            "targets": np.array([1, 2]),
            "variants": np.array(list(runs)),
            "attributions": scale * np.stack([self.x_test[[0, 4]] + index for index in range(len(runs))]),
        }
        files.write_arrays(folder / "attributions.npz", arrays)
        cost = {"seconds": 0.25, "forward_passes": 12, "backward_passes": 2, "examples": 2}
        files.write_json(folder / "cost.json", dict.fromkeys(runs, cost))
        files.write_json(folder / "checks.json", {label: {"completeness_residual": 0.125} for label in runs})
        for label in runs:
            self.draw(f"explain/{method}/{label}")

    def score(self, name: str, lines: list[str]) -> None:
        """Write the table of a score."""
        folder = self.results / "score" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scores.csv").write_text("\n".join(lines) + "\n")

    def track(self, **changes: Any) -> dict[str, Any]:
        """Record the results; return what `tracking.json` holds."""
        arguments = {
            "uri": self.uri,
            "experiment": self.experiment,
            "name": "bumps",
            "settings": self.settings,
            "threads": 2,
            "folder": self.results,
            "recorded": [*self.results.rglob("*.*")],
            "root": self.root,
            "output": self.root / "tracking.json",
        }
        tracking.track(**{**arguments, **changes})
        return files.read_json(self.root / "tracking.json")

    def compare(self, **changes: Any) -> dict[str, Any]:
        """Record a study; return what its `tracking.json` holds."""
        for name in ("summary.csv", "members.csv", "members.png"):
            if not (self.root / name).exists():
                (self.root / name).write_text("n\n2\n")
        arguments = {
            "uri": self.uri,
            "experiment": self.experiment,
            "name": "rates",
            "kind": "study",
            "note": "Rates",
            "params": {"model.filters": [[8], [16]]},
            "tables": [self.root / "summary.csv"],
            "attached": [self.root / "members.csv", self.root / "members.png"],
            "root": self.root,
            "output": self.root / "study.json",
        }
        tracking.track_comparison(**{**arguments, **changes})
        return files.read_json(self.root / "study.json")

    @property
    def client(self) -> Any:
        import mlflow

        return mlflow.MlflowClient(tracking_uri=self.uri)

    @property
    def experiment_id(self) -> str:
        return self.client.get_experiment_by_name(self.experiment).experiment_id

    def runs(self) -> dict[str, Any]:
        """Every run that is not deleted, by its id."""
        return {run.info.run_id: run for run in self.client.search_runs([self.experiment_id])}

    def parent(self) -> Any:
        """The run of the experiment, after a new record."""
        run = self.track()["run"]
        return self.runs()[run]

    def models(self) -> list[Any]:
        return list(self.client.search_logged_models([self.experiment_id]))

    def artifacts(self, run: str, path: str | None = None) -> set[str]:
        found = self.client.list_artifacts(run, path)
        return {one.path for one in found if not one.is_dir}.union(
            *(self.artifacts(run, one.path) for one in found if one.is_dir)
        )

    def artifact(self, run: str, path: str) -> Path:
        return Path(self.client.download_artifacts(run, path, str(self.root)))

    def digests(self) -> dict[str, str]:
        """Of every file of the results."""
        return {str(path): files.sha256(path) for path in self.results.rglob("*") if path.is_file()}
