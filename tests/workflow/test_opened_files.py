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
from tests.support import tiny, written_ptbxl
from tests.support.servers import serving

SERIES = {"source": "synthetic_series", "per_class": 16}
NETWORK = {"architecture": "gap_cnn", "filters": [4], "kernels": [5]}
FEW = {
    "kernel_shap": {"samples": 400},
    "lime": {"samples": 400},
    "rise": {"masks": 20},
    "sobol": {"designs": 4},
    "hsic": {"samples": 16},
    "extremal_perturbation": {"iterations": 10, "areas": [0.2]},
    "dynamask": {"iterations": 10, "areas": [0.2]},
    "extremal_mask": {"iterations": 10},
    "smoothgrad": {"samples": 3},
    "vargrad": {"samples": 3},
    "deep_shap": {"background": 5},
    "gradient_shap": {"background": 5, "samples": 5},
    "augmented_occlusion": {"background": 2},
    "attention_gradient": False,
    "attention_rollout": False,
    "attention_weights": False,
    "instance_weights": False,
}
SCORES = {
    "adcc": {"examples": 1},
    "degradation": {"steps": 2, "baselines": ["zero"]},
    "deletion_insertion": {"steps": 2, "baselines": ["zero"]},
    "efficient_mprt": {"draws": 1, "examples": 1},
    "faithfulness_correlation": {"runs": 3, "baselines": ["zero"]},
    "infidelity": {"runs": 3, "baselines": ["zero"]},
    "parameter_randomisation": {"steps": 2, "examples": 1},
    "random_labels": {"epochs": 1},
    "relative_stability": {"samples": 2, "examples": 1},
    "road": {"shares": [0.5]},
    "seed_stability": {"runs": 2},
    "sensitivity": {"samples": 2, "examples": 1},
    "sensitivity_n": {"runs": 3, "shares": [0.5], "baselines": ["zero"]},
    "smooth_mprt": {"samples": 2, "examples": 1},
    "sufficiency": {"fractions": [0.5], "baselines": ["zero"]},
}
VIEWS = {
    "activation_maximisation": {"steps": 3, "shown": 2},
    "pruning": {"densities": [1], "repeats": 1, "points": 20},
    "embedding": {"points": 20, "perplexity": 5, "neighbours": 3},
}
# It needs evidence in frequency.
OF_FREQUENCIES = "localisation_frequency"
# Whose files no other rule gets: a killed job's outputs are deleted, and a store is a database.
BESIDE = {
    **dict.fromkeys(("train", "train_keeping_checkpoints"), "results/[^/]+/checkpoints(/.*)?"),
    "train_random_labels": "results/[^/]+/random_labels/checkpoints(/.*)?",
    "tracking_store": "results/mlflow(/.*)?",
    "track": "results/mlflow(/.*)?",
    "track_study": "results/mlflow(/.*)?",
    "track_comparison": "results/mlflow(/.*)?",
}


# What every job keeps of its inputs and outputs.
DIGESTS = r"results/[^/]+/\.digests(/.*)?"


def configuration(served: str, model: str, two_inputs: str) -> dict[str, Any]:
    """Experiments that have every method, view, score and task between them, on small networks."""
    scored, measured = {"saliency": {}, "random_attribution": {}}, {"summarise": 1}
    values = {"source": "table", "file": "values.csv", "task": "regression", "values": ["age"], "units": ["years"]}
    return {
        "run": [
            *("methods", "attended", "tokens", "scored", "repeated", "unlabelled", "labels", "values", "inputs"),
            "frequencies",
        ],
        "defaults": {"training": {"epochs": 1, "batch_size": 32}, "examples": {"per_class": 1, "choose": "any"}},
        "experiments": {
            "methods": {
                "dataset": SERIES,
                "model": NETWORK,
                "training": {"augmentation": {"shift": 2}, "kept_checkpoints": 1},
                "examples": measured,
                "methods": {name: FEW.get(name, {}) for name in plugins.load("explain")},
                "views": {name: VIEWS.get(name, {}) for name in plugins.load("views")},
            },
            "attended": {
                "dataset": {
                    "source": "table",
                    "file": f"{served}/series.csv",
                    "file_sha256": "none",
                    "label": 1,
                    "header": False,
                },
                "model": {"architecture": "attention_lstm", "filters": 4, "units": 4, "pool": 2, "kernel": 3},
                "examples": measured,
                "methods": {"attention_weights": {}},
            },
            "tokens": {
                "dataset": SERIES,
                "model": {"architecture": "transformer", "width": 4, "heads": 1, "depth": 1, "hidden": 4},
                "examples": measured,
                "methods": {"attention_rollout": {}, "attention_gradient": {}},
            },
            "scored": {
                "dataset": SERIES,
                "model": {"architecture": "mil_cnn", "window": 20, "filters": 4, "units": 4},
                "examples": {**measured, "scored": 1},
                "methods": {**scored, "instance_weights": {}},
                "scores": {name: SCORES.get(name, {}) for name in plugins.load("score") if name != OF_FREQUENCIES},
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
            # Several labels, beats, and a test set in two parts of which one is empty.
            "labels": {
                "dataset": {"source": "ptbxl", "archive": f"{served}/ptbxl.zip"},
                "model": NETWORK,
                "examples": {"summarise": "all", "parts": 2},
                "methods": {"saliency": {}},
            },
            "values": {"dataset": values, "model": NETWORK, "examples": measured, "methods": {"saliency": {}}},
            "frequencies": {
                "dataset": {"source": "synthetic_frequencies", "per_class": 12, "length": 128, "frequencies": [5, 16]},
                "model": NETWORK,
                "methods": {"occlusion": {"domain": "frequency", "stride": 9, "sweep": {"window": ["auto", 9]}}},
                "scores": {OF_FREQUENCIES: {}},
                "tune": {"score": OF_FREQUENCIES},
            },
            # A series and two numbers.
            "inputs": {
                "dataset": {
                    "source": "table",
                    "file": "inputs.csv",
                    "inputs": {"wave": {"signal": "s*"}, "who": ["a", "b"]},
                },
                "model": {"architecture": "keras_file", "file": two_inputs},
                "examples": measured,
                "methods": {"saliency": {}},
            },
        },
    }


def targets() -> list[str]:
    """Files that need every rule, and few rules twice."""
    methods = [name for name in plugins.load("explain") if FEW.get(name) is not False]
    explained = {"methods": methods, "tokens": ["attention_rollout", "attention_gradient"]}
    explained["attended"] = ["attention_weights"]
    maps = ("explain/{}/attributions.npz", "measured/{}/part_1of1.npy")
    wanted = [
        f"results/{experiment}/{path.format(name)}"
        for experiment, names in explained.items()
        for name in names
        for path in maps
    ]
    wanted += ["results/methods/model/augmentation.png"]
    wanted += [f"results/methods/views/{view}/{view}.npz" for view in plugins.load("views")]
    wanted += [
        f"results/methods/views/{path}" for path in ("architecture/architecture.png", "counterfactuals_measures.csv")
    ]
    wanted += ["results/scored/tracking.json"]
    wanted += ["results/unlabelled/explain/saliency/saliency.png"]
    wanted += ["results/labels/average_beat/saliency/saliency.png", "results/labels/measured/saliency/example_1.png"]
    wanted += [f"results/inputs/{name}" for name in ("page.html", "tracking.json", "measured/saliency/part_1of1.npy")]
    wanted += [f"results/frequencies/{name}" for name in ("page.html", "tracking.json")]
    for experiment in ("labels", "values"):
        wanted += [f"results/{experiment}/{name}" for name in ("data/answers.png", "page.html", "tracking.json")]
    return [*wanted, "results/repeated/study/tracking.json", "results/comparison/tracking.json"]


def write_data(folder: Path, served: Path) -> None:
    """Write small tables of series, and to `served` what is downloaded."""
    rng = np.random.default_rng(0)
    rows = [",".join([f"class {row % 2}", *map(str, (rng.random(30) + row % 2).round(3))]) for row in range(40)]
    (served / "series.csv").write_text("\n".join(rows) + "\n")
    np.savetxt(folder / "unlabelled.csv", rng.random((4, 20)), delimiter=",")
    header = ",".join([*(f"s{place}" for place in range(20)), "age"])
    np.savetxt(folder / "values.csv", rng.random((40, 21)), "%.3f", ",", header=header, comments="")
    numbers = np.column_stack([rng.random((40, 22)), np.arange(40) % 2])
    header = ",".join([*(f"s{place}" for place in range(20)), "a", "b", "label"])
    np.savetxt(folder / "inputs.csv", numbers, "%.3f", ",", header=header, comments="")
    # Of 40 records both labels are in the folds 9 and 10.
    written_ptbxl.zipped(written_ptbxl.write(folder / "ptbxl", written_ptbxl.rows(40)), served / "ptbxl.zip")


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
@pytest.mark.timeout(1800)  # more than two hundred jobs
def test_what_the_scripts_open_is_declared(tmp_path: Path, keras: Any) -> None:
    (tmp_path / "served").mkdir()
    write_data(tmp_path, tmp_path / "served")
    layers = [keras.layers.Input((20, 1)), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    keras.Sequential(layers).save(tmp_path / "own.keras")
    wave, who = keras.layers.Input((20, 1), name="wave"), keras.layers.Input((2,), name="who")
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(wave), who])
    keras.Model([wave, who], keras.layers.Dense(2)(joined)).save(tmp_path / "two_inputs.keras")
    with serving(tmp_path / "served") as root:
        tiny.write_config(tmp_path, configuration(root, "own.keras", "two_inputs.keras"))
        jobs, rules = opened(tmp_path, targets())
    assert [line for job in jobs for line in undeclared(job)] == []
    assert {job["rule"] for job in jobs} == rules
    assert {f"{kind}_{name}" for kind in ("explain", "measure") for name in plugins.load("explain")} <= rules
    assert {f"view_{name}" for name in plugins.load("views")} <= rules
    assert {f"score_{name}" for name in plugins.load("score")} <= rules
