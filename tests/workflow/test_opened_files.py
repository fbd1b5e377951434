"""Every file that a script opens below results/ is an input, an output or the log of its rule, for all rules."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import plugins
from tests.conftest import ROOT
from tests.support import tiny
from tests.support.servers import serving

SERIES = {"source": "synthetic_series", "per_class": 12}
NETWORK = {"architecture": "gap_cnn", "filters": [4], "kernels": [5]}
FEW = {
    "kernel_shap": {"samples": 400},
    "lime": {"samples": 400},
    "rise": {"masks": 20},
    "smoothgrad": {"samples": 3},
    "vargrad": {"samples": 3},
    "deep_shap": {"background": 5},
    "gradient_shap": {"background": 5, "samples": 5},
    "attention_gradient": False,
    "attention_rollout": False,
    "attention_weights": False,
    "instance_weights": False,
}
SCORES = {
    "deletion_insertion": {"steps": 2, "baselines": ["zero"]},
    "faithfulness_correlation": {"runs": 3, "baselines": ["zero"]},
    "infidelity": {"runs": 3, "baselines": ["zero"]},
    "parameter_randomisation": {"steps": 2, "examples": 1},
    "random_labels": {"epochs": 1},
    "seed_stability": {"runs": 2},
    "sensitivity": {"samples": 2, "examples": 1},
    "sufficiency": {"fractions": [0.5], "baselines": ["zero"]},
}
VIEWS = {
    "activation_maximisation": {"steps": 3, "shown": 2},
    "pruning": {"densities": [1], "repeats": 1, "points": 20},
    "embedding": {"points": 20, "perplexity": 5, "neighbours": 3},
}
# Whose files no other rule gets: a killed job's outputs are deleted, and a store is a database.
BESIDE = {
    "train": "results/[^/]+/checkpoints(/.*)?",
    "train_random_labels": "results/[^/]+/random_labels/checkpoints(/.*)?",
    "tracking_store": "results/mlflow(/.*)?",
    "track": "results/mlflow(/.*)?",
    "track_study": "results/mlflow(/.*)?",
    "track_comparison": "results/mlflow(/.*)?",
}


# What every job keeps of its inputs and outputs.
DIGESTS = r"results/[^/]+/\.digests(/.*)?"


def configuration(address: str, model: str) -> dict[str, Any]:
    """Experiments that have every method, view and score between them, on small networks."""
    scored = {"saliency": {}, "random_attribution": {}}
    return {
        "run": ["methods", "attended", "tokens", "scored", "repeated", "unlabelled"],
        "defaults": {"training": {"epochs": 1, "batch_size": 32}, "examples": {"per_class": 1, "choose": "any"}},
        "experiments": {
            "methods": {
                "dataset": SERIES,
                "model": NETWORK,
                "training": {"augmentation": {"shift": 2}},
                "methods": {name: FEW.get(name, {}) for name in plugins.load("explain")},
                "views": {name: VIEWS.get(name, {}) for name in plugins.load("views")},
            },
            "attended": {
                "dataset": {
                    "source": "table",
                    "file": address,
                    "file_sha256": "none",
                    "label": 1,
                    "header": False,
                },
                "model": {"architecture": "attention_lstm", "filters": 4, "units": 4, "pool": 2, "kernel": 3},
                "methods": {"attention_weights": {}},
            },
            "tokens": {
                "dataset": SERIES,
                "model": {"architecture": "transformer", "width": 4, "heads": 1, "depth": 1, "hidden": 4},
                "methods": {"attention_rollout": {}, "attention_gradient": {}},
            },
            "scored": {
                "dataset": SERIES,
                "model": {"architecture": "mil_cnn", "window": 20, "filters": 4, "units": 4},
                "methods": {**scored, "instance_weights": {}},
                "scores": {name: SCORES.get(name, {}) for name in plugins.load("score")},
            },
            "repeated": {
                "dataset": SERIES,
                "model": NETWORK,
                "sweep": {"training.learning_rate": [0.001]},
                "repeats": 2,
                "explain": "all",
                "methods": scored,
                "scores": {"seed_stability": {"runs": 2}},
            },
            "unlabelled": {
                "dataset": {"source": "table", "file": "unlabelled.csv", "label": "none"},
                "model": {"architecture": "keras_file", "file": model},
                "split": "none",
                "training": {"epochs": 0},
                "methods": {"saliency": {}},
            },
        },
    }


def targets() -> list[str]:
    """Files that need every rule, and few rules twice."""
    methods = [name for name in plugins.load("explain") if FEW.get(name) is not False]
    wanted = [f"results/tokens/explain/{name}/attributions.npz" for name in ("attention_rollout", "attention_gradient")]
    wanted += [f"results/methods/explain/{name}/attributions.npz" for name in methods]
    wanted += ["results/attended/explain/attention_weights/attributions.npz", "results/methods/model/augmentation.png"]
    wanted += [f"results/methods/views/{view}/{view}.npz" for view in plugins.load("views")]
    wanted += ["results/methods/views/architecture/architecture.png", "results/scored/tracking.json"]
    wanted += ["results/unlabelled/explain/saliency/saliency.png"]
    return [*wanted, "results/repeated/study/tracking.json", "results/comparison/tracking.json"]


def table(folder: Path) -> None:
    """Write a small table of series, the label first."""
    rng = np.random.default_rng(0)
    rows = [",".join([f"class {row % 2}", *map(str, (rng.random(30) + row % 2).round(3))]) for row in range(40)]
    (folder / "series.csv").write_text("\n".join(rows) + "\n")


def opened(folder: Path, targets: list[str]) -> tuple[list[dict[str, Any]], set[str]]:
    """What each script declared and opened that the targets need; the names of all rules that have a script."""
    program = [sys.executable, "-m", "tests.support.opened", str(ROOT / "Snakefile"), str(folder), *targets]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "workflow"), str(ROOT)])}
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    *jobs, rules = map(json.loads, re.findall(r"^[{\[].*[}\]]$", tiny.done(done) and done.stdout, re.MULTILINE))
    return jobs, set(rules)


def undeclared(job: dict[str, Any]) -> list[str]:
    """What a script opened that its rule does not declare, a line each."""
    beside = re.compile(f"{BESIDE.get(job['rule'], '(?!)')}|{DIGESTS}")
    written = {*job["output"], *job["log"]}
    folders = {str(Path(path).parent) for path in written}
    # Files are written under a name of their own first, whose leftovers are looked for.
    temporary = re.compile(rf"({'|'.join(map(re.escape, sorted(folders)))})/\..*\.partial[^/]*")
    allowed = {"read": written | set(job["input"]), "written": written, "listed": folders}
    return [
        f"{job['rule']}: {path} {kind}"
        for kind, declared in allowed.items()
        for path in job[kind]
        if path not in declared and not beside.fullmatch(path)
        if not (kind != "listed" and temporary.fullmatch(path))
    ]


@pytest.mark.slow
@pytest.mark.timeout(1800)  # more than a hundred jobs
def test_what_the_scripts_open_is_declared(tmp_path: Path, keras: Any) -> None:
    (tmp_path / "served").mkdir()
    table(tmp_path / "served")
    np.savetxt(tmp_path / "unlabelled.csv", np.random.default_rng(0).random((4, 20)), delimiter=",")
    layers = [keras.layers.Input((20, 1)), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    keras.Sequential(layers).save(tmp_path / "own.keras")
    with serving(tmp_path / "served") as root:
        tiny.write_config(tmp_path, configuration(f"{root}/series.csv", "own.keras"))
        jobs, rules = opened(tmp_path, targets())
    assert [line for job in jobs for line in undeclared(job)] == []
    assert {job["rule"] for job in jobs} == rules
    assert {f"explain_{name}" for name in plugins.load("explain")} <= rules
    assert {f"view_{name}" for name in plugins.load("views")} <= rules
    assert {f"score_{name}" for name in plugins.load("score")} <= rules
