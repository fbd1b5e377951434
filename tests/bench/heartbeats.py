"""Test accuracy on the 500 real heartbeats of `PELLUCID_REAL_DATA`: the ECG article's recipe beside one that fits so few."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import backend, files
from pellucid.models.heartbeat_cnn import build
from pellucid.preprocessing import preprocess
from pellucid.training import train
from tests.bench.timing import row

SEEDS = (1, 2, 3, 4, 5)
# What README's command for these rows passes to the workflow.
MODEL = {"architecture": "heartbeat_cnn", "momentum": 0.9}
TRAINING = {"epochs": 40, "batch_size": 16, "learning_rate": 0.001, "class_weights": "none", "monitor": "val_loss"}


def main() -> None:
    """Train both on the same 500 rows and test both on the same 500 others, once per seed."""
    real = os.environ.get("PELLUCID_REAL_DATA")
    if not real:
        print("Heartbeats: left out, PELLUCID_REAL_DATA is not set")
        return
    backend.start(1)
    print("Real heartbeats, 500 training and 500 test rows, 100 of each class: test accuracy, mean ± sd of 5 seeds")
    with tempfile.TemporaryDirectory() as folder:
        for name, recipe in (
            ("the ECG article's recipe", article),
            ("Pellucid, " + str(TRAINING["epochs"]) + " epochs", ours),
        ):
            found = [recipe(Path(real) / "mitbih", Path(folder) / str(seed), seed) for seed in SEEDS]
            row(name, f"{np.mean(found):.3f} ± {np.std(found, ddof=1):.3f}")
    print()


def prepare(real: Path, folder: Path, seed: int) -> Path:
    """The rows as the workflow's first stage writes them."""
    paths = {name: str(real / f"mitbih_{name}.csv") for name in ("train", "test")}
    dataset = {"source": "mitbih", **paths, "train_sha256": "none", "test_sha256": "none", "samples": 186}
    split = {"test": 0.2, "validation": 0.15}
    preprocess(dataset=dataset, paths=paths, split=split, scale="none", seed=seed, folder=folder / "data")
    return folder / "data"


def article(real: Path, folder: Path, seed: int) -> float:
    """10 epochs of 128 per batch on all rows, without validation, by Keras' own `fit`."""
    import keras

    data = prepare(real, folder, seed)
    labels = files.read_arrays(data / "labels.npz")
    x = np.concatenate([np.load(data / f"x_{name}.npy") for name in ("train", "validation")])
    y = np.concatenate([labels[name] for name in ("train", "validation")])
    keras.utils.set_random_seed(seed)
    model = build((186, 1), 5)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=128, epochs=10, verbose=0)
    return accuracy(model, data, labels["test"])


def ours(real: Path, folder: Path, seed: int) -> float:
    """The workflow's own training: validation taken out of the same rows, best epoch kept."""
    import keras

    data = prepare(real, folder, seed)
    train(
        data=data,
        model=MODEL,
        training=TRAINING,
        seed=seed,
        threads=1,
        code="bench",
        checkpoints=folder / "checkpoints",
        folder=folder / "model",
    )
    model = keras.models.load_model(folder / "model" / "model.keras", compile=False)
    return accuracy(model, data, files.read_arrays(data / "labels.npz")["test"])


def accuracy(model: Any, data: Path, y: NDArray[np.int64]) -> float:
    """Share of the test rows that are classified rightly."""
    predicted = model.predict(np.load(data / "x_test.npy"), verbose=0).argmax(1)
    return float((predicted == y).mean())
