"""The workflow's stages called as its scripts call them, with the arguments that most callers do not look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pellucid import files
from pellucid.config.training_checks import complete
from pellucid.explain.run import run
from pellucid.prepare.example_selection import select
from pellucid.prepare.run import preprocess
from pellucid.train.run import train

# Heartbeat files of no known checksum.
UNCHECKED = {"train_sha256": "none", "test_sha256": "none"}
# What a recipe does not name has its default.
BRIEF = {"epochs": 1, "batch_size": 64}


def prepare(folder: Path, dataset: Mapping[str, Any] | str = "digits", **changes: Any) -> Path:
    """Write a data set to `folder`, and return it.

    Args:
        folder: of the data.
        dataset: a `dataset` entry, or the name of a source.
        changes: arguments of `preprocess` that are not the usual ones: paths, split, scale, seed, memory_mb.
    """
    entry = {"source": dataset} if isinstance(dataset, str) else dataset
    usual: dict[str, Any] = {"paths": {}, "split": {"test": 0.2, "validation": 0.15}, "scale": "none", "seed": 1}
    preprocess(dataset=entry, folder=folder, **usual | changes)
    return folder


def data_files(folder: Path, *names: str) -> dict[str, str]:
    """Files that `prepare` wrote, by the name of the argument that takes them."""
    written = {"data_info": "data.json", "labels": "labels.npz", "truth": "truth.npz", "measured": "measured.npz"}
    return {name: str(folder / written.get(name, f"{name}.npy")) for name in names}


def tested(folder: Path) -> dict[str, str]:
    """What `evaluate` gets of the files that `prepare` wrote."""
    return data_files(folder, "labels", "data_info") | {"x": str(folder / "x_test.npy")}


def arguments(
    data: Path, folder: Path, model: Mapping[str, Any] | str, recipe: Mapping[str, Any] = BRIEF, **changes: Any
) -> dict[str, Any]:
    """Arguments with which `train` leaves `folder/model`: plain values, which can be given to another process.

    Args:
        data: a folder that `prepare` wrote.
        folder: gets `model`, and `checkpoints` as long as the training lasts.
        model: a `model` entry, or the name of an architecture.
        recipe: a `training` entry.
        changes: arguments of `train` that are not the usual ones: seed, threads, code, paths, permuted.
    """
    usual = {
        **data_files(data, "x_train", "x_validation", "labels", "measured", "data_info"),
        "model": {"architecture": model} if isinstance(model, str) else dict(model),
        "training": complete(recipe),
        "seed": 1,
        "threads": 1,
        "code": "test",
        "checkpoints": str(folder / "checkpoints"),
        "folder": str(folder / "model"),
    }
    return usual | changes


def fit(
    data: Path, folder: Path, model: Mapping[str, Any] | str, recipe: Mapping[str, Any] = BRIEF, **changes: Any
) -> dict[str, Any]:
    """Train a model, with the arguments of `arguments`; returns its `training.json`."""
    train(**arguments(data, folder, model, recipe, **changes))
    training_info: dict[str, Any] = files.read_json(folder / "model" / "training.json")
    return training_info


def choose(output: Path, data: Path, predictions: Path, **changes: Any) -> Path:
    """Write the examples to explain to `output`, one of each class, and return it; `changes` are of `select`."""
    usual: dict[str, Any] = {"per_class": 1, "choose": "any", "target": "predicted", "seed": 1}
    inputs = data_files(data, "truth", "measured", "data_info") | {"x": str(data / "x_test.npy")}
    select(**inputs, predictions=predictions, output=output, **usual | changes)
    return output


def explain(
    folder: Path, method: str, parameters: Mapping[str, Any], *, model: Path, examples: Path, **changes: Any
) -> None:
    """Explain chosen examples by one method; leaves `attributions.npz`, `cost.json` and `checks.json` in `folder`.

    Args:
        folder: of the results.
        method: name of the method.
        parameters: its parameters, and `sweep`.
        model: `model.keras`.
        examples: `examples.npz`.
        changes: arguments of `pellucid.explain.run.run` that are not the usual ones: seed, threads, memory_mb, training.
    """
    usual: dict[str, Any] = {"seed": 1, "threads": 1, "memory_mb": 256}
    run(
        method=method,
        parameters=parameters,
        model=model,
        examples=examples,
        attributions=folder / "attributions.npz",
        cost=folder / "cost.json",
        checks=folder / "checks.json",
        **usual | changes,
    )
