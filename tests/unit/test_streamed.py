"""A set larger than the memory is predicted and explained as one that fits."""

import csv

import numpy as np
import pytest

from pellucid import files
from pellucid.evaluate.run import evaluate
from tests.support import prepared


def beats(path, n, seed):
    """Beats of five classes that differ in where their peak is, as rows of text: (n, 188)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 5
    time = np.arange(187)
    x = np.exp(-(((time - 20 - 30 * labels[:, None]) / 5) ** 2)) + 0.1 * rng.random((n, 187))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([*row.round(4), label] for row, label in zip(x, labels, strict=True))


def through(folder, paths, memory_mb):
    """All stages under one budget; returns what they leave."""
    model, explained = folder / "model" / "model.keras", folder / "explain"
    predictions = folder / "evaluation" / "predictions.npz"
    data = prepared.prepare(
        folder / "data",
        {"source": "mitbih", **paths, **prepared.UNCHECKED},
        paths=paths,
        split={"test": 0.2, "validation": 0.2},
        scale="standard",
        memory_mb=memory_mb,
    )
    digest = prepared.fit(data, folder, {"architecture": "heartbeat_cnn", "batch_norm_momentum": 0.9})["weights_digest"]
    evaluate(**prepared.tested(data), model=model, threads=1, memory_mb=memory_mb, folder=predictions.parent)
    given = {"model": model, "examples": prepared.choose(folder / "examples.npz", data, predictions)}
    for method in ("saliency", "deep_shap", "occlusion"):
        parameters = {"background": 20} if method == "deep_shap" else {}
        more = {"memory_mb": memory_mb, "training": data / "x_train.npy"}
        prepared.explain(explained / method, method, parameters, **given, **more)
    x = [(data / f"x_{split}.npy").read_bytes() for split in ("train", "validation", "test")]
    attributions = {path.parent.name: files.read_arrays(path) for path in sorted(explained.glob("*/*.npz"))}
    return x, digest, files.read_arrays(predictions)["logits"], attributions


@pytest.mark.slow
def test_a_set_beyond_the_memory_gives_the_same_predictions_and_attributions(tmp_path, monkeypatch):
    for name, rows in (("train", 2500), ("test", 400)):
        beats(tmp_path / f"{name}.csv", rows, len(name))
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("train", "test")}
    mapped = []
    memmap = np.memmap.__new__
    monkeypatch.setattr(np.memmap, "__new__", lambda kind, *a, **k: mapped.append(1) or memmap(kind, *a, **k))
    # 2.9 MB of numbers, in memory at first and then with room for 1 MB.
    ample = through(tmp_path / "ample", paths, 1024)
    before = len(mapped)
    scarce = through(tmp_path / "scarce", paths, 1)

    assert len(mapped) - before > before  # the source's own arrays as well
    assert scarce[:2] == ample[:2]
    # Batches of another size sum in another order.
    np.testing.assert_allclose(scarce[2], ample[2], rtol=1e-5, atol=1e-5)
    assert set(scarce[3]) == {"saliency", "deep_shap", "occlusion"}
    for method, arrays in scarce[3].items():
        for key, expected in ample[3][method].items():
            if expected.dtype.kind == "f":
                np.testing.assert_allclose(arrays[key], expected, rtol=0, atol=1e-5 * np.abs(expected).max())
            else:
                np.testing.assert_array_equal(arrays[key], expected)
