"""How many flipped labels the view training_influence finds, by the final weights and over checkpoints.

A tenth of the training labels is flipped. As many training examples as were flipped are suspected: those with the
largest influence on themselves. The table shows the share of flipped ones among them, which is 0.10 by chance.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.base import ViewData
from pellucid.views.shared.checkpoint_influence import Influence
from tests.bench.timing import row
from tests.support import prepared

SEEDS = (0, 1, 2)
SHARE = 0.1
KEPT = 5
FORMS = ("final weights", "checkpoints")
# What is trained: dataset, model, training, changes of the preparation.
CASES: dict[str, tuple[Any, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "digits, best by val_loss": (
        "digits",
        {"architecture": "digit_cnn"},
        {"epochs": 15, "batch_size": 32},
        {},
    ),
    "synthetic_series, best by val_loss": (
        {"source": "synthetic_series", "per_class": 150},
        {"architecture": "gap_cnn", "filters": [16, 16], "kernels": [7, 5]},
        {"epochs": 20, "batch_size": 16, "learning_rate": 0.003},
        {},
    ),
    "digits, memorised": (
        "digits",
        {"architecture": "digit_cnn", "dropout": 0.0},
        {"epochs": 30, "batch_size": 32, "monitor": "loss"},
        {"split": {"test": 0.6, "validation": 0.1}},
    ),
}


def main() -> None:
    """Train on flipped labels, and print how many of them are found."""
    print(f"Share of flipped labels among as many suspects, mean of {len(SEEDS)} seeds; by chance {SHARE:.2f}")
    row("", *FORMS)
    for title, case in CASES.items():
        with tempfile.TemporaryDirectory() as name:
            found = [_found(Path(name) / str(seed), *case, seed=seed) for seed in SEEDS]
        row(title, *(f"{np.mean([of_seed[form] for of_seed in found]):.2f}" for form in FORMS))
    print()


def _found(
    folder: Path, dataset: Any, model: Mapping[str, Any], recipe: Mapping[str, Any], changes: Any, *, seed: int
) -> dict[str, float]:
    """Return the share of flipped labels among the suspects, by form."""
    data = prepared.prepare(folder / "data", dataset, **changes)
    labels = files.read_arrays(data / "labels.npz")
    y, flipped = _flipped(labels["train"], np.random.default_rng(seed))
    files.write_arrays(data / "labels.npz", {**labels, "train": y})
    prepared.fit(data, folder, model, {"optimizer": "adam", **recipe, "kept_checkpoints": KEPT}, seed=seed)
    explained, x = ExplainedModel.load(folder / "model" / "model.keras"), files.map_array(data / "x_train.npy")
    shares = {}
    for form in FORMS:
        paths = {"checkpoints": folder / "model" / "checkpoints.npz"} if form == "checkpoints" else {}
        given = ViewData({"classes": [str(label) for label in range(y.max() + 1)]}, paths)
        given.__dict__["training"] = (x, y)
        given.__dict__["examples"] = {"inputs": np.asarray(x[:2]), "targets": y[:2], "labels": y[:2]}
        on_themselves = Influence.of(explained, given, np.arange(len(y)), on_loss=False).on_themselves
        suspects = np.argsort(-on_themselves, kind="stable")[: len(flipped)]
        shares[form] = float(np.isin(suspects, flipped).mean())
    return shares


def _flipped(labels: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the labels with a share of them changed to another class, and which ones those are."""
    y, count = labels.copy(), int(SHARE * len(labels))
    flipped = rng.permutation(len(y))[:count]
    classes = int(y.max()) + 1
    y[flipped] = (y[flipped] + rng.integers(1, classes, count)) % classes
    return y, flipped
