"""Predict examples without labels: nothing can be said of how good the model is."""

from __future__ import annotations

import logging
from pathlib import Path

from pellucid import files, tables
from pellucid.evaluate.run import prediction_table
from pellucid.logits import softmax
from pellucid.network.explained_model import ExplainedModel

logger = logging.getLogger(__name__)


def predict(
    *,
    x: Path | str,
    labels: Path | str,
    data_info: Path | str,
    model: Path | str,
    threads: int,
    memory_mb: int,
    folder: Path | str,
) -> None:
    """Predict the examples.

    Args:
        x, labels, data_info: `x_test.npy`, `labels.npz` (UNLABELLED everywhere) and `data.json`.
        model: `model.keras`.
        threads: CPU threads.
        memory_mb: for the batches.
        folder: gets `predictions.csv` and `predictions.npz`, as those of `run.evaluate`, without the true classes.

    Raises:
        InputError: a logit is NaN or infinite.
    """
    folder = Path(folder)
    explained_model = ExplainedModel.load(model, threads=threads, memory_mb=memory_mb)
    logits = explained_model.logits(files.map_array(x), called="example")
    y, p = files.read_arrays(labels)["test"], softmax(logits)
    files.write_arrays(folder / "predictions.npz", {"logits": logits, "probabilities": p, "labels": y})
    tables.write(folder / "predictions.csv", prediction_table(None, logits, p, files.read_json(data_info)["classes"]))
    logger.info("%d examples are predicted; without labels nothing is evaluated", len(logits))
