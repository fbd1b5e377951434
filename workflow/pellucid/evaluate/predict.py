"""Predict examples without labels; how good the model is cannot be measured."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from pellucid import files, tables
from pellucid.evaluate import prediction_tables, predictions, thresholds
from pellucid.evaluate.run import prediction_table
from pellucid.network.explained_model import ExplainedModel
from pellucid.tasks import MULTI_LABEL, SINGLE_LABEL, probabilities

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
    others: Path | str | None = None,
) -> None:
    """Predict the examples.

    Args:
        x, labels, data_info: `x_test.npy`, `labels.npz` (UNLABELLED everywhere) and `data.json`.
        model: `model.keras`.
        threads: CPU threads.
        memory_mb: for the batches.
        others: `other_test.npz` of several inputs.
        folder: gets `predictions.csv` and `predictions.npz`, as those of `run.evaluate`, without the true classes.

    Raises:
        InputError: a logit is NaN or infinite.
    """
    folder = Path(folder)
    data, y = files.read_json(data_info), files.read_arrays(labels)["test"]
    explained_model = ExplainedModel.load(model, threads=threads, memory_mb=memory_mb)
    logits = predictions.logits(explained_model, x, others, "example")
    task, names = data.get("task", SINGLE_LABEL), data["classes"]
    p = probabilities(task, logits)
    known = {} if p is None else {"probabilities": p}
    files.write_arrays(folder / "predictions.npz", {"logits": logits, **known, "labels": y})
    if p is None:
        table = prediction_tables.of_values(None, logits, None, names)
    elif task == MULTI_LABEL:
        table = prediction_tables.of_labels(None, p, np.full(len(names), thresholds.DEFAULT), names)
    else:
        table = prediction_table(None, logits, p, names)
    tables.write(folder / "predictions.csv", table)
    logger.info("%d examples are predicted; without labels nothing is evaluated", len(logits))
